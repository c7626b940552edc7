"""What a verifier says of an address: shown beside what was typed, chosen by the customer, kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from opticworks import contracts as c
from opticworks.checkout import addresses
from opticworks.checkout.place import place
from opticworks.checkout.settle import Refused
from opticworks.orders.models import Order
from opticworks.testing.counter import ADA, Counter, open_counter
from opticworks.testing.fakes import FakeAddressVerifier, provider_plugin
from opticworks.testing.shops import Browser

LONG = {**ADA, "postalCode": "94104-1234"}  #: the fake knows it without the last four digits
CHOICE = "#address-check [name=address_choice]"


@pytest.fixture
def verifier() -> FakeAddressVerifier:
    return FakeAddressVerifier()


@pytest.fixture
def counter(make_shop: Callable[..., Any], verifier: FakeAddressVerifier) -> Counter:
    extra = {"fake_verifier": provider_plugin("fake_verifier", address_verifiers=[verifier])}
    counter = open_counter(make_shop, extra=extra)
    counter.stock("LAMP", 9)
    return counter


@pytest.fixture
def browser(counter: Counter) -> Browser:
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "LAMP", "quantity": "1"})
    return browser


def asked(verifier: FakeAddressVerifier) -> int:
    return sum(call == "verify" for call in verifier.vendor.calls)


def form_of(browser: Browser, **typed: str) -> Any:
    form = browser.get("/checkout").forms["checkout"]
    for name, value in typed.items():
        form[name] = value
    return form


def order_of(counter: Counter) -> Order:
    with counter.shop.unit() as db:
        return db.scalars(select(Order)).one()


def test_without_a_script_the_suggestion_is_chosen_and_both_are_kept(
    browser: Browser, counter: Counter, verifier: FakeAddressVerifier
) -> None:
    answer = form_of(browser, **LONG).submit("action", value="update", status=303)
    assert answer.location.endswith("#address-check")
    page = answer.follow()
    choices = page.html.select(CHOICE)
    assert [(each["value"], each.has_attr("checked")) for each in choices] == [
        ("typed", True),
        ("suggestion", False),
    ]
    form = page.forms["checkout"]
    form["address_choice"] = "suggestion"
    form["payment"] = "fake_transfer"
    form.submit("action", value="place", status=303)
    order = order_of(counter)
    assert order.address["postal_code"] == "94104"
    assert order.address_check["typed"]["postal_code"] == "94104-1234"
    assert order.address_check["suggestion"]["postal_code"] == "94104"
    assert asked(verifier) == 1


def test_what_was_typed_stands_unless_the_customer_says_otherwise(
    browser: Browser, counter: Counter
) -> None:
    page = form_of(browser, **LONG).submit("action", value="update", status=303).follow()
    form = page.forms["checkout"]
    form["payment"] = "fake_transfer"
    form.submit("action", value="place", status=303)
    order = order_of(counter)
    assert order.address["postal_code"] == "94104-1234"
    assert order.address_check["suggestion"]["postal_code"] == "94104"


def test_the_script_is_told_which_fields_a_choice_changes_and_may_go_back(
    browser: Browser, verifier: FakeAddressVerifier
) -> None:
    form = form_of(browser, **LONG)
    fields = dict(form.submit_fields())
    answer = browser.post("/checkout/address", fields)
    assert "HX-Trigger-After-Settle" not in answer.headers
    options = answer.html.select_one("[name=address_options]")["value"]
    chosen = {**fields, "address_options": options, "address_choice": "suggestion"}
    answer = browser.post("/checkout/address", chosen)
    told = json.loads(answer.headers["HX-Trigger-After-Settle"])["address-chosen"]
    assert told["postalCode"] == ["94104-1234", "94104"], "what it held, and is to hold"
    assert answer.html.select_one("#address-suggestion").has_attr("checked")
    assert browser.get("/checkout").forms["checkout"]["postalCode"].value == "94104"
    told = {name: wanted for name, (_, wanted) in told.items()}
    again = browser.post("/checkout/address", {**chosen, **told})
    assert "HX-Trigger-After-Settle" not in again.headers, "it would undo what is typed meanwhile"
    back = {**chosen, **told, "address_choice": "typed"}
    answer = browser.post("/checkout/address", back)
    assert answer.html.select_one("#address-typed").has_attr("checked")
    assert browser.get("/checkout").forms["checkout"]["postalCode"].value == "94104-1234"
    assert asked(verifier) == 1, "neither a choice nor a second look asks the vendor again"
    edited = {**back, "address": "9 Other Street", "address_choice": "suggestion"}
    browser.post("/checkout/address", edited)
    assert browser.get("/checkout").forms["checkout"]["address"].value == "9 Other Street"
    assert asked(verifier) == 2


def test_an_address_that_is_not_found_or_a_vendor_that_is_down_stops_no_sale(
    browser: Browser, counter: Counter, verifier: FakeAddressVerifier
) -> None:
    form = form_of(browser, **{**ADA, "address": "1 Nowhere"})
    page = form.submit("action", value="update", status=303).follow()
    assert "no such street" in page.html.select_one("#address-check").get_text()
    form = form_of(browser, **ADA)
    with verifier.vendor.down():
        page = form.submit("action", value="update", status=303).follow()
    assert page.html.select_one("#address-check").get_text(strip=True) == ""
    form = page.forms["checkout"]
    form["payment"] = "fake_transfer"
    form.submit("action", value="place", status=303)
    assert order_of(counter).address_check is None


def test_an_address_that_is_not_whole_is_not_asked_about(
    browser: Browser, verifier: FakeAddressVerifier
) -> None:
    form_of(browser, **{**ADA, "city": ""}).submit("action", value="update", status=303)
    assert asked(verifier) == 0


def test_staff_have_an_address_checked_and_send_the_parcels_there_or_back(
    counter: Counter, verifier: FakeAddressVerifier
) -> None:
    shop = counter.shop
    wish = counter.wish(counter.cart(("LAMP", 1), details=LONG))
    better = wish.address.model_copy(update={"postal_code": LONG["postalCode"]})
    number = place(shop, counter.wish(wish.cart_id, address=better)).number
    assert addresses.check_order(shop, number).state == "corrected"
    addresses.use(shop, number, "suggestion", "clerk@example.com")
    addresses.use(shop, number, "suggestion", "clerk@example.com")
    assert order_of(counter).address["postal_code"] == "94104"
    addresses.use(shop, number, "typed", "clerk@example.com")
    assert order_of(counter).address["postal_code"] == "94104-1234"
    with shop.unit("test") as db:
        order = db.scalars(select(Order)).one()
        order.address_check = {
            **order.address_check,
            "suggestion": {**order.address_check["suggestion"], "state": "NY"},
        }
    with pytest.raises(Refused, match="another state"):
        addresses.use(shop, number, "suggestion", "clerk@example.com")
    assert c.Address.model_validate(order_of(counter).address).state == "CA"


def test_the_verdict_of_an_address_that_staff_typed_is_one_of_its_own(counter: Counter) -> None:
    shop = counter.shop
    number = place(shop, counter.wish(counter.cart(("LAMP", 1)))).number
    addresses.check_order(shop, number)
    order = order_of(counter)
    first = c.Address.model_validate(order.address)
    there = first.model_copy(update={"postal_code": LONG["postalCode"], "vat_id": "X"})
    shown = addresses.version(order)
    assert addresses.edit(shop, number, there, shown=shown, actor="clerk@example.com")
    order = order_of(counter)
    assert addresses.of_order(order) is None, "nobody was asked about it"
    assert order.address["vat_id"] == first.vat_id, "it made the taxes"
    assert addresses.check_order(shop, number).state == "corrected"
    addresses.use(shop, number, "suggestion", "clerk@example.com")
    order = order_of(counter)
    assert order.address["postal_code"] == "94104"
    assert addresses.original(order) == first
    abroad = first.model_copy(update={"country": "CA", "state": "ON"})
    shown = addresses.version(order)
    with pytest.raises(Refused, match="Another country"):
        addresses.edit(shop, number, abroad, shown=shown, actor="clerk@example.com")
