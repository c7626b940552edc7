"""Buying without JavaScript, and with nothing but a keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .journey import add, field, fill, only_order, place_button, settled, shown, thanked
from .site import ADA, SENSOR, Site

#: What the focused element shows of its focus; null if it can't be told.
_FOCUS = """() => {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return {name: "body", seen: true, inside: true};
  const rings = (node, pseudo) => {
    const style = getComputedStyle(node, pseudo);
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return outline || style.boxShadow !== "none";
  };
  // A ring may be drawn by the label around a radio, or by the link's own picture.
  const around = focused.closest("label, .stepper, li");
  const seen = rings(focused) || (around !== null && rings(around));
  const box = (focused.matches("input[type=radio]") && around ? around : focused)
    .getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {name: focused.outerHTML.slice(0, 160), seen, inside};
}"""


@pytest.fixture
def plain(visit: Callable[..., Page]) -> Page:
    """A visitor whose browser runs no scripts."""
    return visit(java_script_enabled=False)


def test_a_guest_buys_without_javascript(plain: Page, site: Site, someone: str) -> None:
    add(plain, "/products/mounting-kit")
    plain.get_by_role("link", name="Check out").first.click()
    fill(plain, someone)
    before = shown(plain)
    field(plain, "state").select_option("AK")
    plain.get_by_role("button", name="Update shipping").click()
    expect(field(plain, "state")).to_have_value("AK")
    expect(field(plain, "lastName")).to_have_value(ADA["lastName"])
    plain.get_by_test_id("shipping-option-0").check()
    field(plain, "state").select_option("CA")
    plain.get_by_role("button", name="Update shipping").click()
    plain.get_by_test_id("shipping-option-1").check()
    plain.get_by_role("button", name="Update shipping").click()
    expect(plain.get_by_test_id("shipping-option-1")).to_be_checked()
    total = shown(plain)
    assert total != before
    plain.get_by_label("Bank transfer").check()
    place_button(plain).click()
    thanked(plain)
    assert only_order(site, someone).total == total == shown(plain, ".totals-total dd")


def test_without_javascript_an_amount_that_was_not_shown_is_not_charged(
    plain: Page, site: Site, someone: str
) -> None:
    add(plain, "/products/mounting-kit")
    plain.goto("/checkout")
    fill(plain, someone)
    before = shown(plain)
    plain.get_by_test_id("shipping-option-1").check()
    place_button(plain).click()
    expect(plain.locator("#changes")).to_be_visible()
    assert site.orders(someone) == []
    total = shown(plain)
    assert total > before
    place_button(plain).click()
    thanked(plain)
    assert only_order(site, someone).total == total


def test_without_javascript_a_variant_is_chosen_by_a_form(plain: Page) -> None:
    plain.goto(SENSOR)
    buy = plain.get_by_role("button", name="Add to Cart")
    expect(buy).to_be_visible()
    plain.locator(".option-value", has_text="Lite").click()
    expect(buy).to_be_hidden()  # it would add what is still shown
    plain.get_by_role("button", name="Show this choice").click()
    expect(plain).to_have_url(re.compile(r"variant=RS1-LITE-WHT|Model=Lite"))
    expect(plain.locator(".price-large [data-price]")).to_have_text("$79.00")
    buy.click()
    expect(plain.locator(".cart-line")).to_contain_text("Lite")
    plain.get_by_role("spinbutton").fill("3")
    plain.get_by_role("button", name="Update").click()
    expect(plain.locator("main")).to_contain_text("$237.00")
    plain.get_by_role("button", name="Remove").click()
    expect(plain.locator("#cart")).to_contain_text("Your cart is empty")


class Keyboard:
    """Hands without a mouse; every place that the focus comes to must be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, selector: str, most: int = 60) -> None:
        """Press Tab until what fits `selector` has the focus."""
        target = self.page.locator(selector).first
        expect(target).to_be_visible()
        for _ in range(most):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(_FOCUS)
            assert focus["seen"], f"no focus ring on {focus['name']}"
            assert focus["inside"], f"focus out of sight on {focus['name']}"
            if target.evaluate("node => node === document.activeElement"):
                return
        raise AssertionError(f"{most} tabs do not lead to {selector}")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)


def test_a_guest_buys_with_the_keyboard_alone(page: Page, site: Site, someone: str) -> None:
    hands = Keyboard(page)
    page.goto(SENSOR)
    hands.to(".skip-link")
    hands.press("Enter")
    hands.to(".options input[type=radio]")
    hands.press("ArrowRight")
    expect(page).to_have_url(re.compile("variant="))
    hands.to("#buy [data-buy]")
    hands.press("Enter")
    drawer = page.get_by_role("dialog", name="Cart")
    expect(drawer).to_be_visible()
    hands.to("#cart-drawer a[href='/checkout']")
    hands.press("Enter")
    expect(page.locator("#checkout")).to_be_visible()
    for name, value in {"email": someone, **ADA}.items():
        hands.to(f"#checkout [name={name}]")
        hands.type(value)
    settled(page)
    hands.to("#shipping input[type=radio]")
    with page.expect_response("**/checkout/update"):
        hands.press("ArrowDown")
    settled(page)
    expect(page.get_by_test_id("shipping-option-1")).to_be_focused()
    expect(page.get_by_test_id("shipping-option-1")).to_be_checked()
    hands.to("#payment input[type=radio]")
    hands.press("Space")
    hands.to("#place-order")
    total = shown(page)
    hands.press("Enter")
    thanked(page)
    assert only_order(site, someone).total == total


def test_the_menu_of_a_telephone_opens_and_closes_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(width=390)
    hands = Keyboard(page)
    page.goto("/")
    hands.to(".menu-button[popovertarget=site-nav]")
    hands.press("Enter")
    expect(page.locator("#site-nav")).to_be_visible()
    hands.press("Escape")
    expect(page.locator("#site-nav")).to_be_hidden()
