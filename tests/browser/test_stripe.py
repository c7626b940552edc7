"""Paying by card, on Stripe's stand-in: the card fields lie in a frame of another origin."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect
from pydantic import SecretStr
from waitress.server import create_server

from opticworks.checkout.settle import settle
from opticworks.embedded import create_database, drop_database
from opticworks.settings import editing
from opticworks.settings.service import conceal

from .journey import (
    GOOD_CARD,
    card_frame,
    field,
    fill,
    only_order,
    open_checkout,
    place_button,
    settled,
    thanked,
    type_card,
)
from .site import Site, database_of

pytest.importorskip("opticworks_stripe_payments")

import stripe as sdk

from opticworks_stripe_payments.settings import STANDIN_SECRET
from opticworks_stripe_payments.standin.server import StandIn

DECLINED = "4000000000000002"
CHALLENGED = "4000002500003155"
CSP = "content-security-policy"


@pytest.fixture(scope="module")
def stripe() -> Any:
    """The stand-in behind a real server; `stripe.url` is its address."""
    app: Any = StandIn()
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    app.url = f"http://127.0.0.1:{server.effective_port}"
    app.delivery.secrets = [STANDIN_SECRET]
    return app


@pytest.fixture(scope="module")
def card_site(
    stripe: Any,
    embedded_servers: Any,
    worker_number: int,
    worker_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The demo shop as `make run` serves it: with the stand-in beside it."""
    name = f"opticworks_cards_{os.getpid()}_{worker_number}"
    url = create_database(embedded_servers, name)
    redis_url = database_of(worker_redis_url, 11 - worker_number)
    environ = {"OPTICWORKS_STANDIN_STRIPE": stripe.url}
    site = Site(url, redis_url, tmp_path_factory.mktemp("cards"), environ)
    stripe.delivery.url = f"{site.url}/webhooks/stripe"
    yield site
    stripe.delivery.url = ""
    site.close()
    drop_database(embedded_servers, name)


@pytest.fixture
def shopper(browser: Browser, card_site: Site) -> Iterator[Callable[..., Page]]:
    """A new visitor; script errors and what the page's own policy blocks fail the test."""
    contexts, wrong = [], []

    def shopper(**options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(base_url=card_site.url, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + "
            "e.violatedDirective + ' ' + e.blockedURI))"
        )
        page.on("console", lambda m: wrong.append(m.text) if m.text.startswith("CSP") else None)
        return page

    yield shopper
    for context in contexts:
        context.close()
    assert wrong == []


def intents(stripe: Any, order: Any) -> list[dict[str, Any]]:
    made = stripe.vendor.objects["payment_intent"].values()
    return [intent for intent in made if intent["metadata"]["order"] == order.number]


def test_the_customers_script_with_a_card(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    page.goto("/products/rs-1-sensor")
    page.click('button:has-text("Add to Cart")')
    page.goto("/checkout")
    fill(page, someone)
    page.click('[data-testid="shipping-option-0"]')
    type_card(page)
    page.click('button:has-text("Place Order")')
    thanked(page)
    order = only_order(card_site, someone)
    assert order.payment_status == "paid"
    (intent,) = intents(stripe, order)
    assert (intent["amount"], intent["status"]) == (order.total, "succeeded")


def test_the_card_form_keeps_what_was_typed_when_the_total_changes(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    frame = page.locator('iframe[name^="__privateStripeFrame"]')
    type_card(page)
    name = frame.get_attribute("name")
    for option in (1, 0, 1):
        page.get_by_test_id(f"shipping-option-{option}").check()
        settled(page)
    assert frame.get_attribute("name") == name, "the form was mounted again"
    expect(card_frame(page).locator("[name=number]")).to_have_value("4242 4242 4242 4242")
    place_button(page).click()
    thanked(page)
    order = only_order(card_site, someone)
    assert intents(stripe, order)[0]["amount_received"] == order.total


def test_a_decline_says_why_and_another_card_pays_the_same_order(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    type_card(page, DECLINED)
    place_button(page).click()
    expect(page.locator("#checkout-status")).to_have_text("Your card was declined.")
    expect(field(page, "email")).to_have_value(someone)
    number = only_order(card_site, someone).number
    type_card(page)
    place_button(page).click()
    thanked(page)
    order = only_order(card_site, someone)
    assert order.number == number
    assert [intent["status"] for intent in intents(stripe, order)] == ["succeeded"]


@pytest.mark.parametrize("answer", ["complete", "fail"])
def test_the_bank_asks_the_buyer(
    shopper: Callable[..., Page], card_site: Site, someone: str, answer: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    type_card(page, CHALLENGED)
    place_button(page).click()
    page.frame_locator('iframe[src*="/3ds/"]').locator(f"#{answer}").click()
    if answer == "complete":
        thanked(page)
        assert only_order(card_site, someone).payment_status == "paid"
    else:
        expect(page.locator("#checkout-status")).to_contain_text("unable to authenticate")
        expect(place_button(page)).to_be_focused()


def test_an_order_that_another_tab_has_paid_meanwhile_is_shown_as_paid(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    type_card(page)
    late = page.context.new_page()
    late.goto("/checkout")
    fill(late, someone)
    field(late, "city").focus()
    settled(late)
    type_card(late)
    held: list[Route] = []
    late.route("**/confirm", lambda route: held.append(route))
    with late.expect_request("**/confirm"):
        place_button(late).click()
    place_button(page).click()
    thanked(page)
    held[0].continue_()
    thanked(late)
    order = only_order(card_site, someone)
    assert [intent["amount_received"] for intent in intents(stripe, order)] == [order.total]


def test_what_is_missing_is_said_before_anything_is_ordered(
    shopper: Callable[..., Page], card_site: Site, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    place_button(page).click()
    expect(page.locator("#checkout-status")).to_have_text("Your card number is incomplete.")
    type_card(page)
    field(page, "city").fill("")
    place_button(page).click()
    expect(field(page, "city")).to_be_focused()
    expect(field(page, "city")).to_have_attribute("aria-invalid", "true")
    assert card_site.orders(someone) == []
    expect(card_frame(page).locator("[name=number]")).to_have_value("4242 4242 4242 4242")


def test_a_browser_that_dies_after_confirming_is_settled_by_the_webhook(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    type_card(page)
    page.route("**/checkout/return/**", lambda route: route.abort())
    with page.expect_request("**/checkout/return/**"):
        place_button(page).click()
    page.context.close()
    card_site.work()
    assert only_order(card_site, someone).payment_status == "paid"


def test_a_webhook_that_never_comes_is_made_good_by_settling(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    stripe.delivery.held = True
    try:
        page = shopper()
        open_checkout(page, someone)
        type_card(page)
        place_button(page).click()
        thanked(page)
    finally:
        stripe.delivery.release(dropped=True)
        stripe.delivery.held = False
    order = only_order(card_site, someone)
    assert order.payment_status == "paid"
    settle(card_site.shop, order.number)
    assert only_order(card_site, someone).payment_status == "paid"


def test_no_card_number_reaches_the_shop(
    shopper: Callable[..., Page],
    card_site: Site,
    someone: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """SAQ A: everything that came to the server, was logged or is stored, looked through for the
    card, after one was refused and one has paid."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "opticworks")
    page = shopper()
    with card_site.overheard() as heard:
        open_checkout(page, someone)
        type_card(page, DECLINED)
        place_button(page).click()
        expect(page.locator("#checkout-status")).to_have_text("Your card was declined.")
        type_card(page)
        place_button(page).click()
        thanked(page)
        card_site.work()
    assert any(b"/checkout" in request for request in heard)
    for number in (GOOD_CARD, DECLINED):
        spaced = " ".join(number[at : at + 4] for at in range(0, 16, 4))
        for form in (number, spaced, spaced.replace(" ", "+"), spaced.replace(" ", "%20")):
            assert not [request for request in heard if form.encode() in request]
            assert form not in caplog.text
            assert card_site.kept(form) == []
    assert card_site.kept(someone), "the search finds what is there"
    readable = page.evaluate(
        "() => { try { return Boolean(frames[0]?.document?.body) } catch { return false } }"
    )
    assert readable is False


def test_a_way_to_pay_that_leads_away_comes_back_to_the_same_order(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    for answer in ("fail", "complete"):
        card_frame(page).get_by_role("tab", name="Klarna").click()
        place_button(page).click()
        page.wait_for_url(f"{stripe.url}/3ds/**")
        page.locator(f"#{answer}").click()
        if answer == "fail":
            page.wait_for_url("**/checkout")
            expect(page.locator("main")).to_contain_text("unable to authenticate")
            expect(field(page, "email")).to_have_value(someone)
            expect(field(page, "city")).to_have_value("San Francisco")
    thanked(page)
    assert "payment_intent" not in page.url, "no secret stays in the address"
    order = only_order(card_site, someone)
    assert order.payment_status == "paid"
    assert [intent["status"] for intent in intents(stripe, order)] == ["succeeded"]


def test_a_wallet_pays_without_leaving_the_page(
    shopper: Callable[..., Page], card_site: Site, stripe: Any, someone: str
) -> None:
    page = shopper()
    open_checkout(page, someone)
    response = page.request.get("/checkout")
    assert f'payment=(self "{stripe.url}")' in response.headers["permissions-policy"]
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(urlsplit(page.url).netloc))
    card_frame(page).get_by_role("tab", name="Google Pay").click()
    place_button(page).click()
    thanked(page)
    assert set(visited) == {urlsplit(card_site.url).netloc}
    order = only_order(card_site, someone)
    assert order.payment_status == "paid"
    (intent,) = intents(stripe, order)
    method = stripe.vendor.objects["payment_method"][intent["payment_method"]]
    assert method["card"]["wallet"]["type"] == "google_pay"


REAL_KEYS = {
    "publishable_key": "pk_test_51abc",
    "secret_key": SecretStr("sk_test_51abc"),
    "webhook_secret": SecretStr(STANDIN_SECRET),
}


@pytest.fixture
def at_stripe(card_site: Site, stripe: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shop as with real keys: every address is Stripe's own. What would go to them from here
    is answered by the stand-in."""
    make = sdk.StripeClient

    def reaching_the_standin(key: str, **given: Any) -> Any:
        assert given["base_addresses"] == {"api": "https://api.stripe.com"}
        return make(key, **{**given, "base_addresses": {"api": stripe.url}})

    monkeypatch.setattr(sdk, "StripeClient", reaching_the_standin)
    shop = card_site.shop
    with shop.unit() as db:
        kept = {name: conceal(value, shop.vault) for name, value in REAL_KEYS.items()}
        editing.save(db, "stripe_payments", kept, 0, actor="test", changes={})
    shop.settings_changed()
    yield
    monkeypatch.undo()
    with shop.unit() as db:
        editing.clear(db, "stripe_payments", None, actor="test")
    shop.settings_changed()


def test_the_policy_lets_in_what_stripe_needs_on_the_checkout_and_nothing_elsewhere(
    shopper: Callable[..., Page],
    browser: Browser,
    card_site: Site,
    stripe: Any,
    at_stripe: None,
    someone: str,
) -> None:
    """Stripe's own addresses, as in production; no request leaves this machine."""
    asked = set()

    def answer(route: Route) -> None:
        wanted = route.request
        parts = urlsplit(wanted.url)
        asked.add(parts.netloc)
        said = requests.request(
            wanted.method,
            f"{stripe.url}{parts.path}?{parts.query}",
            data=wanted.post_data_buffer,
            headers={"Content-Type": wanted.headers.get("content-type", "")},
            timeout=10,
        )
        route.fulfill(status=said.status_code, headers=dict(said.headers), body=said.content)

    page = shopper()
    page.context.route("https://*.stripe.com/**", answer)
    open_checkout(page, someone)
    response = page.request.get("/checkout")
    policy = dict(part.split(" ", 1) for part in response.headers[CSP].split("; "))
    scripts = "https://js.stripe.com https://*.js.stripe.com"
    assert policy["script-src"] == f"'self' {scripts}"
    assert policy["frame-src"] == f"'self' {scripts} https://hooks.stripe.com"
    assert policy["connect-src"] == "'self' https://api.stripe.com"
    permissions = response.headers["permissions-policy"]
    trusted = '"https://js.stripe.com" "https://*.js.stripe.com" "https://hooks.stripe.com"'
    assert f"payment=(self {trusted})" in permissions
    page.evaluate(
        """() => new Promise((resolve, reject) => {
            const part = document.createElement('script');
            part.src = 'https://b.js.stripe.com/stripe.js';
            part.addEventListener('load', resolve);
            part.addEventListener('error', reject);
            document.head.append(part);
        })"""
    )
    asked.remove("b.js.stripe.com")
    type_card(page, CHALLENGED)
    place_button(page).click()
    page.frame_locator('iframe[src*="/3ds/"]').locator("#complete").click()
    thanked(page)
    assert only_order(card_site, someone).payment_status == "paid"
    assert asked == {"js.stripe.com", "api.stripe.com", "hooks.stripe.com"}

    elsewhere = browser.new_context(base_url=card_site.url).new_page()
    elsewhere.route("https://*.stripe.com/**", answer)
    for path in ("/", "/cart", "/products/rs-1-sensor"):
        policy_there = elsewhere.goto(path)
        assert policy_there is not None
        assert "stripe" not in policy_there.headers[CSP]
    blocked = elsewhere.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener('securitypolicyviolation', (e) => resolve(e.blockedURI));
            const script = document.createElement('script');
            script.src = 'https://js.stripe.com/endive/stripe.js';
            document.head.append(script);
        })"""
    )
    assert blocked == "https://js.stripe.com/endive/stripe.js"
    elsewhere.context.close()
