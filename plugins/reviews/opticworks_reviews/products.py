"""What of an order can be reviewed: each product once, whichever variants were bought. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from opticworks.contracts import OrderLineView, OrderView, Picture, ShipmentView

NO_RETURN = ("declined", "canceled")  #: states of returns that came to nothing
PAID = ("paid", "part_refunded")
LOST = ("return_to_sender", "failure")  #: parcels that their customer never had


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A product of an order. `verified`: a line of it is paid and not given back."""

    product: str
    sku: str
    title: str
    options: str
    image: Picture | None
    verified: bool


def product_key(line: OrderLineView) -> str:
    """What all variants of a product have in common: the path of their page."""
    return line.url.partition("?")[0] or line.sku


def bought(order: OrderView) -> tuple[Bought, ...]:
    """The products of an order that were, or will be, sent, in its order."""
    lines: dict[str, list[OrderLineView]] = {}
    for line in order.lines:
        if line.removed < line.quantity:
            lines.setdefault(product_key(line), []).append(line)
    back = _returned(order)
    return tuple(
        Bought(
            product=product,
            sku=group[0].sku,
            title=group[0].title,
            options=group[0].options,
            image=group[0].image,
            verified=order.payment_status in PAID
            and any(max(line.refunded, back.get(line.sku, 0)) < line.quantity for line in group),
        )
        for product, group in lines.items()
    )


def _returned(order: OrderView) -> Counter[str]:
    """Units of each SKU that came back or are on their way back; not what was only asked for."""
    back: Counter[str] = Counter()
    for each in order.returns:
        if each.state not in ("requested", *NO_RETURN):
            for sku, _, units in each.lines:
                back[sku] += units
    return back


def due(order: OrderView, after_delivery: timedelta, after_shipping: timedelta) -> datetime | None:
    """When the buyer may be asked: counted from the delivery of the last parcel, or from its
    shipping where the carrier says nothing more. None while anything is still to be sent."""
    if any(line.ships and line.left > 0 for line in order.lines):
        return None
    if any(parcel.status in LOST for parcel in order.shipments):
        return None
    moments = [
        moment
        for parcel in order.shipments
        if (moment := _due(parcel, after_delivery, after_shipping)) is not None
    ]
    return max(moments, default=None)


def _due(
    parcel: ShipmentView, after_delivery: timedelta, after_shipping: timedelta
) -> datetime | None:
    if parcel.delivered_at is not None:
        return parcel.delivered_at + after_delivery
    return parcel.shipped_at + after_shipping if parcel.shipped_at is not None else None


def stopped_by(order: OrderView) -> str:
    """Why the buyer is not asked, in a word; empty if nothing speaks against it."""
    if order.status == "canceled":
        return "canceled"
    if order.disputed:
        return "dispute"
    if any(each.state not in NO_RETURN for each in order.returns):
        return "return"
    if order.returned or any(each.status != "failed" for each in order.refunds):
        return "refund"
    return "" if order.payment_status in PAID else "unpaid"
