"""Tracking: what carriers report becomes the state of parcels and their orders, once and forward.

Webhooks, the poller and staff all call `sync`: ask the vendor for the whole history, then lock the
order and apply. A known report changes nothing, and one that comes late moves nothing back.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.checkout import labels, parcels
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.notifications.service import emit
from opticworks.orders.models import Order
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LEFT, Parcel, ShippingProblem, TrackingEvent
from opticworks.shop import Shop

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(hours=4)  #: for what is on its way
GIVE_UP_DAYS = 60  #: after which nobody asks for a parcel any more
PROBLEMS = {
    "failure": "The carrier could not deliver the parcel {number}. Ask the carrier, then the "
    "customer.",
    "return_to_sender": "The parcel {number} is coming back. Ask the customer for another "
    "address, or pay the money back.",
}


def sync(shop: Shop, provider_code: str, ref: str, reference: str = "") -> bool:
    """Bring the parcel up to what its vendor knows now; False if the shop has no such parcel.

    Raises ProviderError when the vendor can't say.
    """
    with shop.unit() as db:
        parcel = _find(db, provider_code, ref, reference)
        if parcel is None:
            return False
        known, status, void = parcel.id, parcel.status, parcel.void
        ref = parcel.ref
    if status == "voided":
        if void == "pending":
            labels.follow_void(shop, known)
        return True
    if status not in ("bought", *LEFT):
        return status == "buying"  # nothing to track before the label is written down
    provider = shop.providers.shipping().get(provider_code)
    if provider is None:
        raise c.ProviderError(
            f"The shipping provider {provider_code!r} is not enabled; enable its plugin again.",
            retryable=False,
        )
    with outside("track"):
        updates = provider.track(ref)
    with shop.unit("track") as db:
        order, locked = parcels.locked(db, known)
        apply(shop, db, order, locked, updates)
    return True


def _find(db: Session, provider: str, ref: str, reference: str) -> Parcel | None:
    """Our own id first: a webhook may come before the vendor's id has been stored."""
    try:
        found = shipments.get(db, uuid.UUID(reference))
    except ValueError:
        found = None
    return found or shipments.by_ref(db, provider, ref)


def apply(
    shop: Shop, db: Session, order: Order, parcel: Parcel, updates: Iterable[c.TrackingUpdate]
) -> None:
    """Keep what was reported and draw its consequences; the order is locked."""
    history = shipments.keep_events(db, parcel.id, updates)
    heard = [(event.status, event.occurred_at) for event in history]
    parcel.tracking = shipments.newest(heard)
    moving = [event for event in history if event.status in shipments.MOVING]
    if moving and parcel.status == "bought":
        _leave(shop, db, order, parcel)
    if parcel.status == "shipped":
        _onward(shop, db, order, parcel, history)
    _problems(shop, db, order, parcel)
    _look_again(shop, parcel)


def _leave(shop: Shop, db: Session, order: Order, parcel: Parcel) -> None:
    """The carrier has it, whether or not somebody said that it was handed over."""
    try:
        with db.begin_nested():
            parcels.leave(shop, db, order, parcel, actor="carrier")
    except Refused as error:
        db.refresh(parcel)
        sentence = f"The carrier has the parcel {parcel.tracking_number}, but: {error}"
        shipments.open_problem(db, order.id, "stock", sentence, parcel.id)


def _onward(
    shop: Shop, db: Session, order: Order, parcel: Parcel, history: Sequence[TrackingEvent]
) -> None:
    """Facts that mails hang on, each announced once."""
    told = {"shipment": str(parcel.id)}
    if parcel.tracking == "delivered":
        at = max(event.occurred_at for event in history if event.status == "delivered")
        parcel.status, parcel.delivered_at = "delivered", at
        db.flush()
        emit(db, events.SHIPMENT_DELIVERED, order.number, told)
        parcels.derive(shop, db, order)
    elif parcel.tracking == "out_for_delivery" and parcel.out_for_delivery_at is None:
        parcel.out_for_delivery_at = shop.now()
        emit(db, events.SHIPMENT_OUT_FOR_DELIVERY, order.number, told)


def _problems(shop: Shop, db: Session, order: Order, parcel: Parcel) -> None:
    """What only a person can see to, and what is over."""
    wrong = parcel.tracking if parcel.tracking in PROBLEMS else ""
    if wrong:
        sentence = PROBLEMS[wrong].format(number=parcel.tracking_number)
        shipments.open_problem(db, order.id, wrong, sentence, parcel.id)
    shipments.close_problems(
        db,
        shop.now(),
        ShippingProblem.about == str(parcel.id),
        ShippingProblem.kind.in_([kind for kind in PROBLEMS if kind != wrong]),
    )


def _look_again(shop: Shop, parcel: Parcel) -> None:
    begun = parcel.bought_at or parcel.created_at
    late = shop.now() - begun > timedelta(days=GIVE_UP_DAYS)
    over = parcel.status == "delivered" or late
    parcel.look_at = None if over else shop.now() + LOOK_AGAIN
