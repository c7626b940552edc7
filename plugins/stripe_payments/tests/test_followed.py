"""Payments that a bank takes days over: nobody tells the shop, so the sweeper asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from opticworks.checkout import jobs as sweeper
from opticworks.checkout import staff
from opticworks.checkout.place import place
from opticworks.checkout.settle import settle
from opticworks.jobs.testing import drain
from opticworks.testing.counter import Counter
from opticworks.testing.ledger import wrong

DEBIT = "pm_usBankAccount_processing"


@pytest.fixture
def shop_with_two(counter: Counter) -> Counter:
    counter.stock("A", 2, "10.00")
    return counter


def ordered(counter: Counter, standin: Any, method: str = DEBIT) -> tuple[str, str]:
    """An order whose buyer has confirmed it: its number, and the intent at Stripe."""
    number = counter.buy(("A", 2), payment="stripe").number
    (ref,) = standin.app.vendor.objects["payment_intent"]
    standin.confirm(ref, method)
    return number, ref


def asked(counter: Counter, standin: Any, **how: Any) -> tuple[str, str]:
    """An order whose buyer is asked by the bank: its number, and the intent at Stripe."""
    number = counter.buy(("A", 2), payment="stripe").number
    (ref,) = standin.app.vendor.objects["payment_intent"]
    standin.client().v1.payment_intents.confirm(
        ref, {"payment_method": "pm_card_authenticationRequired", **how}
    )
    return number, ref


def pass_by(counter: Counter, **later: float) -> None:
    """The sweeper comes, so much later; no webhook ever does."""
    moment = datetime.now(UTC) + timedelta(**later)
    counter.shop.now = lambda: moment
    sweeper.sweep(counter.shop)
    drain(counter.shop, now=moment)


def state(counter: Counter, number: str) -> tuple[str, str]:
    order = counter.order(number)
    return order.status, order.payment_status


def mails(counter: Counter) -> list[str]:
    with counter.shop.unit() as db:
        return list(db.scalars(text("SELECT kind FROM message ORDER BY id")))


def test_a_debit_whose_webhooks_are_lost_is_followed_until_it_arrives(
    shop_with_two: Counter, standin: Any
) -> None:
    counter = shop_with_two
    number, ref = ordered(counter, standin)
    settle(counter.shop, number)
    assert state(counter, number) == ("confirmed", "pending")
    for hours in (1, 20, 60):  # much longer than any hold
        pass_by(counter, hours=hours)
        assert (state(counter, number), counter.free("A")) == (("confirmed", "pending"), 0)
    asked = standin.control("calls")
    pass_by(counter, hours=60.1)
    assert standin.control("calls") == asked, "it rests"
    standin.control("end_debit", intent_id=ref, success=True)
    pass_by(counter, hours=67)
    assert (state(counter, number), counter.free("A")) == (("confirmed", "paid"), 0)
    pass_by(counter, hours=90)
    assert mails(counter) == ["order_placed", "order_paid"]
    assert wrong(counter.shop) == []


def test_a_debit_that_bounces_unheard_gives_its_goods_back(
    shop_with_two: Counter, standin: Any
) -> None:
    counter = shop_with_two
    number, ref = ordered(counter, standin)
    settle(counter.shop, number)
    standin.control("end_debit", intent_id=ref, success=False)
    pass_by(counter, hours=1)
    pass_by(counter, hours=2)
    assert (state(counter, number), counter.free("A")) == (("canceled", "unpaid"), 2)
    assert standin.app.vendor.objects["payment_intent"][ref]["status"] == "canceled"
    assert mails(counter) == ["order_placed", "order_canceled"]


def test_an_order_is_not_given_up_while_its_bank_is_at_work(
    shop_with_two: Counter, standin: Any
) -> None:
    """The browser died after confirming, the webhook was lost, and its time is over."""
    counter = shop_with_two
    number, ref = ordered(counter, standin)
    pass_by(counter, minutes=40)
    assert (state(counter, number), counter.free("A")) == (("confirmed", "pending"), 0)
    assert standin.app.vendor.objects["payment_intent"][ref]["status"] == "processing"
    standin.control("end_debit", intent_id=ref, success=True)
    pass_by(counter, hours=2)
    assert state(counter, number) == ("confirmed", "paid")


def test_an_order_whose_cart_was_changed_stands_if_its_bank_is_at_work(
    shop_with_two: Counter, standin: Any
) -> None:
    """Stripe does not let such a payment go, so a second order would be paid twice."""
    counter = shop_with_two
    cart = counter.cart(("A", 1))
    number = place(counter.shop, counter.wish(cart, "stripe")).number
    (ref,) = standin.app.vendor.objects["payment_intent"]
    standin.confirm(ref, DEBIT)
    again = place(counter.shop, counter.wish(cart, "stripe", email="other@example.com"))
    assert again.number == number
    assert state(counter, number) == ("confirmed", "pending")
    assert len(standin.app.vendor.objects["payment_intent"]) == 1


def test_a_canceled_orders_debit_goes_back_when_it_arrives(
    shop_with_two: Counter, standin: Any
) -> None:
    counter = shop_with_two
    number, ref = ordered(counter, standin)
    settle(counter.shop, number)
    staff.cancel(counter.shop, number, actor="clerk", reason="customer")
    assert state(counter, number) == ("canceled", "pending")
    standin.control("end_debit", intent_id=ref, success=True)
    pass_by(counter, hours=1)
    pass_by(counter, hours=2)
    assert (state(counter, number), counter.free("A")) == (("canceled", "refunded"), 2)
    (charge,) = standin.app.vendor.objects["charge"].values()
    assert charge["amount_refunded"] == charge["amount_captured"]


def test_an_authorization_that_lapsed_unheard_ends_its_order(
    shop_with_two: Counter, standin: Any
) -> None:
    counter = shop_with_two
    number, ref = ordered(counter, standin, "pm_card_visa")
    with counter.shop.unit() as db:  # as an order of a shop that takes money when it sends
        db.execute(text("UPDATE payment SET capture = 'manual'"))
    standin.app.vendor.objects["payment_intent"][ref].update(
        status="requires_capture", amount_received=0
    )
    settle(counter.shop, number)
    assert state(counter, number) == ("confirmed", "authorized")
    pass_by(counter, days=6)
    assert state(counter, number) == ("confirmed", "authorized")
    standin.app.vendor.objects["payment_intent"][ref]["status"] = "canceled"
    pass_by(counter, days=7.1)
    assert (state(counter, number), counter.free("A")) == (("canceled", "unpaid"), 2)


@pytest.mark.parametrize("heard", [True, False], ids=["swept meanwhile", "worker was down"])
def test_goods_are_held_longer_while_the_buyer_pays_on_another_page(
    shop_with_two: Counter, standin: Any, heard: bool
) -> None:
    counter = shop_with_two
    number, ref = asked(counter, standin, return_url="http://127.0.0.1/return")
    for minutes in (2, 20, 45) if heard else (20, 45):
        pass_by(counter, minutes=minutes)
        assert (state(counter, number), counter.free("A")) == (("awaiting_payment", "unpaid"), 0)
    pass_by(counter, minutes=85)
    assert (state(counter, number), counter.free("A")) == (("canceled", "unpaid"), 2)
    assert standin.app.vendor.objects["payment_intent"][ref]["status"] == "canceled"
    assert wrong(counter.shop) == []


def test_goods_are_held_no_longer_for_a_bank_that_asks_on_the_checkout(
    shop_with_two: Counter, standin: Any
) -> None:
    counter = shop_with_two
    number, ref = asked(counter, standin, use_stripe_sdk=True)
    pass_by(counter, minutes=2)
    pass_by(counter, minutes=20)
    assert (state(counter, number), counter.free("A")) == (("canceled", "unpaid"), 2)
    assert standin.app.vendor.objects["payment_intent"][ref]["status"] == "canceled"
