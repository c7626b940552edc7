"""The customer's own script, as it was written: nothing between its steps, no patience in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .journey import cents, only_order
from .site import Site

TYPED = {
    "firstName": "Test",
    "lastName": "User",
    "address": "123 Test St",
    "city": "San Francisco",
    "postalCode": "94105",
}


def run_script(page: Page, email: str) -> int:
    """The script; the total that the page showed when the order was placed, in cents."""
    page.goto("/products/rs-1-sensor")
    page.click('button:has-text("Add to Cart")')
    page.goto("/checkout")
    page.fill("input[name=email]", email)
    for name, value in TYPED.items():
        page.fill(f"input[name={name}]", value)
    page.click('[data-testid="shipping-option-0"]')
    page.get_by_label("Bank transfer").check()
    page.click('button:has-text("Place Order")')
    expect(page.locator("h1")).to_contain_text("Thank you")
    return cents(page.locator(".totals-total dd").first.inner_text())


def test_the_script_passes_as_fast_as_it_can_five_times_in_a_row(
    visit: Callable[..., Page], site: Site, someone: str
) -> None:
    for number in range(5):
        email = f"{number}-{someone}"
        total = run_script(visit(), email)
        assert only_order(site, email).total == total


@pytest.mark.parametrize(
    ("path", "seconds"), [("/checkout/update", 0.7), ("/cart/lines", 0.7), ("/checkout", 0.5)]
)
def test_the_script_passes_when_the_server_is_slow(
    page: Page, site: Site, someone: str, path: str, seconds: float
) -> None:
    with site.slow(path, seconds):
        total = run_script(page, someone)
    assert only_order(site, someone).total == total


def test_the_script_passes_at_the_pace_of_a_person(page: Page, site: Site, someone: str) -> None:
    with page.expect_response("**/cart/badge"):
        page.goto("/products/rs-1-sensor")
    page.get_by_role("button", name="Add to Cart").click(delay=80)
    expect(page.get_by_role("dialog", name="Cart")).to_contain_text("RS-1")
    with page.expect_navigation():
        page.get_by_role("dialog", name="Cart").get_by_role("link", name="Check out").click()
    for name, value in {"email": someone, **TYPED}.items():
        page.locator(f"input[name={name}]").press_sequentially(value, delay=5)
    with page.expect_response("**/checkout/update"):
        page.get_by_test_id("shipping-option-0").click(delay=80)
    page.get_by_label("Bank transfer").click(delay=80)
    expect(page.locator("#checkout:not([data-updating])")).to_be_visible()
    total = cents(page.locator("#place-total").inner_text())
    page.get_by_role("button", name="Place Order").click(delay=80)
    expect(page.locator("h1")).to_contain_text("Thank you")
    assert only_order(site, someone).total == total
