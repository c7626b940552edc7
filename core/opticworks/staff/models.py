"""A member of staff."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

ROLES = ("owner", "manager", "clerk")


class Staff(Base):
    """`email` is stored normalised. `epoch` grows when the password changes: a session that was
    begun under another epoch is signed out."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("role IN ('owner', 'manager', 'clerk')", name="role"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password: Mapped[str] = mapped_column(Text)  #: argon2id hash
    role: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = timestamp()
    last_login_at: Mapped[datetime | None]
