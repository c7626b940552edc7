"""Limits: exactly as many uses as there are, given back with the order, under real threads."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from discount_making import cart_with, publish, state
from sqlalchemy import select, text

from opticworks.carts import service as carts
from opticworks.checkout import jobs as sweeper
from opticworks.checkout import staff
from opticworks.checkout.place import Changed, place
from opticworks.checkout.settle import Refused
from opticworks.jobs.testing import drain
from opticworks.kernel import used, uses
from opticworks.stock import claims
from opticworks.testing.ledger import wrong
from opticworks_discounts import offers, writing
from opticworks_discounts.models import Code, Discount


def used_of(counter, number):
    with counter.shop.unit() as db:
        key = f"discounts:{number}"
        return used(db, [key])[key]


def buy(counter, code, payment="fake_transfer", email="ada@example.com"):
    cart_id = cart_with(counter, ("A", 1), codes=[code], email=email)
    return place(counter.shop, counter.wish(cart_id, payment, email=email)).number


def test_fifty_at_once_use_a_code_that_has_ten_uses_exactly_ten_times(counter):
    number = publish(counter, "TEN", total_limit=10)
    carts = [
        cart_with(counter, ("A", 1), codes=["TEN"], email=f"c{i}@example.com") for i in range(50)
    ]
    wishes = [counter.wish(cart, email=f"c{i}@example.com") for i, cart in enumerate(carts)]
    start = threading.Barrier(50)
    placed, refused = [], []

    def redeem(wish):
        start.wait()
        try:
            placed.append(place(counter.shop, wish).number)
        except Refused as error:
            refused.append(str(error))
        except Changed as changed:
            refused.append(state(changed.quote, "TEN").sentence)

    threads = [threading.Thread(target=redeem, args=(wish,)) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(set(placed)), len(refused)) == (10, 40)
    assert all("used up" in sentence for sentence in refused)
    assert used_of(counter, number) == 10
    with counter.shop.unit() as db:
        assert {use.order_number for use in uses(db, f"discounts:{number}")} == set(placed)
        assert claims.verify(db) == []
        # Who was too late has placed and keeps nothing.
        assert db.scalar(text("SELECT count(*) FROM orders")) == 10
        assert db.scalar(text("SELECT sum(held) FROM stock_item")) == 10


def test_one_customer_at_once_from_many_carts_uses_it_once_however_the_address_is_written(counter):
    publish(counter, "ONCE", customer_limit=1)
    spellings = [f"Ada+{i}@example.com" for i in range(12)]
    wishes = [
        counter.wish(cart_with(counter, ("A", 1), codes=["ONCE"], email=email), email=email)
        for email in spellings
    ]
    start = threading.Barrier(len(wishes))
    placed = []

    def redeem(wish):
        start.wait()
        with contextlib.suppress(Refused, Changed):
            placed.append(place(counter.shop, wish).number)

    threads = [threading.Thread(target=redeem, args=(wish,)) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(placed) == 1
    buy(counter, "ONCE", email="grace@example.com")


def test_another_address_in_another_tab_does_not_reset_the_limit(counter):
    publish(counter, "ONCE", customer_limit=1)
    buy(counter, "ONCE")
    cart_id = cart_with(counter, ("A", 1), codes=["ONCE"], email="new@example.com")
    shown = counter.quote(cart_id)
    assert state(shown, "ONCE").state == "applied"
    with pytest.raises(Changed) as changed:  # the form says Ada, whatever the cart remembers
        place(counter.shop, counter.wish(cart_id, email="ada@example.com"))
    told = state(changed.value.quote, "ONCE").sentence
    assert told == "ONCE can be used once per customer, and you have used it already."


def test_a_limit_reached_between_quote_and_place_places_and_charges_nothing(counter):
    publish(counter, "LAST", total_limit=1)
    cart_id = cart_with(counter, ("A", 1), codes=["LAST"], email="grace@example.com")
    wish = counter.wish(cart_id, "fake_card", email="grace@example.com")
    buy(counter, "LAST")
    with pytest.raises(Changed) as changed:
        place(counter.shop, wish)
    assert state(changed.value.quote, "LAST").sentence == (
        "LAST is used up: all of its uses are taken."
    )
    assert counter.card.vendor.payments == {}
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM orders")) == 1


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"total_limit": 1}, "LAST is used up: all of its uses are taken."),
        (
            {"customer_limit": 1},
            "LAST can be used once per customer, and you have used it already.",
        ),
    ],
)
def test_a_limit_reached_while_the_order_is_written_says_whose_uses_are_taken(
    counter, monkeypatch, limits, sentence
):
    publish(counter, "LAST", **limits)
    wish = counter.wish(cart_with(counter, ("A", 1), codes=["LAST"]))
    buy(counter, "LAST")
    counts = iter([lambda db, keys, besides="": dict.fromkeys(keys, 0)])  # as it was just before
    monkeypatch.setattr(
        offers.kernel, "used", lambda *args, **more: next(counts, used)(*args, **more)
    )
    with pytest.raises(Changed) as changed:
        place(counter.shop, wish)
    assert state(changed.value.quote, "LAST").sentence == sentence
    with counter.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM orders")) == 1


def test_a_batch_code_is_good_for_one_order(counter):
    number = publish(counter, method="batch")
    with counter.shop.unit() as db:
        assert writing.generate(db, db.get(Discount, number), 3, "GIFT") == 3
        first, second, _ = db.scalars(select(Code.code).order_by(Code.id))
    assert first.startswith("GIFT-")
    buy(counter, first)
    again = cart_with(counter, ("A", 1), codes=[first.lower().replace("-", " ")])
    assert state(counter.quote(again), first).sentence == f"{first} has been used already."
    buy(counter, second)
    assert used_of(counter, number) == 2


def later(counter, **more):
    moment = datetime.now(UTC) + timedelta(**more)
    counter.shop.now = lambda: moment


def sweep(counter):
    sweeper.sweep(counter.shop)
    drain(counter.shop, now=counter.shop.now())


def test_a_use_comes_back_when_the_payment_expires(counter):
    number = publish(counter, "LAST", total_limit=1)
    order = buy(counter, "LAST")
    assert used_of(counter, number) == 1
    later(counter, days=30)
    sweep(counter)
    assert counter.order(order).status == "canceled"
    assert used_of(counter, number) == 0
    buy(counter, "LAST", email="grace@example.com")
    with counter.shop.unit() as db:
        given_back, standing = sorted(
            uses(db, f"discounts:{number}"), key=lambda use: use.released_at is None
        )
    assert given_back.order_number == order
    assert standing.released_at is None
    # Ada's money comes after all: somebody else has her discount now, so the price is not hers.
    with pytest.raises(Refused, match="uses of its discount are all taken"):
        staff.mark_paid(counter.shop, order, actor="clerk")
    assert used_of(counter, number) == 1
    assert wrong_without_mail(counter) == []


def test_late_money_takes_the_use_again_while_there_is_one(counter):
    number = publish(counter, "LAST", total_limit=1)
    order = buy(counter, "LAST")
    later(counter, days=30)
    sweep(counter)
    staff.mark_paid(counter.shop, order, actor="clerk")
    assert counter.order(order).payment_status == "paid"
    assert used_of(counter, number) == 1
    assert wrong_without_mail(counter) == []


def test_a_use_is_kept_while_a_declined_card_may_be_tried_again_and_then_comes_back(counter):
    number = publish(counter, "LAST", total_limit=1)
    cart_id = cart_with(counter, ("A", 1), codes=["LAST"])
    counter.card.vendor.decline_next()
    with pytest.raises(Refused):
        place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert used_of(counter, number) == 1
    assert state(counter.quote(cart_id), "LAST").state == "applied"
    later(counter, hours=2)
    sweep(counter)
    assert used_of(counter, number) == 0
    assert state(counter.quote(cart_id), "LAST").state == "applied"


def test_a_use_comes_back_when_staff_cancel_and_stays_when_they_do_it_twice(counter):
    number = publish(counter, "LAST", total_limit=2)
    first, _ = buy(counter, "LAST"), buy(counter, "LAST", email="b@example.com")
    for _ in range(2):
        staff.cancel(counter.shop, first, actor="clerk", reason="customer")
    assert used_of(counter, number) == 1


def test_an_order_that_is_being_paid_does_not_burn_its_own_code(counter):
    publish(counter, "LAST", total_limit=1, customer_limit=1)
    cart_id = cart_with(counter, ("A", 1), codes=["LAST"])
    placed = place(counter.shop, counter.wish(cart_id, "fake_card"))
    assert placed.action is not None
    # Back from the bank's page by the browser's button: the price is still the same.
    assert state(counter.quote(cart_id), "LAST").state == "applied"
    assert place(counter.shop, counter.wish(cart_id, "fake_card")).number == placed.number
    # Another cart's customer sees that it is gone.
    other = cart_with(counter, ("A", 1), codes=["LAST"], email="b@example.com")
    assert state(counter.quote(other), "LAST").state == "refused"
    # Going on with other contents gives it back and takes it again.
    again = place(counter.shop, counter.wish(cart_id, "fake_transfer"))
    assert again.number != placed.number
    assert counter.order(placed.number).status == "canceled"
    with counter.shop.unit() as db:
        assert claims.verify(db) == []


def test_a_discount_that_took_nothing_off_is_not_used(counter):
    ship = publish(counter, "SHIP", "free_shipping", total_limit=1)
    small = publish(counter, "SMALL", "percent", 1, total_limit=1)
    publish(counter, "BIG", "percent", 20)
    cart_id = cart_with(counter, ("A", 1), codes=["SMALL", "BIG", "SHIP"])
    with counter.shop.unit() as db:
        carts.get(db, cart_id).shipping_code = "fake_carrier:air"
    quote = counter.quote(cart_id)
    assert "Choose it to use the code" in state(quote, "SHIP").sentence
    place(counter.shop, counter.wish(cart_id))
    assert (used_of(counter, small), used_of(counter, ship)) == (0, 0)
    buy(counter, "SHIP", email="b@example.com")
    assert used_of(counter, ship) == 1


def wrong_without_mail(counter):
    return [each for each in wrong(counter.shop) if "nobody was told" not in each]
