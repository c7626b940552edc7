"""The rows under a list of goods: what is printed adds up to the total, to the cent.

They are read from the trace of a quote or an order, so that the cart, the checkout, the order
page and the mails say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from opticworks.contracts import Adjustment
from opticworks.money import Money, total

Kind = Literal["subtotal", "discount", "shipping", "tax"]

_KINDS: dict[str, Kind] = {
    "unit": "subtotal",
    "product": "discount",
    "order": "discount",
    "shipping": "shipping",
    "shipping_discount": "discount",
    "tax": "tax",
}


class Traced(Protocol):
    """A quote or an order."""

    @property
    def trace(self) -> tuple[Adjustment, ...]: ...
    @property
    def currency(self) -> str: ...
    @property
    def total(self) -> Money: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One printed amount. `label` names a discount, a tax or the way of shipping."""

    kind: Kind
    label: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`rows` sum to `total`; `included` are taxes that the prices contain already."""

    rows: tuple[Row, ...]
    included: tuple[Row, ...]
    total: Money

    @property
    def shipped(self) -> bool:
        """Whether a price for shipping is among the rows."""
        return any(row.kind == "shipping" for row in self.rows)


def totals(traced: Traced) -> Totals:
    """The rows of a quote or an order: goods, discounts, shipping, taxes, each summed by label."""
    currency = traced.currency
    goods = total((a.amount for a in traced.trace if a.stage == "unit"), currency)
    rows = [Row(kind="subtotal", label="", amount=goods)]
    for kind in ("discount", "shipping", "tax"):
        rows += _by_label(
            kind,
            (a for a in traced.trace if _KINDS[a.stage] == kind and not a.included),
            currency,
        )
    included = _by_label("tax", (a for a in traced.trace if a.included), currency)
    return Totals(rows=tuple(rows), included=tuple(included), total=traced.total)


def _by_label(kind: Kind, adjustments: Iterable[Adjustment], currency: str) -> list[Row]:
    sums: dict[str, Money] = {}
    for adjustment in adjustments:
        sums[adjustment.label] = (
            sums.get(adjustment.label, Money.zero(currency)) + adjustment.amount
        )
    return [Row(kind=kind, label=label, amount=amount) for label, amount in sums.items()]
