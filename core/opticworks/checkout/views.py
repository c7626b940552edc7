"""An order as plugins, mails and pages see it: order, payment and parcels in one frozen view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import credit_notes, demand
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.payments import disputes, refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Dispute, Payment, Refund
from opticworks.returns import service as cases
from opticworks.returns.models import Return
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LEFT, Parcel, TrackingEvent
from opticworks.shop import Shop


def order_view(shop: Shop, db: Session, number: str) -> c.OrderView | None:
    """The OrderView of that number, None if there is no such order."""
    order = orders.by_number(db, number)
    return view_of(shop, db, order) if order is not None else None


#: The order's lines, and beside each whether there is what a new order has none of.
_LINES = (
    select(
        OrderLine,
        exists().where(Parcel.order_id == bindparam("order")),
        exists().where(Refund.payment_id == Payment.id, Payment.order_id == bindparam("order")),
        exists().where(Dispute.payment_id == Payment.id, Payment.order_id == bindparam("order")),
        exists().where(Return.order_id == bindparam("order")),
    )
    .where(OrderLine.order_id == bindparam("order"))
    .order_by(OrderLine.position)
)


def view_of(shop: Shop, db: Session, order: Order) -> c.OrderView:
    """The order's OrderView."""
    attempts = payments.of_order(db, order.id)
    payment = payments.standing(attempts)
    rows_of_lines = db.execute(_LINES, {"order": order.id}).all()
    lines = {line.id: line for line, *_ in rows_of_lines}
    # There is a line: nothing is placed of a cart in which anything can't be bought.
    sent, paid_back, disputed, sent_back = rows_of_lines[0][1:]
    parcels = shipments.of_order(db, order.id, LEFT) if sent else ()
    history = shipments.history(db, parcels)
    shipped = units(parcels)
    rows = refunds.of_order(db, order.id) if paid_back else ()
    gone = refunds.units(rows)
    returned = cases.of_order(db, order.id) if sent_back else ()
    paid_with = {each.id: each for each in attempts}
    notes = credit_notes.links(order, credit_notes.by_refund(db, order, rows), shop.config.base_url)
    return orders.view(
        order,
        list(lines.values()),
        shop.config.base_url,
        payment=payments.view(payment) if payment else None,
        shipments=tuple(_shipment(parcel, lines, history.get(parcel.id, ())) for parcel in parcels),
        shipped=shipped,
        delivered=units(parcel for parcel in parcels if parcel.status == "delivered"),
        removed=gone.removed,
        refunded=gone.refunded,
        parts_removed=gone.parts_removed,
        disputed=disputed and any(map(disputes.is_open, disputes.of_order(db, order.id))),
        refunds=tuple(
            refunds.view(row, paid_with[row.payment_id], notes.get(row.key)) for row in rows
        ),
        returns=cases.views(
            db,
            returned,
            {line.id: (line.sku, line.title) for line in lines.values()},
            shop.config.base_url + orders.path(order),
            credit_notes.by_return(returned, rows, notes),
        ),
        returned=next((each.returned for each in reversed(attempts) if each.returned), ""),
    )


def _shipment(
    parcel: Parcel, lines: Mapping[int, OrderLine], history: Iterable[TrackingEvent]
) -> c.ShipmentView:
    """A parcel with what lies in it and where it has been; `lines` are the order's by id."""
    packed = [(lines[part.order_line_id], part) for part in parcel.lines]
    return c.ShipmentView(
        id=str(parcel.id),
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url,
        status=parcel.tracking or parcel.status,
        shipped_at=parcel.shipped_at,
        delivered_at=parcel.delivered_at,
        history=tuple(
            c.TrackingView(
                status=event.status,
                at=event.occurred_at,
                description=event.description,
                location=event.location,
            )
            for event in history
        ),
        lines=tuple((line.sku, line.title, part.quantity) for line, part in packed),
        without={
            line.sku: lacks
            for line, part in packed
            if (lacks := demand.said_parts(line, part.without))
        },
    )


def units(parcels: Iterable[Parcel]) -> dict[int, int]:
    """How many of each order line lie in these parcels."""
    found: dict[int, int] = {}
    for parcel in parcels:
        for part in parcel.lines:
            found[part.order_line_id] = found.get(part.order_line_id, 0) + part.quantity
    return found
