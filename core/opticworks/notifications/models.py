"""Events as they were announced, and every message that one of them led to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

STATUSES = (
    *("queued", "sending", "sent", "delivered", "bounced", "complained"),
    *("failed", "suppressed"),
)
EVERYTHING, MARKETING = "all", "marketing"  #: what a suppressed address gets no more


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

    `public_id` is the key a mailer gets; `ref` is the own id of the `mailer` that accepted it.
    `status` is a projection of its events.
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
    mailer: Mapped[str] = mapped_column(Text, default="", server_default="")
    marketing: Mapped[bool] = mapped_column(default=False, server_default="false")
    confidential: Mapped[bool] = mapped_column(default=False, server_default="false")
    send_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = timestamp()
    sent_at: Mapped[datetime | None]


class MessageEvent(Base):
    """One thing that happened to a message; append-only. `source` is the vendor's event id."""

    __tablename__ = "message_event"
    __table_args__ = (
        UniqueConstraint("mailer", "source"),
        Index("ix_message_event_message_id", "message_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    kind: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, default="", server_default="")
    mailer: Mapped[str] = mapped_column(Text, default="", server_default="")
    source: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = timestamp()


class MessageAttachment(Base):
    """A file that goes with a message."""

    __tablename__ = "message_attachment"
    __table_args__ = (Index("ix_message_attachment_message_id", "message_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    filename: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Wording(Base):
    """Subject and first words of one kind of message, where staff changed them."""

    __tablename__ = "message_wording"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    intro: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    updated_at: Mapped[datetime] = timestamp()


class Suppression(Base):
    """An address that gets no mail any more, or no marketing, and why."""

    __tablename__ = "suppression"

    address: Mapped[str] = mapped_column(Text, primary_key=True)
    scope: Mapped[str] = mapped_column(
        Text, primary_key=True, default=EVERYTHING, server_default=EVERYTHING
    )
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = timestamp()
