"""What the storefront's scripts do, in a real browser, over templates with sample data."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from playwright.sync_api import expect

from opticworks.money import Money
from opticworks.web.templates import Templates, kernel_layers
from opticworks.web.themes import Layer, Theme

from .conftest import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


class Shop:
    """The preview application, with a checkout that answers slowly and counts its posts."""

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location(
            "theme_preview_browser", ROOT / "themes/default/preview.py"
        )
        self.preview = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = self.preview
        spec.loader.exec_module(self.preview)
        package = ROOT / "themes/default/opticworks_theme_default"
        catalog = Layer("catalog", ROOT / "plugins/catalog/opticworks_catalog")
        self.templates = Templates(
            {"default": Theme("default", package)}, "default", [catalog, *kernel_layers()]
        )
        self.app = self.preview.make_app(self.templates)
        self.status, self.dearer = "200 OK", False
        self.answering = threading.Event()  # cleared while updates are to wait
        self.answering.set()
        self.placed = 0

    def __call__(self, environ, start_response):
        where = (environ["REQUEST_METHOD"], environ["PATH_INFO"])
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if where == ("POST", "/checkout/update"):
            environ["wsgi.input"].read(length)
            self.answering.wait(60)
            start_response(self.status, [("Content-Type", "text/html; charset=utf-8")])
            return [self.update().encode()]
        if where == ("POST", "/checkout"):
            environ["wsgi.input"].read(length)
            self.placed += 1
            time.sleep(0.3)
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [b"<!DOCTYPE html><title>Order</title><h1>Thank you</h1>"]
        return self.app(environ, start_response)

    def update(self) -> str:
        quote = self.preview.PRICED
        if self.dearer:
            more = Money(1710, "USD")
            shipping = next(a for a in quote.trace if a.stage == "shipping")
            rest = tuple(a for a in quote.trace if a.stage != "shipping")
            quote = replace(
                quote,
                trace=(*rest, replace(shipping, amount=shipping.amount + more)),
                total=quote.total + more,
                hash="other",
            )
        return self.preview.render(self.templates, "part-dynamic", quote=quote)


@pytest.fixture
def shop():
    shop = Shop()
    server = make_server("127.0.0.1", 0, shop, server_class=Server, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shop.base = f"http://127.0.0.1:{server.server_port}"
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser, shop):
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=shop.base)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def test_variant_changes_price_stock_picture_and_address_without_a_request(page):
    page.goto("/product")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.resource_type == "document" else None)
    page.locator("label", has_text="Lite").click()
    expect(page.locator(".price-large [data-price]")).to_have_text("$89.00")
    expect(page.locator("[data-sku]")).to_have_value("RS1-LIT-MAT")
    expect(page).to_have_url(
        page.url.split("/products")[0] + "/products/rs-1-sensor?variant=Lite-Mat"
    )
    expect(page.locator("[data-count]")).to_have_text("1 / 2")
    page.locator("label", has_text="Graphite").click()
    expect(page.locator("[data-buy]")).to_be_disabled()
    expect(page.locator("[data-buy]")).to_have_text("Sold out")
    expect(page.locator("[data-stock-sentence]")).to_have_text("Sold out at the moment")
    assert asked == []


@pytest.mark.parametrize("width", [390, 1280])
def test_buy_button_is_in_view_wherever_one_scrolls(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/product")
    for step in range(11 if width < 990 else 1):
        page.evaluate(f"scrollTo(0, document.documentElement.scrollHeight * {step} / 10)")
        expect(page.locator("[data-buy]")).to_be_in_viewport(ratio=1)


def test_adding_opens_the_drawer_and_closing_it_returns_the_focus(page):
    page.goto("/product")
    page.get_by_role("button", name="Add to Cart").click()
    drawer = page.get_by_role("dialog", name="Cart")
    expect(drawer).to_be_visible()
    expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Add to Cart")).to_be_focused()


def test_steppers_stay_within_what_may_be_bought(page):
    page.goto("/product-low")
    for _ in range(5):
        page.get_by_role("button", name="One more").click()
    expect(page.get_by_label("Quantity")).to_have_value("3")
    for _ in range(5):
        page.get_by_role("button", name="One less").click()
    expect(page.get_by_label("Quantity")).to_have_value("1")


def test_placing_waits_for_a_running_update_and_then_goes_on(page, shop):
    shop.answering.clear()
    page.goto("/checkout")
    page.get_by_test_id("shipping-option-1").check()
    page.get_by_role("button", name="Place Order").click()
    expect(page.locator("#checkout-status")).to_have_text("Updating the total…")
    assert shop.placed == 0
    shop.answering.set()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert shop.placed == 1


def test_placing_stops_when_the_total_changed_meanwhile(page, shop):
    shop.answering.clear()
    shop.dearer = True
    page.goto("/checkout")
    page.get_by_test_id("shipping-option-1").check()
    page.get_by_role("button", name="Place Order").click()
    shop.answering.set()
    expect(page.locator("#checkout-status")).to_contain_text("The total is now $319.25.")
    expect(page.locator("#place-total")).to_have_text("$319.25")
    expect(page.locator("#quote-hash")).to_have_value("other")
    assert shop.placed == 0
    page.get_by_role("button", name="Place Order").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert shop.placed == 1


def test_placing_stops_when_the_update_fails(page, shop):
    shop.answering.clear()
    shop.status = "502 Bad Gateway"
    page.goto("/checkout")
    page.get_by_test_id("shipping-option-1").check()
    page.get_by_role("button", name="Place Order").click()
    shop.answering.set()
    expect(page.locator("#checkout-status")).to_contain_text("could not be updated")
    assert shop.placed == 0


def test_double_click_places_once_and_says_so(page, shop):
    page.goto("/checkout")
    page.get_by_role("button", name="Place Order").dblclick(no_wait_after=True)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert shop.placed == 1


def test_update_keeps_what_is_typed_and_where_the_focus_is(page, shop):
    shop.answering.clear()
    page.goto("/checkout")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("ZIP code").fill("94107")
    page.keyboard.press("Tab")
    page.keyboard.type("+1 4")
    with page.expect_response("**/checkout/update"):
        shop.answering.set()
    page.keyboard.type("15")
    expect(page.locator("#checkout:not([data-updating])")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("ada@example.com")
    expect(page.get_by_label("Phone")).to_have_value("+1 415")


def test_field_that_is_corrected_is_not_called_wrong_any_longer(page):
    page.goto("/checkout-errors")
    expect(page.locator("#errors")).to_be_focused()
    page.get_by_label("City").fill("Paris")
    expect(page.locator("#city-error")).to_be_hidden()
    expect(page.get_by_label("City")).not_to_have_attribute("aria-invalid", "true")


def test_copy_button_copies_and_says_so(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/order-thanks")
    page.get_by_role("button", name="Copy Reference").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "OW-7KQ4-2M"


@pytest.mark.parametrize("width", [390, 750, 1280])
def test_no_page_scrolls_sideways(page, shop, width):
    page.set_viewport_size({"width": width, "height": 844})
    for name in shop.preview.SAMPLES:
        if not name.startswith("part-"):
            page.goto(f"/{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_first_product_of_a_listing_comes_soon_on_a_phone(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/listing")
    bar = page.locator(".demo-bar").bounding_box()["height"]
    assert page.locator(".card-product").first.bounding_box()["y"] - bar <= 260
    page.goto("/product")
    assert page.locator(".gallery img").first.bounding_box()["y"] - bar <= 130
