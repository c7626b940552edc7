"""What customers are told of their orders, and staff: the drafts of the kernel's own mails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy.orm import Session

from opticworks.contracts import (
    N_,
    Ctx,
    MessageDraft,
    OrderView,
    ShipmentView,
)
from opticworks.documents import service as documents
from opticworks.documents.models import Document
from opticworks.events import (
    ORDER_CANCELED,
    ORDER_PLACED,
    PAYMENT_FAILED,
    PAYMENT_PAID,
    PAYMENT_REFUNDED,
    PAYMENT_RETURNED,
    SHIPMENT_DELIVERED,
    SHIPMENT_OUT_FOR_DELIVERY,
    SHIPMENT_SHIPPED,
    STOCK_LOW,
    Event,
)
from opticworks.hookspecs import hookimpl
from opticworks.money import Money

RETURNED = {
    "surplus": N_(
        "Your order was paid already when a second payment came in. One is enough; your order "
        "itself stays as it is."
    ),
    "sold_out": N_(
        "Your payment came in after the time we could keep your items, and meanwhile they were "
        "sold. Nothing will be shipped and you pay nothing; if you still want the items, please "
        "order again."
    ),
    "canceled": N_(
        "Your payment came in after the order had been canceled. Nothing will be shipped and you "
        "pay nothing; if you still want the items, please order again."
    ),
}
KEPT = N_("We keep your items for you, and ship them as soon as your payment arrives.")
READY = N_("We are getting it ready and write again when it is on its way.")
BACK = N_("What you paid goes back the way it came; depending on your bank that takes a few days.")
NOT_CHARGED = N_(
    "You have not been charged. If you sent a transfer in the meantime, reply to this mail and we "
    "sort it out."
)
WHY = N_("The reason:")
WHOLE, PART = N_("Your order"), N_("Part of your order")
NOBODY = N_("the carrier")
SOMEBODY = N_("The carrier")  # at the beginning of a sentence
REST = N_("The rest follows in a parcel of its own; nothing more to pay.")


@hookimpl
def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    """What customers are told of their orders, and staff of what they asked to know.

    A payment made while placing the order (`at_once`) is thanked for by the confirmation.
    """
    if event.kind == STOCK_LOW:
        yield from _low_stock(event, ctx)
    order: OrderView | None = event.order
    if order is None:
        return
    if event.kind == ORDER_PLACED:
        yield order_placed(order)
        yield from _new_order(order, ctx)
    elif event.kind == PAYMENT_PAID and not event.data.get("at_once"):
        yield draft(order, "order_paid")
    elif event.kind == PAYMENT_FAILED:
        yield draft(order, "payment_failed", reason=_sentence(event.data.get("reason")))
    elif event.kind == PAYMENT_RETURNED:
        yield payment_returned(order, str(event.data.get("reason", "")))
    elif event.kind == PAYMENT_REFUNDED and not event.data.get("returned"):
        yield from _refunded(order, event, ctx)
    elif event.kind == ORDER_CANCELED:
        yield order_canceled(order, _date(order.placed_at, ctx))
    elif event.kind in SHIPMENTS:
        shipment = next((s for s in order.shipments if s.id == event.data.get("shipment")), None)
        if shipment is not None:
            shipped = _date(shipment.shipped_at, ctx) if shipment.shipped_at else ""
            yield of_shipment(order, SHIPMENTS[event.kind], shipment, shipped)


SHIPMENTS = {
    SHIPMENT_SHIPPED: "shipment_shipped",
    SHIPMENT_OUT_FOR_DELIVERY: "shipment_out_for_delivery",
    SHIPMENT_DELIVERED: "shipment_delivered",
}


def draft(order: OrderView, kind: str, data: Any = None, **words: str) -> MessageDraft:
    """A mail to the customer of an order."""
    return MessageDraft(
        kind=kind, to=order.email, template=f"mail/{kind}.pt", data=data or {}, words=words
    )


def order_placed(order: OrderView) -> MessageDraft:
    due = order.payment and order.payment.instructions
    told = KEPT if due and order.payment_status in ("unpaid", "pending") else READY
    return draft(order, "order_placed", next=told)


def order_canceled(order: OrderView, placed: str) -> MessageDraft:
    back = order.payment_status in ("paid", "part_refunded", "refunded")
    return draft(
        order,
        "order_canceled",
        placed=placed,
        why=WHY if order.cancel_reason else "",
        reason=_sentence(order.cancel_reason),
        money=BACK if back else NOT_CHARGED,
    )


def payment_returned(order: OrderView, reason: str) -> MessageDraft:
    told = RETURNED.get(reason, RETURNED["canceled"])
    return draft(order, "payment_returned", {"reason": reason}, reason=told)


def of_shipment(order: OrderView, kind: str, shipment: ShipmentView, day: str) -> MessageDraft:
    """A mail about one parcel; `day` is when it left."""
    part = order.fulfilment_status in ("part_shipped", "part_delivered")
    return draft(
        order,
        kind,
        {"shipment": shipment},
        part=PART if part else WHOLE,
        carrier=shipment.carrier or (NOBODY if kind == "shipment_shipped" else SOMEBODY),
        tracking=shipment.tracking_number,
        shipped=day,
        rest=REST if part and kind == "shipment_shipped" else "",
    )


def _refunded(order: OrderView, event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    amount = event.data.get("amount")
    if isinstance(amount, int):
        money = Money(amount, order.currency)
        refund = next((r for r in order.refunds if r.id == event.data.get("refund")), None)
        note = credit_note_of(ctx.db, event)
        data = {"amount": money, "refund": refund, "credit_note": note.number if note else ""}
        yield draft(order, "payment_refunded", data, amount=money.format(ctx.locale))


def credit_note_of(db: Session, event: Event) -> Document | None:
    """The credit note of the refund that an event tells of."""
    return documents.find(db, "credit_note", event.subject, str(event.data.get("refund")))


def _new_order(order: OrderView, ctx: Ctx) -> Iterator[MessageDraft]:
    """To staff, if they want to hear of each order."""
    shop = ctx.settings["shop"]
    if shop.alert_orders:
        for address in shop.alert_addresses:
            yield staff_new_order(order, address)


def staff_new_order(order: OrderView, to: str) -> MessageDraft:
    return MessageDraft(
        kind="staff_new_order",
        to=to,
        template="mail/staff_new_order.pt",
        words={"items": str(sum(line.quantity for line in order.lines))},
    )


def _low_stock(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    shop = ctx.settings["shop"]
    if shop.alert_stock:
        for address in shop.alert_addresses:
            yield staff_low_stock(event.subject, event.data, address)


def staff_low_stock(sku: str, data: Any, to: str) -> MessageDraft:
    return MessageDraft(
        kind="staff_low_stock",
        to=to,
        template="mail/staff_low_stock.pt",
        data={"sku": sku, **data},
        words={"sku": sku, "left": str(data.get("left", 0)), "title": str(data.get("title") or "")},
    )


def _date(moment: datetime, ctx: Ctx) -> str:
    day = moment.astimezone(ZoneInfo(ctx.settings["shop"].timezone))
    return str(format_date(day, "long", locale=ctx.locale))


def _sentence(text: Any) -> str:
    """As a sentence, with a full stop; empty stays empty."""
    said = " ".join(str(text or "").split())
    return said if not said or said[-1] in ".!?" else f"{said}."
