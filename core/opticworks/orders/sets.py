"""What is left of a discount for buying several together, when some of them are paid back. Pure.

Such a discount is taken back as far as what stays would not have had it: the units that stay are
priced by the discount's own terms, as the order keeps them. No line becomes cheaper than it was.
Every other discount stays pro rata, also below the minimum that it was for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from opticworks import contracts as c
from opticworks.money import split_minor
from opticworks.orders import shares
from opticworks.orders.shares import Share


@dataclass(frozen=True, slots=True)
class SetDiscount:
    """One discount of an order: what it took off each line (minor units, above zero), by SKU."""

    label: str
    terms: c.SetTerms
    rate: Decimal
    off: Mapping[str, int]

    def still(self, units: Mapping[str, int], prices: Mapping[str, int]) -> dict[str, int]:
        """What it takes off each line while there are so many `units` of each."""
        cheaper = self.terms.cheaper(units, prices)
        return {
            sku: min(was, _rounded(prices[sku] * cheaper.get(sku, 0) * self.rate))
            for sku, was in self.off.items()
        }


def of_trace(trace: Iterable[c.Adjustment]) -> tuple[SetDiscount, ...]:
    """The discounts for buying several together that an order was placed with."""
    found: dict[str, SetDiscount] = {}
    for step in trace:
        if step.together is None or step.rate is None:
            continue
        sku, off = step.target.removeprefix("line:"), -step.amount.minor
        before = found.get(step.source)
        if before is not None:
            off += before.off.get(sku, 0)
        others = before.off if before else {}
        found[step.source] = SetDiscount(step.label, step.together, step.rate, {**others, sku: off})
    return tuple(found.values())


class Line(shares.Line, Protocol):
    """The money of an order's line, in minor units, with what a unit cost before discounts."""

    @property
    def unit_price(self) -> int: ...
    @property
    def subtotal(self) -> int: ...


def kept(line: Line, units: int, was: int, now: int) -> Share:
    """What the last `units` of the line cost, when sets take `now` off them and took `was` off
    the whole line. Its tax follows at the rate of the order; a line that was free had none."""
    others = max(0, -line.discount - was)
    gone = sum(split_minor(others, [1] * line.quantity)[: line.quantity - units])
    goods = max(0, line.unit_price * units - now - (others - gone))
    before = line.subtotal + line.discount
    if not before:
        return Share(goods, 0, goods - line.unit_price * units)
    part = Decimal(goods) / before
    return Share(
        _rounded(line.total * part), _rounded(line.tax * part), goods - line.unit_price * units
    )


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
