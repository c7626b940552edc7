"""Discount codes as people enter them: with Enter, wrong ones first, in a form half filled."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .journey import add, field, fill, only_order, place_button, settled, shown, thanked
from .site import Site


def test_a_code_in_a_half_filled_checkout_loses_nothing_and_is_charged(
    page: Page, site: Site, someone: str
) -> None:
    add(page)
    page.goto("/checkout")
    field(page, "email").fill(someone)
    field(page, "firstName").fill("Ada")
    before = shown(page)
    code = page.get_by_label("Discount code", exact=True).locator("visible=true").last
    code.fill("WELLCOME10")
    code.press("Enter")
    expect(page.locator("#code-error")).to_contain_text("is not a code we know")
    expect(field(page, "code")).to_have_value("WELLCOME10")
    expect(field(page, "code")).to_be_focused()
    field(page, "code").fill("welcome 10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".code-name")).to_have_text("WELCOME10")
    expect(field(page, "code")).to_have_value("")
    settled(page)
    assert shown(page) < before
    expect(page.locator("#summary .totals")).to_contain_text("WELCOME10: 10% off")
    expect(field(page, "firstName")).to_have_value("Ada")
    page.get_by_role("button", name="Remove WELCOME10").click()
    expect(page.locator(".code-name")).to_have_count(0)
    settled(page)
    assert shown(page) == before
    field(page, "code").fill("WELCOME10")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".code-name")).to_have_text("WELCOME10")
    fill(page, someone)
    field(page, "city").focus()
    settled(page)
    total = shown(page)
    place_button(page).click()
    thanked(page)
    order = only_order(site, someone)
    assert order.total == total < before
    expect(page.locator(".totals")).to_contain_text("WELCOME10: 10% off")


def test_a_code_on_the_cart_page_comes_and_goes_in_place(page: Page) -> None:
    add(page)
    page.goto("/cart")
    page.locator("#code").fill("save20")
    page.locator("#code").press("Enter")
    expect(page.locator(".code-state")).to_contain_text("more to use SAVE20")
    page.get_by_role("button", name="One more").first.click()
    expect(page.locator(".code-amount")).to_have_text("-$20.00")
    page.get_by_role("button", name="Remove SAVE20").click()
    expect(page.locator(".code-state")).to_have_count(0)
    assert page.url.endswith("/cart")
