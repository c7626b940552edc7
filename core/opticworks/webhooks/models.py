"""The inbox: one row per verified fact of a vendor."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

FAMILIES = ("payment", "mail", "shipping")
STATUSES = ("waiting", "failed", "unmatched", "done")


class Webhook(Base):
    """What a vendor reported, once per (provider, event id), however often it is told.

    "waiting" has a job; "failed" went wrong and is tried again by its job until that gives up;
    "unmatched" speaks of something that the shop does not know; "done" changed what it could.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        Index("uq_webhook_provider_event_id", "provider", "event_id", unique=True),
        Index("ix_webhook_status_id", "status", "id"),
        Index(
            "ix_webhook_done_received_at",
            "received_at",
            postgresql_where=text("status = 'done'"),
        ),
        CheckConstraint(f"status IN ({', '.join(map(repr, STATUSES))})", name="status"),
        CheckConstraint(f"family IN ({', '.join(map(repr, FAMILIES))})", name="family"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    provider: Mapped[str] = mapped_column(Text)
    family: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    ref: Mapped[str] = mapped_column(Text, default="")
    attempt: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = timestamp()
    status: Mapped[str] = mapped_column(Text, default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    handled_at: Mapped[datetime | None]
