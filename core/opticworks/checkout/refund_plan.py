"""What can be paid back of an order, and what a wish of staff comes to: reading and arithmetic."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.orders.shares import NOTHING, Share, more
from opticworks.payments import refunds
from opticworks.payments.models import Payment
from opticworks.shipping import service as shipments


@dataclass(frozen=True, slots=True)
class Portion:
    """Units of a line to pay back: some that have not left, some that were sent. `restock` leaves
    the former on the shelf, else they are lost or damaged; `restock_sent` puts the latter there,
    because they came back."""

    unsent: int = 0
    sent: int = 0
    restock: bool = True
    restock_sent: bool = False


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
class LineLeft:
    """What is left of a line: units that may be taken out, units that may come back."""

    line: OrderLine
    unsent: int
    sent: int
    refunded: int
    paid: Share

    def worth(self, units: int) -> Share:
        """What so many more units are worth."""
        return more(self.line, units, self.refunded, self.paid)

    @property
    def steps(self) -> list[int]:
        """What 0, 1, 2 … units are worth, for a form that counts along."""
        return [self.worth(units).amount for units in range(self.unsent + self.sent + 1)]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an order to pay back: `amount` in all, of which `shipping` was paid for
    delivery. `disputed` is what a bank holds meanwhile."""

    lines: tuple[LineLeft, ...]
    shipping: int
    amount: int
    disputed: int
    sources: tuple[refunds.Source, ...]
    currency: str


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


def left_of(db: Session, order: Order) -> Left:
    """What can be paid back of the order now."""
    done = refunds.units(refunds.of_order(db, order.id))
    shipped, packed = shipments.shipped(db, order.id), shipments.packed(db, order.id)
    lines = []
    for line in orders.lines_of(db, order.id):
        refunded = done.refunded.get(line.id, 0)
        most = line.quantity - refunded
        sent = min(most, max(0, shipped.get(line.id, 0) - done.back.get(line.id, 0)))
        # What lies in a parcel with a label is neither here nor there: void the label first.
        unsent = line.quantity - packed.get(line.id, 0) - done.removed.get(line.id, 0)
        if order.status == "canceled":
            unsent = 0  # what it kept was given back when it was canceled
        unsent = max(0, min(unsent, most - sent))
        paid = Share(*done.paid[line.id]) if line.id in done.paid else NOTHING
        lines.append(LineLeft(line, unsent, sent, refunded, paid))
    sources = tuple(refunds.sources(db, order.id))
    return Left(
        lines=tuple(lines),
        shipping=max(0, order.shipping_total - done.shipping),
        amount=sum(source.left for source in sources),
        disputed=refunds.disputed(db, order.id),
        sources=sources,
        currency=order.currency,
    )


def plan(left: Left, wish: Wish) -> Plan:
    """What the wish comes to. Raises Refused with a sentence for staff."""
    unknown = wish.portions.keys() - {each.line.sku for each in left.lines}
    if unknown:
        raise Refused(f"{sorted(unknown)[0]} is not part of this order.")
    entries = tuple(
        _entry(each, wish.portions[each.line.sku])
        for each in left.lines
        if each.line.sku in wish.portions
        and (wish.portions[each.line.sku].unsent or wish.portions[each.line.sku].sent)
    )
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
    entries = tuple(
        _entry(each, Portion(unsent=each.unsent, sent=each.sent))
        for each in left.lines
        if each.unsent or each.sent
    )
    counted = sum(int(entry["amount"]) for entry in entries) + left.shipping
    return Plan(entries, left.shipping, counted, left.amount, tuple(_spread(left, left.amount)))


def _entry(each: LineLeft, portion: Portion) -> dict[str, Any]:
    line = each.line
    for wanted, most, where in (
        (portion.unsent, each.unsent, "not sent yet and not paid back"),
        (portion.sent, each.sent, "sent and not paid back"),
    ):
        if not 0 <= wanted <= most:
            raise Refused(f"{most} of {line.title} are {where}, not {wanted}.")
    units = portion.unsent + portion.sent
    share = each.worth(units)
    return {
        "line": line.id,
        "sku": line.sku,
        "title": line.title,
        "quantity": units,
        "unsent": portion.unsent,
        "sent": portion.sent,
        "restock": portion.restock,
        "restock_sent": portion.restock_sent,
        "amount": share.amount,
        "tax": share.tax,
        "discount": share.discount,
    }


def _check(left: Left, amount: int, entries: tuple[dict[str, Any], ...]) -> None:
    if left.amount == 0 and left.disputed:
        raise Refused(
            "The customer's bank disputes this payment and holds its money, so none of it can be "
            "paid back here. Answer the dispute at the provider."
        )
    if left.amount == 0:
        raise Refused("Nothing of this order's money is left to pay back.")
    if amount > left.amount:
        raise Refused(
            f"{_said(left, left.amount)} of this order are left to pay back, not "
            f"{_said(left, amount)}."
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
