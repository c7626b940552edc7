"""The kernel sells without the catalogue: fake goods, its own plain pages, the whole purchase."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opticworks.jobs.testing import drain
from opticworks.shop import Shop
from opticworks.testing.counter import ADA, Counter, open_counter
from opticworks.testing.shops import Browser


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("A", 3, "10.00", title="A thing", url="/things/a")
    return counter


def test_no_goods_plugin_of_the_catalogue_is_there(counter: Counter) -> None:
    assert "catalog" not in {plugin.code for plugin in counter.shop.plugins.enabled}
    Browser(counter.shop).get("/products", status=404)


def test_a_guest_buys_a_fake_thing_on_the_kernels_own_pages(counter: Counter) -> None:
    browser = Browser(counter.shop)
    for path in ("/", "/cart", "/health"):
        browser.get(path, status=200)
    cart = browser.post("/cart/lines", {"sku": "A", "quantity": "2"}).follow()
    assert "A thing" in cart
    form = browser.get("/checkout").forms["checkout"]
    for name, value in ADA.items():
        form[name] = value
    form["payment"] = "fake_transfer"
    page = form.submit("action", value="place", status=303).follow()
    assert "Thank you" in page.html.find("h1").get_text()
    drain(counter.shop)
    (message,) = counter.mailer.vendor.sent.values()
    assert message.to == ADA["email"]
    assert counter.free("A") == 1


def test_a_card_that_sends_the_buyer_away_comes_back_to_a_clean_address(counter: Counter) -> None:
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    form = browser.get("/checkout").forms["checkout"]
    for name, value in ADA.items():
        form[name] = value
    form["payment"] = "fake_card"
    away = form.submit("action", value="place", status=303)
    assert away.location.startswith("https://pay.example/")
    ref, payment = next(iter(counter.card.vendor.payments.items()))
    counter.card.vendor.pay(ref)
    back = browser.get(f"/checkout/return/{payment.attempt}", status=303)
    assert back.location.endswith("?thanks=1")
    assert payment.attempt not in back.location
    assert "Thank you" in back.follow()
    assert browser.get("/checkout").location.endswith("/cart")


def test_a_card_that_is_declined_leads_back_with_everything_typed(counter: Counter) -> None:
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "A", "quantity": "1"})
    form = browser.get("/checkout").forms["checkout"]
    for name, value in ADA.items():
        form[name] = value
    form["payment"] = "fake_card"
    form.submit("action", value="place", status=303)
    ref, payment = next(iter(counter.card.vendor.payments.items()))
    counter.card.vendor.decline(ref, "Your card was declined.")
    page = browser.get(f"/checkout/return/{payment.attempt}", status=303).follow()
    assert "Your card was declined." in page
    for name, value in ADA.items():
        assert page.forms["checkout"][name].value == value
    assert counter.free("A") == 2  # kept for the next try, until its time is over


@pytest.mark.parametrize("attempt", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_guessed_return_address_is_not_found(counter: Counter, attempt: str) -> None:
    Browser(counter.shop).get(f"/checkout/return/{attempt}", status=404)
