"""What can be paid back of an order, and what a wish of staff comes to: reading and arithmetic."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opticworks.checkout.refund_entries import entries_of
from opticworks.checkout.refund_left import Left, LineLeft, PartLeft, Portion, left_of
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.payments.models import Payment

__all__ = [
    "Left",
    "LineLeft",
    "PartLeft",
    "Plan",
    "Portion",
    "Wish",
    "everything",
    "left_of",
    "plan",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What staff want paid back. `request` was made when the form was shown, so that two clicks
    are one refund. `amount` overrides what the parts come to and needs a `note`; `shown` is the
    amount that the person saw. Minor units."""

    request: uuid.UUID
    portions: Mapping[str, Portion] = field(default_factory=dict)  #: by SKU
    shipping: int = 0
    amount: int | None = None
    shown: int | None = None
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a wish comes to: `amount` is paid back, `counted` is what its parts are worth."""

    entries: tuple[dict[str, Any], ...]
    shipping: int
    counted: int
    amount: int
    parts: tuple[tuple[Payment, int], ...]

    @property
    def lines(self) -> dict[str, Any]:
        """As a refund's row keeps it."""
        return {
            "lines": list(self.entries),
            "shipping": self.shipping,
            "adjustment": self.amount - self.counted,
        }

    @property
    def tax(self) -> int:
        return sum(int(entry["tax"]) for entry in self.entries)


def plan(left: Left, wish: Wish) -> Plan:
    """What the wish comes to. Raises Refused with a sentence for staff."""
    unknown = wish.portions.keys() - {each.line.sku for each in left.lines}
    if unknown:
        raise Refused(f"{sorted(unknown)[0]} is not part of this order.")
    entries = entries_of(left, wish.portions)
    if not 0 <= wish.shipping <= left.shipping:
        raise Refused(
            f"Of what delivery cost, {_said(left, left.shipping)} can be paid back, not "
            f"{_said(left, wish.shipping)}."
        )
    counted = sum(int(entry["amount"]) for entry in entries) + wish.shipping
    amount = counted if wish.amount is None else wish.amount
    if amount != counted and not wish.note:
        raise Refused("Say why the amount is another than the items and delivery come to.")
    _check(left, amount, entries)
    return Plan(entries, wish.shipping, counted, amount, tuple(_spread(left, amount)))


def everything(left: Left) -> Plan:
    """All that is left of the order, as when it is canceled: its goods are moved by the cancel."""
    portions = {each.line.sku: Portion(each.unsent, each.sent) for each in left.lines}
    entries = entries_of(left, portions)
    counted = sum(int(entry["amount"]) for entry in entries) + left.shipping
    return Plan(entries, left.shipping, counted, left.amount, tuple(_spread(left, left.amount)))


def _check(left: Left, amount: int, entries: tuple[dict[str, Any], ...]) -> None:
    if left.amount == 0 and left.disputed:
        raise Refused(
            "The customer's bank disputes this payment and holds its money, so none of it can be "
            "paid back here. Answer the dispute at the provider."
        )
    if left.amount == 0:
        raise Refused("Nothing of this order's money is left to pay back.")
    if amount > left.amount:
        # An amount of goodwill went back before the items that it was for.
        way_out = " Enter what is to go back as another amount, with a note." if entries else ""
        raise Refused(
            f"{_said(left, left.amount)} of this order is left to pay back, not "
            f"{_said(left, amount)}.{way_out}"
        )
    if amount <= 0 and any(entry["amount"] < 0 for entry in entries):
        taken = sum(entry["amount"] for entry in entries if entry["amount"] < 0)
        raise Refused(
            f"What stays was cheaper by {_said(left, -taken)} because of these items, which "
            "leaves nothing to pay back for them. Choose what else comes back, or enter an amount."
        )
    if amount <= 0:
        raise Refused(
            "Choose items, delivery or an amount: a refund of nothing is none."
            if not entries
            else "These items were free. Enter an amount, or take them out by canceling the order."
        )


def _spread(left: Left, amount: int) -> list[tuple[Payment, int]]:
    """The payments it goes back to: the newest first, each up to what is left of it."""
    parts = []
    for source in left.sources:
        part = min(amount, source.left)
        if part > 0:
            parts.append((source.payment, part))
            amount -= part
    return parts


def _said(left: Left, minor: int) -> str:
    return Money(minor, left.currency).format()
