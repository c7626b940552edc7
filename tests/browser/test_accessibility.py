"""axe-core finds nothing on any page: wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .journey import add, field, open_checkout, place_button, thanked
from .site import SENSOR, Site

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RUN_AXE = """async () => {
  // Colours may still be on their way from the other scheme's, one element after its parent.
  const moving = () => document.getAnimations().some((each) => each.playState === "running");
  for (let still = 0, frame = 0; still < 3 && frame < 120; still += 1, frame += 1) {
    await new Promise(requestAnimationFrame);
    if (moving()) still = 0;
  }
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.flatMap(({id, help, nodes}) => nodes.map((node) =>
    `${id}: ${help}: ${node.html.slice(0, 200)} ${node.any.map((each) => each.message)}`));
}"""
PATHS = {
    "home": "/",
    "listing": "/products",
    "product": SENSOR,
    "bundle": "/products/whole-home-bundle",
    "text page": "/pages/faq",
    "search": "/search?q=sensor",
    "nothing found": "/search?q=zzzzqq",
    "empty cart": "/cart",
    "404": "/products/nothing-like-that",
    "sign-in": "/admin/sign-in",
}
ADMIN = {
    "today": "",
    "orders": "/orders?tab=all",
    "returns": "/returns?tab=all",
    "plugins": "/plugins",
    "messages": "/messages",
    "jobs": "/jobs",
    "reconcile": "/payments/reconcile?since=2020-01-01",
    "webhooks": "/webhooks?since=2020-01-01",
    "order": "/orders/{number}",
    "pay": "/orders/{number}/pay",
    "fulfil": "/orders/{number}/fulfil",
    "cancel": "/orders/{number}/cancel",
    "products": "/catalog/products",
    "product": "/catalog/products/1",
    "new product": "/catalog/products/new",
    "removing a product": "/catalog/products/1/remove",
    "collections": "/catalog/collections",
    "collection": "/catalog/collections/1",
    "stock": "/stock",
    "stock of one": "/stock/items/RS1-PRO-WHT",
    "stocktake": "/stock/count",
    "ledger check": "/stock/verify",
    "discounts": "/discounts",
    "discount": "/discounts/1",
    "new discount": "/discounts/new",
    "reviews": "/reviews?tab=all",
    "review": "/reviews/20",
    "who is asked for reviews": "/reviews/requests",
    "reports": "/reports?range=90",
    "text pages": "/pages",
    "text page": "/pages/faq",
    "new text page": "/pages/new",
    "deleting a text page": "/pages/faq/delete",
    "themes": "/themes",
    "settings": "/settings",
    "settings of the shop": "/settings/shop",
    "settings in rows": "/settings/table_rates",
}


def check(page: Page) -> None:
    """No violation at either width in either colour scheme, and nothing to scroll sideways."""
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        scroll = page.evaluate("document.documentElement.scrollWidth")
        assert scroll <= width, f"{scroll} pixels wide at {width}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate(RUN_AXE) == [], f"{page.url} at {width}, {scheme}"


@pytest.mark.parametrize("name", PATHS)
def test_a_page_has_no_barrier(page: Page, name: str) -> None:
    page.goto(PATHS[name])
    expect(page.locator("h1")).to_have_count(1)
    check(page)


def test_the_cart_and_its_drawer_have_no_barrier(page: Page) -> None:
    add(page)
    check(page)
    page.goto("/cart")
    check(page)


def test_codes_in_every_state_have_no_barrier(page: Page) -> None:
    add(page)
    page.goto("/cart")
    for code in ("FREESHIP", "SAVE20", "WELCOME10", "NONSENSE"):
        page.locator("#code").fill(code)
        page.get_by_role("button", name="Apply").click()
        if code != "NONSENSE":
            expect(page.locator(".code-list")).to_contain_text(code)
    expect(page.locator("#code-error")).to_be_visible()
    check(page)
    page.goto("/checkout")
    check(page)


def test_the_checkout_and_the_order_have_no_barrier(page: Page, someone: str) -> None:
    open_checkout(page, someone)
    check(page)
    field(page, "postalCode").fill("")
    field(page, "email").fill("")
    place_button(page).click()
    expect(page.locator("#errors")).to_be_visible()
    check(page)
    field(page, "email").fill(someone)
    field(page, "postalCode").fill("94104")
    place_button(page).click()
    thanked(page)
    check(page)


@pytest.mark.parametrize("name", ADMIN)
def test_an_admin_page_has_no_barrier(
    signed_in: Callable[..., Page], site: Site, someone: str, name: str
) -> None:
    number = site.buy(someone)
    page = signed_in()
    page.goto("/admin" + ADMIN[name].format(number=number))
    expect(page.locator("h1")).to_have_count(1)
    check(page)
