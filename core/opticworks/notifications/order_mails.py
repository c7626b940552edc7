"""The kernel's own messages to customers; registered like a plugin's hooks."""

from __future__ import annotations

from collections.abc import Iterator

from opticworks.contracts import Ctx, MessageDraft, OrderView
from opticworks.events import (
    ORDER_CANCELED,
    ORDER_PLACED,
    PAYMENT_PAID,
    PAYMENT_RETURNED,
    SHIPMENT_SHIPPED,
    Event,
)
from opticworks.hookspecs import hookimpl


@hookimpl
def messages(event: Event, ctx: Ctx) -> Iterator[MessageDraft]:
    """Confirmation, receipt of a payment that came later or in vain, dispatch and cancellation.

    A payment made while placing the order (`at_once`) is thanked for by the confirmation.
    """
    order: OrderView | None = event.order
    if order is None:
        return
    if event.kind == ORDER_PLACED:
        yield _draft(order, "order_placed", f"Your order {order.number}")
    elif event.kind == PAYMENT_PAID and not event.data.get("at_once"):
        yield _draft(order, "order_paid", f"We received your payment for order {order.number}")
    elif event.kind == PAYMENT_RETURNED:
        subject = f"Your payment for order {order.number} goes back to you"
        reason = str(event.data.get("reason", ""))
        yield _draft(order, "payment_returned", subject, reason=reason)
    elif event.kind == SHIPMENT_SHIPPED:
        shipment = next((s for s in order.shipments if s.id == event.data.get("shipment")), None)
        if shipment is not None:
            part = order.fulfilment_status == "part_shipped"
            subject = f"{'Part of your' if part else 'Your'} order {order.number} is on its way"
            yield _draft(order, "shipment_shipped", subject, shipment=shipment)
    elif event.kind == ORDER_CANCELED:
        yield _draft(order, "order_canceled", f"Your order {order.number} was canceled")


def _draft(order: OrderView, kind: str, subject: str, **data: object) -> MessageDraft:
    return MessageDraft(
        kind=kind, to=order.email, subject=subject, template=f"mail/{kind}.pt", data=data
    )
