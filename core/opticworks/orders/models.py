"""An order: a quote frozen, and its statuses as projections of the ledgers."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from opticworks.db import Base, timestamp

STATUSES = ("awaiting_payment", "confirmed", "completed", "canceled")
PAYMENT_STATUSES = ("unpaid", "pending", "authorized", "paid", "part_refunded", "refunded")
FULFILMENT_STATUSES = ("unfulfilled", "part_shipped", "shipped", "part_delivered", "delivered")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Order(Base):
    """Money columns are minor units of `currency`. A deferred trigger proves that lines plus
    shipping are the total; another freezes the money once the row is written.

    The table is called "orders" because ORDER is a word of SQL.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint(_one_of("payment_status", PAYMENT_STATUSES), name="payment_status"),
        CheckConstraint(
            _one_of("fulfilment_status", FULFILMENT_STATUSES), name="fulfilment_status"
        ),
        CheckConstraint("total >= 0", name="total_not_negative"),
        # A cart has at most one order that waits for its payment.
        Index(
            "uq_orders_open_cart",
            "cart_id",
            unique=True,
            postgresql_where=text("status = 'awaiting_payment'"),
        ),
        Index("ix_orders_placed_at_id", "placed_at", "id"),
        Index("ix_orders_email", "email"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    token: Mapped[str] = mapped_column(Text, unique=True)
    cart_id: Mapped[uuid.UUID] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(Text)
    customer_name: Mapped[str] = mapped_column(Text)
    #: The language and region it was placed in ("de_DE"): its mails and papers are written in it.
    locale: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[str] = mapped_column(Text, default="awaiting_payment")
    payment_status: Mapped[str] = mapped_column(Text, default="unpaid")
    fulfilment_status: Mapped[str] = mapped_column(Text, default="unfulfilled")
    currency: Mapped[str] = mapped_column(Text)
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount_total: Mapped[int] = mapped_column(BigInteger)
    shipping_total: Mapped[int] = mapped_column(BigInteger)
    tax_total: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    quote_hash: Mapped[str] = mapped_column(Text)
    trace: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    shipping: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    #: What was typed and what a verifier suggested, whichever was chosen, and what the order was
    #: placed with if staff typed another address since (checkout.addresses).
    address_check: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    placed_at: Mapped[datetime]
    canceled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str] = mapped_column(Text, default="")


class OrderLine(Base):
    """A snapshot of what was bought: written once, never changed. `components` lists what a
    bundle takes from stock and each part's share of the line's total."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_order_line_picture", text("(item -> 'image' ->> 'id')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    position: Mapped[int]
    sku: Mapped[str] = mapped_column(Text, index=True)
    title: Mapped[str] = mapped_column(Text)
    options: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[int]
    unit_price: Mapped[int] = mapped_column(BigInteger)
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    tax_included: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    item: Mapped[dict[str, Any]] = mapped_column(JSONB)
    components: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    tracked: Mapped[bool] = mapped_column(default=True)

    @property
    def ships(self) -> bool:
        """Whether it leaves in a parcel."""
        return bool(self.item.get("requires_shipping", True))

    created_at: Mapped[datetime] = timestamp()
