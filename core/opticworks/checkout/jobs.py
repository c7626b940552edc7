"""What the checkout does by itself: the sweeper, reminders, expiry, late captures and refunds."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.carts import service as carts
from opticworks.checkout import capturing, refund, staff
from opticworks.checkout import settle as settling
from opticworks.jobs import defer, task
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Payment
from opticworks.shop import Shop

log = logging.getLogger(__name__)

UNANSWERED_SECONDS = 60  #: how long a customer's own request gets before the sweeper steps in


@task("checkout.sweep", schedule="* * * * *")
def sweep(shop: Shop) -> None:
    """Every minute: find orders whose payment needs settling, reminding or giving up."""
    now = shop.now()
    with shop.unit("sweep") as db:
        unanswered = db.scalars(
            select(Order.number).where(
                Order.status == "awaiting_payment",
                Order.placed_at < now - timedelta(seconds=UNANSWERED_SECONDS),
            )
        ).all()
        expired = {*_numbers(db, payments.due_for_expiry(db, now)), *_abandoned(db, now)}
        remind = _numbers(db, payments.due_for_reminder(db, now))
        followed = _numbers(db, payments.due_for_a_look(db, now))
        for key in map(str, refunds.due(db, now)):
            defer(db, "checkout.refund", queueing_lock=f"refund:{key}", key=key)
        for number in expired:
            defer(db, "checkout.expire", queueing_lock=f"expire:{number}", number=number)
        for number in {*unanswered, *followed}:
            if number not in expired:
                defer(db, "checkout.settle", queueing_lock=f"settle:{number}", number=number)
        for number in remind:
            if number not in expired:
                defer(db, "checkout.remind", queueing_lock=f"remind:{number}", number=number)


def _abandoned(db: Session, now: datetime) -> Iterable[str]:
    """Orders whose last attempt ended without money and whose buyer did not try again in time."""
    attempts = select(func.max(Payment.expires_at)).where(Payment.order_id == Order.id)
    return db.scalars(
        select(Order.number)
        .where(Order.status == "awaiting_payment", attempts.scalar_subquery() <= now)
        .limit(100)
    )


def _numbers(db: Session, ids: list[int]) -> list[str]:
    return list(db.scalars(select(Order.number).where(Order.id.in_(ids)))) if ids else []


@task("checkout.settle")
def settle(shop: Shop, number: str) -> None:
    """Ask the provider how the payment stands and apply it."""
    settling.settle(shop, number)


@task("checkout.remind")
def remind(shop: Shop, number: str) -> None:
    """Announce that a payment is still missing; once per payment."""
    with shop.unit("remind") as db:
        order = orders.lock(db, number)
        payment = payments.latest(db, order.id) if order is not None else None
        if order is None or payment is None or payment.remind_at is None:
            return
        payment.remind_at = None
        if order.status == "confirmed" and payment.status == "pending":
            emit(db, events.PAYMENT_REMINDER, number)


@task("checkout.expire")
def expire(shop: Shop, number: str) -> None:
    """Give up an order whose payment did not come in time.

    The provider is asked first: a payment that came after all settles the order instead, and
    so does one that it has begun to work on. A buyer who turns out to be paying on another page
    gets the time for that.
    """
    for found in settling.attempts_of(shop, number):
        if found.status in payments.OPEN:
            provider = settling.provider_of(shop, found.provider)
            news = partial(settling.is_news, shop, found)
            result = settling.withdraw(provider, found, unless=news)
            with shop.unit("expire") as db:
                settling.apply(shop, db, found, result, reason="expired")
    with shop.unit("give_up") as db:
        order = orders.lock(db, number)
        if order is None or order.status != "awaiting_payment":
            return
        attempts = payments.of_order(db, order.id)
        if all(payment.status in payments.FINAL for payment in attempts):
            settling.give_up(db, shop, order, "expired")


@task("checkout.call_off")
def call_off(shop: Shop, number: str, attempt: str) -> None:
    """Withdraw one attempt at its provider, so that nobody pays what is paid or given up."""
    found = settling.attempt_of(shop, number, attempt)
    if found is None:
        return
    result = settling.withdraw(settling.provider_of(shop, found.provider), found)
    with shop.unit("call_off") as db:
        settling.apply(shop, db, found, result)


@task("checkout.capture")
def capture(shop: Shop, number: str, attempt: str = "") -> None:
    """Take the money of an authorized payment, whose goods are ours to give."""
    found = settling.attempt_of(shop, number, attempt)
    if found is not None and found.status == "authorized":
        capturing.take(shop, found)


@task("checkout.refund_late")
def refund_late(shop: Shop, number: str, attempt: str = "") -> None:
    """Money that came after its goods were gone, or twice, goes back by itself."""
    staff.return_money(shop, number, attempt=attempt, actor="system")


@task("checkout.refund")
def look_after_refund(shop: Shop, key: str) -> None:
    """A refund that is not over: look it up at its provider, or ask for it again. One that a
    provider does not answer is looked after again later, by the sweeper."""
    try:
        refund.resume(shop, uuid.UUID(key))
    except c.ProviderError as error:
        log.warning("Refund %s: nobody knows yet what became of it: %s", key, error)


@task("carts.forget", schedule="17 3 * * *")
def forget_carts(shop: Shop) -> None:
    """Every night: remove carts that nobody has come back to."""
    while True:
        with shop.unit("forget_carts") as db:
            if carts.forget_expired(db, shop.now()) == 0:
                return
