"""Finding something to buy: suggestions by keyboard, filters, the way back."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from .site import SENSOR
from .test_accessibility import AXE, RUN_AXE, check


def test_suggestions_are_used_with_the_keyboard(page: Page) -> None:
    page.goto("/")
    field = page.get_by_role("combobox", name="Search products")
    field.focus()
    field.press_sequentially("sens")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("RS-1 Presence Sensor")
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    field.press("ArrowDown")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)
    field.press("ArrowDown")
    chosen = options.first.get_attribute("id")
    expect(field).to_have_attribute("aria-activedescendant", str(chosen))
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    assert page.evaluate(RUN_AXE) == []  # a narrower window would hide the field
    field.press("Escape")
    expect(options).to_have_count(0)
    expect(field).to_have_value("sens")
    field.press_sequentially("or")
    expect(options.first).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url(f"**{SENSOR}")


def test_arrows_open_the_suggestions_again_and_typing_forgets_the_choice(page: Page) -> None:
    page.goto("/")
    field = page.get_by_role("combobox", name="Search products")
    chosen = page.locator("[role=option][aria-selected=true]")
    options, spoken = page.get_by_role("option"), page.locator("#suggestion-status")
    field.focus()
    field.press_sequentially("sen")
    expect(options.first).to_be_visible()
    expect(spoken).to_have_text(
        f"{options.count()} suggestions. Choose one with the arrow keys.",
    )
    field.press("ArrowDown")
    field.press("ArrowDown")
    field.press("Escape")
    expect(options).to_have_count(0)
    expect(spoken).to_be_empty()
    field.press("ArrowUp")  # the list again, from its end
    expect(options.last).to_have_attribute("aria-selected", "true")
    field.press("Escape")
    field.press("Alt+ArrowDown")  # the list, nothing of it
    expect(options.first).to_be_visible()
    expect(chosen).to_have_count(0)
    field.press("ArrowDown")
    expect(chosen).to_have_count(1)
    field.press("ArrowLeft")  # back in the text
    expect(chosen).to_have_count(0)
    expect(field).not_to_have_attribute("aria-activedescendant", re.compile("."))
    field.press("ArrowDown")
    field.press("End")
    field.press("ArrowDown")
    field.press("s")
    field.press("Enter")
    page.wait_for_url("**/search?q=sens")
    field.press_sequentially("sen")
    expect(options.first).to_be_visible()
    field.press("Escape")
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    field.press("ArrowDown")
    second = options.nth(1).get_attribute("href")
    field.press("Enter")
    page.wait_for_url(f"**{second}")


def test_enter_searches_for_what_was_typed(phone: Page) -> None:
    phone.goto("/cart")
    phone.get_by_role("button", name="Search", exact=True).tap()
    field = phone.get_by_role("combobox", name="Search products")
    expect(field).to_be_focused()
    field.press_sequentially("senosr")
    field.press("Enter")
    phone.wait_for_url("**/search?q=senosr")
    expect(phone.locator(".card-title").first).to_have_text("RS-1 Presence Sensor")
    check(phone)


def test_filters_show_their_result_at_once_and_back_undoes_them(page: Page) -> None:
    page.goto("/products")
    page.get_by_text("Filter", exact=True).click()
    check(page)
    page.set_viewport_size({"width": 1280, "height": 844})
    page.get_by_label("Graphite").check()
    page.wait_for_url("**/products?option.Colour=Graphite")
    expect(page.locator(".card-grid > li")).to_have_count(3)
    expect(page.get_by_text("Filter (1)")).to_be_visible()
    expect(page.get_by_label("Graphite")).to_be_focused()
    page.get_by_label("From").fill("100")
    page.get_by_label("From").press("Tab")
    page.wait_for_url("**min=100*")
    page.keyboard.press("Escape")
    expect(page.locator("#filters")).to_be_hidden()
    check(page)
    page.get_by_role("link", name="Remove the filter from $100.00").click()
    page.wait_for_url("**/products?option.Colour=Graphite")
    page.go_back()
    page.go_back()
    page.wait_for_url("**/products?option.Colour=Graphite")
    expect(page.locator(".card-grid > li")).to_have_count(3)


def test_filters_work_without_scripts(visit: Callable[..., Page]) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/products")
    page.locator("details.filter > summary").click()
    page.get_by_label("Graphite").check()
    page.get_by_label("In stock").check()
    page.get_by_role("button", name="Show").click()
    assert "option.Colour=Graphite" in page.url
    expect(page.locator(".chip")).to_have_count(2)
    page.locator("#site-search-field").fill("cable")
    page.locator("#site-search-field").press("Enter")
    expect(page.locator(".card-title").first).to_have_text("USB-C Cable")
