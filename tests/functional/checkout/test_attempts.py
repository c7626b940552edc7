"""Several attempts to pay one order: refused, late, twice; and what the ledger makes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from opticworks.admin import work
from opticworks.checkout import jobs as sweeper
from opticworks.checkout import staff
from opticworks.checkout.place import Placed, place
from opticworks.checkout.settle import Refused, attempts_of, settle
from opticworks.jobs.testing import drain
from opticworks.payments import service as payments
from opticworks.payments.sums import Sums
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.ledger import wrong
from opticworks.testing.shops import Browser


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 2, "10.00")
    return counter


def sums(counter: Counter, number: str) -> Sums:
    with counter.shop.unit() as db:
        order = db.scalar(text("SELECT id FROM orders WHERE number = :n"), {"n": number})
        return payments.sums(db, order)


def kinds(counter: Counter) -> list[str]:
    with counter.shop.unit() as db:
        return list(db.scalars(text("SELECT kind FROM event ORDER BY id")))


def messages(counter: Counter) -> list[str]:
    drain(counter.shop)
    with counter.shop.unit() as db:
        return list(db.scalars(text("SELECT kind FROM message ORDER BY id")))


def tried_twice(counter: Counter) -> tuple[Placed, str, str]:
    """An order with a refused attempt and an open one; the refs of both."""
    cart_id = counter.cart(("A", 1))
    counter.card.vendor.decline_next()
    with pytest.raises(Refused):
        place(counter.shop, counter.wish(cart_id, "fake_card"))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    first, second = counter.card.vendor.payments
    return placed, first, second


def settle_as_told(counter: Counter, ref: str) -> None:
    """What a webhook about the payment of that ref does."""
    with counter.shop.unit() as db:
        payment = payments.by_ref(db, "fake_card", ref)
        assert payment is not None
        number = db.scalar(
            text("SELECT number FROM orders WHERE id = :id"), {"id": payment.order_id}
        )
    for _ in range(2):  # every report may come again
        settle(counter.shop, number, payment.attempt)


def come_to_money(counter: Counter, ref: str, *, capture: bool = True) -> None:
    """A payment that was said to have failed was made all the same."""
    counter.card.vendor.payments[ref].state = "action"
    counter.card.vendor.pay(ref, capture=capture)


def test_an_old_attempt_that_succeeds_late_pays_its_order(counter: Counter) -> None:
    placed, first, second = tried_twice(counter)
    come_to_money(counter, first)
    settle_as_told(counter, first)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    drain(counter.shop)  # nobody can pay it again
    assert counter.card.vendor.payments[second].state == "canceled"
    assert counter.card.vendor.charged == order.total.minor
    assert sums(counter, placed.number) == Sums(captured=order.total.minor)
    assert counter.order(placed.number).payment_status == "paid"
    assert wrong(counter.shop) == []


@pytest.mark.parametrize("capture", [True, False])
def test_what_is_paid_twice_goes_back_once_and_both_sides_are_told(
    counter: Counter, capture: bool
) -> None:
    placed, first, second = tried_twice(counter)
    counter.card.vendor.pay(second)
    settle_as_told(counter, second)
    come_to_money(counter, first, capture=capture)
    settle_as_told(counter, first)
    assert messages(counter).count("payment_returned") == 1
    settle_as_told(counter, first)
    drain(counter.shop)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status, order.returned) == ("confirmed", "paid", "surplus")
    assert counter.card.vendor.charged == order.total.minor
    assert sums(counter, placed.number).kept == order.total.minor
    assert [found.status for found in attempts_of(counter.shop, placed.number)] == [
        "captured" if capture else "canceled",
        "captured",
    ]
    with counter.shop.unit() as db:
        (order_id,) = db.scalars(text("SELECT id FROM orders"))
        assert [event.kind for event in payments.unattended(db, order_id)] == ["surplus"]
        assert payments.attend(db, order_id, "clerk") == 1
        assert payments.unattended(db, order_id) == []
    staff.fulfil(  # the surplus that went back keeps nothing from being sent
        counter.shop, placed.number, lines={"A": 1}, carrier="UPS", tracking_number="1", actor="x"
    )
    assert wrong(counter.shop) == []


def test_money_for_an_order_that_staff_canceled_goes_back(counter: Counter) -> None:
    placed, first, _ = tried_twice(counter)
    staff.cancel(counter.shop, placed.number, actor="clerk", reason="fraud")
    come_to_money(counter, first)
    settle_as_told(counter, first)
    assert "payment_returned" in messages(counter)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    assert order.returned == "canceled"
    assert counter.card.vendor.charged == 0
    assert counter.free("A") == 2


@pytest.mark.parametrize("capture", [True, False])
def test_a_customer_whose_payment_came_too_late_is_told_and_pays_nothing(
    counter: Counter, capture: bool
) -> None:
    placed = counter.buy(("A", 2), payment="fake_card")
    ref = next(iter(counter.card.vendor.payments))
    with counter.shop.unit() as db:
        stock.release(db, placed.number, reason="test")
        db.execute(text("UPDATE orders SET status = 'canceled', cancel_reason = 'expired'"))
    counter.buy(("A", 1))
    counter.card.vendor.pay(ref, capture=capture)
    settle(counter.shop, placed.number)
    assert messages(counter).count("payment_returned") == 1
    order = counter.order(placed.number)
    assert order.payment_status == ("refunded" if capture else "unpaid")
    assert (order.returned, counter.card.vendor.charged) == ("sold_out", 0)


def test_a_refused_card_on_a_payment_that_stays_open_is_in_the_ledger_once_a_try(
    counter: Counter,
) -> None:
    cart_id = counter.cart(("A", 1))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    (ref,) = counter.card.vendor.payments
    for sentence in ("Your card was declined.", "Insufficient funds."):
        counter.card.vendor.refuse(ref, sentence)
        settle_as_told(counter, ref)
        again = place(counter.shop, counter.wish(cart_id, "fake_card"))
        assert again.number == placed.number
    counter.card.vendor.pay(ref)
    settle_as_told(counter, ref)
    with counter.shop.unit() as db:
        rows = db.execute(text("SELECT kind, note FROM payment_event ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("action", ""),
        ("declined", "Your card was declined."),
        ("declined", "Insufficient funds."),
        ("captured", ""),
    ]
    assert counter.order(placed.number).payment_status == "paid"


def test_an_order_of_refused_cards_keeps_its_goods_until_its_time_is_over(
    counter: Counter,
) -> None:
    cart_id = counter.cart(("A", 1))
    counter.card.vendor.decline_next()
    with pytest.raises(Refused):
        place(counter.shop, counter.wish(cart_id, "fake_card"))

    def sweep(**later: float) -> None:
        moment = datetime.now(UTC) + timedelta(**later)
        counter.shop.now = lambda: moment
        sweeper.sweep(counter.shop)
        drain(counter.shop, now=moment)

    sweep(minutes=5)
    assert counter.free("A") == 1
    sweep(minutes=16)
    assert counter.free("A") == 2
    assert "order.canceled" not in kinds(counter)


def test_a_promise_of_the_bank_has_no_deadline_and_may_bounce(counter: Counter) -> None:
    cart_id = counter.cart(("A", 1))
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    (ref,) = counter.card.vendor.payments
    counter.card.vendor.promise(ref)
    settle_as_told(counter, ref)
    moment = datetime.now(UTC) + timedelta(days=4)
    counter.shop.now = lambda: moment
    sweeper.sweep(counter.shop)
    drain(counter.shop, now=moment)
    order = counter.order(placed.number)
    assert (order.status, order.payment_status) == ("confirmed", "pending")
    counter.card.vendor.refuse(ref, "The debit was returned.")
    settle_as_told(counter, ref)
    drain(counter.shop, now=moment)
    order = counter.order(placed.number)
    assert (order.status, order.cancel_reason) == ("canceled", "payment_failed")
    assert counter.card.vendor.payments[ref].state == "canceled"
    assert counter.free("A") == 2


@pytest.fixture
def later(make_shop: Callable[..., Shop]) -> Counter:
    """A shop that takes its money when the first parcel leaves."""
    counter = open_counter(make_shop, settings={"shop": {"capture": "authorize"}})
    counter.stock("A", 5, "10.00")
    counter.card.first_state = "captured"
    return counter


def send(counter: Counter, number: str, quantity: int = 1) -> None:
    staff.fulfil(
        counter.shop,
        number,
        lines={"A": quantity},
        carrier="UPS",
        tracking_number=f"1Z{quantity}",
        actor="clerk",
    )


def test_money_is_taken_when_the_first_parcel_leaves_and_only_then(later: Counter) -> None:
    number = later.buy(("A", 3), payment="fake_card").number
    drain(later.shop)
    assert later.order(number).payment_status == "authorized"
    total = later.order(number).total.minor
    assert sums(later, number) == Sums(authorized=total, outstanding=total)
    with later.shop.unit() as db:
        token = db.scalar(text("SELECT token FROM orders"))
    page = Browser(later.shop).get(f"/orders/{token}").text
    assert "Payment authorized" in page
    assert "Waiting for payment" not in page, "there is nothing more for the buyer to do"
    with pytest.raises(Refused, match="left to send"):
        send(later, number, 4)
    assert later.card.vendor.charged == 0  # nothing is charged for a parcel that can't be
    send(later, number, 1)
    assert later.order(number).payment_status == "paid"
    send(later, number, 2)
    drain(later.shop)
    assert later.card.vendor.calls.count("capture") == 1
    assert sums(later, number) == Sums(captured=total)


def test_a_provider_that_is_down_keeps_no_parcel_back_one_that_refuses_does(
    later: Counter,
) -> None:
    number = later.buy(("A", 1), payment="fake_card").number
    later.card.vendor.fail_next("after")
    send(later, number)
    assert later.order(number).payment_status == "authorized"
    drain(later.shop)
    assert later.order(number).payment_status == "paid"
    assert later.card.vendor.charged == later.order(number).total.minor
    lapsed = later.buy(("A", 1), payment="fake_card").number
    (*_, payment) = later.card.vendor.payments.values()
    payment.state = "canceled"
    with pytest.raises(Refused, match="nothing is sent"):
        send(later, lapsed)
    assert later.order(lapsed).shipments == ()


def test_staff_take_or_void_what_is_authorized_and_are_warned_before_it_lapses(
    later: Counter,
) -> None:
    taken, voided = (later.buy(("A", 1), payment="fake_card").number for _ in range(2))
    with later.shop.unit() as db:
        assert work.counts(db)["check_payment"] == 0
        db.execute(text("UPDATE payment SET expires_at = expires_at - interval '6 days'"))
        assert work.counts(db)["check_payment"] == 2
    staff.mark_paid(later.shop, taken, actor="clerk")
    assert later.order(taken).payment_status == "paid"
    staff.cancel(later.shop, voided, actor="clerk", reason="customer")
    assert later.order(voided).payment_status == "unpaid"
    assert later.card.vendor.charged == later.order(taken).total.minor
    with later.shop.unit() as db:
        assert work.counts(db)["check_payment"] == 0


def test_who_can_not_wait_takes_the_money_at_once(later: Counter) -> None:
    later.card.capture_methods = ("automatic",)
    number = later.buy(("A", 1), payment="fake_card").number
    assert later.order(number).payment_status == "paid"
