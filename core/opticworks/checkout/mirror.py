"""What a provider says of refunds and disputes becomes the order's state, whoever began them.

`take` is called with every answer about a payment, under the order's lock: our own refunds are
recognised by their key, the others are written down as they are found.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.checkout import credit_notes, demand
from opticworks.checkout.standing import payment_status
from opticworks.jobs import defer
from opticworks.money import Money
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.payments import disputes, refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Payment, Refund
from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock

log = logging.getLogger(__name__)


def take(shop: Shop, db: Session, order: Order, payment: Payment, said: c.PaymentResult) -> None:
    """Write down what is new among the refunds and disputes of a provider's answer."""
    for result in said.refunds:
        refund = _known(db, payment, result) or _found(shop, db, payment, result)
        if refund is not None:
            confirm(shop, db, order, payment, refund, result)
    for dispute in said.disputes:
        if disputes.mirror(db, payment, dispute, shop.now()):
            emit(
                db,
                events.DISPUTE_OPENED,
                order.number,
                {"amount": dispute.money.minor, "dispute": dispute.ref},
            )
    if said.disputes:
        order.payment_status = payment_status(db, order)  # a lost one took its money
        _free(db, order, payment)


def _free(db: Session, order: Order, payment: Payment) -> None:
    """A dispute that was won leaves the shop money that it could not pay back meanwhile: that of
    an order which was canceled in between goes back now. One that is canceled because its items
    were paid back keeps what staff chose to keep."""
    called_off = order.status == "canceled" and order.cancel_reason != "refunded"
    claimed = any(each.status != "won" for each in disputes.of_order(db, order.id))
    if called_off and not claimed and refunds.left_of(db, payment.id) > 0:
        defer(db, "checkout.refund_late", number=order.number, attempt=str(payment.attempt))


def _known(db: Session, payment: Payment, result: c.RefundResult) -> Refund | None:
    """The refund that the provider speaks of: by our key, which it may know before we know its
    ref; else by its ref."""
    mine = refunds.of_payment(db, payment.id)
    for refund in mine:
        if result.key and str(refund.key) == result.key:
            return refund
    return next((refund for refund in mine if refund.ref and refund.ref == result.ref), None)


def _found(shop: Shop, db: Session, payment: Payment, result: c.RefundResult) -> Refund | None:
    """A refund that somebody made at the provider; None if it can't be one of this payment."""
    if result.state == "failed":
        return None  # it came to nothing before anyone here heard of it
    left = refunds.left_of(db, payment.id)
    for stale in reversed(refunds.of_payment(db, payment.id)):
        # The provider gave the money to somebody else first: ours can only be refused.
        if left < result.money.minor and stale.status == "intended":
            gone = c.RefundResult(
                state="failed",
                ref="",
                money=Money(stale.amount, payment.currency),
                message="The money was paid back at the provider in the meantime.",
            )
            refunds.move(db, payment, stale, gone, shop.now())
            left += stale.amount
    if result.money.currency != payment.currency or not 0 < result.money.minor <= left:
        log.error("Payment %s: a refund of %s does not fit it", payment.id, result.money)
        payments.record(
            db,
            payment,
            "mismatch",
            key=f"mismatch:refund:{result.ref}",
            note=f"The provider reports a refund of {result.money.format()}; of this payment "
            f"{Money(left, payment.currency).format()} is left.",
        )
        return None
    return refunds.intend(
        db, payment, result.money.minor, now=shop.now(), actor=f"{payment.title} (provider)"
    )


def confirm(
    shop: Shop,
    db: Session,
    order: Order,
    payment: Payment,
    refund: Refund,
    result: c.RefundResult,
) -> bool:
    """Take a refund to the state its provider says and draw the consequences; False if it was
    known. The order is locked by the caller."""
    if result.money != Money(refund.amount, payment.currency):
        log.error("Refund %s: %s is not what was to be paid back", refund.key, result.money)
        payments.record(
            db,
            payment,
            "mismatch",
            key=f"mismatch:refund:{refund.key}:{result.money.minor}",
            note=f"The provider reports a refund of {result.money.format()} instead of "
            f"{Money(refund.amount, payment.currency).format()}.",
        )
        return False
    before = refund.status
    if not refunds.move(db, payment, refund, result, shop.now()):
        return False
    if before == "intended" and refund.status in refunds.ACCEPTED:
        _move_goods(shop, db, order, refund)
        emit(
            db,
            events.PAYMENT_REFUNDED,
            order.number,
            {
                "amount": refund.amount,
                "refund": str(refund.key),
                "returned": bool(payment.returned),
            },
        )
    credit_notes.follow(shop.ctx(db), order, payment, refund)
    order.payment_status = payment_status(db, order)
    return True


# --- goods ----------------------------------------------------------------------------------------

#: What of a refund's entry moves goods: units and single parts, from here and from the customer.
GOODS = ("unsent", "sent", "left_out", "back")


def _move_goods(shop: Shop, db: Session, order: Order, refund: Refund) -> None:
    """Take what was paid back out of the order, and on the shelf or off it, as staff chose."""
    entries: list[dict[str, Any]] = refund.lines.get("lines", [])
    moving = [entry for entry in entries if any(entry.get(key) for key in GOODS)]
    if not moving or refund.lines.get("moved"):
        return
    lines = {line.id: line for line in orders.lines_of(db, order.id)}
    reason = refund.reason or "refund"
    for entry in moving:
        line = lines[entry["line"]]
        unsent = _goods(line, entry, "unsent", "out", "left_out")
        given_back = stock.give_back(db, order.number, unsent, reason=reason, actor=refund.actor)
        if not entry.get("restock"):
            _write_off(db, refund, given_back, reason)
        if entry.get("restock_sent"):
            sent = _goods(line, entry, "sent", "came", "back")
            stock.put_back(db, order.number, sent, reason=reason, actor=refund.actor)
    refund.lines = {**refund.lines, "moved": True}
    db.flush()
    _close(shop, db, order)


def _goods(
    line: OrderLine, entry: dict[str, Any], units: str, lost: str, parts: str
) -> dict[str, int]:
    """What an entry moves in stock: single parts, or units without what they had lost before."""
    if "part" in entry:
        tracked = any(p["sku"] == entry["part"] and p.get("tracked", True) for p in line.components)
        return {entry["part"]: entry.get(parts, 0)} if tracked else {}
    return orders.demand(
        [line], {line.id: entry.get(units, 0)}, {line.id: entry[lost]} if lost in entry else {}
    )


def _write_off(db: Session, refund: Refund, quantities: dict[str, int], reason: str) -> None:
    """Goods that can't be sold any more leave the shelf. What is not on it stays a note: the
    money is back already, and a count will find it."""
    for sku, quantity in quantities.items():
        try:
            with db.begin_nested():
                stock.adjust_stock(
                    db, sku, -quantity, reason=f"not restocked: {reason}", actor=refund.actor
                )
        except ValueError as error:
            refund.message = f"{refund.message} The stock of {sku} stayed: {error}".strip()


def _close(shop: Shop, db: Session, order: Order) -> None:
    """An order of which nothing is left to send has been sent; one of which nothing was sent
    and nothing is left is canceled."""
    wanted = demand.of_order(db, order)
    shipped = any(each.left for each in wanted.values())
    if shipped and order.fulfilment_status in ("unfulfilled", "part_shipped"):
        order.fulfilment_status = demand.fulfilment(wanted)
    kept = any(each.kept for each in wanted.values())
    if shipped or kept or order.status == "canceled":
        return
    stock.release(db, order.number, reason="refunded")
    claims.release(db, order.number)
    order.status, order.cancel_reason = "canceled", "refunded"
    order.canceled_at = shop.now()
    emit(db, events.ORDER_CANCELED, order.number, {"reason": "refunded"})
