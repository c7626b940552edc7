"""A text page, written in Markdown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp


class ShopPage(Base):
    """`group` is the footer's heading it stands under; empty keeps it out of the footer.
    `seo_title` replaces the title in the head; `version` counts every change."""

    __tablename__ = "page"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    seo_title: Mapped[str] = mapped_column(Text, default="", server_default="")
    description: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text)
    group: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=100)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    updated_at: Mapped[datetime] = timestamp()


class FormerSlug(Base):
    """An address that a page once had. It follows the page's own slug, so that an old link is
    one hop away from the page for ever."""

    __tablename__ = "page_former_slug"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    page_slug: Mapped[str] = mapped_column(
        ForeignKey("page.slug", onupdate="CASCADE", ondelete="CASCADE"), index=True
    )
