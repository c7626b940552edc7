"""A cart and its lines."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from opticworks.db import Base, timestamp


class Cart(Base):
    """What a browser has gathered. `details` is the checkout form as typed, valid or not;
    `rates` what the shipping providers answered for `rates_key` (a hash of their input)."""

    __tablename__ = "cart"
    __table_args__ = (CheckConstraint("state IN ('open', 'ordered')", name="state"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    state: Mapped[str] = mapped_column(Text, default="open")
    currency: Mapped[str] = mapped_column(Text)
    codes: Mapped[list[str]] = mapped_column(JSONB, default=list)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    shipping_code: Mapped[str] = mapped_column(Text, default="")
    rates: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    rates_key: Mapped[str] = mapped_column(Text, default="")
    rates_until: Mapped[datetime | None]
    #: What a verifier said of the address as typed (checkout.addresses).
    address_check: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = timestamp()
    updated_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime] = mapped_column(index=True)

    lines: Mapped[list[CartLine]] = relationship(
        order_by="CartLine.position", cascade="all, delete-orphan"
    )


class CartLine(Base):
    """So many of one SKU. `price_seen` is the unit price (minor units) when it was last agreed
    to, kept only to tell that it changed."""

    __tablename__ = "cart_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    cart_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("cart.id", ondelete="CASCADE"), primary_key=True
    )
    sku: Mapped[str] = mapped_column(Text, primary_key=True)
    quantity: Mapped[int]
    price_seen: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int]
