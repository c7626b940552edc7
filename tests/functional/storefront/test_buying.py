"""Buying as a browser without JavaScript does, on real servers, with the shipped plugins."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import webtest
from sqlalchemy import text

from opticworks.jobs.testing import drain
from opticworks.kernel import set_stock
from opticworks.shop import Shop
from opticworks.storefront import visitor
from opticworks.testing.fakes import FakeMailer, provider_plugin
from opticworks.testing.shops import Browser, counted, load_demo, spoilt
from opticworks.testing.visitors import ADDRESS as ADA

SKU = "RS1-PRO-WHT"


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def shop(make_shop: Callable[..., Shop], mailer: FakeMailer) -> Shop:
    shop = make_shop(
        plugins=("catalog", "manual_payments", "table_rates"),
        extra={"fake_mail": provider_plugin("fake_mail", mailers=[mailer])},
        theme="default",
    )
    load_demo(shop)
    return shop


@pytest.fixture
def browser(shop: Shop) -> Browser:
    return Browser(shop)


def add(browser: Browser, sku: str = SKU, quantity: str = "1") -> webtest.TestResponse:
    return browser.post("/cart/lines", {"sku": sku, "quantity": quantity}).follow()


def checkout(browser: Browser, **values: str) -> webtest.Form:
    form = browser.get("/checkout").forms["checkout"]
    for name, value in {**ADA, **values}.items():
        form[name] = value
    return form


def place(browser: Browser, status: int = 303, **values: str) -> webtest.TestResponse:
    return checkout(browser, **values).submit("action", value="place", status=status)


def lines_in(browser: Browser) -> int:
    """How many lines the cart page shows."""
    return len(browser.get("/cart").html.select("form[action^='/cart/lines/']"))


def orders(shop: Shop) -> list[Any]:
    with shop.unit() as db:
        return list(db.execute(text("SELECT number, status, total FROM orders ORDER BY id")))


def test_a_guest_buys_and_is_thanked_and_mailed(
    browser: Browser, shop: Shop, mailer: FakeMailer
) -> None:
    add(browser)
    page = place(browser).follow()
    assert "Thank you" in page.html.find("h1").get_text()
    ((number, status, total),) = orders(shop)
    assert status == "confirmed"
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", number)
    assert number in page
    drain(shop)
    (message,) = mailer.vendor.sent.values()
    assert message.to == "ada@example.com"
    assert number in message.subject
    for part in (message.html, message.text):
        assert f"${total / 100:,.2f}" in part
        assert f"{shop.config.base_url}/orders/" in part
        assert "RS-1" in part
    assert browser.get("/cart/badge").html.get_text().strip() in ("", "0", "Cart, 0 items")


def test_the_cart_is_there_when_the_browser_comes_back(browser: Browser, shop: Shop) -> None:
    add(browser)
    cookie = next(c for c in browser.cookiejar if c.name == "cart")
    assert cookie.expires is not None
    later = Browser(shop)
    later.set_cookie("cart", browser.cookies["cart"].strip('"'))
    assert "RS-1" in later.get("/cart")


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "0" * 4000])
def test_a_forged_cart_cookie_is_an_empty_cart(browser: Browser, shop: Shop, value: str) -> None:
    add(browser)
    cut = browser.cookies["cart"].strip('"')
    for forged in (value, cut[:-2], spoilt(cut, 0)):
        other = Browser(shop)
        other.set_cookie("cart", forged)
        assert lines_in(other) == 0
        assert other.get("/checkout").location.endswith("/cart")


def test_an_expired_cart_is_an_empty_cart(browser: Browser, shop: Shop) -> None:
    add(browser)
    with shop.unit() as db:
        db.execute(text("UPDATE cart SET expires_at = now() - interval '1 second'"))
    assert lines_in(browser) == 0
    assert add(browser).status_int == 200


@pytest.mark.parametrize(
    ("quantity", "answer"),
    [
        ("0", "at least 1"),
        ("-1", "whole number"),
        ("abc", "whole number"),
        ("1.5", "whole number"),
        ("1000000000", "at most"),
        ("9" * 400, "at most"),
        ("١", "whole number"),
    ],
)
def test_a_strange_quantity_is_answered_and_leaves_nothing(
    browser: Browser, shop: Shop, quantity: str, answer: str
) -> None:
    assert answer in add(browser, quantity=quantity)
    with shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM cart")) == 0


@pytest.mark.parametrize("sku", ["", "NOPE", "<script>alert(1)</script>", "x" * 5000])
def test_an_unknown_item_is_answered_and_leaves_nothing(
    browser: Browser, shop: Shop, sku: str
) -> None:
    page = add(browser, sku=sku)
    assert page.html.find(attrs={"role": "alert"})
    assert "<script>alert" not in page
    with shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM cart")) == 0


def test_quantities_are_checked_against_stock_as_they_change(browser: Browser, shop: Shop) -> None:
    with shop.unit() as db:
        set_stock(db, SKU, 2, reason="test", actor="test")
    add(browser)
    assert "Only 2 of" in browser.post(f"/cart/lines/{SKU}", {"quantity": "3"}).follow()
    browser.post(f"/cart/lines/{SKU}", {"quantity": "2"})
    assert browser.get("/cart/badge").html.get_text().strip().startswith(("2", "Cart, 2"))
    browser.post(f"/cart/lines/{SKU}", {"action": "remove"})
    assert lines_in(browser) == 0


def test_a_bundle_and_its_part_share_one_pool_in_the_cart(browser: Browser, shop: Shop) -> None:
    with shop.unit() as db:
        set_stock(db, SKU, 5, reason="test", actor="test")
    add(browser, quantity="2")
    assert "is sold out" in add(browser, "BND-HOME")  # it takes four of the other three
    browser.post(f"/cart/lines/{SKU}", {"quantity": "1"})
    assert "is in your cart" in add(browser, "BND-HOME")
    assert "Only 1 of" in browser.post(f"/cart/lines/{SKU}", {"quantity": "2"}).follow()


def test_what_was_typed_survives_errors_updates_and_coming_back(browser: Browser) -> None:
    add(browser)
    typed = {"email": "not an address", "address2": "Apt 7", "company": "Engines Ltd"}
    page = place(browser, 422, **typed)
    assert "complete e-mail address" in page
    for name, value in {**ADA, **typed}.items():
        assert page.forms["checkout"][name].value == value
    again = browser.get("/checkout").forms["checkout"]
    assert again["address2"].value == "Apt 7"
    updated = checkout(browser, state="NY", city="New York").submit("action", value="update")
    form = updated.follow().forms["checkout"]
    assert (form["state"].value, form["city"].value) == ("NY", "New York")


@pytest.mark.parametrize("field", sorted(ADA))
def test_each_missing_field_says_what_to_enter(browser: Browser, shop: Shop, field: str) -> None:
    add(browser)
    page = place(browser, 422, **{field: ""})
    error = page.html.find(id=f"{field}-error")
    assert error is not None
    assert "Enter" in error.get_text()
    assert page.html.find(id=field)["aria-describedby"] == f"{field}-error"
    assert orders(shop) == []


def test_the_form_has_the_names_and_defaults_that_scripts_know(browser: Browser) -> None:
    add(browser)
    page = browser.get("/checkout")
    form = page.forms["checkout"]
    assert (form["state"].value, form["country"].value) == ("CA", "US")
    assert page.html.find(attrs={"data-testid": "shipping-option-0"}).has_attr("checked")
    assert page.html.find("button", string="Place Order")


def test_posting_again_and_going_back_give_one_order(browser: Browser, shop: Shop) -> None:
    add(browser)
    form = checkout(browser)
    first = form.submit("action", value="place")
    second = form.submit("action", value="place")
    assert first.location == second.location
    assert len(orders(shop)) == 1


def test_another_shipping_choice_is_charged_as_shown(browser: Browser, shop: Shop) -> None:
    add(browser, sku="MNT-KIT")
    options = browser.get("/checkout").forms["checkout"].fields["shipping"]
    dearest = [name for name, _, _ in options[-1].options][-1]
    form = checkout(browser)
    form["shipping"] = dearest
    form = form.submit("action", value="update").follow().forms["checkout"]
    assert form["shipping"].value == dearest
    form.submit("action", value="place").follow()
    with shop.unit() as db:
        assert db.scalar(text("SELECT shipping ->> 'code' FROM orders")) == dearest


def test_a_price_that_changed_while_typing_is_shown_not_charged(
    browser: Browser, shop: Shop
) -> None:
    add(browser)
    form = checkout(browser)
    with shop.unit() as db:
        db.execute(
            text("UPDATE catalog_variant SET price = price + 1000 WHERE sku = :sku"), {"sku": SKU}
        )
    page = form.submit("action", value="place", status=409)
    assert "changed from $129.00 to $139.00" in page
    assert orders(shop) == []
    assert page.forms["checkout"]["email"].value == ADA["email"]
    page.forms["checkout"].submit("action", value="place").follow()
    assert len(orders(shop)) == 1


def test_a_price_that_changed_is_told_also_when_the_quantity_is_changed_meanwhile(
    browser: Browser, shop: Shop
) -> None:
    add(browser)
    with shop.unit() as db:
        db.execute(
            text("UPDATE catalog_variant SET price = price + 1000 WHERE sku = :sku"), {"sku": SKU}
        )
    page = browser.post(f"/cart/lines/{SKU}", {"quantity": "2"}).follow()
    assert "changed from $129.00 to $139.00" in page
    page = add(browser)
    assert "changed from $129.00 to $139.00" in page
    form = browser.get("/checkout")
    assert "changed from $129.00 to $139.00" in form
    assert "Nothing was ordered" not in form


def test_a_foreign_origin_and_a_missing_token_are_refused(browser: Browser, shop: Shop) -> None:
    data = {"sku": SKU, "quantity": "1"}
    foreign = {"Origin": "https://evil.example"}
    browser.post("/cart/lines", data, headers=foreign, status=403)
    add(browser)
    form = checkout(browser)
    form["csrf_token"] = "wrong"
    form.submit("action", value="place", status=400)
    assert orders(shop) == []


def test_script_in_every_field_stays_text(browser: Browser, shop: Shop) -> None:
    add(browser)
    script = "<script>alert(1)</script>${1+1}"
    page = place(
        browser,
        **dict.fromkeys(("firstName", "lastName", "company", "address", "city"), script),
    ).follow()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;${1+1}" in page.text
    drain(shop)


def test_ten_megabytes_are_too_much(browser: Browser, shop: Shop) -> None:
    page = browser.post("/cart/lines", {"sku": "x" * 10_000_000}, status=413)
    assert "MB" in page
    with shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM cart")) == 0


def test_an_order_page_needs_its_link_and_is_nobodys_else(browser: Browser, shop: Shop) -> None:
    add(browser)
    page = place(browser).follow()
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    browser.get(f"/orders/{orders(shop)[0].number}", status=404)
    with shop.unit() as db:
        db.execute(text("UPDATE orders SET placed_at = now() - interval '91 days'"))
    browser.get(page.request.path, status=404)


def test_an_empty_cart_has_no_checkout(browser: Browser) -> None:
    assert browser.get("/checkout").location.endswith("/cart")


def test_an_item_that_never_arrives_is_not_waited_for_endlessly(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "_PAUSE", 0)
    browser.set_cookie(visitor.ADDING, "1")
    page, redirects = browser.get("/cart"), 0
    while page.status_int == 303:
        page, redirects = page.follow(), redirects + 1
    assert 0 < redirects < 20
    assert "Your cart is empty" in page


def test_the_checkout_opens_as_soon_as_the_item_has_arrived(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "_PAUSE", 0)
    browser.set_cookie(visitor.ADDING, "1")
    waiting = browser.get("/checkout", status=303)
    arrived = browser.post("/cart/lines", {"sku": SKU, "quantity": "1"})
    assert "adding=; Max-Age=0; Path=/" in " ".join(arrived.headers.getall("Set-Cookie"))
    marker = next(c for c in browser.cookiejar if c.name == visitor.ADDING)
    browser.cookiejar.clear(marker.domain, marker.path, marker.name)
    page = waiting.follow().follow()
    assert page.request.path_qs == "/checkout"
    assert page.forms["checkout"]["shipping"].value


BUDGET = {"product": 4, "listing": 5, "cart": 6, "checkout": 5, "update": 7, "place": 16}


def test_statements_stay_within_their_budget_whatever_is_in_the_cart(
    browser: Browser, shop: Shop
) -> None:
    def count(act: Callable[[], Any]) -> int:
        shop.forget()
        with counted() as statements:
            act()
        return len(statements)

    pages = {"product": "/products/rs-1-sensor", "listing": "/products"}
    for name, path in pages.items():
        browser.get(path)  # a connection's first words to its server are not the page's
        assert count(lambda path=path: browser.get(path)) <= BUDGET[name], name
    numbers = {}
    for skus in (["RS1-PRO-WHT"], ["MNT-KIT", "CBL-1M-WHT", "POE-MOD", "BND-HOME"]):
        for sku in skus:
            add(browser, sku)
        carts = count(lambda: browser.get("/cart"))
        assert carts <= BUDGET["cart"]
        assert count(lambda: browser.get("/checkout")) <= BUDGET["checkout"]
        typed = checkout(browser, city=f"Town {len(skus)}").submit_fields()
        assert count(partial(browser.post, "/checkout/update", typed)) <= BUDGET["update"]
        form = checkout(browser).submit("action", value="update").follow().forms["checkout"]
        numbers[len(skus)] = count(lambda form=form: form.submit("action", value="place"))
    assert max(numbers.values()) <= BUDGET["place"], numbers
    assert len(orders(shop)) == 2


@pytest.mark.parametrize("path", ["/products/caf%C3%A9/", "/products/a%0D%0Ab/", "/pages/%22/"])
def test_a_slash_too_many_is_taken_off_any_address(browser: Browser, path: str) -> None:
    moved = browser.get(path, status=301)
    assert moved.location == f"http://localhost{path[:-1]}"
    moved.follow(status=404)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("firstName", "   ", "Enter your first name."),
        ("city", "\u200b\u202e", "Enter your city."),
        ("postalCode", "٩٤١٠٤", "ZIP code of 5 digits"),
    ],
)
def test_what_only_looks_filled_in_is_asked_for(
    browser: Browser, shop: Shop, field: str, value: str, sentence: str
) -> None:
    add(browser)
    assert sentence in place(browser, status=422, **{field: value})
    assert orders(shop) == []


@pytest.mark.parametrize(
    ("field", "value"), [("firstName", "x" * 101), ("email", ""), ("payment", "none")]
)
def test_a_repeated_post_leads_to_its_order_whatever_it_holds(
    browser: Browser, shop: Shop, field: str, value: str
) -> None:
    add(browser)
    form = checkout(browser)
    placed = form.submit("action", value="place", status=303)
    fields = [(name, value if name == field else old) for name, old in form.submit_fields()]
    again = browser.post("/checkout", [*fields, ("action", "place")], status=303)
    assert again.location == placed.location
    assert len(orders(shop)) == 1


def test_an_address_that_is_no_text_has_a_page_and_logs_no_mistake(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    page = browser.get("/products/%ff", status=400)
    assert page.html.select("header nav")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_two_clicks_at_once_are_two_items(browser: Browser, shop: Shop) -> None:
    add(browser, "POE-MOD")
    cookie = browser.cookies["cart"].strip('"')

    def click(_: int) -> int:
        other = Browser(shop)
        other.set_cookie("cart", cookie)
        return int(other.post("/cart/lines", {"sku": SKU, "quantity": "1"}).status_int)

    with ThreadPoolExecutor(8) as clicks:
        assert set(clicks.map(click, range(8))) == {303}
    with shop.unit() as db:
        query = text("SELECT quantity FROM cart_line WHERE sku = :sku")
        assert db.scalars(query, {"sku": SKU}).all() == [8]
