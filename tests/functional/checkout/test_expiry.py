"""Orders whose money is late: reminded, expired, or taken up again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from opticworks.checkout import jobs as sweeper
from opticworks.checkout import staff
from opticworks.checkout.place import place
from opticworks.checkout.settle import Refused, settle
from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 2, "10.00")
    counter.stock("NOISE", 5)
    return counter


def at(counter: Counter, **later: float) -> datetime:
    """Move the shop's clock forward from now."""
    moment = datetime.now(UTC) + timedelta(**later)
    counter.shop.now = lambda: moment
    return moment


def sweep(counter: Counter) -> None:
    sweeper.sweep(counter.shop)
    drain(counter.shop, now=counter.shop.now())


def kinds(counter: Counter) -> list[str]:
    with counter.shop.unit() as db:
        return list(db.scalars(text("SELECT kind FROM event ORDER BY id")))


def test_a_transfer_is_reminded_once_then_expires_and_gives_its_goods_back(
    counter: Counter,
) -> None:
    placed = counter.buy(("A", 2))
    payment = counter.order(placed.number).payment
    assert payment is not None
    assert payment.expires_at is not None
    days = (payment.expires_at - datetime.now(UTC)) / timedelta(days=1)
    at(counter, days=days * 0.95)
    for _ in range(2):
        sweep(counter)
    assert counter.free("A") == 0
    assert kinds(counter).count("payment.reminder") == 1
    at(counter, days=days + 0.1)
    for _ in range(2):
        sweep(counter)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("canceled", "unpaid")
    assert order.cancel_reason == "expired"
    assert counter.free("A") == 2
    assert kinds(counter).count("order.canceled") == 1


def expired_order(counter: Counter) -> str:
    placed = counter.buy(("A", 2))
    at(counter, days=30)
    sweep(counter)
    assert counter.order(placed.number).status == "canceled"
    return placed.number


def test_paid_after_expiry_takes_the_goods_again(counter: Counter) -> None:
    number = expired_order(counter)
    staff.mark_paid(counter.shop, number, actor="clerk", reference="bank 17")
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert counter.free("A") == 0
    staff.mark_paid(counter.shop, number, actor="clerk", reference="bank 17")
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT sum(amount) FROM payment_event")) == order.total.minor


def test_paid_after_expiry_is_refused_when_the_goods_are_gone_and_says_why(
    counter: Counter,
) -> None:
    number = expired_order(counter)
    counter.shop.now = lambda: datetime.now(UTC)
    counter.buy(("A", 1))
    with pytest.raises(Refused, match=r"A \(1 of 2 left\)"):
        staff.mark_paid(counter.shop, number, actor="clerk", reference="bank 17")
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("canceled", "unpaid")
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT coalesce(sum(amount), 0) FROM payment_event")) == 0
        assert stock.verify(db) == []


def test_an_unanswered_card_payment_is_settled_by_the_sweeper(counter: Counter) -> None:
    placed = counter.buy(("A", 1), payment="fake_card")
    counter.card.vendor.pay(next(iter(counter.card.vendor.payments)))
    at(counter, minutes=2)
    sweep(counter)
    assert counter.order(placed.number).payment_status == "paid"


def test_a_card_order_that_was_never_paid_is_given_up(counter: Counter) -> None:
    placed = counter.buy(("A", 1), payment="fake_card")
    at(counter, minutes=16)
    sweep(counter)
    assert counter.order(placed.number).status == "canceled"
    assert next(iter(counter.card.vendor.payments.values())).state == "canceled"
    assert counter.free("A") == 2
    # Nobody is told of an order that never stood.
    assert "order.canceled" not in kinds(counter)


def test_money_that_comes_after_its_goods_are_gone_goes_back_by_itself(counter: Counter) -> None:
    placed = counter.buy(("A", 2), payment="fake_card")
    ref, payment = next(iter(counter.card.vendor.payments.items()))
    with counter.shop.unit() as db:
        stock.release(db, placed.number, reason="test")
        db.execute(text("UPDATE orders SET status = 'canceled'"))
    counter.buy(("A", 1))
    counter.card.vendor.pay(ref)
    settle(counter.shop, placed.number)
    drain(counter.shop)
    assert counter.card.vendor.charged == 0
    assert payment.refunded == payment.amount.minor
    assert counter.order(placed.number).payment_status == "refunded"


def test_an_authorized_payment_is_captured_by_a_job(counter: Counter) -> None:
    counter.card.first_state = "authorized"
    placed = counter.buy(("A", 1), payment="fake_card")
    assert counter.order(placed.number).payment_status == "authorized"
    drain(counter.shop)
    assert counter.order(placed.number).payment_status == "paid"
    assert counter.card.vendor.calls.count("capture") == 1


def test_a_provider_that_is_down_leaves_the_order_for_the_next_sweep(counter: Counter) -> None:
    placed = counter.buy(("A", 1), payment="fake_card")
    at(counter, minutes=16)
    with counter.card.vendor.down():
        sweeper.sweep(counter.shop)
        drain(counter.shop, now=counter.shop.now(), errors=False)
    assert counter.order(placed.number).status == "awaiting_payment"
    at(counter, minutes=40)
    sweep(counter)
    assert counter.order(placed.number).status == "canceled"


def test_old_carts_are_forgotten(counter: Counter) -> None:
    counter.cart(("A", 1))
    at(counter, days=31)
    sweeper.forget_carts(counter.shop)
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM cart")) == 0


def test_a_card_that_paid_after_its_order_was_given_up_is_an_order_after_all(
    counter: Counter,
) -> None:
    cart_id = counter.cart(("A", 1))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    ref = next(iter(counter.card.vendor.payments))
    with counter.shop.unit() as db:
        stock.release(db, placed.number, reason="test")
        db.execute(text("UPDATE orders SET status = 'canceled', cancel_reason = 'expired'"))
    counter.card.vendor.pay(ref)
    for _ in range(2):
        settle(counter.shop, placed.number)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert kinds(counter).count("order.placed") == 1
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT state FROM cart")) == "ordered"
