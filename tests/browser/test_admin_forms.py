"""Settings and themes as a person uses them: rows by keyboard, changes that are not lost."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .site import SENSOR
from .test_accessibility import check


def test_rows_are_added_moved_and_removed_by_keyboard(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto("/admin/settings/table_rates")
    page.locator("summary", has_text="us-standard").focus()
    page.keyboard.press("Enter")
    prices = page.locator("#f-services-0-brackets")
    page.locator("#f-services-0-brackets > div > [data-row-add]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.keyboard.type("20000")
    page.keyboard.press("Tab")
    page.keyboard.type("60")
    rows = prices.locator("[data-row]")
    expect(rows).to_have_count(4)
    rows.nth(3).get_by_role("button", name="Move up").focus()
    page.keyboard.press("Enter")
    expect(rows.nth(2).locator("input").first).to_have_value("20000")
    page.keyboard.press("Enter")  # the button keeps the focus
    expect(rows.nth(1).locator("input").first).to_have_value("20000")
    for place in (1, 2):
        rows.nth(place).get_by_role("button", name="Move down").focus()
        page.keyboard.press("Enter")
    expect(rows.nth(3).locator("input").first).to_have_value("20000")
    check(page)
    page.locator("summary", has_text="us-express").click()
    express = page.locator("#f-services-1-brackets [data-row]")
    express.nth(2).get_by_role("button", name="Remove this row").focus()
    page.keyboard.press("Enter")
    expect(express).to_have_count(2)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved: Shipping options.")
    page.locator("summary", has_text="us-standard").click()
    expect(rows.nth(3).locator("input").nth(1)).to_have_value("60")
    expect(page.locator("#f-services-1-brackets [data-row]")).to_have_count(2)


def test_a_mistake_is_in_focus_and_leads_to_its_field(signed_in: Callable[..., Page]) -> None:
    page = signed_in(width=390)
    page.goto("/admin/settings/smtp_mail")
    page.get_by_label("Port").fill("99999")
    page.get_by_role("button", name="Save").click()
    box = page.locator("[data-summary]")
    expect(box).to_be_focused()
    box.get_by_role("link").click()
    expect(page.get_by_label("Port")).to_be_in_viewport()
    expect(page.get_by_label("Port")).to_have_value("99999")
    check(page)


def test_fields_of_another_choice_are_not_in_the_way(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto("/admin/discounts/new")
    kind, percent, cap = (page.locator(f"[name={name}]") for name in ("kind", "percent", "cap"))
    panel = page.get_by_role("heading", name="For free shipping")
    expect(percent).to_be_visible()
    expect(panel).to_be_hidden()
    kind.select_option("free_shipping")
    expect(percent).to_be_hidden()
    expect(panel).to_be_visible()
    cap.fill("abc")
    kind.select_option("percent")
    expect(panel).to_be_hidden()
    page.get_by_label("Name").fill("Summer")
    page.get_by_role("button", name="Save").click()
    expect(cap).to_be_visible()  # what has to be corrected is never hidden
    check(page)


def test_the_night_theme_has_no_barrier_and_is_seen_by_staff_alone(
    signed_in: Callable[..., Page], page: Page
) -> None:
    staff = signed_in()
    staff.goto("/admin/themes")
    staff.get_by_role("button", name="Preview Night").click()
    expect(staff.get_by_text("Preview of the theme")).to_be_visible()
    check(staff)
    staff.goto(SENSOR)
    check(staff)
    page.goto("/")
    expect(page.get_by_text("Preview of the theme")).to_have_count(0)
    staff.goto("/admin/themes")
    staff.get_by_role("button", name="End the preview").click()
    staff.goto("/")
    expect(staff.get_by_text("Preview of the theme")).to_have_count(0)
