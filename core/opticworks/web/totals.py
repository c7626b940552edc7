"""The rows under a list of goods: what is printed adds up to the total, to the cent.

They are read from the trace of a quote or an order, so that the cart, the checkout, the order
page and the mails say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
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
    """One printed amount. `label` names a discount, a tax or the way of shipping; `rate` is the
    fraction behind a tax."""

    kind: Kind
    label: str
    amount: Money
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`rows` sum to `total`; `included` are taxes that the prices contain already, `remarks`
    say why there are none. Taxes are `estimated` while no address is known."""

    rows: tuple[Row, ...]
    included: tuple[Row, ...]
    total: Money
    remarks: tuple[str, ...] = ()
    estimated: bool = False

    @property
    def shipped(self) -> bool:
        """Whether a price for shipping is among the rows."""
        return any(row.kind == "shipping" for row in self.rows)

    @property
    def taxed(self) -> bool:
        """Whether taxes are told, added or included."""
        return bool(self.included) or any(row.kind == "tax" for row in self.rows)


def totals(traced: Traced) -> Totals:
    """The rows of a quote or an order: goods, discounts, shipping, taxes, each summed by label
    (and taxes by rate). A tax of nothing has no row; an exemption is a remark."""
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
    remarks = dict.fromkeys(
        a.label for a in traced.trace if a.stage == "tax" and a.kind == "relief" and not a.amount
    )
    return Totals(
        rows=tuple(rows),
        included=tuple(included),
        total=traced.total,
        remarks=tuple(remarks),
        estimated=getattr(traced, "estimated", False),
    )


def _by_label(kind: Kind, adjustments: Iterable[Adjustment], currency: str) -> list[Row]:
    sums: dict[tuple[str, Decimal | None], Money] = {}
    for adjustment in adjustments:
        rate = adjustment.rate if kind == "tax" else None
        key = (adjustment.label, rate)
        sums[key] = sums.get(key, Money.zero(currency)) + adjustment.amount
    return [
        Row(kind=kind, label=label, amount=amount, rate=rate)
        for (label, rate), amount in sums.items()
        if amount or kind != "tax"
    ]
