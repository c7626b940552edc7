"""Payments: one row per attempt, and the ledger of what its provider said."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

#: States in which an attempt may still come to something by itself or by its buyer.
OPEN = ("new", "action", "pending")


class Payment(Base):
    """One attempt to pay one order in full; an order has several when one came to nothing.

    `attempt` is the key the provider acts on once; `data` is what the checkout's payment fields
    posted, needed to repeat `start`. `capture` says who takes an authorized sum: "automatic", a
    job at once, or "manual", staff or the first parcel. `expires_at`: an open attempt is given up
    then, an authorization lapses. `look_at`: when the sweeper asks about one that its
    provider still works on, should no webhook tell. `returned` says why its money goes back by
    itself: "surplus" (the order was paid already), "sold_out" or "canceled" (it came too late).
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("capture IN ('automatic', 'manual')", name="capture"),
        Index(
            "uq_payment_provider_ref",
            "provider",
            "ref",
            unique=True,
            postgresql_where=text("ref <> ''"),
        ),
        Index("ix_payment_waiting", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index("ix_payment_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    attempt: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    capture: Mapped[str] = mapped_column(Text, default="automatic", server_default="automatic")
    status: Mapped[str] = mapped_column(Text, default="new")
    returned: Mapped[str] = mapped_column(Text, default="", server_default="")
    ref: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    instructions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    expires_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None] = mapped_column(index=True)
    look_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()

    @property
    def surplus(self) -> bool:
        """Whether it is none of the money that the order was paid with."""
        return self.returned == "surplus"


class PaymentEvent(Base):
    """What happened to a payment, once per (payment, key). Append-only, and the database refuses
    anything else, and to pay back more than was captured.

    `amount` is what this event moved: positive for captured and for a refund that its bank sent
    back, negative for refunded and for a dispute that was lost, else zero.
    `about` is the sum it speaks of where none moved: authorized, a refund begun or ended (failed
    or done), a dispute opened or closed. Both in minor units.
    """

    __tablename__ = "payment_event"
    __table_args__ = (
        CheckConstraint(
            "CASE kind WHEN 'captured' THEN amount >= 0 WHEN 'refund_failed' THEN amount >= 0"
            " WHEN 'refunded' THEN amount <= 0 WHEN 'dispute_closed' THEN amount <= 0"
            " ELSE amount = 0 END",
            name="sign",
        ),
        Index("uq_payment_event_key", "payment_id", "key", unique=True),
        Index(
            "ix_payment_event_attention",
            "payment_id",
            postgresql_where=text("kind IN ('mismatch', 'surplus', 'attended')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    about: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    actor: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = timestamp()


REFUND_STATUSES = ("intended", "pending", "done", "failed")


class Refund(Base):
    """Money that goes back to where one payment came from. Only its state changes.

    `key` is what the provider acts on once; `request` is the form it came from (the same for all
    parts of one wish that took several payments). `lines` says what it is for:
    {"lines": [...], "shipping": minor, "adjustment": minor, "moved": whether goods were moved}.
    "intended" is committed before the provider is asked, so that nothing is ever paid back that
    is not written down; the database refuses more than the payment captured. `check_at`: when the
    sweeper looks at one that is not over; `unseen`: it failed, and nobody has dealt with that.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(f"status IN {REFUND_STATUSES!r}", name="status"),
        Index("uq_refund_request", "request", "payment_id", unique=True),
        Index(
            "uq_refund_payment_ref",
            "payment_id",
            "ref",
            unique=True,
            postgresql_where=text("ref <> ''"),
        ),
        Index("ix_refund_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
        Index("ix_refund_unseen", "payment_id", postgresql_where=text("unseen")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    request: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text, default="intended")
    reason: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    ref: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(Text, default="")
    unseen: Mapped[bool] = mapped_column(default=False)
    check_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()
    settled_at: Mapped[datetime | None]


DISPUTE_STATUSES = ("needs_response", "under_review", "won", "lost")


class Dispute(Base):
    """A buyer's bank wants a payment back; its state is what the provider said last."""

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint(f"status IN {DISPUTE_STATUSES!r}", name="status"),
        Index("uq_dispute_payment_ref", "payment_id", "ref", unique=True),
        Index(
            "ix_dispute_open",
            "due_by",
            postgresql_where=text("status IN ('needs_response', 'under_review')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    ref: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(Text)
    due_by: Mapped[datetime | None]
    url: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime] = timestamp()
    closed_at: Mapped[datetime | None]
