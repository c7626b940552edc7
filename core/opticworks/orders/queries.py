"""The staff's list of orders: search, filters, tabs, and pages found by key instead of number."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, TextClause, column, exists, or_, select, table, text, tuple_
from sqlalchemy.orm import Session

from opticworks.orders.models import FULFILMENT_STATUSES, PAYMENT_STATUSES, Order, OrderLine

PAGE = 25
PAID = ("paid", "authorized", "part_refunded")
# Rooms don't import each other: a list that looks across them names the columns it needs.
PARCEL = table("parcel", column("order_id"), column("tracking_number"))
PROBLEM = table("shipping_problem", column("order_id"), column("closed_at"))


#: Differences and double payments that nobody has ticked off, refunds that failed, open disputes,
#: and authorizations that lapse soon.
CHECK_PAYMENT = text("""(
    EXISTS (
        SELECT FROM payment JOIN payment_event fact ON fact.payment_id = payment.id
        WHERE payment.order_id = orders.id AND fact.kind IN ('mismatch', 'surplus')
        AND NOT EXISTS (
            SELECT FROM payment_event later
            WHERE later.payment_id = payment.id AND later.kind = 'attended' AND later.id > fact.id
        )
    )
    OR EXISTS (
        SELECT FROM refund JOIN payment ON payment.id = refund.payment_id
        WHERE payment.order_id = orders.id AND refund.unseen
    )
    OR EXISTS (
        SELECT FROM dispute JOIN payment ON payment.id = dispute.payment_id
        WHERE payment.order_id = orders.id AND dispute.status IN ('needs_response', 'under_review')
    )
    OR orders.payment_status = 'authorized' AND EXISTS (
        SELECT FROM payment
        WHERE payment.order_id = orders.id AND payment.status = 'authorized'
        AND payment.returned = '' AND payment.capture = 'manual'
        AND payment.expires_at < now() + interval '2 days'
    )
)""")


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view of the list."""

    label: str
    conditions: tuple[ColumnElement[bool] | TextClause, ...] = ()


TABS: Mapping[str, Tab] = {
    "to_ship": Tab(
        "To ship",
        (
            Order.status == "confirmed",
            Order.payment_status.in_(PAID),
            Order.fulfilment_status.in_(("unfulfilled", "part_shipped")),
        ),
    ),
    "awaiting": Tab(
        "Awaiting payment",
        (
            Order.status.in_(("awaiting_payment", "confirmed")),
            Order.payment_status.in_(("unpaid", "pending")),
        ),
    ),
    "check_payment": Tab("Check payment", (CHECK_PAYMENT,)),
    "shipped": Tab(
        "Shipped",
        (
            Order.status != "canceled",
            Order.fulfilment_status.in_(("shipped", "part_delivered", "delivered")),
        ),
    ),
    "parcels": Tab(
        "Trouble with parcels",
        (exists().where(PROBLEM.c.order_id == Order.id, PROBLEM.c.closed_at.is_(None)),),
    ),
    "canceled": Tab("Canceled", (Order.status == "canceled",)),
    "all": Tab("All"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the list's address says. Dates are days in the shop's zone, both included."""

    tab: str = "to_ship"
    text: str = ""
    payment: str = ""
    fulfilment: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Filters:
        """From an address; what it can't mean is left out. A search without a tab looks at all."""
        text = params.get("q", "").strip()[:100]
        tab = params.get("tab", "")
        payment, fulfilment = params.get("payment", ""), params.get("fulfilment", "")
        return cls(
            tab=tab if tab in TABS else "all" if text else "to_ship",
            text=text,
            payment=payment if payment in PAYMENT_STATUSES else "",
            fulfilment=fulfilment if fulfilment in FULFILMENT_STATUSES else "",
            since=_day(params.get("since", "")),
            until=_day(params.get("until", "")),
        )

    def params(self, **changes: str) -> dict[str, str]:
        """The address again, with changes; empty ones left out."""
        values = {
            "tab": self.tab,
            "q": self.text,
            "payment": self.payment,
            "fulfilment": self.fulfilment,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in {**values, **changes}.items() if value}

    @property
    def narrowed(self) -> bool:
        """Is anything chosen besides the tab?"""
        return bool(self.text or self.payment or self.fulfilment or self.since or self.until)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


#: Orders of which something lies in no labelled parcel yet.
UNLABELLED = text("""(
    SELECT coalesce(sum(line.quantity), 0) FROM order_line line
    WHERE line.order_id = orders.id
    AND coalesce((line.item ->> 'requires_shipping')::boolean, true)
) > (
    SELECT coalesce(sum(part.quantity), 0)
    FROM parcel JOIN parcel_line part ON part.parcel_id = parcel.id
    WHERE parcel.order_id = orders.id AND parcel.status IN ('bought', 'shipped', 'delivered')
)""")


def next_to_ship(db: Session, order: Order) -> str:
    """The number of another order that waits to be packed, the oldest first; empty if none does.

    One of which everything lies in labelled parcels already waits no more."""
    waiting = (*TABS["to_ship"].conditions, UNLABELLED, Order.id != order.id)
    query = select(Order.number).where(*waiting).order_by(Order.placed_at, Order.id)
    return db.scalar(query.limit(1)) or ""


def numbers_to_ship(db: Session, limit: int) -> Sequence[str]:
    """Orders that wait for labels, the oldest first."""
    query = select(Order.number).where(*TABS["to_ship"].conditions, UNLABELLED)
    return db.scalars(query.order_by(Order.placed_at, Order.id).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders, newest first, and the keys of its neighbours (empty at either end)."""

    orders: Sequence[Order]
    newer: str
    older: str


def find(
    db: Session, filters: Filters, zone: str, *, newer: str = "", older: str = "", size: int = PAGE
) -> OrderPage:
    """The page after the key `older`, before the key `newer`, or the first. One statement."""
    key = tuple_(Order.placed_at, Order.id)
    query = select(Order).where(*_conditions(filters, zone))
    back = _key(newer)
    forward = None if back else _key(older)
    if back:
        query = query.where(key > back).order_by(Order.placed_at, Order.id)
    else:
        if forward:
            query = query.where(key < forward)
        query = query.order_by(Order.placed_at.desc(), Order.id.desc())
    rows = list(db.scalars(query.limit(size + 1)))
    more, rows = len(rows) > size, rows[:size]
    if back:
        rows.reverse()
    return OrderPage(
        rows,
        newer=key_of(rows[0]) if rows and (more if back else forward) else "",
        older=key_of(rows[-1]) if rows and (back or more) else "",
    )


def neighbours(db: Session, order: Order, filters: Filters, zone: str) -> tuple[str, str]:
    """Numbers of the next newer and the next older order of the same list ("" at its end)."""
    key, here = tuple_(Order.placed_at, Order.id), (order.placed_at, order.id)
    query = select(Order.number).where(*_conditions(filters, zone)).limit(1)
    newer = query.where(key > here).order_by(Order.placed_at, Order.id)
    older = query.where(key < here).order_by(Order.placed_at.desc(), Order.id.desc())
    return db.scalar(newer) or "", db.scalar(older) or ""


def of_email(db: Session, email: str, limit: int = 100) -> list[Order]:
    """The orders of one e-mail address that stand, newest first."""
    return list(
        db.scalars(
            select(Order)
            .where(Order.email == email, Order.status != "canceled")
            .order_by(Order.id.desc())
            .limit(limit)
        )
    )


def key_of(order: Order) -> str:
    """The place of an order in the list, as text for an address."""
    raw = f"{order.placed_at.isoformat()} {order.id}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _key(text: str) -> tuple[datetime, int] | None:
    """None for what is no key: the first page is shown."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        at, _, order_id = raw.rpartition(" ")
        moment = datetime.fromisoformat(at)
        number = int(order_id)
        if not moment.tzinfo or not 0 < number < 2**63:
            return None
        return moment.astimezone(UTC), number
    except (ValueError, OverflowError, binascii.Error):
        return None


def _conditions(filters: Filters, zone: str) -> list[Any]:
    conditions: list[Any] = list(TABS[filters.tab].conditions)
    if filters.payment:
        conditions.append(Order.payment_status == filters.payment)
    if filters.fulfilment:
        conditions.append(Order.fulfilment_status == filters.fulfilment)
    if filters.since:
        conditions.append(Order.placed_at >= _midnight(filters.since, zone))
    if filters.until and filters.until < date.max:
        conditions.append(Order.placed_at < _midnight(filters.until + timedelta(days=1), zone))
    if filters.text:
        conditions.append(_matches(filters.text))
    return conditions


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _matches(text: str) -> ColumnElement[bool]:
    """Number, e-mail address, name, SKU or tracking number, as a clerk would paste it."""
    like = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
    plain = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    found: list[ColumnElement[bool]] = [
        Order.email.ilike(like),
        Order.customer_name.ilike(like),
        exists().where(OrderLine.order_id == Order.id, OrderLine.sku.ilike(like)),
        exists().where(PARCEL.c.order_id == Order.id, PARCEL.c.tracking_number.ilike(like)),
    ]
    if len(plain) == 8:
        found.append(Order.number == f"{plain[:4]}-{plain[4:]}")
    elif plain and len(plain) < 8:
        with_dash = plain if len(plain) <= 4 else f"{plain[:4]}-{plain[4:]}"
        found.append(Order.number.startswith(with_dash, autoescape=True))
    return or_(*found)
