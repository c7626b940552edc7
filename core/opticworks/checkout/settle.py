"""Settling: what a provider says of a payment becomes the state of its order, exactly once.

The return page, webhooks and the sweeper all call `settle`: ask the provider first, outside any
transaction, then lock the order and apply. Applying a known answer again changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.checkout import mirror as mirroring
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


#: Orders that were given up for these reasons are taken up again when their money comes; where a
#: person has decided, the money goes back.
REVIVABLE = frozenset({"expired", "payment_failed", "payment_canceled"})


#: Why money goes back by itself, as staff read it.
RETURNED = {
    "surplus": "The order was paid already. This second payment goes back by itself.",
    "sold_out": "It came too late: the goods or the discount are gone. It goes back by itself.",
    "canceled": "The order was canceled before it came. It goes back by itself.",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is needed to speak to the provider of a payment, read before the transaction ends.
    `key` is our id of the attempt."""

    number: str
    provider: str
    ref: str
    key: str
    status: str
    intent: c.PaymentIntent


def attempt_of(shop: Shop, number: str, key: str = "") -> Attempt | None:
    """The order's attempt of that key; without one the attempt that counts. None if there is no
    such order or attempt, or if the order has nothing to pay."""
    if key:
        found = [each for each in attempts_of(shop, number) if each.key == key]
        return found[0] if found else None
    with shop.unit() as db:
        order = orders.by_number(db, number)
        payment = payments.latest(db, order.id) if order is not None else None
        if order is None or payment is None:
            return None
        return attempt(shop, order, payment)


def attempts_of(shop: Shop, number: str) -> list[Attempt]:
    """Every attempt to pay the order, the oldest first."""
    with shop.unit() as db:
        order = orders.by_number(db, number)
        if order is None:
            return []
        return [attempt(shop, order, payment) for payment in payments.of_order(db, order.id)]


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
            capture=payment.capture,  # type: ignore[arg-type]
            locale=order.locale,
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


def settle(
    shop: Shop, number: str, attempt: uuid.UUID | str | None = None
) -> c.PaymentResult | None:
    """Bring the order up to what its providers say now; what was said last.

    Asks about `attempt`, however it ended, or about all that are not over. Raises ProviderError
    when one can't say; the others are settled all the same.
    """
    result, silent = None, None
    for found in attempts_of(shop, number):
        if found.key != str(attempt) if attempt else found.status in payments.FINAL:
            continue
        try:
            result = _settle(shop, found)
        except c.ProviderError as error:
            silent = error
    if silent is not None:
        raise silent
    return result


def _settle(shop: Shop, found: Attempt) -> c.PaymentResult:
    provider = provider_of(shop, found.provider)
    with outside("settle"):
        result = ask(provider, found)
    with shop.unit("settle") as db:
        apply(shop, db, found, result)
        mirror(shop, db, found, result)
    return result


def mirror(shop: Shop, db: Session, found: Attempt, result: c.PaymentResult) -> None:
    """Write down what the provider says of refunds and disputes, whoever began them."""
    if not result.refunds and not result.disputes:
        return
    order = orders.lock(db, found.number)
    payment = payments.by_attempt(db, uuid.UUID(found.key))
    if order is not None and payment is not None:
        mirroring.take(shop, db, order, payment, result)


def ask(provider: c.PaymentProvider, found: Attempt) -> c.PaymentResult:
    """How the payment stands at its provider.

    One whose `start` was never answered is started again with the same key, on which the
    provider acts once.
    """
    return provider.fetch(found.ref) if found.ref else provider.start(found.intent, found.key)


def withdraw(
    provider: c.PaymentProvider,
    found: Attempt,
    *,
    unless: Callable[[c.PaymentResult], bool] = lambda result: False,
) -> c.PaymentResult:
    """Call the payment off, unless its money has come after all; how it stands then. One of which
    `unless` says so is left alone, too.

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
    if result.state in ("action", "pending") and not unless(result):
        with outside("withdraw"):
            result = provider.cancel(result.ref, f"{found.key}:cancel")
    return result


def is_news(shop: Shop, found: Attempt, result: c.PaymentResult) -> bool:
    """Whether nobody here knew yet that the payment is under way, or its buyer on another page."""
    if result.state == "action" and result.away:
        with shop.unit() as db:
            return not payments.waited_for(db, uuid.UUID(found.key), result.away)
    return result.state == "pending" and found.status != "pending"


def apply(
    shop: Shop,
    db: Session,
    found: Attempt,
    result: c.PaymentResult,
    *,
    actor: str = "",
    note: str = "",
    reason: str = "",
) -> bool:
    """Write a provider's answer about an attempt down and draw its consequences; False if it was
    known already. `reason` says why an attempt that ends takes its order with it.

    Raises stock.SoldOut or claims.UsedUp when a late payment finds its goods or its discount gone
    and `actor` is staff, who must hear of it; a provider's late money is kept and refunded by a
    job instead.
    """
    order = _lock(db, found.number)
    attempts = payments.of_order(db, order.id, lock=True) if order is not None else []
    payment = next((each for each in attempts if str(each.attempt) == found.key), None)
    if order is None or payment is None:
        return False
    others = [each for each in attempts if each is not payment]
    if result.state in payments.HAS_MONEY and result.money != Money(
        payment.amount, payment.currency
    ):
        return _mismatch(db, order, payment, result)
    declined = result.declined and payments.record(
        db, payment, "declined", key=f"declined:{result.declined}", note=result.message
    )
    if result.state == "action" and result.declined and payment.status == "pending":
        # What was promised has bounced: a debit that the buyer's bank sent back after days.
        result = replace(result, state="failed")
        defer(db, "checkout.call_off", number=order.number, attempt=found.key)
    if result.state == "action" and result.away and order.status == "awaiting_payment":
        until = shop.now() + timedelta(minutes=shop.settings["shop"].away_minutes)
        if payments.wait_for_buyer(db, payment, result.away, until):
            stock.extend(db, order.number, payment.expires_at)
    if not payments.advance(payment, result, shop.now()):
        return bool(declined)
    captured = result.state == "captured"
    payments.note(
        db,
        payment,
        result.state,
        key=f"{result.state}:{result.ref}",
        amount=payment.amount if captured else 0,
        about=payment.amount if result.state == "authorized" else 0,
        actor=actor,
        note=note or result.message,
    )
    if result.state in payments.FINAL:
        _ended(db, shop, order, payment, others, reason, actor)
    elif result.state != "action":
        _accept(db, shop, order, payment, others, actor)
    return True


# PostgreSQL locks a row's tables in the order they are named in.
_WITH_CART = (
    select(Order)
    .join(Cart, Cart.id == Order.cart_id)
    .where(Order.number == bindparam("number"))
    .with_for_update(of=(Cart, Order))
    .execution_options(populate_existing=True)
)


def _lock(db: Session, number: str) -> Order | None:
    """Placing locks the cart, then its order; whoever may retire the cart does the same. A cart
    may be forgotten by now."""
    order = db.scalars(_WITH_CART, {"number": number}).one_or_none()
    return order or orders.lock(db, number)


def _mismatch(db: Session, order: Order, payment: Payment, result: c.PaymentResult) -> bool:
    """Another amount or currency is written down for staff and pays nothing."""
    asked = Money(payment.amount, payment.currency)
    log.error("Payment %s: %s is not what order %s costs", payment.id, result.money, order.number)
    if result.ref:
        payment.ref = result.ref
    return payments.record(
        db,
        payment,
        "mismatch",
        key=f"mismatch:{result.ref}:{result.money.minor}:{result.money.currency}",
        note=f"The provider reports {result.money.format()}; the order costs {asked.format()}. "
        "Not marked paid.",
    )


def _ended(
    db: Session,
    shop: Shop,
    order: Order,
    payment: Payment,
    others: Sequence[Payment],
    reason: str,
    actor: str,
) -> None:
    """An attempt came to nothing. Its order ends with it, unless another attempt carries it, or
    its buyer is still there to make one: an order that never stood keeps its goods until their
    time is over."""
    carried = any(
        each.status in ("pending", *payments.HAS_MONEY) and not each.surplus for each in others
    )
    if payment.surplus or carried:
        return
    if order.status == "awaiting_payment" and not reason:
        return
    give_up(db, shop, order, reason or f"payment_{payment.status}", actor)


def _accept(
    db: Session,
    shop: Shop,
    order: Order,
    payment: Payment,
    others: Sequence[Payment],
    actor: str,
) -> None:
    """The order stands: payable later, authorized or paid."""
    has_money = payment.status in payments.HAS_MONEY
    if order.status != "canceled" and any(
        each.status in payments.HAS_MONEY and not each.surplus for each in others
    ):
        if has_money:
            _send_back(db, order, payment, "surplus")
        return
    placed = order.status == "awaiting_payment"
    if order.status == "canceled":
        if not has_money:
            # Canceled while its provider was still answering: a promise revives nothing.
            defer(db, "checkout.refund_late", number=order.number, attempt=str(payment.attempt))
            return
        if not _revive(db, order, payment, actor):
            return
        # Given up before it ever stood (a card that paid late): the customer hears of it first now.
        placed = payments.times_accepted(db, order.id) == 1
    paid = payment.status == "captured"
    order.status = "confirmed"
    order.payment_status = "paid" if paid else payment.status
    stock.extend(db, order.number, None if has_money else payment.expires_at)
    if placed:
        carts.retire(db, order.cart_id)
        emit(db, events.ORDER_PLACED, order.number)
    if paid:
        # `at_once` spares the customer a second mail next to the confirmation.
        emit(db, events.PAYMENT_PAID, order.number, {"at_once": placed})
    elif payment.status == "authorized" and payment.capture == "automatic":
        defer(db, "checkout.capture", number=order.number, attempt=str(payment.attempt))
    elif payment.status == "authorized":
        emit(db, events.PAYMENT_AUTHORIZED, order.number)
    for other in others:
        if has_money and other.status in payments.OPEN:
            defer(db, "checkout.call_off", number=order.number, attempt=str(other.attempt))


def accept_free(db: Session, order: Order) -> None:
    """An order that costs nothing stands at once, without any payment."""
    order.status, order.payment_status = "confirmed", "paid"
    stock.extend(db, order.number, None)
    carts.retire(db, order.cart_id)
    emit(db, events.ORDER_PLACED, order.number)
    emit(db, events.PAYMENT_PAID, order.number, {"at_once": True})


def _send_back(db: Session, order: Order, payment: Payment, reason: str) -> None:
    """Money that nothing is sold for is voided or refunded by a job, and the customer is told."""
    key = str(payment.attempt)
    defer(db, "checkout.refund_late", number=order.number, attempt=key)
    if payment.returned:
        return
    payment.returned = reason
    kind = "surplus" if reason == "surplus" else "returned"
    payments.record(db, payment, kind, key="returned", note=RETURNED[reason])
    emit(db, events.PAYMENT_RETURNED, order.number, {"reason": reason, "attempt": key})


def _revive(db: Session, order: Order, payment: Payment, actor: str) -> bool:
    """Take what a canceled order kept again, because its money came after all: its goods, and
    the uses of its discounts, which others may have had meanwhile."""
    rival = orders.standing_of_cart(db, order.cart_id)
    demand = orders.demand(orders.lines_of(db, order.id))
    trace = [steps.from_json(step, order.currency) for step in order.trace]
    gone = ""
    if not actor and (order.cancel_reason not in REVIVABLE or rival is not None):
        gone = "canceled"
    else:
        try:
            with db.begin_nested():
                stock.hold(db, order.number, demand, None)
                claims.claim(db, order.number, steps.claims_of(trace))
        except (stock.SoldOut, claims.UsedUp):
            if actor:
                raise
            gone = "sold_out"
    if gone:
        order.payment_status = "paid" if payment.status == "captured" else "authorized"
        _send_back(db, order, payment, gone)
        return False
    order.canceled_at, order.cancel_reason = None, ""
    return True


def give_up(db: Session, shop: Shop, order: Order, reason: str, actor: str = "") -> None:
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
