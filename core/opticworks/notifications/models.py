"""Events as they were announced, and every message that one of them led to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

STATUSES = ("queued", "sending", "sent", "failed", "suppressed")


class StoredEvent(Base):
    """One fact, written in the transaction that made it true."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_subject", "subject"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    at: Mapped[datetime] = timestamp()


class EventHandled(Base):
    """That one handler has dealt with one event; written with what the handler writes."""

    __tablename__ = "event_handled"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = timestamp()


class Message(Base):
    """One mail to one recipient about one fact, rendered once and the same on every try.

    `public_id` is the key a mailer gets; `ref` is the mailer's own id of what it accepted.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("uq_message_event_id_kind_recipient", "event_id", "kind", "recipient", unique=True),
        Index("ix_message_ref", "ref"),
        CheckConstraint(f"status IN ({', '.join(map(repr, STATUSES))})", name="status"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(Text, unique=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    kind: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text, unique=True)
    status: Mapped[str] = mapped_column(Text, default="queued")
    ref: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = timestamp()
    sent_at: Mapped[datetime | None]


class Suppression(Base):
    """An address that gets no mail any more, and why."""

    __tablename__ = "suppression"

    address: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = timestamp()
