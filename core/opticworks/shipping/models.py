"""Shipments: parcels on their way, what is in them, and what the carrier said."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from opticworks.db import Base, timestamp


class Shipment(Base):
    """One parcel. `ref` is the vendor's id, stored before anything is bought."""

    __tablename__ = "shipment"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    provider: Mapped[str] = mapped_column(Text, default="")
    ref: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(Text, default="shipped")
    carrier: Mapped[str] = mapped_column(Text, default="")
    service: Mapped[str] = mapped_column(Text, default="")
    tracking_number: Mapped[str] = mapped_column(Text, default="", index=True)
    tracking_url: Mapped[str] = mapped_column(Text, default="")
    label: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    shipped_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = timestamp()

    lines: Mapped[list[ShipmentLine]] = relationship(lazy="selectin")


class ShipmentLine(Base):
    __tablename__ = "shipment_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(
        ForeignKey("order_line.id"), primary_key=True, autoincrement=False
    )
    quantity: Mapped[int]


class TrackingEvent(Base):
    """What the carrier reported, once per (shipment, status, moment). Append-only."""

    __tablename__ = "tracking_event"
    __table_args__ = (UniqueConstraint("shipment_id", "status", "occurred_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    shipment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    status: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    occurred_at: Mapped[datetime]
    at: Mapped[datetime] = timestamp()
