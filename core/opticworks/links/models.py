"""A link that was sent by mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp


class MailedLink(Base):
    """`public_id` is in the link beside its signature, so that nobody who reads this table (or a
    backup) can make the link. `subject` is whom it is about, `address` where it was sent."""

    __tablename__ = "mailed_link"
    __table_args__ = (Index("ix_mailed_link_purpose_subject", "purpose", "subject"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(Text, unique=True)
    purpose: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
