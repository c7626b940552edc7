"""What customers may send back, and what staff do with it. Each verb is safe to repeat.

All of them lock the order first: two tabs, two clerks or a click made twice take turns, and the
database refuses to let more come back than has left (kernel_0018_returns).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.audit import service as audit
from opticworks.checkout import demand, refund_plan
from opticworks.checkout.settle import Refused
from opticworks.contracts import say
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.returns import service as cases
from opticworks.returns.models import Return, ReturnLine
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LEFT, Parcel
from opticworks.shop import Shop
from opticworks.stock import service as stock

MOST_NOTE = 1000

#: What a return can't do any more, by the state it is in.
TOO_LATE = {
    "requested": "It was not approved yet.",
    "approved": "It was approved already.",
    "declined": "It was declined already.",
    "canceled": "The customer took it back in the meantime.",
    "in_transit": "It is on its way already.",
    "received": "It was received already.",
    "refunded": "Its money was paid back already.",
    "closed": "It was closed already.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Units of a line that may be sent back, or withdrawn from: `sent` have left the house."""

    line: OrderLine
    sent: int
    unsent: int = 0

    @property
    def units(self) -> int:
        return self.sent + self.unsent


@dataclass(frozen=True, slots=True)
class Offer:
    """What a customer may do with an order now. `until` and `withdraw_until` are the first moment
    at which they no longer may; None where the time has not begun to run."""

    returnable: tuple[Choice, ...] = ()
    until: datetime | None = None
    withdrawable: tuple[Choice, ...] = ()
    withdraw_until: datetime | None = None
    waiting: Return | None = None  #: a request that nobody has answered

    @property
    def last_day(self) -> datetime | None:
        """The last moment of the last day on which goods may be sent back."""
        return self.until - timedelta(seconds=1) if self.until is not None else None

    @property
    def last_withdrawal_day(self) -> datetime | None:
        end = self.withdraw_until
        return end - timedelta(seconds=1) if end is not None else None


def offer(shop: Shop, db: Session, order: Order, seen: c.OrderView | None = None) -> Offer:
    """What the order's customer may send back or withdraw from, and until when. `seen` is its view
    if the caller has just made it: what it has none of isn't asked for again."""
    settings: c.ReturnSettings = shop.settings["returns"]
    if order.status not in ("confirmed", "completed"):
        return Offer()
    known = cases.of_order(db, order.id) if seen is None or seen.returns else ()
    waiting = next((case for case in known if case.state == "requested"), None)
    parcels = shipments.of_order(db, order.id, LEFT) if seen is None or seen.shipments else ()
    since = _arrived(parcels, settings.transit_days)
    zone = ZoneInfo(shop.settings["shop"].timezone)
    until = _end(since, settings.days, zone)
    returnable: tuple[Choice, ...] = ()
    if settings.enabled and until is not None and shop.now() < until:
        returnable = tuple(each for each in _choices(db, order, known) if each.sent)
    if not _may_withdraw(order, settings):
        return Offer(_sent_only(returnable), until, waiting=waiting)
    # A request for the same units gives way to a withdrawal: what is only asked for counts as here.
    free = _choices(db, order, [case for case in known if case.state != "requested"])
    all_here = not any(each.unsent for each in free)
    withdraw_until = _end(since, settings.withdrawal_days, zone) if all_here else None
    over = withdraw_until is not None and shop.now() >= withdraw_until
    withdrawable = () if over else tuple(each for each in free if each.units)
    return Offer(_sent_only(returnable), until, withdrawable, withdraw_until, waiting)


def _sent_only(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    return tuple(Choice(each.line, each.sent) for each in choices)


def _may_withdraw(order: Order, settings: c.ReturnSettings) -> bool:
    """Whether the order is a consumer's, sent to a country whose law gives them the right."""
    address = order.address
    return address.get("country") in settings.withdrawal_countries and not address.get("vat_id")


def _arrived(parcels: Sequence[Parcel], transit_days: int) -> datetime | None:
    """When the last parcel arrived, as far as anybody knows; None before one has left."""
    transit = timedelta(days=transit_days)
    moments = [
        parcel.delivered_at or (parcel.shipped_at or parcel.created_at) + transit
        for parcel in parcels
    ]
    return max(moments, default=None)


def _end(since: datetime | None, days: int, zone: ZoneInfo) -> datetime | None:
    """The midnight that ends the last of so many days after that one, in the shop's zone."""
    if since is None:
        return None
    last = since.astimezone(zone).date() + timedelta(days=days + 1)
    return datetime.combine(last, time(), zone)


def _choices(db: Session, order: Order, known: Sequence[Return]) -> list[Choice]:
    """Of each line that ships: what left and is not spoken for, what is still here."""
    left, wanted = refund_plan.left_of(db, order), demand.of_order(db, order)
    back, pending = cases.spoken_for(known, refunded=False), cases.waiting_unsent(known)
    found = []
    for each in left.lines:
        line = each.line
        if not line.ships:
            continue
        here = wanted[line.id].kept - wanted[line.id].left - pending[line.id]
        found.append(Choice(line, max(0, each.sent - back[line.id]), max(0, here)))
    return found


# --- customers ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a customer wants to send back: (units, reason) by order line id. `id` was made when
    the form was shown, so that two clicks are one return."""

    id: uuid.UUID
    lines: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    note: str = ""


def request(shop: Shop, db: Session, number: str, asked: Asked) -> Return:
    """Write a customer's request down and tell staff. Raises Refused with a sentence for them."""
    order = _order(db, number)
    known = same(db, order, asked.id)
    if known is not None:
        return known
    may = offer(shop, db, order)
    if may.waiting is not None:
        raise Refused(
            say(
                "You asked for the return {number} already. Take that one back if you want to "
                "change it.",
                number=may.waiting.number,
            )
        )
    if not may.returnable:
        raise Refused(say("Nothing of this order can be sent back (any more)."))
    parts = [_part(choice, *asked.lines.get(choice.line.id, (0, ""))) for choice in may.returnable]
    wanted = [part for part in parts if part.quantity]
    if not wanted:
        raise Refused(say("Choose at least one item, and how many of it."))
    case = cases.open_case(
        db,
        asked.id,
        order.id,
        order.number,
        wanted,
        now=shop.now(),
        note=asked.note.strip()[:MOST_NOTE],
    )
    cases.tell(db, case, "requested")
    announce(db, events.RETURN_REQUESTED, order, case)
    return case


def same(db: Session, order: Order, return_id: uuid.UUID) -> Return | None:
    """What this form made already. Raises Refused when it belongs to another order."""
    known = cases.get(db, return_id)
    if known is not None and known.order_id != order.id:
        raise Refused(say("This form is incomplete. Reload the page and fill it in again."))
    return known


def _part(choice: Choice, units: int, reason: str) -> cases.Part:
    title = choice.line.title
    if not 0 <= units <= choice.units:
        raise Refused(
            say(
                "Of {title}, {most} can be sent back, not {units}.",
                title=title,
                most=choice.units,
                units=units,
            )
        )
    if units and reason not in cases.REASONS:
        raise Refused(say("Choose why you send {title} back.", title=title))
    return cases.Part(choice.line.id, units, reason)


def cancel(db: Session, number: str) -> Return:
    """The customer keeps the goods after all. Raises Refused once something is under way."""
    order, case = locked(db, number)
    if case.state == "canceled":
        return case
    label = cases.label_of(db, case.id)
    if case.kind != "return" or (label is not None and label.status != "prepared"):
        raise Refused(say("This return is under way. Write to us if you want to keep the items."))
    step(db, case, "canceled")
    announce(db, events.RETURN_CANCELED, order, case)
    return case


# --- staff ----------------------------------------------------------------------------------------


def approve(db: Session, number: str, *, actor: str) -> None:
    """The goods may come. Approving twice tells the customer once. Raises Refused."""
    order, case = locked(db, number)
    if case.state == "approved":
        return
    step(db, case, "approved", actor=actor)
    announce(db, events.RETURN_APPROVED, order, case)
    _audit(db, order, case, actor, "return.approved")


def decline(db: Session, number: str, *, reason: str, actor: str) -> None:
    """The goods stay where they are; the customer reads why. Raises Refused."""
    order, case = locked(db, number)
    reason = " ".join(reason.split())[:MOST_NOTE]
    if not reason:
        raise Refused("Say why: the customer reads it.")
    label = cases.label_of(db, case.id)
    if label is not None and label.status != "prepared":
        raise Refused(
            "A label was bought for it, or is being bought. Approve it, or void the label."
        )
    step(db, case, "declined", actor=actor, note=reason)
    case.answer = reason
    announce(db, events.RETURN_DECLINED, order, case)
    _audit(db, order, case, actor, "return.declined", reason=reason)


def on_its_way(db: Session, number: str, *, actor: str) -> None:
    """The customer has sent it, or the carrier has scanned it."""
    _, case = locked(db, number)
    if case.state == "approved":
        step(db, case, "in_transit", actor=actor)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What arrived of a line: units, their condition, and whether they go back on the shelf."""

    units: int
    condition: str = ""
    restock: bool = False


def receive(db: Session, number: str, arrived: Mapping[int, Arrived], *, actor: str) -> None:
    """The parcel is here and was looked at; by order line id. What is fit to be sold again goes
    back on the shelf, nothing is paid back yet. Raises Refused, also when somebody was quicker."""
    order, case = locked(db, number)
    lines = {line.id: line for line in orders.lines_of(db, order.id)}
    for part in case.lines:
        _look_at(part, lines[part.order_line_id], arrived.get(part.order_line_id, Arrived(0)))
    if not any(found.units for found in arrived.values()):
        raise Refused("Enter what arrived. If nothing will come any more, close the return.")
    step(db, case, "received", actor=actor, note=_told(case, lines, arrived))
    wanted, before = demand.of_order(db, order), _received(db, order)
    for part in case.lines:
        line, found = lines[part.order_line_id], arrived.get(part.order_line_id, Arrived(0))
        part.received = found.units
        part.condition = found.condition if found.units else ""
        part.restock = found.restock and found.units > 0
        if part.restock:
            # Of bundles that lack a part, whole ones came back first, as refunds count them.
            lacking = wanted[line.id].lacks(found.units, before[line.id])
            back = orders.demand([line], {line.id: found.units}, {line.id: lacking})
            reason = f"return {case.number}: {found.condition}"
            stock.put_back(db, order.number, back, reason=reason, actor=actor)
    db.flush()
    announce(db, events.RETURN_RECEIVED, order, case)
    _audit(db, order, case, actor, "return.received")


def _received(db: Session, order: Order) -> Counter[int]:
    """Units that came back and were not paid back, by order line id."""
    return Counter(
        {
            part.order_line_id: part.received
            for case in cases.of_order(db, order.id)
            if case.state in ("received", "closed")
            for part in case.lines
            if part.received
        }
    )


def _look_at(part: ReturnLine, line: OrderLine, found: Arrived) -> None:
    """Raises Refused where that can't have arrived."""
    if not 0 <= found.units <= part.coming:
        raise Refused(f"{part.coming} of {line.title} were to come back, not {found.units}.")
    if found.units and found.condition not in cases.CONDITIONS:
        raise Refused(f"Say in which condition {line.title} came back.")


def _told(case: Return, lines: Mapping[int, OrderLine], arrived: Mapping[int, Arrived]) -> str:
    """For the history: "2 × Lamp, as new, back on the shelf"."""
    told = []
    for part in case.lines:
        found = arrived.get(part.order_line_id)
        if found is not None and found.units:
            shelf = "back on the shelf" if found.restock else "not restocked"
            title = lines[part.order_line_id].title
            state = cases.CONDITIONS[found.condition].lower()
            told.append(f"{found.units} × {title}, {state}, {shelf}")
    return "; ".join(told)[:MOST_NOTE]


def close(db: Session, number: str, *, note: str, actor: str) -> None:
    """Nothing more happens: nothing came, or nothing is paid for it. Raises Refused."""
    order, case = locked(db, number)
    note = " ".join(note.split())[:MOST_NOTE]
    if not note:
        raise Refused("Say why it is closed without a refund.")
    step(db, case, "closed", actor=actor, note=note)
    for part in case.lines:
        if part.received is None:
            part.received = 0  # what never came can be asked for again
    db.flush()
    announce(db, events.RETURN_CLOSED, order, case)
    _audit(db, order, case, actor, "return.closed", note=note)


# --- steps ----------------------------------------------------------------------------------------


def _order(db: Session, number: str) -> Order:
    order = orders.lock(db, number)
    if order is None:
        raise Refused(f"There is no order {number}.")
    return order


def locked(db: Session, number: str) -> tuple[Order, Return]:
    """The return and its order, both kept from everyone else. Raises Refused."""
    found = cases.by_number(db, number)
    order = orders.by_id(db, found.order_id) if found is not None else None
    if found is None or order is None:
        raise Refused("There is no such return. Open the list again.")
    kept = _order(db, order.number)
    return kept, cases.get(db, found.id) or found


def step(db: Session, case: Return, state: str, *, actor: str = "", note: str = "") -> None:
    """Take the return on. Raises Refused where it can't go there."""
    try:
        cases.move(db, case, state, actor=actor, note=note)
    except cases.Misstep as error:
        raise Refused(TOO_LATE[error.state]) from None


def announce(db: Session, kind: str, order: Order, case: Return, **data: object) -> None:
    emit(db, kind, order.number, {"return": case.number, **data})


def _audit(
    db: Session, order: Order, case: Return, actor: str, action: str, **data: object
) -> None:
    audit.record(db, actor, action, f"order {order.number}", number=case.number, **data)
