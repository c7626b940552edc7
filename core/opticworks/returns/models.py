"""Returns and withdrawals: what comes back of an order, its label, its history."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from opticworks.db import Base, timestamp

KINDS = ("return", "withdrawal")
STATES = (
    *("requested", "approved", "declined", "canceled"),
    *("in_transit", "received", "refunded", "closed"),
)
#: States in which somebody still has to do something.
OPEN = ("requested", "approved", "in_transit", "received")
#: States whose units were never spoken for, or are free again.
VOID = ("declined", "canceled")
#: Where a return may go from each state; the database refuses anything else.
STEPS: dict[str, tuple[str, ...]] = {
    "requested": ("approved", "declined", "canceled"),
    "approved": ("in_transit", "received", "canceled", "refunded", "closed"),
    "in_transit": ("received", "closed"),
    "received": ("refunded", "closed"),
}
CONDITIONS = ("new", "opened", "used", "damaged", "incomplete")


class Return(Base):
    """Goods that come back together, asked for by a customer.

    `id` is made when the form is shown, so that a double click is one return, and is the request
    of its refund. A `withdrawal` needs no approval; `carried_out_at` is when what had not left was
    taken out of the order, `problem` why that has to be done by a person.
    """

    __tablename__ = "goods_return"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS!r}", name="kind"),
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        # One at a time waits for an answer: two tabs make one.
        Index(
            "uq_goods_return_requested",
            "order_id",
            unique=True,
            postgresql_where=text("state = 'requested'"),
        ),
        Index("ix_goods_return_state", "state", "created_at"),
        Index("ix_goods_return_created_at", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[str] = mapped_column(Text, default="return")
    state: Mapped[str] = mapped_column(Text, default="requested")
    note: Mapped[str] = mapped_column(Text, default="")  #: what the customer wrote
    answer: Mapped[str] = mapped_column(Text, default="")  #: why it was declined, for the customer
    problem: Mapped[str] = mapped_column(Text, default="")
    carried_out_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()

    lines: Mapped[list[ReturnLine]] = relationship(
        lazy="selectin", order_by="ReturnLine.order_line_id", cascade="all, delete-orphan"
    )

    @property
    def units(self) -> dict[int, int]:
        """Units that come, or came, back in a parcel, by order line id."""
        return {line.order_line_id: line.back for line in self.lines}


class ReturnLine(Base):
    """So many units of an order's line. `unsent` of them had not left when their customer withdrew
    and never will; `received` is what arrived of the others, None before it did. `restock` says
    whether that went back on the shelf."""

    __tablename__ = "goods_return_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unsent >= 0 AND unsent <= quantity", name="unsent_within"),
        CheckConstraint("received >= 0 AND received <= quantity - unsent", name="received_within"),
        CheckConstraint(f"condition IN {('', *CONDITIONS)!r}", name="condition"),
    )

    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("goods_return.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(
        ForeignKey("order_line.id"), primary_key=True, autoincrement=False, index=True
    )
    quantity: Mapped[int]
    unsent: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    received: Mapped[int | None]
    condition: Mapped[str] = mapped_column(Text, default="")
    restock: Mapped[bool] = mapped_column(default=False)

    @property
    def coming(self) -> int:
        """Units that are to come back in a parcel."""
        return self.quantity - self.unsent

    @property
    def back(self) -> int:
        """Units that came back, or are to."""
        return self.coming if self.received is None else self.received


class ReturnEvent(Base):
    """One thing that happened to a return. Append-only, and the database refuses anything else."""

    __tablename__ = "goods_return_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("goods_return.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text, default="")  #: empty: the customer
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = timestamp()


class Withdrawal(Base):
    """A customer's declaration that they withdraw from the contract, word for word, and when it
    came. Written once. `everything`: no unit of the order is left out."""

    __tablename__ = "withdrawal"

    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("goods_return.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    statement: Mapped[str] = mapped_column(Text)
    everything: Mapped[bool]
    declared_at: Mapped[datetime]


LABEL_STATUSES = ("prepared", "buying", "bought", "voided")


class ReturnLabel(Base):
    """A prepaid label of a return: `ref` is the vendor's id, committed before anything is bought;
    `rate` is the one that was chosen, committed before it is bought (see shipping.Parcel).

    A return has one label at most that was not given back. `void` is "asking" while it is not
    known whether the vendor takes it back, then what became of its money: pending, done, failed.
    """

    __tablename__ = "return_label"
    __table_args__ = (
        CheckConstraint(f"status IN {LABEL_STATUSES!r}", name="status"),
        CheckConstraint("void IN ('', 'asking', 'pending', 'done', 'failed')", name="void"),
        Index(
            "uq_return_label_live",
            "return_id",
            unique=True,
            postgresql_where=text("status <> 'voided'"),
        ),
        Index(
            "uq_return_label_ref",
            *("provider", "ref"),
            unique=True,
            postgresql_where=text("ref <> ''"),
        ),
        Index("ix_return_label_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    return_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("goods_return.id"), index=True)
    status: Mapped[str] = mapped_column(Text, default="prepared")
    provider: Mapped[str] = mapped_column(Text)
    ref: Mapped[str] = mapped_column(Text)
    contents: Mapped[str] = mapped_column(Text, default="")
    rates: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    rated_at: Mapped[datetime | None]
    rate: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    carrier: Mapped[str] = mapped_column(Text, default="")
    service: Mapped[str] = mapped_column(Text, default="")
    tracking_number: Mapped[str] = mapped_column(Text, default="", index=True)
    tracking_url: Mapped[str] = mapped_column(Text, default="")
    tracking: Mapped[str] = mapped_column(Text, default="")  #: the newest that was reported
    cost: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, default="")
    addresses: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  #: of files elsewhere
    bought_at: Mapped[datetime | None]
    void: Mapped[str] = mapped_column(Text, default="")
    void_tries: Mapped[int] = mapped_column(default=0)
    voided_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]  #: when the vendor is asked what a crash left open
    created_at: Mapped[datetime] = timestamp()

    @property
    def usable(self) -> bool:
        """Whether a customer may stick it on a parcel."""
        return self.status == "bought" and not self.void


class ReturnLabelFile(Base):
    """A return label as the vendor made it, kept byte for byte."""

    __tablename__ = "return_label_file"
    __table_args__ = (UniqueConstraint("label_id", "format", "digest"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    label_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("return_label.id"), index=True)
    format: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    at: Mapped[datetime] = timestamp()
