"""A text page, written in Markdown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp


class ShopPage(Base):
    """`group` is the footer's heading it stands under; empty keeps it out of the footer."""

    __tablename__ = "page"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text)
    group: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=100)
    updated_at: Mapped[datetime] = timestamp()
