"""What is left of an order that can be paid back: units, parts of bundles, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from opticworks.checkout import demand
from opticworks.checkout.demand import LineDemand
from opticworks.contracts.goods import named
from opticworks.orders import sets, trace
from opticworks.orders.models import Order, OrderLine
from opticworks.orders.parts import worth
from opticworks.orders.sets import SetDiscount
from opticworks.orders.shares import NOTHING, Share, first
from opticworks.payments import refunds


@dataclass(frozen=True, slots=True)
class Portion:
    """Units of a line to pay back: some that have not left, some that were sent. `restock` leaves
    the former on the shelf, else they are lost or damaged; `restock_sent` puts the latter there,
    because they came back.

    Single parts of bundles, by their SKU: `unsent_parts` are taken out before they leave, and
    share the fate of `restock`; `parts` came back of sent bundles, of which those in
    `restock_parts` go on the shelf."""

    unsent: int = 0
    sent: int = 0
    restock: bool = True
    restock_sent: bool = False
    parts: Mapping[str, int] = field(default_factory=dict)
    restock_parts: frozenset[str] = frozenset()
    unsent_parts: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        parts = (*self.parts.values(), *self.unsent_parts.values())
        return bool(self.unsent or self.sent or any(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLeft:
    """A part of a bundle: `each` of it in one, and its share of the line's total and tax. So many
    were `paid` back by themselves, of bundles that were not; so many are still `here`, and so many
    with the customer (`there`)."""

    sku: str
    name: str
    each: int
    share: int
    tax: int
    tracked: bool
    paid: int
    here: int
    there: int

    def worth(self, line: OrderLine, gone: int, count: int) -> Share:
        """What `count` of it are worth beside `gone` whole bundles, which have theirs."""
        units, already = line.quantity * self.each, gone * self.each
        count = max(-already, min(count, units - already))
        return Share(
            worth(self.share, units, count, already), worth(self.tax, units, count, already), 0
        )

    def missing(self, where: str, units: int) -> int:
        """How many of it `units` of the bundles "here" or "there" lack: whole ones go first."""
        return units * self.each - min(units * self.each, self._at(where))

    def left(self, where: str, units: int = 0) -> int:
        """How many of it can be paid back by themselves, when `units` bundles from there are paid
        back whole."""
        return self._at(where) - min(units * self.each, self._at(where))

    def _at(self, where: str) -> int:
        return max(0, self.here if where == "here" else self.there)


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left of a line: units that may be taken out, units that may come back. So many more
    lie in parcels and have to be unpacked first."""

    line: OrderLine
    unsent: int
    sent: int
    refunded: int
    paid: Share
    parts: tuple[PartLeft, ...] = ()
    boxed: int = 0

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
    wanted = demand.of_order(db, order, done)
    sources = tuple(refunds.sources(db, order.id))
    return Left(
        lines=tuple(
            line_left(each, done, canceled=order.status == "canceled") for each in wanted.values()
        ),
        shipping=max(0, order.shipping_total - done.shipping),
        amount=sum(source.left for source in sources),
        disputed=refunds.disputed(db, order.id),
        sources=sources,
        currency=order.currency,
        sets=sets.of_trace(trace.from_json(step, order.currency) for step in order.trace),
    )


def line_left(each: LineDemand, done: refunds.Units, *, canceled: bool = False) -> LineLeft:
    """What can be paid back of a line."""
    line = each.line
    refunded = done.refunded.get(line.id, 0)
    most = line.quantity - refunded
    sent = min(most, each.sent)
    # What lies in a parcel is neither here nor there: take it apart or void the label first. What
    # a canceled order kept was given back when it was canceled.
    unsent = 0 if canceled else max(0, min(each.open, most - sent))
    paid = Share(*done.paid[line.id]) if line.id in done.paid else NOTHING
    parts = tuple(
        PartLeft(
            sku=part["sku"],
            name=named(part.get("title") or part["sku"], part.get("options", "")),
            each=part["quantity"],
            share=part["share"],
            tax=part.get("tax", 0),
            tracked=part.get("tracked", True),
            paid=done.parts.get((line.id, part["sku"]), 0),
            here=0 if canceled else each.here[part["sku"]],
            there=each.there[part["sku"]],
        )
        for part in line.components
    )
    return LineLeft(line, unsent, sent, refunded, paid, parts, each.packed - each.left)
