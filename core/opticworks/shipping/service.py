"""Parcels of an order: what is packed, what left, what arrived, and what staff must see to."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.shipping.models import (
    LEFT,
    LIVE,
    LabelFile,
    Parcel,
    ParcelLine,
    Shipment,
    ShippingProblem,
    TrackingEvent,
)

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
    without: Mapping[int, Mapping[str, int]] | None = None,
    parcel_id: uuid.UUID | None = None,
    sent_to: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Parcel:
    """A parcel that left now, packed and labelled by hand; `quantities` by order line id, and
    `without` which parts of its bundles."""
    parcel = Parcel(
        id=parcel_id or uuid.uuid4(),
        order_id=order_id,
        status="shipped",
        carrier=carrier,
        tracking_number=tracking_number,
        tracking_url=tracking_url or tracking_page(carrier, tracking_number),
        shipped_at=now,
        sent_to=dict(sent_to) if sent_to is not None else None,
        lines=lines_of(quantities, without or {}),
    )
    add(db, order_id, [parcel], actor)
    return parcel


def add(
    db: Session,
    order_id: int,
    parcels: Sequence[Parcel],
    actor: str,
    shipment_id: uuid.UUID | None = None,
) -> Shipment:
    """A shipment of these parcels, in this order."""
    for position, parcel in enumerate(parcels, 1):
        parcel.order_id, parcel.position = order_id, position
    shipment = Shipment(
        id=shipment_id or uuid.uuid4(), order_id=order_id, actor=actor, parcels=list(parcels)
    )
    db.add(shipment)
    db.flush()
    return shipment


def lines_of(
    quantities: Mapping[int, int], without: Mapping[int, Mapping[str, int]]
) -> list[ParcelLine]:
    """What a parcel holds, by order line id: units, and the parts of bundles that are not in it."""
    return [
        ParcelLine(order_line_id=line_id, quantity=quantity, without=dict(without.get(line_id, {})))
        for line_id, quantity in sorted(quantities.items())
        if quantity
    ]


def get(db: Session, parcel_id: uuid.UUID, *, lock: bool = False) -> Parcel | None:
    """The parcel; with `lock`, kept from everyone else until the transaction ends. Lock the order
    first: whatever changes a parcel may change its order."""
    query = select(Parcel).where(Parcel.id == parcel_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.scalars(query).one_or_none()


def shipment(db: Session, shipment_id: uuid.UUID) -> Shipment | None:
    return db.get(Shipment, shipment_id)


def by_ref(db: Session, provider: str, ref: str) -> Parcel | None:
    """The parcel that a vendor knows by that id."""
    if not ref:
        return None
    query = select(Parcel).where(Parcel.provider == provider, Parcel.ref == ref)
    return db.scalars(query).one_or_none()


def of_order(db: Session, order_id: int, statuses: Iterable[str] = LIVE) -> Sequence[Parcel]:
    """The order's parcels, oldest shipment first; those that count, if not told otherwise."""
    return db.scalars(
        select(Parcel)
        .join(Shipment, Shipment.id == Parcel.shipment_id)
        .where(Parcel.order_id == order_id, Parcel.status.in_(tuple(statuses)))
        .order_by(Shipment.created_at, Shipment.id, Parcel.position)
    ).all()


@dataclass(frozen=True, slots=True)
class Boxed:
    """How much of an order lies in its parcels, by order line id: `units`, and by (line, SKU) how
    many parts of bundles are missing from them."""

    units: Mapping[int, int]
    without: Mapping[tuple[int, str], int]


def boxed(db: Session, *order_ids: int) -> dict[str, Boxed]:
    """What lies in the parcels of the order (or of several), in one statement: all that is
    `packed`, of which so much has `left` and so much was `delivered`."""
    rows = db.execute(
        select(Parcel.status, ParcelLine.order_line_id, ParcelLine.quantity, ParcelLine.without)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(Parcel.order_id.in_(order_ids), Parcel.status.in_(LIVE))
    )
    return add_up((row.status, row.order_line_id, row.quantity, row.without) for row in rows)


def add_up(rows: Iterable[tuple[str, int, int, Mapping[str, int]]]) -> dict[str, Boxed]:
    """What `boxed` answers, of (parcel's status, order line id, units, parts left out) rows."""
    rows = list(rows)
    found = {}
    for name, statuses in (("packed", LIVE), ("left", LEFT), ("delivered", ("delivered",))):
        units: Counter[int] = Counter()
        without: Counter[tuple[int, str]] = Counter()
        for status, line_id, quantity, missing in rows:
            if status in statuses:
                units[line_id] += quantity
                without.update({(line_id, sku): count for sku, count in missing.items()})
        found[name] = Boxed(units, without)
    return found


def shipped(db: Session, order_id: int) -> Mapping[int, int]:
    """Units that have left, by order line id."""
    return boxed(db, order_id)["left"].units


def unlabelled(db: Session, order_ids: Collection[int]) -> set[int]:
    """Of these orders those with a parcel whose label is not bought yet."""
    query = select(Parcel.order_id).where(
        Parcel.order_id.in_(order_ids), Parcel.status.in_(("draft", "prepared", "buying"))
    )
    return set(db.scalars(query))


def labelled(db: Session, order_id: int) -> bool:
    """Whether a label is being bought, or was bought for a parcel that has not left."""
    query = select(Parcel.id).where(
        Parcel.order_id == order_id, Parcel.status.in_(("buying", "bought"))
    )
    return db.scalars(query.limit(1)).first() is not None


def forget_offers(db: Session, order_id: int) -> None:
    """Prices that were asked for are for another address now: they are not shown any more."""
    db.execute(
        update(Parcel)
        .where(Parcel.order_id == order_id, Parcel.status == "prepared")
        .values(rates=[], rated_at=None)
    )


def drop_drafts(db: Session, order_id: int) -> None:
    """Give up what is packed without a label: its order is not sent."""
    db.execute(
        update(Parcel)
        .where(Parcel.order_id == order_id, Parcel.status.in_(("draft", "prepared")))
        .values(status="dropped")
    )


def history(db: Session, parcels: Sequence[Parcel]) -> dict[uuid.UUID, list[TrackingEvent]]:
    """What carriers reported of these parcels, the latest first."""
    found: dict[uuid.UUID, list[TrackingEvent]] = {}
    if parcels:
        query = select(TrackingEvent).where(
            TrackingEvent.parcel_id.in_([parcel.id for parcel in parcels])
        )
        for event in db.scalars(
            query.order_by(TrackingEvent.occurred_at.desc(), TrackingEvent.id.desc())
        ):
            found.setdefault(event.parcel_id, []).append(event)
    return found


def fulfilment(
    ordered: Mapping[int, int], shipped: Mapping[int, int], delivered: Mapping[int, int]
) -> str:
    """An order's fulfilment status, from units by line: of what has to be shipped, of what left
    (delivered units included) and of what arrived."""
    wanted, left, there = (sum(units.values()) for units in (ordered, shipped, delivered))
    if not left:
        return "unfulfilled"
    if there:
        return "delivered" if there >= wanted else "part_delivered"
    return "shipped" if left >= wanted else "part_shipped"


# --- what staff must see to -----------------------------------------------------------------------


def open_problem(db: Session, order_id: int, kind: str, sentence: str, about: object = "") -> None:
    """Put it on the staff's list; one that is open already gets the new sentence."""
    statement = insert(ShippingProblem).values(
        order_id=order_id, kind=kind, about=str(about), sentence=sentence, closed_by=""
    )
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["order_id", "kind", "about"],
            index_where=ShippingProblem.closed_at.is_(None),
            set_={"sentence": sentence},
        )
    )


def close_problems(
    db: Session, now: datetime, *conditions: ColumnElement[bool], actor: str = ""
) -> int:
    """Take them off the list; how many there were."""
    statement = (
        update(ShippingProblem)
        .where(ShippingProblem.closed_at.is_(None), *conditions)
        .values(closed_at=now, closed_by=actor)
        .returning(ShippingProblem.id)
    )
    return len(db.scalars(statement).all())


def problems(db: Session, order_id: int) -> Sequence[ShippingProblem]:
    """The order's open problems, oldest first."""
    return db.scalars(
        select(ShippingProblem)
        .where(ShippingProblem.order_id == order_id, ShippingProblem.closed_at.is_(None))
        .order_by(ShippingProblem.id)
    ).all()


# --- label files ----------------------------------------------------------------------------------


def label_files(db: Session, parcel_id: uuid.UUID) -> Sequence[LabelFile]:
    """The label as it is kept here, in each format, the newest first."""
    return db.scalars(
        select(LabelFile).where(LabelFile.parcel_id == parcel_id).order_by(LabelFile.id.desc())
    ).all()


def label_formats(db: Session, parcel_ids: Sequence[uuid.UUID]) -> set[str]:
    """The formats in which labels of these parcels are kept here."""
    query = select(LabelFile.format).where(LabelFile.parcel_id.in_(parcel_ids)).distinct()
    return set(db.scalars(query))


def keep_file(db: Session, parcel_id: uuid.UUID, format: str, content: bytes) -> None:
    """Keep a label's file; the very same one is kept once, and another never replaces it."""
    statement = insert(LabelFile).values(
        parcel_id=parcel_id,
        format=format,
        digest=hashlib.sha256(content).hexdigest(),
        content=content,
    )
    db.execute(statement.on_conflict_do_nothing(index_elements=["parcel_id", "format", "digest"]))


# --- tracking -------------------------------------------------------------------------------------

#: How far a parcel is on its way. The rest ("failure", "return_to_sender" …) says what is wrong.
PROGRESS = {
    "pre_transit": 1,
    "in_transit": 2,
    "out_for_delivery": 3,
    "available_for_pickup": 3,
    "delivered": 4,
}
TROUBLE = frozenset({"failure", "return_to_sender", "canceled"})
MOVING = frozenset({*PROGRESS, "return_to_sender"} - {"pre_transit"})


def keep_events(
    db: Session, parcel_id: uuid.UUID, updates: Iterable[c.TrackingUpdate]
) -> Sequence[TrackingEvent]:
    """Add what the carrier reported to the parcel's history; the whole of it, oldest first."""
    values = [
        {
            "parcel_id": parcel_id,
            "status": update.status,
            "occurred_at": update.occurred_at,
            "description": update.description[:500],
            "location": update.location[:200],
        }
        for update in updates
    ]
    if values:
        statement = insert(TrackingEvent).values(values)
        columns = ["parcel_id", "status", "occurred_at"]
        db.execute(statement.on_conflict_do_nothing(index_elements=columns))
    return db.scalars(
        select(TrackingEvent)
        .where(TrackingEvent.parcel_id == parcel_id)
        .order_by(TrackingEvent.occurred_at, TrackingEvent.id)
    ).all()


def reports(db: Session, parcel_id: uuid.UUID) -> Sequence[TrackingEvent]:
    """What the carrier reported of a parcel, the latest first."""
    return db.scalars(
        select(TrackingEvent)
        .where(TrackingEvent.parcel_id == parcel_id)
        .order_by(TrackingEvent.occurred_at.desc(), TrackingEvent.id.desc())
    ).all()


def newest(history: Sequence[tuple[str, datetime]]) -> str:
    """The status that a history (status, moment) comes to, in whichever order it was heard.

    Delivered stays delivered. Otherwise trouble counts while nothing newer was reported, and the
    farthest progress since the last trouble does: a late event moves nothing back.
    """
    statuses = {status for status, _ in history}
    if "delivered" in statuses:
        return "delivered"
    troubles = [(at, status) for status, at in history if status in TROUBLE]
    last, trouble = max(troubles, default=(None, ""))
    since = [status for status, at in history if status in PROGRESS and (not last or at > last)]
    if since:
        return max(since, key=lambda status: PROGRESS[status])
    return trouble or ("unknown" if statuses else "")
