"""Shipments: the parcels of an order, what is in them, and what the carrier said."""

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

#: The life of a parcel. Until "shipped" it lies here; "voided" and "dropped" count no more.
STATUSES = (
    *("draft", "prepared", "buying", "bought"),
    *("shipped", "delivered", "voided", "dropped"),
)
HERE = ("draft", "prepared", "buying", "bought")
LEFT = ("shipped", "delivered")
LIVE = (*HERE, *LEFT)


class Shipment(Base):
    """What is packed and sent together: one or more parcels."""

    __tablename__ = "shipment"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    actor: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = timestamp()

    parcels: Mapped[list[Parcel]] = relationship(
        lazy="selectin", order_by="Parcel.position", back_populates="shipment"
    )


class Parcel(Base):
    """One parcel. `ref` is the vendor's id, committed before anything is bought; `rates` are what
    the vendor offered for `contents` (a fingerprint), `rate` the one that was chosen, committed
    before it is bought. `tracking` is the newest of what the carrier reported.

    `void` is "asking" while it is not known whether the vendor takes the label back, then what
    became of its money: pending, done or failed.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        CheckConstraint(f"status IN ({', '.join(repr(s) for s in STATUSES)})", name="status"),
        CheckConstraint("void IN ('', 'asking', 'pending', 'done', 'failed')", name="void"),
        CheckConstraint("weight >= 0", name="weight"),
        Index("uq_parcel_ref", "provider", "ref", unique=True, postgresql_where=text("ref <> ''")),
        Index("ix_parcel_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    shipment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    position: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(Text, default="draft")
    tracking: Mapped[str] = mapped_column(Text, default="")
    box: Mapped[str] = mapped_column(Text, default="")
    weight: Mapped[int] = mapped_column(default=0)
    size: Mapped[list[int] | None] = mapped_column(JSONB)
    provider: Mapped[str] = mapped_column(Text, default="")
    ref: Mapped[str] = mapped_column(Text, default="")
    contents: Mapped[str] = mapped_column(Text, default="")
    rates: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    rated_at: Mapped[datetime | None]
    rate: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    carrier: Mapped[str] = mapped_column(Text, default="")
    service: Mapped[str] = mapped_column(Text, default="")
    tracking_number: Mapped[str] = mapped_column(Text, default="", index=True)
    tracking_url: Mapped[str] = mapped_column(Text, default="")
    cost: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, default="")
    label: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    bought_at: Mapped[datetime | None]
    void: Mapped[str] = mapped_column(Text, default="")
    void_tries: Mapped[int] = mapped_column(default=0)
    voided_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    #: The address it left for, whatever becomes of the order's.
    sent_to: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    out_for_delivery_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    manifest_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("manifest.id"), index=True)
    look_at: Mapped[datetime | None]  #: when the vendor is asked again, should no webhook come
    created_at: Mapped[datetime] = timestamp()

    shipment: Mapped[Shipment] = relationship(back_populates="parcels", lazy="selectin")
    lines: Mapped[list[ParcelLine]] = relationship(
        lazy="selectin", order_by="ParcelLine.order_line_id", cascade="all, delete-orphan"
    )

    @property
    def way(self) -> str:
        """How it travels, in words: what its rate is called, or else carrier and service."""
        return str((self.rate or {}).get("title") or f"{self.carrier} {self.service}".strip())


class ParcelLine(Base):
    """So many of an order's line. `without` counts by SKU the parts of bundles that were not put
    in, because they had been paid back by themselves before the parcel was packed."""

    __tablename__ = "parcel_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(
        ForeignKey("order_line.id"), primary_key=True, autoincrement=False
    )
    quantity: Mapped[int]
    without: Mapped[dict[str, int]] = mapped_column(
        JSONB, default=dict, server_default=text("'{}'")
    )


class LabelFile(Base):
    """A label as the vendor made it, kept byte for byte so that it can be printed again."""

    __tablename__ = "label_file"
    __table_args__ = (UniqueConstraint("parcel_id", "format", "digest"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcel.id"), index=True)
    format: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    at: Mapped[datetime] = timestamp()


class TrackingEvent(Base):
    """What the carrier reported, once per (parcel, status, moment). Append-only."""

    __tablename__ = "tracking_event"
    __table_args__ = (UniqueConstraint("parcel_id", "status", "occurred_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parcel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parcel.id"), index=True)
    status: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    occurred_at: Mapped[datetime]
    at: Mapped[datetime] = timestamp()


class Manifest(Base):
    """One form for many parcels that a carrier takes along together, such as a SCAN form.

    It is written down with its parcels before the vendor is asked ("asking"), so that nobody
    asks twice; "working" while the vendor makes the file.
    """

    __tablename__ = "manifest"
    __table_args__ = (
        CheckConstraint("status IN ('asking', 'working', 'ready', 'failed')", name="status"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    provider: Mapped[str] = mapped_column(Text)
    carrier: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="asking")
    ref: Mapped[str] = mapped_column(Text, default="")
    sentence: Mapped[str] = mapped_column(Text, default="")  #: why there is none
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    actor: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = timestamp()


class ShippingProblem(Base):
    """Something about an order's parcels that only a person can see to: a parcel that comes back,
    a label that costs too much. Open until somebody closes it, or what was wrong is over."""

    __tablename__ = "shipping_problem"
    __table_args__ = (
        Index(
            "uq_shipping_problem_open",
            *("order_id", "kind", "about"),
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)  #: label, void, failure, return_to_sender, stock
    about: Mapped[str] = mapped_column(Text, default="")  #: a parcel's id, or nothing
    sentence: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = timestamp()
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(Text, default="")


class LabelBatch(Base):
    """Many orders whose labels were asked for at once."""

    __tablename__ = "label_batch"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    actor: Mapped[str] = mapped_column(Text)
    #: What the labels of one order may cost together, in minor units of its currency.
    most: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = timestamp()


class LabelBatchOrder(Base):
    """How one order of a batch stands: waiting, done or failed with the reason."""

    __tablename__ = "label_batch_order"
    __table_args__ = (CheckConstraint("status IN ('waiting', 'done', 'failed')", name="status"),)

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("label_batch.id"), primary_key=True)
    number: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(Text, default="waiting")
    sentence: Mapped[str] = mapped_column(Text, default="")
