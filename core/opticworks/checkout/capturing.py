"""Taking the money of an authorized payment: at once by a job, or when staff or a parcel say so."""

from __future__ import annotations

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import settle as settling
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.jobs import defer
from opticworks.orders.models import Order
from opticworks.shop import Shop


def take(shop: Shop, found: settling.Attempt) -> None:
    """Capture the whole sum, once however often this is called. Raises ProviderError."""
    provider = settling.provider_of(shop, found.provider)
    with outside("capture"):
        result = provider.capture(found.ref, found.intent.amount, f"{found.key}:capture")
    with shop.unit("capture") as db:
        settling.apply(shop, db, found, result)


def before_sending(shop: Shop, number: str) -> None:
    """Take what an order is still to be charged before its first parcel leaves.

    Raises Refused when its provider says no for good, since nobody would pay for the goods then.
    One that can't be reached keeps no parcel back: a job goes on asking, see `when_sent`.
    """
    found = settling.attempt_of(shop, number)
    if found is None or found.status != "authorized":
        return
    try:
        take(shop, found)
    except c.ProviderError as error:
        if not error.retryable:
            raise Refused(
                f"The money could not be taken, so nothing is sent: {error} Ask the customer to "
                "pay again, or cancel the order."
            ) from None


def when_sent(db: Session, order: Order) -> None:
    """A parcel has left (locked order): go on asking for money that is only authorized."""
    if order.payment_status == "authorized":
        defer(db, "checkout.capture", number=order.number)
