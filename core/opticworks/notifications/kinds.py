"""The kernel's kinds of message: what they say by default, and a sample of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from babel.dates import format_date

from opticworks.contracts import (
    N_,
    Address,
    Adjustment,
    MessageDraft,
    MessageKind,
    OrderLineView,
    OrderView,
    PaymentView,
    ShipmentView,
)
from opticworks.hookspecs import hookimpl
from opticworks.money import Money
from opticworks.notifications import order_mails as mails
from opticworks.notifications.wording import OF_ORDERS

ORDER, PAYMENT, PARCEL, STAFF = "The order", "The payment", "The parcel", "To staff"
ACCOUNT = "The account"
GROUPS = (
    ORDER,
    PAYMENT,
    PARCEL,
    ACCOUNT,
)  #: the first ones in a list; plugins' own follow, STAFF is last

_PARCEL = {
    **OF_ORDERS,
    "part": "“Your order”, or “Part of your order” when more parcels follow",
    "carrier": "who brings it",
    "tracking": "the tracking number",
    "shipped": "the day it left",
}


def _of(kind: str, **given: Any) -> Any:
    """A function that draws the kind's sample from an order."""

    def draw(order: OrderView) -> MessageDraft:
        locale = order.locale or "en_US"
        day = str(format_date(order.placed_at, "long", locale=locale))
        if kind.startswith("shipment_"):
            parcel = order.shipments[-1] if order.shipments else sample_parcel(order)
            return mails.of_shipment(order, kind, parcel, day)
        if kind == "order_placed":
            return mails.order_placed(order)
        if kind == "order_canceled":
            return mails.order_canceled(order, day)
        if kind == "payment_returned":
            return mails.payment_returned(order, "sold_out")
        if kind == "payment_refunded":
            words = {"amount": order.total.format(locale)}
            return mails.draft(order, kind, {"amount": order.total}, **words)
        if kind == "staff_new_order":
            return mails.staff_new_order(order, order.email)
        if kind == "staff_low_stock":
            line = order.lines[0]
            return mails.staff_low_stock(line.sku, {"left": 3, "title": line.title}, order.email)
        return mails.draft(order, kind, **given)

    return draw


KINDS: tuple[MessageKind, ...] = (
    MessageKind(
        code="order_placed",
        title="Order placed",
        group=ORDER,
        subject=N_("Your order {order}"),
        intro=N_("We have your order {order}. {next}"),
        variables={**OF_ORDERS, "next": "what happens next, by how it is paid"},
        sample=_of("order_placed"),
    ),
    MessageKind(
        code="order_canceled",
        title="Order canceled",
        group=ORDER,
        subject=N_("Your order {order} was canceled"),
        intro=N_(
            "Your order {order} of {placed} was canceled, and nothing will be shipped. {why} "
            "{reason}\n\n{money}"
        ),
        variables={
            **OF_ORDERS,
            "placed": "the day it was placed",
            "why": "“The reason:”, if one was given",
            "reason": "the reason, if one was given",
            "money": "what becomes of the money",
        },
        sample=_of("order_canceled"),
    ),
    MessageKind(
        code="order_paid",
        title="Payment received",
        group=PAYMENT,
        subject=N_("We received your payment for order {order}"),
        intro=N_(
            "Thank you. We received {total} for your order {order} and are getting it ready. We "
            "write again when it is on its way."
        ),
        variables=OF_ORDERS,
        sample=_of("order_paid"),
    ),
    MessageKind(
        code="payment_failed",
        title="Payment failed",
        group=PAYMENT,
        subject=N_("Your payment for order {order} did not go through"),
        intro=N_(
            "We could not take the payment of {total} for your order {order}. {reason} Nothing "
            "was charged.\n\nTry again with the button below, with the same card or another one."
        ),
        variables={**OF_ORDERS, "reason": "what the bank said"},
        sample=_of("payment_failed", reason=N_("Your card was declined.")),
    ),
    MessageKind(
        code="payment_returned",
        title="Payment sent back",
        group=PAYMENT,
        subject=N_("Your payment for order {order} goes back to you"),
        intro=N_(
            "{reason}\n\n{total} for order {order} go back the way they came, and you need not "
            "do anything. If your card was only authorized, the amount just disappears from your "
            "statement; otherwise it takes your bank a few days."
        ),
        variables={**OF_ORDERS, "reason": "why it goes back"},
        sample=_of("payment_returned"),
    ),
    MessageKind(
        code="payment_refunded",
        title="Refund",
        group=PAYMENT,
        subject=N_("A refund of {amount} for order {order}"),
        intro=N_(
            "We have sent {amount} back to you for your order {order}, the way you paid. "
            "Depending on your bank it takes a few days until you see it."
        ),
        variables={**OF_ORDERS, "amount": "what goes back"},
        sample=_of("payment_refunded"),
    ),
    MessageKind(
        code="shipment_shipped",
        title="On its way",
        group=PARCEL,
        subject=N_("{part} {order} is on its way"),
        intro=N_("We handed your parcel to {carrier} on {shipped}. {rest}"),
        variables={**_PARCEL, "rest": "that the rest follows, if it does"},
        sample=_of("shipment_shipped"),
    ),
    MessageKind(
        code="shipment_out_for_delivery",
        title="Out for delivery",
        group=PARCEL,
        subject=N_("{part} {order} arrives today"),
        intro=N_("{carrier} has your parcel in the van and brings it today."),
        variables=_PARCEL,
        sample=_of("shipment_out_for_delivery"),
    ),
    MessageKind(
        code="shipment_delivered",
        title="Delivered",
        group=PARCEL,
        subject=N_("{part} {order} was delivered"),
        intro=N_(
            "{carrier} says that your parcel was delivered. If you can't find it, look with "
            "neighbors and where parcels are left, and then write to us: we help."
        ),
        variables=_PARCEL,
        sample=_of("shipment_delivered"),
    ),
    MessageKind(
        code="staff_new_order",
        title="New order",
        group=STAFF,
        subject=N_("New order {order}: {total}"),
        intro=N_("{name} ordered {items} items for {total}."),
        variables={**OF_ORDERS, "items": "how many items"},
        staff=True,
        sample=_of("staff_new_order"),
    ),
    MessageKind(
        code="staff_low_stock",
        title="Low stock",
        group=STAFF,
        subject=N_("Low stock: {sku}, {left} left"),
        intro=N_("{sku} {title} runs low: {left} left to sell. Order more before it sells out."),
        variables={"sku": "the SKU", "left": "how many are left to sell", "title": "its name"},
        staff=True,
        sample=_of("staff_low_stock"),
    ),
)


@hookimpl
def message_kinds() -> tuple[MessageKind, ...]:
    return KINDS


def sample_parcel(order: OrderView) -> ShipmentView:
    """A parcel with all of an order, as no carrier brings it."""
    return ShipmentView(
        id="sample",
        carrier="UPS",
        tracking_number="1Z999AA10123456784",
        tracking_url=order.url,
        status="in_transit",
        shipped_at=datetime.now(UTC) - timedelta(days=1),
        lines=tuple((line.sku, line.title, line.quantity) for line in order.lines),
    )


def sample_order(currency: str, base_url: str, locale: str = "en_US") -> OrderView:
    """An order that nobody placed, for previews in a shop without any."""

    def money(minor: int) -> Money:
        return Money(minor, currency)

    lines = tuple(
        OrderLineView(
            sku=sku,
            title=title,
            options=options,
            quantity=quantity,
            unit_price=money(price),
            subtotal=money(price * quantity),
            discount=money(0),
            tax=money(0),
            total=money(price * quantity),
        )
        for sku, title, options, quantity, price in (
            ("SAMPLE-1", "Presence Sensor", "White", 2, 8900),
            ("SAMPLE-2", "Wall Mount", "", 1, 1500),
        )
    )
    return OrderView(
        number="SAMPLE-1042",
        url=f"{base_url}/",
        email="ada@example.com",
        locale=locale,
        status="confirmed",
        payment_status="paid",
        fulfilment_status="unfulfilled",
        placed_at=datetime.now(UTC) - timedelta(days=2),
        currency=currency,
        lines=lines,
        trace=(
            *(
                Adjustment(
                    stage="unit",
                    target=f"line:{line.sku}",
                    kind="price",
                    label=line.title,
                    amount=line.subtotal,
                )
                for line in lines
            ),
            Adjustment(
                stage="shipping",
                target="shipping",
                kind="rate",
                label="Standard",
                amount=money(0),
            ),
        ),
        address=Address(
            first_name="Ada",
            last_name="Lovelace",
            line1="12 Analytical Way",
            city="San Francisco",
            state="CA",
            postal_code="94104",
            country="US",
        ),
        shipping_title="Standard",
        subtotal=money(19300),
        discount_total=money(0),
        shipping_total=money(0),
        tax_total=money(0),
        total=money(19300),
        payment=PaymentView(
            provider="sample", title="Card", status="captured", amount=money(19300)
        ),
    )
