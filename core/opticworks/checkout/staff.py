"""What staff do to an order: mark it paid, cancel it, send it. Each is safe to repeat."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.audit import service as audit
from opticworks.checkout import capturing, parcels, refund
from opticworks.checkout import settle as settling
from opticworks.checkout.settle import Refused
from opticworks.checkout.standing import payment_status
from opticworks.faults import outside
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.payments import service as payments
from opticworks.shipping import service as shipments
from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock

log = logging.getLogger(__name__)


def mark_paid(shop: Shop, number: str, *, actor: str, reference: str = "") -> None:
    """Record that the money of a payable-later order has arrived.

    An order that was canceled meanwhile takes its goods again; Refused says which are gone.
    """
    found = settling.attempt_of(shop, number)
    if found is None:
        with shop.unit() as db:
            _existing(db, number)
        raise Refused(f"Order {number} costs nothing, so there is nothing to mark paid.")
    if found.status == "captured":
        if _was_paid_back(shop, number):
            raise Refused(f"The money of order {number} was paid back already.")
        return
    if found.status not in ("pending", "authorized", "canceled"):
        raise Refused("This payment is not one that staff can mark paid; its provider decides.")
    provider = _provider(shop, found.provider)
    try:
        # A canceled payment is only taken up again by a provider whose money comes by hand.
        with outside("mark_paid"):
            result = provider.capture(found.ref, found.intent.amount, f"{found.key}:capture")
    except c.ProviderError as error:
        raise Refused(f"The payment could not be recorded: {error}") from None
    if result.state != "captured":
        raise Refused(
            result.message or f"{provider.title} does not confirm the payment ({result.state})."
        )
    with shop.unit("mark_paid") as db:
        try:
            settling.apply(shop, db, found, result, actor=actor, note=reference)
            audit.record(db, actor, "order.paid", f"order {number}", reference=reference or None)
        except stock.SoldOut as short:
            missing = ", ".join(f"{s.sku} ({s.free} of {s.wanted} left)" for s in short.shortages)
            raise Refused(
                f"The order was canceled and its goods are gone meanwhile: {missing}. Pay the "
                "money back, or restock and mark it paid again."
            ) from None
        except claims.UsedUp:
            raise Refused(
                "The order was canceled and the uses of its discount are all taken meanwhile. Pay "
                "the money back, or raise the discount's limit and mark it paid again."
            ) from None


def _provider(shop: Shop, code: str) -> c.PaymentProvider:
    try:
        return settling.provider_of(shop, code)
    except c.ProviderError as error:
        raise Refused(str(error)) from None


def cancel(
    shop: Shop,
    number: str,
    *,
    actor: str,
    reason: str,
    restock: bool = True,
    request: uuid.UUID | None = None,
) -> None:
    """Cancel an order nothing of which was sent: void or refund its money, give its goods back.

    `restock=False` takes the goods off the shelf instead (lost, damaged); its refunds are made for
    `request`, see refund.pay_back. Repeating it changes nothing. Raises Refused with a sentence
    for staff.
    """
    with shop.unit() as db:
        order = _existing(db, number)
        if order.status == "canceled":
            return
        if shipments.labelled(db, order.id):
            raise Refused(f"A label of order {number} was bought. Void it first, then cancel.")
        if shipments.shipped(db, order.id):
            raise Refused(
                f"Part of order {number} was sent already, so it can't be canceled. "
                "Make a return for what comes back."
            )
    _stop_payments(shop, number, actor, request)
    with shop.unit("cancel") as db:
        locked = orders.lock(db, number)
        if locked is None or locked.status == "canceled":
            return
        if shipments.shipped(db, locked.id) or shipments.labelled(db, locked.id):
            raise Refused(f"Order {number} was sent in the meantime and stays as it is.")
        shipments.drop_drafts(db, locked.id)
        released = stock.release(db, number, reason=reason, actor=actor)
        claims.release(db, number)
        if not restock:
            for sku, quantity in released.items():
                stock.adjust_stock(
                    db, sku, -quantity, reason=f"not restocked: {reason}", actor=actor
                )
        locked.status, locked.cancel_reason = "canceled", reason
        locked.canceled_at = shop.now()
        locked.payment_status = payment_status(db, locked)
        emit(db, events.ORDER_CANCELED, number, {"reason": reason})
        restocked = "restocked" if restock else "not restocked"
        audit.record(db, actor, "order.canceled", f"order {number}", reason=reason, stock=restocked)


def _was_paid_back(shop: Shop, number: str) -> bool:
    with shop.unit() as db:
        return _existing(db, number).payment_status == "refunded"


def _existing(db: Session, number: str) -> Order:
    order = orders.by_number(db, number)
    if order is None:
        raise Refused(f"There is no order {number}.")
    return order


def _stop_payments(shop: Shop, number: str, actor: str, request: uuid.UUID | None) -> None:
    """Void what is not captured, refund what is; keys make both safe to repeat."""
    for found in settling.attempts_of(shop, number):
        _stop(shop, found, actor, request)


def _stop(
    shop: Shop, found: settling.Attempt, actor: str, request: uuid.UUID | None = None
) -> None:
    if found.status in payments.FINAL:
        return
    provider = _provider(shop, found.provider)
    try:
        if found.status == "captured":
            refund.pay_back(shop, found, actor=actor, request=request)
            return
        if found.ref:
            with outside("void"):
                result = provider.cancel(found.ref, f"{found.key}:cancel")
        else:
            result = settling.withdraw(provider, found)
        if result.state == "captured":
            with shop.unit("void_too_late") as db:
                settling.apply(shop, db, found, result)
            taken = replace(found, ref=result.ref)
            refund.pay_back(shop, taken, actor=actor, request=request)
        else:
            _note_canceled(shop, found, result, actor)
    except c.ProviderError as error:
        raise Refused(
            f"{provider.title} could not be asked to stop the payment: {error} "
            "Nothing was canceled; try again."
        ) from None


def return_money(shop: Shop, number: str, *, attempt: str = "", actor: str) -> None:
    """Void or refund whatever the order's payments have taken, or just that attempt; the order
    itself stays as it is."""
    for found in settling.attempts_of(shop, number):
        if attempt in ("", found.key):
            _stop(shop, found, actor)


def _note_canceled(
    shop: Shop, found: settling.Attempt, result: c.PaymentResult, actor: str
) -> None:
    """The payment's own ledger; the order itself is canceled by the caller."""
    with shop.unit("void") as db:
        order = orders.lock(db, found.number)
        payment = payments.by_attempt(db, uuid.UUID(found.key), lock=True)
        if order is None or payment is None:
            return
        if payments.advance(payment, result, shop.now()):
            payments.record(
                db, payment, result.state, key=f"{result.state}:{result.ref}", actor=actor
            )
            # At once, so that nobody ships it meanwhile.
            order.payment_status = payment_status(db, order)


def fulfil(
    shop: Shop,
    number: str,
    *,
    lines: Mapping[str, int],
    carrier: str,
    tracking_number: str,
    actor: str,
    tracking_url: str = "",
    parcel_id: uuid.UUID | None = None,
) -> None:
    """A parcel packed by hand leaves: `lines` maps SKUs of the order to quantities.

    Writes the parcel, takes the goods off the shelf and tells the customer. With a `parcel_id`
    made when the form was shown, a second click records nothing. Money that was only authorized
    is taken first. Raises Refused.
    """
    with shop.unit() as db:
        there = _existing(db, number)
        if there.payment_status == "authorized":
            _to_send(db, there, lines)  # nothing is charged for a parcel that can't be
    capturing.before_sending(shop, number)
    with shop.unit("fulfil") as db:
        order = orders.lock(db, number)
        if order is None:
            raise Refused(f"There is no order {number}.")
        if _recorded(db, parcel_id, (order.id, carrier.strip(), tracking_number.strip())):
            return
        all_lines, quantities, without = _to_send(db, order, lines)
        goods = orders.demand(all_lines, quantities, without)
        parcels.take_off_shelf(db, number, goods, actor)
        parcel = shipments.record(
            db,
            order.id,
            quantities,
            carrier=carrier.strip(),
            tracking_number=tracking_number.strip(),
            tracking_url=tracking_url,
            now=shop.now(),
            without=without,
            parcel_id=parcel_id,
            sent_to=order.address,
            actor=actor,
        )
        parcels.derive(shop, db, order)
        emit(db, events.SHIPMENT_SHIPPED, number, {"shipment": str(parcel.id)})
        audit.record(
            db,
            actor,
            "order.fulfilled",
            f"order {number}",
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
        )


def _recorded(db: Session, parcel_id: uuid.UUID | None, said: tuple[int, str, str]) -> bool:
    """Whether a form recorded its parcel already. Raises Refused if it said something else then:
    `said` are the order's id, the carrier and the tracking number."""
    known = shipments.get(db, parcel_id) if parcel_id is not None else None
    if known is None:
        return False
    if (known.order_id, known.carrier, known.tracking_number) == said:
        return True
    raise Refused(
        f"This form recorded the parcel {known.tracking_number} already. Open the order again to "
        "record another one."
    )


def _to_send(
    db: Session, order: Order, lines: Mapping[str, int]
) -> tuple[Sequence[OrderLine], dict[int, int], dict[int, dict[str, int]]]:
    """The lines of the order that are sent at all, what of them this parcel takes, and the parts
    that its bundles go without. Raises Refused."""
    parcels.check(db, order)
    found = parcels.bench(db, order)
    quantities = _quantities(found.lines, lines, found.left)
    return found.lines, quantities, found.lacking(quantities)


def _quantities(
    all_lines: Sequence[OrderLine], wanted: Mapping[str, int], left: Mapping[int, int]
) -> dict[int, int]:
    """Quantities by line id, checked against what is left to send."""
    by_sku = {line.sku: line for line in all_lines}
    quantities: dict[int, int] = {}
    for sku, quantity in wanted.items():
        if quantity == 0:
            continue
        line = by_sku.get(sku)
        if line is None:
            raise Refused(f"{sku} is not part of this order.")
        most = left[line.id]
        if quantity < 0 or quantity > most:
            raise Refused(f"{most} of {line.title} are left to send, not {quantity}.")
        quantities[line.id] = quantity
    if not quantities:
        raise Refused("Choose at least one item for the parcel.")
    return quantities
