"""Staff compare the books with the providers, and put right what is wrong with one click."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from opticworks.checkout.settle import settle
from opticworks.checkout.staff import cancel, mark_paid

PAGE = "/admin/payments/reconcile"


@pytest.fixture
def lost(counter):
    """The number of an order that was paid at the card vendor, of which nobody heard; with orders
    beside it that are as they should be, though their bank remembers nothing."""
    counter.buy(("BULB", 1))
    mark_paid(counter.shop, counter.buy(("BULB", 1)).number, actor="test")
    cancel(counter.shop, counter.buy(("BULB", 1)).number, actor="test", reason="customer")
    placed = counter.buy(("LAMP", 1), payment="fake_card")
    counter.card.vendor.pay(next(iter(counter.card.vendor.payments)))
    now = counter.shop.now
    counter.shop.now = lambda: now() + timedelta(minutes=10)
    return placed.number


def test_a_difference_is_listed_and_put_right_once(counter, sign_in, lost):
    owner = sign_in()
    asked = owner.get(PAGE)
    assert "Does everybody agree" in asked.text
    found = next(f for f in asked.forms.values() if f.method == "get").submit()
    row = found.html.select_one("td.words").text
    assert row.startswith("At Test card the payment of")
    assert f"for order {lost} is received; our ledger says" in row
    button = next(f for f in found.forms.values() if "found" in f.fields)
    done = button.submit("deed", value="settle", status=303).follow()
    assert "settled with its provider again" in done.text
    assert "Everything agrees" in done.text
    assert counter.order(lost).payment_status == "paid"
    again = button.submit("deed", value="settle", status=303).follow()
    assert "That is not so any more" in again.text
    with counter.shop.unit() as db:
        kept = list(
            db.execute(text("SELECT actor, subject FROM audit_entry WHERE action LIKE 'payment.%'"))
        )
    assert kept == [("owner@example.org", f"order {lost}")]


def test_only_what_a_page_offered_is_done(counter, sign_in, lost):
    owner = sign_in()
    page = owner.get(f"{PAGE}?since=2020-01-01")
    form = next(f for f in page.forms.values() if "found" in f.fields)
    form.submit("deed", value="return", status=404)
    form["found"] = "made up"
    form.submit("deed", value="settle", status=404)
    assert counter.order(lost).status == "awaiting_payment"
    sign_in("clerk").get(PAGE, status=403)


def test_a_provider_that_is_silent_is_said_to_be(counter, sign_in, lost):
    with counter.card.vendor.down():
        page = sign_in().get(f"{PAGE}?since=2020-01-01")
    assert "Test card could not be asked, so nothing of it was compared" in page.text


def test_a_provider_that_is_not_enabled_is_not_taken_to_agree(counter, sign_in, lost, monkeypatch):
    monkeypatch.delitem(counter.shop.providers.payments(), "fake_card")
    page = sign_in().get(f"{PAGE}?since=2020-01-01")
    assert "Test card (fake_card) is not enabled here, so nothing of it was compared" in page.text
    assert "Everything agrees" not in page.text


def test_a_payment_whose_reference_was_lost_is_linked_to_its_order(counter, sign_in, lost):
    with counter.shop.unit() as db:
        db.execute(text("UPDATE payment SET ref = '' WHERE provider = 'fake_card'"))
    page = sign_in().get(f"{PAGE}?since=2020-01-01")
    assert f"for order {lost}" in page.html.select_one("td.words").text
    form = next(f for f in page.forms.values() if "found" in f.fields)
    done = form.submit("deed", value="link", status=303).follow()
    assert "Everything agrees" in done.text
    assert counter.order(lost).payment_status == "paid"
    assert counter.card.vendor.calls.count("start") == 1, "it was not begun a second time"


def test_disputes_that_nobody_heard_of_are_listed_and_lost_ones_agree(counter, sign_in, lost):
    owner, vendor = sign_in(), counter.card.vendor
    ((ref, payment),) = vendor.payments.items()
    settle(counter.shop, lost)
    for status, sentence in (
        ("needs_response", "waits for an answer; our ledger does not know of it."),
        ("lost", "was lost; in our ledger it waits for an answer."),
    ):
        vendor.dispute(ref, status)
        page = owner.get(f"{PAGE}?since=2020-01-01")
        row = page.html.select_one("td.words").text
        assert row.startswith(f"At Test card a dispute about {payment.amount.format()}")
        assert sentence in row
        button = next(f for f in page.forms.values() if "found" in f.fields)
        done = button.submit("deed", value="settle", status=303).follow()
        assert "Everything agrees" in done.text
    assert counter.order(lost).payment_status == "refunded"


def test_money_that_was_counted_and_whose_reference_was_lost_is_not_paid_back(
    counter, sign_in, lost
):
    settle(counter.shop, lost)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE payment SET ref = '' WHERE provider = 'fake_card'"))
    page = sign_in().get(f"{PAGE}?since=2020-01-01")
    form = next(f for f in page.forms.values() if "found" in f.fields)
    form.submit("deed", value="return", status=404)
    done = form.submit("deed", value="link", status=303).follow()
    assert "Everything agrees" in done.text
    assert counter.card.vendor.charged == counter.order(lost).total.minor


def test_what_is_held_for_a_canceled_order_is_listed_and_let_go(counter, sign_in, lost):
    settle(counter.shop, lost)
    held = counter.buy(("LAMP", 1), payment="fake_card").number
    ref, payment = list(counter.card.vendor.payments.items())[-1]
    counter.card.vendor.pay(ref, capture=False)
    settle(counter.shop, held)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE orders SET status = 'canceled' WHERE number = :n"), {"n": held})
    now = counter.shop.now
    counter.shop.now = lambda: now() + timedelta(minutes=10)
    page = sign_in().get(f"{PAGE}?since=2020-01-01")
    row = page.html.select_one("td.words").text
    assert row.startswith(f"Order {held} is canceled, but {payment.amount.format()} of it is still")
    button = next(f for f in page.forms.values() if "found" in f.fields)
    done = button.submit("deed", value="return", status=303).follow()
    assert "Everything agrees" in done.text
    assert payment.state == "canceled"
    assert counter.order(held).payment_status == "unpaid"
