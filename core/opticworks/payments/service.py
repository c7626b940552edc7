"""The payment ledger: attempts, what happened to them, and the balance as its sum."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.money import Money
from opticworks.payments.models import Payment, PaymentEvent

#: How far a payment has come; a late or repeated answer never moves it back.
RANK = {"new": 0, "action": 1, "pending": 2, "authorized": 3, "captured": 4}
FINAL = {"failed", "canceled"}


def begin(
    db: Session,
    order_id: int,
    provider: c.PaymentProvider,
    amount: Money,
    data: Mapping[str, str],
    expires_at: datetime,
) -> Payment:
    """A new attempt to pay the order, before its provider is asked; given up at `expires_at`."""
    payment = Payment(
        attempt=uuid.uuid4(),
        order_id=order_id,
        provider=provider.code,
        title=provider.title,
        amount=amount.minor,
        currency=amount.currency,
        data=dict(data),
        expires_at=expires_at,
    )
    db.add(payment)
    db.flush()
    return payment


def latest(db: Session, order_id: int) -> Payment | None:
    """The order's newest attempt: the one that counts."""
    return db.scalars(
        select(Payment).where(Payment.order_id == order_id).order_by(Payment.id.desc()).limit(1)
    ).one_or_none()


def by_attempt(db: Session, attempt: uuid.UUID) -> Payment | None:
    return db.scalars(select(Payment).where(Payment.attempt == attempt)).one_or_none()


def by_ref(db: Session, provider: str, ref: str) -> Payment | None:
    """The payment that its provider calls `ref`; an empty ref is nobody's."""
    if not ref:
        return None
    return db.scalars(
        select(Payment).where(Payment.provider == provider, Payment.ref == ref)
    ).one_or_none()


def record(
    db: Session,
    payment: Payment,
    kind: str,
    *,
    key: str,
    amount: int = 0,
    actor: str = "",
    note: str = "",
) -> bool:
    """Add a fact to the ledger; False if this key was known, and then nothing changes."""
    statement = (
        upsert(PaymentEvent)
        .values(payment_id=payment.id, key=key, kind=kind, amount=amount, actor=actor, note=note)
        .on_conflict_do_nothing(index_elements=["payment_id", "key"])
        .returning(PaymentEvent.id)
    )
    return db.execute(statement).scalar() is not None


def advance(payment: Payment, result: c.PaymentResult) -> bool:
    """Project a provider's answer on the payment's row; False if it is old news."""
    if result.ref:
        payment.ref = result.ref
    if payment.status in FINAL and result.state not in ("authorized", "captured"):
        return False
    if payment.status == "captured" and result.state in FINAL:
        return False  # money that has come can be paid back, but not be canceled
    if result.state not in FINAL and RANK[result.state] < RANK.get(payment.status, 0):
        return False
    payment.message = result.message
    if result.instructions:
        payment.instructions = [asdict(line) for line in result.instructions]
    if result.expires_at is not None:
        payment.expires_at = result.expires_at
    if result.remind_at is not None:
        payment.remind_at = result.remind_at
    changed = payment.status != result.state
    payment.status = result.state
    return changed


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


def refund_begun(db: Session, order_id: int) -> bool:
    """Whether anyone has begun to pay the order's money back."""
    found = db.scalar(
        select(PaymentEvent.id)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(Payment.order_id == order_id, PaymentEvent.kind == "refund_intended")
        .limit(1)
    )
    return found is not None


def balance(db: Session, order_id: int) -> int:
    """Minor units received and kept: captures minus refunds. Never stored."""
    value = db.scalar(
        select(func.coalesce(func.sum(PaymentEvent.amount), 0))
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(Payment.order_id == order_id)
    )
    return int(value or 0)


def events(db: Session, order_id: int) -> Sequence[PaymentEvent]:
    """The order's whole payment ledger, oldest first."""
    return db.scalars(
        select(PaymentEvent)
        .join(Payment, Payment.id == PaymentEvent.payment_id)
        .where(Payment.order_id == order_id)
        .order_by(PaymentEvent.id)
    ).all()


def due_for_expiry(db: Session, now: datetime, limit: int = 100) -> list[int]:
    """Ids of orders whose newest payment is past its time and not paid."""
    return _due(db, Payment.expires_at, now, limit)


def due_for_reminder(db: Session, now: datetime, limit: int = 100) -> list[int]:
    return _due(db, Payment.remind_at, now, limit)


def _due(db: Session, column: Any, now: datetime, limit: int) -> list[int]:
    return list(
        db.scalars(
            select(Payment.order_id)
            .where(column <= now, Payment.status.in_(("new", "action", "pending")))
            .order_by(column)
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
