"""Stock counters per SKU, the ledger they are projections of, and holds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp


class StockItem(Base):
    """Counters of one SKU: both are sums over its StockEntry rows, never written alone."""

    __tablename__ = "stock_item"
    __table_args__ = (
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("backorder_limit >= 0", name="backorder_limit_not_negative"),
        CheckConstraint("held <= on_hand + backorder_limit", name="held_covered"),
    )

    sku: Mapped[str] = mapped_column(Text, primary_key=True)
    on_hand: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    backorder_limit: Mapped[int] = mapped_column(default=0)


class StockEntry(Base):
    """One movement: `on_hand` and `held` are signed changes. Append-only (a trigger refuses
    updates and deletes)."""

    __tablename__ = "stock_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    sku: Mapped[str] = mapped_column(Text, index=True)
    on_hand: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(Text)  #: count, adjust, hold, release, ship, return
    reason: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(Text, default="")
    order_number: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = timestamp()


class StockHold(Base):
    """What an order keeps of a SKU. `expires_at` is empty once it is paid for (an allocation).
    The row leaves when it is released or shipped; the ledger keeps its story."""

    __tablename__ = "stock_hold"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_stock_hold_expires_at", "expires_at"),
    )

    order_number: Mapped[str] = mapped_column(Text, primary_key=True)
    sku: Mapped[str] = mapped_column(Text, primary_key=True)
    quantity: Mapped[int]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()


class Allowance(Base):
    """What is left of something limited that is no stock: uses of a code, a gift balance.

    `used` is the sum of its claims; without `granted` they are counted and not limited.
    """

    __tablename__ = "allowance"
    __table_args__ = (CheckConstraint("used >= 0 AND used <= granted", name="not_exceeded"),)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    granted: Mapped[int | None] = mapped_column(BigInteger)
    used: Mapped[int] = mapped_column(BigInteger, default=0)


class Claim(Base):
    """A use of an allowance by an order; given back (`released_at`) when the order is canceled."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_claim_allowance", "allowance", "created_at"),
    )

    order_number: Mapped[str] = mapped_column(Text, primary_key=True)
    allowance: Mapped[str] = mapped_column(Text, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = timestamp()
    released_at: Mapped[datetime | None]
