"""Documents that were issued: what they say, frozen, and the numbers they have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

KINDS = ("invoice", "credit_note", "credit_reversal")
CREDITS = KINDS[1:]  #: what takes off an invoice, or gives back to it


class DocumentSeries(Base):
    """How far a series of numbers is. Counted in the transaction that writes the document, so
    that what is rolled back takes its number along and leaves no gap."""

    __tablename__ = "document_series"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger, default=0)


class Document(Base):
    """A document as it was issued, once per (kind, order, what it is about). Append-only.

    `facts` is all that stands on it (opticworks.documents.facts): it is drawn anew from them each
    time, whatever the shop's settings or the catalogue say by then.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS!r}", name="kind"),
        UniqueConstraint("series", "position"),
        UniqueConstraint("kind", "order_number", "about"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, unique=True)
    series: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger)
    order_number: Mapped[str] = mapped_column(ForeignKey("orders.number"), index=True)
    about: Mapped[str] = mapped_column(Text, default="")  #: a refund's id, of a credit note
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    issued_at: Mapped[datetime] = timestamp()
