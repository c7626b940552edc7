"""Discounts and the codes that ask for them. Money is minor units of the discount's currency.

How often something was used is not written here: the kernel counts it as claims on allowances.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from opticworks.plugin import plugin_base, timestamp

if TYPE_CHECKING:
    # A type checker can't see through a base that a function makes.
    class Base(DeclarativeBase): ...
else:
    Base = plugin_base("discounts")

PERCENT, FIXED, FREE_SHIPPING, BUY_GET = "percent", "fixed", "free_shipping", "buy_get"
CODE, BATCH, AUTOMATIC = "code", "batch", "automatic"
#: What a discount works on; at most one of each class counts on an order.
PRODUCT, ORDER, SHIPPING = "product", "order", "shipping"
CLASSES = (PRODUCT, ORDER, SHIPPING)


def _texts(default: str = "{}") -> Mapped[list[str]]:
    return mapped_column(ARRAY(Text), server_default=text(f"'{default}'"))


class Discount(Base):
    """What is taken off, and when.

    `method` says how a cart gets it: by one code, by any code of a batch (each good for one
    order), or automatically. `skus` (with `*` at the end for "begins with", or the path of a
    product's page) and `groups` make it one of products. One of the kind "buy_get" takes
    `percent` off `get_quantity` of those for every `buy_quantity` bought of `buy_skus` and
    `buy_groups`, at most `times` times an order. `methods`, `cap` and `countries` narrow free
    shipping. `combines` are the classes it may stand beside; `exclusive` beats every other
    discount.
    """

    __tablename__ = "discounts_discount"
    __table_args__ = (
        CheckConstraint("kind IN ('percent', 'fixed', 'free_shipping', 'buy_get')", name="kind"),
        CheckConstraint("method IN ('code', 'batch', 'automatic')", name="method"),
        CheckConstraint(
            "CASE kind WHEN 'percent' THEN percent > 0 AND percent <= 100 "
            "WHEN 'buy_get' THEN percent > 0 AND percent <= 100 AND buy_quantity IS NOT NULL "
            "AND get_quantity IS NOT NULL WHEN 'fixed' THEN amount > 0 ELSE true END IS TRUE",
            name="value",
        ),
        CheckConstraint("buy_quantity > 0", name="buy_quantity"),
        CheckConstraint("get_quantity > 0", name="get_quantity"),
        CheckConstraint("times > 0", name="times"),
        CheckConstraint("minimum >= 0", name="minimum"),
        CheckConstraint("total_limit > 0", name="total_limit"),
        CheckConstraint("customer_limit > 0", name="customer_limit"),
        CheckConstraint("ends_at > starts_at", name="period"),
        Index(
            "ix_discounts_discount_automatic",
            "id",
            postgresql_where=text("method = 'automatic' AND active"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    minimum: Mapped[int] = mapped_column(BigInteger, server_default="0")
    skus: Mapped[list[str]] = _texts()
    groups: Mapped[list[str]] = _texts()
    buy_quantity: Mapped[int | None] = mapped_column(Integer)
    buy_skus: Mapped[list[str]] = _texts()
    buy_groups: Mapped[list[str]] = _texts()
    get_quantity: Mapped[int | None] = mapped_column(Integer)
    times: Mapped[int | None] = mapped_column(Integer)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    total_limit: Mapped[int | None] = mapped_column(Integer)
    customer_limit: Mapped[int | None] = mapped_column(Integer)
    exclusive: Mapped[bool] = mapped_column(server_default=text("false"))
    combines: Mapped[list[str]] = _texts("{product,order,shipping}")
    methods: Mapped[list[str]] = _texts()
    cap: Mapped[int | None] = mapped_column(BigInteger)
    countries: Mapped[list[str]] = _texts()
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = timestamp()

    @property
    def works_on(self) -> str:
        """Its class."""
        if self.kind == FREE_SHIPPING:
            return SHIPPING
        return PRODUCT if self.kind == BUY_GET or self.skus or self.groups else ORDER

    @property
    def allowance(self) -> str:
        """The key under which the kernel counts its uses."""
        return f"discounts:{self.id}"


class Code(Base):
    """A code as it is written; `key` is what all its spellings have in common."""

    __tablename__ = "discounts_code"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    discount_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("discounts_discount.id", ondelete="CASCADE"), index=True
    )
    code: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = timestamp()

    @property
    def allowance(self) -> str:
        """The key under which the kernel counts the uses of a batch's code."""
        return f"discounts:code:{self.id}"
