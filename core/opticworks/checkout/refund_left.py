"""What is left of an order that can be paid back: units, parts of bundles, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from opticworks.orders import service as orders
from opticworks.orders import sets, trace
from opticworks.orders.models import Order, OrderLine
from opticworks.orders.parts import worth
from opticworks.orders.sets import SetDiscount
from opticworks.orders.shares import NOTHING, Share, first
from opticworks.payments import refunds
from opticworks.shipping import service as shipments


@dataclass(frozen=True, slots=True)
class Portion:
    """Units of a line to pay back: some that have not left, some that were sent. `restock` leaves
    the former on the shelf, else they are lost or damaged; `restock_sent` puts the latter there,
    because they came back. `parts` are single parts of sent bundles, by their SKU, of which those
    in `restock_parts` go on the shelf."""

    unsent: int = 0
    sent: int = 0
    restock: bool = True
    restock_sent: bool = False
    parts: Mapping[str, int] = field(default_factory=dict)
    restock_parts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.unsent or self.sent or any(self.parts.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLeft:
    """A part of a bundle: `each` of it in one, and its share of the line's total and tax. So many
    were paid back by themselves (`paid`), or came back (`back`), whatever became of the money."""

    sku: str
    name: str
    each: int
    share: int
    tax: int
    tracked: bool
    paid: int
    back: int

    def worth(self, line: OrderLine, gone: int, count: int) -> Share:
        """What `count` of it are worth beside `gone` whole bundles, which have theirs."""
        units, already = line.quantity * self.each, gone * self.each
        count = min(count, units - already)
        return Share(
            worth(self.share, units, count, already), worth(self.tax, units, count, already), 0
        )


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left of a line: units that may be taken out, units that may come back."""

    line: OrderLine
    unsent: int
    sent: int
    refunded: int
    paid: Share
    parts: tuple[PartLeft, ...] = ()

    def worth(self, units: int) -> Share:
        """What so many more units are worth by themselves: of what was bought together with
        others, `refund_plan.plan` knows better."""
        gone = self.refunded + units
        counts = {part.sku: part.paid for part in self.parts}
        return self.with_parts(first(self.line, gone), gone, counts) - self.paid

    def with_parts(self, bundles: Share, gone: int, counts: Mapping[str, int]) -> Share:
        """What `gone` whole bundles, worth so much, and so many single parts of the others are
        worth together: at most the line, whatever the odd cents say."""
        for part in self.parts:
            bundles = bundles + part.worth(self.line, gone, counts[part.sku])
        return Share(
            min(bundles.amount, self.line.total),
            min(bundles.tax, self.line.tax),
            bundles.discount,
        )

    def parts_left(self, part: PartLeft, sent: int = 0) -> int:
        """How many of that part may come back by themselves, when `sent` bundles come whole."""
        room = (self.sent - sent) * part.each
        return max(0, room - min(part.back, room))

    @property
    def steps(self) -> list[int]:
        """What 0, 1, 2 … units are worth, for a form that counts along."""
        return [self.worth(units).amount for units in range(self.unsent + self.sent + 1)]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an order to pay back: `amount` in all, of which `shipping` was paid for
    delivery. `disputed` is what a bank holds meanwhile. `sets` are the discounts for buying
    several together."""

    lines: tuple[LineLeft, ...]
    shipping: int
    amount: int
    disputed: int
    sources: tuple[refunds.Source, ...]
    currency: str
    sets: tuple[SetDiscount, ...] = ()

    @property
    def depends(self) -> bool:
        """Whether what a line is worth depends on more than its own units."""
        return bool(self.sets) or any(line.parts for line in self.lines)


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
        lines.append(LineLeft(line, unsent, sent, refunded, paid, _parts(line, done)))
    sources = tuple(refunds.sources(db, order.id))
    return Left(
        lines=tuple(lines),
        shipping=max(0, order.shipping_total - done.shipping),
        amount=sum(source.left for source in sources),
        disputed=refunds.disputed(db, order.id),
        sources=sources,
        currency=order.currency,
        sets=sets.of_trace(trace.from_json(step, order.currency) for step in order.trace),
    )


def _parts(line: OrderLine, done: refunds.Units) -> tuple[PartLeft, ...]:
    return tuple(
        PartLeft(
            sku=part["sku"],
            name=part.get("title") or part["sku"],
            each=part["quantity"],
            share=part["share"],
            tax=part.get("tax", 0),
            tracked=part.get("tracked", True),
            paid=done.parts.get((line.id, part["sku"]), 0),
            back=done.parts_back.get((line.id, part["sku"]), 0),
        )
        for part in line.components
    )
