"""A discount of 100 % and free shipping: an order that costs nothing asks no payment provider."""

from __future__ import annotations

import pytest
from discount_making import cart_with, publish
from sqlalchemy import text

from opticworks.checkout import staff
from opticworks.checkout.place import place
from opticworks.checkout.settle import Refused
from opticworks.jobs.testing import drain
from opticworks.testing.counter import ADA
from opticworks.testing.ledger import wrong
from opticworks.testing.shops import Browser


@pytest.fixture
def free(counter):
    publish(counter, "GRATIS", value=100)
    publish(counter, kind="free_shipping")
    return counter


def test_a_free_order_is_paid_when_it_is_placed_and_can_be_canceled(free) -> None:
    placed = place(free.shop, free.wish(cart_with(free, ("A", 2), codes=["GRATIS"]), "no_such"))
    order = free.order(placed.number)
    assert (order.total.minor, order.payment, placed.action) == (0, None, None)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    drain(free.shop)
    assert wrong(free.shop) == []
    with pytest.raises(Refused, match="costs nothing"):
        staff.mark_paid(free.shop, placed.number, actor="clerk")
    staff.cancel(free.shop, placed.number, actor="clerk", reason="mistake")
    order = free.order(placed.number)
    assert (order.status, order.payment_status) == ("canceled", "unpaid")
    assert free.free("A") == 100
    with free.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM payment")) == 0
    assert free.card.vendor.calls == []


def test_a_free_order_is_sent_like_any_other(free) -> None:
    placed = place(free.shop, free.wish(cart_with(free, ("A", 1), codes=["GRATIS"]), ""))
    staff.fulfil(
        free.shop, placed.number, lines={"A": 1}, carrier="UPS", tracking_number="1", actor="x"
    )
    assert free.order(placed.number).fulfilment_status == "shipped"


def test_the_checkout_shows_no_payment_step_while_there_is_nothing_to_pay(free) -> None:
    browser = Browser(free.shop)
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    page = browser.get("/checkout")
    assert page.html.find(id="nothing-to-pay").has_attr("hidden")
    form = page.forms["checkout"]
    for name, value in ADA.items():
        form[name] = value
    form["code"] = "gratis"
    page = form.submit("action", value="code", status=303).follow()
    assert page.html.find(id="payment").has_attr("hidden")
    assert not page.html.find(id="nothing-to-pay").has_attr("hidden")
    form = page.forms["checkout"]
    assert "payment" not in form.fields
    # With script: an update that brings back something to pay loads the page with its fields.
    fields = {**dict(form.submit_fields()), "remove_code": "GRATIS"}
    answer = browser.post("/checkout/update", fields, headers={"HX-Request": "true"})
    assert answer.headers.get("HX-Redirect") == "/checkout"
    page = browser.get("/checkout")
    assert not page.html.find(id="payment").has_attr("hidden")
    form = page.forms["checkout"]
    form["code"] = "gratis"
    form = form.submit("action", value="code", status=303).follow().forms["checkout"]
    page = form.submit("action", value="place", status=303).follow()
    assert "Thank you" in page.html.find("h1").get_text()
