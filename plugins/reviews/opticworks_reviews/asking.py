"""Asking buyers for a review: planned by what carriers report, sent from a job, stopped by
whatever makes it a nuisance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import events, kernel
from opticworks.contracts import Ctx, OrderView
from opticworks.events import Event
from opticworks.plugin import link_token
from opticworks_reviews import products, quiet, writing
from opticworks_reviews.models import (
    ASKED,
    PLANNED,
    REMINDED,
    STOPPED,
    WRITTEN,
    Request,
    Review,
)
from opticworks_reviews.settings import ReviewsSettings

TASK = "reviews.ask"
EVERY = "*/10 * * * *"
PURPOSE = "reviews.write"  #: of the links in the mails
#: Facts of ours, about an order: its subject is the order's number.
REQUEST_DUE, REMINDER_DUE = "order.review_due", "order.review_reminder_due"
MOST = 500  #: mails of one run
TOO_LATE = timedelta(days=60)  #: after the day on which it should have gone

_PARCELS = (events.SHIPMENT_SHIPPED, events.SHIPMENT_DELIVERED)
_STOPS = {
    events.ORDER_CANCELED: "canceled",
    events.PAYMENT_REFUNDED: "refund",
    events.PAYMENT_RETURNED: "refund",
    events.DISPUTE_OPENED: "dispute",
}
_RETURNS = ("return.", "withdrawal.")  #: how the kinds of facts about returns begin

#: Why an order's buyer is not asked, in words for staff.
WORDS = {
    "canceled": "The order was canceled",
    "refund": "Money went back",
    "dispute": "The payment is disputed",
    "return": "Something comes back",
    "complaint": "The customer complained",
    "unpaid": "It is not paid",
    "late": "It was planned too long ago",
    "nothing": "Nothing of it can be reviewed, or all of it is",
    "gone": "The order is gone",
}


def hear(event: Event, ctx: Ctx) -> None:
    """Plan or stop the request of the event's order, and keep the badges of its reviews true."""
    order: OrderView | None = event.order
    stop = _STOPS.get(event.kind, "")
    if event.kind.startswith(_RETURNS):
        stop = "return"
    if event.kind == events.MESSAGE_BOUNCED and event.data.get("state") == "complained":
        stop = "complaint"
    if stop:
        stop_asking(ctx.db, event.subject, stop)
    elif event.kind in _PARCELS and order is not None:
        plan(ctx, order)
    if stop and order is not None:
        writing.verify(ctx.db, order)


def plan(ctx: Ctx, order: OrderView) -> None:
    """Note when the buyer may be asked, as the parcels stand; what was sent stays sent."""
    values = {"order_number": order.number, "due_at": _due(order, ctx.settings["reviews"])}
    ctx.db.execute(
        insert(Request)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["order_number"],
            set_={"due_at": values["due_at"]},
            where=Request.state == PLANNED,
        )
    )


def stop_asking(db: Session, number: str, reason: str) -> None:
    """No mail asks for that order any more."""
    closed = {"state": STOPPED, "reason": reason, "due_at": None}
    db.execute(
        insert(Request)
        .values(order_number=number, **closed)
        .on_conflict_do_update(
            index_elements=["order_number"],
            set_=closed,
            where=Request.state.in_((PLANNED, ASKED, REMINDED)),
        )
    )


def written(db: Session, number: str) -> None:
    """The buyer has written: there is nothing to remind them of."""
    closed = {"state": WRITTEN, "reason": "", "due_at": None}
    db.execute(
        insert(Request)
        .values(order_number=number, **closed)
        .on_conflict_do_update(
            index_elements=["order_number"], set_=closed, where=Request.state != STOPPED
        )
    )


def _due(order: OrderView, settings: ReviewsSettings) -> datetime | None:
    return products.due(
        order,
        timedelta(days=settings.days_after_delivery),
        timedelta(days=settings.days_after_shipping),
    )


def ask(shop: Any) -> None:
    """Send what is due. Each order is a transaction of its own: a worker that dies between them
    leaves the rest to the next run, and asks nobody twice."""
    if not shop.settings["reviews"].ask:
        return
    with shop.unit() as db:
        due = select(Request.order_number).where(Request.due_at <= shop.now())
        numbers = db.scalars(due.order_by(Request.due_at).limit(MOST)).all()
    for number in numbers:
        with shop.unit("reviews_ask") as db:
            _ask(shop, db, number)


def _ask(shop: Any, db: Session, number: str) -> None:
    now = shop.now()
    row = db.scalars(
        select(Request)
        .where(Request.order_number == number, Request.due_at <= now)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return
    order: OrderView | None = shop.order_view(db, number)
    settings: ReviewsSettings = shop.settings["reviews"]
    late = row.due_at is not None and now > row.due_at + TOO_LATE
    stop = "late" if late else "gone" if order is None else products.stopped_by(order)
    if stop or order is None:
        row.state, row.reason, row.due_at = STOPPED, stop, None
        return
    if row.state == PLANNED and (when := _due(order, settings)) != row.due_at:
        row.due_at = when  # another parcel, or another setting, since it was planned
        if when is None or when > now:
            return
    if db.scalar(select(Review.id).where(Review.order_number == number).limit(1)) is not None:
        row.state, row.due_at = WRITTEN, None
        return
    if not to_review(db, order):
        row.state, row.reason, row.due_at = STOPPED, "nothing", None
        return
    zone = shop.settings["shop"].timezone
    clocks = quiet.zones(order.address.country, order.address.state, zone)
    row.due_at = quiet.opens(now, clocks, settings.from_hour, settings.until_hour)
    if row.due_at > now:
        return
    _send(shop, db, row, settings)


def _send(shop: Any, db: Session, row: Request, settings: ReviewsSettings) -> None:
    kind = REQUEST_DUE if row.state == PLANNED else REMINDER_DUE
    kernel.emit(db, kind, row.order_number, {"token": link_token(shop, PURPOSE, row.order_number)})
    now = shop.now()
    if row.state == PLANNED:
        row.state, row.asked_at = ASKED, now
        again = timedelta(days=settings.reminder_days)
        row.due_at = now + again if again else None
    else:
        row.state, row.reminded_at, row.due_at = REMINDED, now, None


def to_review(db: Session, order: OrderView) -> list[products.Bought]:
    """What the buyer can still write about."""
    bought = products.bought(order)
    done = writing.reviewed(db, order.email, (each.product for each in bought))
    return [each for each in bought if each.product not in done]
