"""A picture: what was added, and the files it was made into."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp


class StoredPicture(Base):
    """`digest` is the SHA-256 of the bytes that were added: they are one picture however often
    they come. It is empty once the picture is being thrown away, so that the same bytes begin
    anew, with files of their own.

    `width` and `height` are those a person sees (EXIF orientation applied). `first` is the file
    that is there at once: `{"width": 960, "format": "jpg"}`. `files` holds the addresses of what
    the job has made, `{"avif": {"320": address}}`; `ref` is the image store's own id for it.
    `owners` are the codes of the plugins that brought it.
    """

    __tablename__ = "picture"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint("(digest IS NULL) = (doomed_at IS NOT NULL)", name="doomed"),
        Index("ix_picture_doomed_at", "doomed_at", postgresql_where=text("doomed_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(Text, unique=True)
    digest: Mapped[str | None] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    alt: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    first: Mapped[dict[str, Any]] = mapped_column(JSONB)
    files: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    store: Mapped[str] = mapped_column(Text, server_default="")
    ref: Mapped[str] = mapped_column(Text, server_default="")
    owners: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    added_at: Mapped[datetime] = timestamp()
    ready_at: Mapped[datetime | None]
    unused_since: Mapped[datetime | None]
    doomed_at: Mapped[datetime | None]
