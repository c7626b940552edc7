"""The payment ledger: attempts, what happened to them, and the balance as its sum."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Required, TypedDict, Unpack

from sqlalchemy import ColumnElement, bindparam, exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased

from opticworks import contracts as c
from opticworks.db import Write, later
from opticworks.money import Money
from opticworks.payments.models import OPEN, Payment, PaymentEvent
from opticworks.payments.sums import Sums, sums, sums_of

__all__ = ["OPEN", "Payment", "PaymentEvent", "Sums", "sums", "sums_of"]

#: How far a payment has come; a late or repeated answer never moves it back.
RANK = {"new": 0, "action": 1, "pending": 2, "authorized": 3, "captured": 4}
FINAL = {"failed", "canceled"}
HAS_MONEY = ("authorized", "captured")
#: How long an authorization lasts when its provider does not say: what card networks give.
AUTHORIZED_DAYS = 7
#: How soon the sweeper asks about a payment that its provider is still working on, and how long
#: it rests at most between two looks: debits take days.
FIRST_LOOK = timedelta(minutes=10)
LONGEST_REST = timedelta(hours=6)
#: Facts that somebody has to look at.
ATTENTION = ("mismatch", "surplus")


_BEGUN = (
    *("attempt", "order_id", "provider", "title", "amount", "currency", "capture", "status"),
    *("returned", "ref", "message", "data", "instructions", "expires_at"),
)
_BEGIN = Write(insert(Payment).values({name: bindparam(name) for name in _BEGUN}))


def begin(
    db: Session,
    order_id: int,
    provider: c.PaymentProvider,
    amount: Money,
    data: Mapping[str, str],
    expires_at: datetime,
    capture: str = "automatic",
) -> Payment:
    """A new attempt to pay the order, before its provider is asked; given up at `expires_at`. It is
    written with what the transaction writes next, and belongs to no session."""
    payment = Payment(
        attempt=uuid.uuid4(),
        order_id=order_id,
        provider=provider.code,
        title=provider.title,
        amount=amount.minor,
        currency=amount.currency,
        capture=capture,
        status="new",
        returned="",
        ref="",
        message="",
        data=dict(data),
        instructions=[],
        expires_at=expires_at,
    )
    later(db, _BEGIN, {name: getattr(payment, name) for name in _BEGUN})
    return payment


_OF_ORDER = select(Payment).where(Payment.order_id == bindparam("order")).order_by(Payment.id)
_LOCKED = _OF_ORDER.with_for_update().execution_options(populate_existing=True)


def of_order(db: Session, order_id: int, *, lock: bool = False) -> list[Payment]:
    """Every attempt to pay the order, the oldest first; with `lock`, which takes that of the order
    first, kept from everyone else until the transaction ends."""
    return list(db.scalars(_LOCKED if lock else _OF_ORDER, {"order": order_id}))


def standing(attempts: Sequence[Payment]) -> Payment | None:
    """Of an order's attempts, oldest first, the one that counts: that which has the money, else
    the newest."""
    counting = [each for each in attempts if not each.surplus]
    paid = [each for each in counting if each.status in HAS_MONEY]
    return next(reversed(paid or counting), None)


def latest(db: Session, order_id: int) -> Payment | None:
    """The attempt that counts, see `standing`; None for an order that has nothing to pay."""
    return standing(of_order(db, order_id))


def by_attempt(db: Session, attempt: uuid.UUID, *, lock: bool = False) -> Payment | None:
    """The attempt of that id; with `lock` kept from everyone else until the transaction ends."""
    query = select(Payment).where(Payment.attempt == attempt)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.scalars(query).one_or_none()


def by_ref(db: Session, provider: str, ref: str) -> Payment | None:
    """The payment that its provider calls `ref`; an empty ref is nobody's."""
    if not ref:
        return None
    return db.scalars(
        select(Payment).where(Payment.provider == provider, Payment.ref == ref)
    ).one_or_none()


_event: Any = PaymentEvent.__table__
_FACT = ("payment_id", "key", "kind", "amount", "about", "actor", "note")
_ADD = (
    upsert(_event)
    .values({name: bindparam(name) for name in _FACT})
    .on_conflict_do_nothing(index_elements=["payment_id", "key"])
)
_RECORD = _ADD.returning(_event.c.id)
_NOTE = Write(_ADD)


class Fact(TypedDict, total=False):
    """What the ledger is told beside the kind of a fact: a `key` that it has once per payment,
    `amount` and `about` as in PaymentEvent, in minor units, who did it and what to say of it."""

    key: Required[str]
    amount: int
    about: int
    actor: str
    note: str


def _row(payment: Payment, kind: str, fact: Fact) -> dict[str, Any]:
    nothing = {"amount": 0, "about": 0, "actor": "", "note": ""}
    return {"payment_id": payment.id, "kind": kind, **nothing, **fact}


def record(db: Session, payment: Payment, kind: str, **fact: Unpack[Fact]) -> bool:
    """Add a fact to the ledger; False if its key was known, and then nothing changes."""
    return db.execute(_RECORD, _row(payment, kind, fact)).scalar() is not None


def note(db: Session, payment: Payment, kind: str, **fact: Unpack[Fact]) -> None:
    """As `record`, for who need not know whether it was new: written with what the transaction
    writes next."""
    later(db, _NOTE, _row(payment, kind, fact))


def advance(payment: Payment, result: c.PaymentResult, now: datetime) -> bool:
    """Project a provider's answer on the payment's row; False if it is old news."""
    if result.ref:
        payment.ref = result.ref
    if payment.status in FINAL and result.state not in HAS_MONEY:
        return False
    if payment.status == "captured" and result.state in FINAL:
        return False  # money that has come can be paid back, but not be canceled
    if result.state not in FINAL and RANK[result.state] < RANK.get(payment.status, 0):
        return False
    changed = payment.status != result.state
    payment.message = result.message
    if result.instructions:
        payment.instructions = [asdict(line) for line in result.instructions]
    _deadlines(payment, result, now, changed)
    payment.status = result.state
    return changed


def _deadlines(payment: Payment, result: c.PaymentResult, now: datetime, changed: bool) -> None:
    if result.remind_at is not None:
        payment.remind_at = result.remind_at
    if result.state in ("captured", *FINAL):
        payment.look_at = None
    if result.state == "captured":
        payment.expires_at = payment.remind_at = None
    elif result.expires_at is not None:
        payment.expires_at = result.expires_at
    elif changed and result.state == "pending":
        payment.expires_at = None  # only its provider knows how long that takes
        payment.look_at = now + FIRST_LOOK
    elif changed and result.state == "authorized":
        payment.expires_at = now + timedelta(days=AUTHORIZED_DAYS)
    if changed and result.state == "authorized":
        payment.look_at = payment.expires_at


def wait_for_buyer(db: Session, payment: Payment, away: str, until: datetime) -> bool:
    """The buyer is on another page to pay: the attempt lasts until then, once for each try of
    that id; False if it was known, or if it is over."""
    if payment.status not in ("new", "action"):
        return False
    if not record(db, payment, "away", key=f"away:{away}"):
        return False
    payment.expires_at = max(payment.expires_at or until, until)
    return True


def waited_for(db: Session, attempt: uuid.UUID, away: str) -> bool:
    """Whether it is known that the buyer went to another page for the try of that id."""
    found = exists().where(
        PaymentEvent.payment_id == Payment.id,
        Payment.attempt == attempt,
        PaymentEvent.key == f"away:{away}",
    )
    return bool(db.scalar(select(found)))


def times_accepted(db: Session, order_id: int) -> int:
    """How often the order's payments came to something: pending, authorized or captured."""
    value = db.scalar(
        select(func.count())
        .select_from(PaymentEvent)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(
            Payment.order_id == order_id,
            PaymentEvent.kind.in_(("pending", "authorized", "captured")),
        )
    )
    return int(value or 0)


def balance(db: Session, order_id: int) -> int:
    """Minor units received and kept: captures minus refunds. Never stored."""
    return sums(db, order_id).kept


def unattended(db: Session, order_id: int) -> Sequence[PaymentEvent]:
    """What of the order's payments somebody still has to look at, the oldest first."""
    return db.scalars(
        select(PaymentEvent)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(Payment.order_id == order_id, *needs_attention())
        .order_by(PaymentEvent.id)
    ).all()


def needs_attention() -> tuple[ColumnElement[bool], ...]:
    """Conditions on PaymentEvent: a difference or a surplus that nobody has ticked off since."""
    later = aliased(PaymentEvent)
    attended = exists().where(
        later.payment_id == PaymentEvent.payment_id,
        later.kind == "attended",
        later.id > PaymentEvent.id,
    )
    return (PaymentEvent.kind.in_(ATTENTION), ~attended)


def attend(db: Session, order_id: int, actor: str) -> int:
    """Staff have looked at what `unattended` lists; how many payments that were."""
    seen = {event.payment_id: event.id for event in unattended(db, order_id)}
    for payment in of_order(db, order_id):
        if payment.id in seen:
            record(db, payment, "attended", key=f"attended:{seen[payment.id]}", actor=actor)
    return len(seen)


def events(db: Session, order_id: int) -> Sequence[PaymentEvent]:
    """The order's whole payment ledger, oldest first."""
    return db.scalars(
        select(PaymentEvent)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(Payment.order_id == order_id)
        .order_by(PaymentEvent.id)
    ).all()


def due_for_expiry(db: Session, now: datetime, limit: int = 100) -> list[int]:
    """Ids of orders with an attempt that is past its time and not paid."""
    return list(
        db.scalars(
            select(Payment.order_id)
            .where(Payment.expires_at <= now, Payment.status.in_(OPEN))
            .order_by(Payment.expires_at)
            .limit(limit)
        )
    )


def due_for_a_look(db: Session, now: datetime, limit: int = 100) -> list[int]:
    """Ids of orders whose providers still work on a payment, to be asked how it stands; each next
    time after a rest that grows with its age."""
    found = db.scalars(
        select(Payment).where(Payment.look_at <= now).order_by(Payment.look_at).limit(limit)
    ).all()
    for payment in found:
        age = now - payment.created_at
        payment.look_at = now + min(max(age / 2, FIRST_LOOK), LONGEST_REST)
    return [payment.order_id for payment in found]


def due_for_reminder(db: Session, now: datetime, limit: int = 100) -> list[int]:
    """Ids of orders whose buyers have to be reminded to pay."""
    return list(
        db.scalars(
            select(Payment.order_id)
            .where(Payment.remind_at <= now, Payment.status.in_(OPEN))
            .order_by(Payment.remind_at)
            .limit(limit)
        )
    )


def view(payment: Payment) -> c.PaymentView:
    return c.PaymentView(
        provider=payment.provider,
        title=payment.title,
        status=payment.status,
        amount=Money(payment.amount, payment.currency),
        instructions=tuple(c.Instruction(**line) for line in payment.instructions),
        expires_at=payment.expires_at,
    )
