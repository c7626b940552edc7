"""What Resend said last about the domain that mails come from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from opticworks.plugin import plugin_base, timestamp

if TYPE_CHECKING:
    # A type checker can't see through a base that a function makes.
    class Base(DeclarativeBase): ...
else:
    Base = plugin_base("resend_mail")


class Domain(Base):
    """One domain. `status` is Resend's, or "missing" (not in the account) or "unknown" (it could
    not be asked, `error` says why); `records` are its DNS records."""

    __tablename__ = "resend_mail_domain"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text, default="", server_default="")
    records: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    checked_at: Mapped[datetime] = timestamp()
