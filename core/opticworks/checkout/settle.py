"""Settling: what a provider says of a payment becomes the state of its order, exactly once.

The return page, webhooks and the sweeper all call `settle`: ask the provider first, outside any
transaction, then lock the order and apply. Applying a known answer again changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.carts import service as carts
from opticworks.faults import outside
from opticworks.jobs import defer
from opticworks.money import Money
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders import trace as steps
from opticworks.orders.models import Order
from opticworks.payments import service as payments
from opticworks.payments.models import Payment
from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock

log = logging.getLogger(__name__)


class Refused(Exception):
    """A verb that can't be done; the sentence is for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is needed to speak to the provider of a payment, read before the transaction ends."""

    number: str
    provider: str
    ref: str
    key: str
    status: str
    intent: c.PaymentIntent


def attempt_of(shop: Shop, number: str) -> Attempt | None:
    """The order's newest payment attempt, None if there is no such order."""
    with shop.unit() as db:
        order = orders.by_number(db, number)
        payment = payments.latest(db, order.id) if order is not None else None
        if order is None or payment is None:
            return None
        return attempt(shop, order, payment)


def attempt(shop: Shop, order: Order, payment: Payment) -> Attempt:
    key = str(payment.attempt)
    return Attempt(
        number=order.number,
        provider=payment.provider,
        ref=payment.ref,
        key=key,
        status=payment.status,
        intent=c.PaymentIntent(
            attempt=key,
            order_number=order.number,
            amount=Money(payment.amount, payment.currency),
            email=order.email,
            description=f"{shop.settings['shop'].name} order {order.number}",
            return_url=f"{shop.config.base_url}/checkout/return/{key}",
            address=c.Address.model_validate(order.address),
            data=payment.data,
        ),
    )


def provider_of(shop: Shop, code: str) -> c.PaymentProvider:
    """Raises ProviderError when the plugin that took the payment is not enabled any more."""
    provider = shop.providers.payments().get(code)
    if provider is None:
        raise c.ProviderError(
            f"The payment provider {code!r} is not enabled; enable its plugin again.",
            retryable=False,
        )
    return provider


def settle(shop: Shop, number: str) -> c.PaymentResult | None:
    """Bring the order up to what its provider says now. Raises ProviderError when it can't say."""
    found = attempt_of(shop, number)
    if found is None:
        return None
    provider = provider_of(shop, found.provider)
    with outside("settle"):
        result = ask(provider, found)
    with shop.unit("settle") as db:
        apply(shop, db, number, result)
    return result


def ask(provider: c.PaymentProvider, found: Attempt) -> c.PaymentResult:
    """How the payment stands at its provider.

    One whose `start` was never answered is started again with the same key, on which the
    provider acts once.
    """
    return provider.fetch(found.ref) if found.ref else provider.start(found.intent, found.key)


def withdraw(provider: c.PaymentProvider, found: Attempt) -> c.PaymentResult:
    """Call the payment off, unless its money has come after all; how it stands then.

    The provider is asked even if no answer of it was ever written down: a process that died
    between its answer and our commit may have left a payment there.
    """
    try:
        with outside("withdraw_ask"):
            result = ask(provider, found)
    except c.ProviderError as error:
        if found.ref or error.retryable:
            raise
        return c.PaymentResult(state="canceled", ref="", money=found.intent.amount)
    if result.state in ("action", "pending"):
        with outside("withdraw"):
            result = provider.cancel(result.ref, f"{found.key}:cancel")
    return result


def apply(
    shop: Shop,
    db: Session,
    number: str,
    result: c.PaymentResult,
    *,
    actor: str = "",
    note: str = "",
    reason: str = "",
) -> bool:
    """Write a provider's answer down and draw its consequences; False if it was known already.

    Raises stock.SoldOut or claims.UsedUp when a late payment finds its goods or its discount gone
    and `actor` is staff, who must hear of it; a provider's late money is kept and refunded by a
    job instead.
    """
    order = orders.lock(db, number)
    payment = payments.latest(db, order.id) if order is not None else None
    if order is None or payment is None:
        return False
    if result.state in ("authorized", "captured") and result.money != Money(
        payment.amount, payment.currency
    ):
        log.error("Payment %s: %s is not what order %s costs", payment.id, result.money, number)
        return payments.record(
            db,
            payment,
            "mismatch",
            key=f"mismatch:{result.ref}:{result.money.minor}",
            note=f"The provider reports {result.money.format()}; the order costs "
            f"{Money(payment.amount, payment.currency).format()}. Not marked paid.",
        )
    if not payments.advance(payment, result):
        return False
    captured = result.state == "captured"
    payments.record(
        db,
        payment,
        result.state,
        key=f"{result.state}:{result.ref}",
        amount=payment.amount if captured else 0,
        actor=actor,
        note=note or result.message,
    )
    if result.state in ("failed", "canceled"):
        _give_up(db, shop, order, reason or f"payment_{result.state}", actor)
    elif result.state in ("pending", "authorized", "captured"):
        _accept(db, shop, order, payment, actor)
    return True


def _accept(db: Session, shop: Shop, order: Order, payment: Payment, actor: str) -> None:
    """The order stands: payable later, authorized or paid."""
    paid = payment.status == "captured"
    until = None if payment.status in ("authorized", "captured") else payment.expires_at
    placed = order.status == "awaiting_payment"
    if order.status == "canceled":
        if payment.status == "pending":
            # Canceled while its provider was still answering: a promise revives nothing.
            defer(db, "checkout.refund_late", number=order.number)
            return
        if not _revive(db, order, payment, actor):
            return
        # Given up before it ever stood (a card that paid late): the customer hears of it first now.
        placed = payments.times_accepted(db, order.id) == 1
    order.status = "confirmed"
    order.payment_status = {"captured": "paid"}.get(payment.status, payment.status)
    stock.extend(db, order.number, until)
    if placed:
        carts.retire(db, order.cart_id)
        emit(db, events.ORDER_PLACED, order.number)
    if paid:
        # `at_once` spares the customer a second mail next to the confirmation.
        emit(db, events.PAYMENT_PAID, order.number, {"at_once": placed})
    elif payment.status == "authorized":
        defer(db, "checkout.capture", number=order.number)


def _revive(db: Session, order: Order, payment: Payment, actor: str) -> bool:
    """Take what a canceled order kept again, because its money came after all: its goods, and
    the uses of its discounts, which others may have had meanwhile."""
    demand = orders.demand(orders.lines_of(db, order.id))
    trace = [steps.from_json(step, order.currency) for step in order.trace]
    try:
        with db.begin_nested():
            stock.hold(db, order.number, demand, None)
            claims.claim(db, order.number, steps.claims_of(trace))
    except (stock.SoldOut, claims.UsedUp):
        if actor:
            raise
        order.payment_status = "paid" if payment.status == "captured" else "authorized"
        defer(db, "checkout.refund_late", number=order.number)
        return False
    order.canceled_at, order.cancel_reason = None, ""
    return True


def _give_up(db: Session, shop: Shop, order: Order, reason: str, actor: str) -> None:
    """The payment came to nothing: the order is canceled and everything it kept is given back.

    The cart of an order that never stood stays as it is, so that the customer can try again.
    """
    if order.status == "canceled":
        return
    stood = order.status != "awaiting_payment"
    stock.release(db, order.number, reason=reason, actor=actor)
    claims.release(db, order.number)
    order.status, order.cancel_reason = "canceled", reason
    order.canceled_at = shop.now()
    order.payment_status = "unpaid"
    if stood:
        emit(db, events.ORDER_CANCELED, order.number, {"reason": reason})
