"""Disputes in the ledger: what a buyer's bank claims, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.payments import service as payments
from opticworks.payments.models import Dispute, Payment

OPEN = ("needs_response", "under_review")
RANK = {"needs_response": 0, "under_review": 1, "won": 2, "lost": 2}


def of_order(db: Session, order_id: int) -> Sequence[Dispute]:
    """The order's disputes, oldest first."""
    return db.scalars(
        select(Dispute)
        .join(Payment, Payment.id == Dispute.payment_id)
        .where(Payment.order_id == order_id)
        .order_by(Dispute.id)
    ).all()


def is_open(dispute: Dispute) -> bool:
    return dispute.status in OPEN


def mirror(db: Session, payment: Payment, said: c.Dispute, now: datetime) -> bool:
    """Write down how a dispute stands; whether it is new and open, so that staff must hear of it.

    One that is over stays so, whatever a late answer says. A lost one takes its money.
    """
    known = db.scalars(
        select(Dispute)
        .where(Dispute.payment_id == payment.id, Dispute.ref == said.ref)
        .execution_options(populate_existing=True)
    ).one_or_none()
    new = known is None
    if known is None:
        known = Dispute(
            payment_id=payment.id,
            ref=said.ref,
            amount=said.money.minor,
            status="needs_response",
            opened_at=now,
        )
        db.add(known)
        _tell(db, payment, known, "dispute_opened", said.reason)
    elif not is_open(known) or RANK[said.status] < RANK[known.status]:
        return False
    known.reason, known.due_by, known.url = said.reason, said.due_by, said.url
    known.status = said.status
    if not is_open(known):
        known.closed_at = now
        _tell(db, payment, known, "dispute_closed", said.status)
    db.flush()
    return new and is_open(known)


def _tell(db: Session, payment: Payment, dispute: Dispute, kind: str, note: str) -> None:
    lost = kind == "dispute_closed" and dispute.status == "lost"
    payments.record(
        db,
        payment,
        kind,
        key=f"{kind}:{dispute.ref}",
        amount=-dispute.amount if lost else 0,
        about=dispute.amount,
        note=note,
    )
