"""Shipments of an order: what left, in which parcel, and how it stands."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks.shipping.models import Shipment, ShipmentLine

#: Where carriers show a parcel by its number.
TRACKING_PAGES = {
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
    "dhl": "https://www.dhl.com/en/express/tracking.html?AWB={}",
}


def tracking_page(carrier: str, number: str) -> str:
    """The carrier's own page for a parcel, empty for a carrier we don't know."""
    pattern = TRACKING_PAGES.get(carrier.strip().lower(), "")
    return pattern.format(quote(number)) if pattern and number else ""


def record(
    db: Session,
    order_id: int,
    quantities: Mapping[int, int],
    *,
    carrier: str,
    tracking_number: str,
    tracking_url: str,
    now: datetime,
    parcel_id: uuid.UUID | None = None,
) -> Shipment:
    """A parcel that left now, packed and labelled by hand; `quantities` by order line id."""
    shipment = Shipment(
        id=parcel_id or uuid.uuid4(),
        order_id=order_id,
        carrier=carrier,
        tracking_number=tracking_number,
        tracking_url=tracking_url or tracking_page(carrier, tracking_number),
        shipped_at=now,
        lines=[
            ShipmentLine(order_line_id=line_id, quantity=quantity)
            for line_id, quantity in sorted(quantities.items())
            if quantity
        ],
    )
    db.add(shipment)
    db.flush()
    return shipment


def get(db: Session, parcel_id: uuid.UUID) -> Shipment | None:
    return db.get(Shipment, parcel_id)


def of_order(db: Session, order_id: int) -> Sequence[Shipment]:
    return db.scalars(
        select(Shipment).where(Shipment.order_id == order_id).order_by(Shipment.created_at)
    ).all()


def shipped(db: Session, order_id: int) -> dict[int, int]:
    """Units already in a parcel, by order line id."""
    rows = db.execute(
        select(ShipmentLine.order_line_id, func.sum(ShipmentLine.quantity))
        .join(Shipment, Shipment.id == ShipmentLine.shipment_id)
        .where(Shipment.order_id == order_id)
        .group_by(ShipmentLine.order_line_id)
    )
    return {line_id: int(quantity) for line_id, quantity in rows}
