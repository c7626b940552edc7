"""The checkout while things change: amounts, prices, other tabs, impatient fingers."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from .journey import (
    add,
    cents,
    field,
    only_order,
    open_checkout,
    place_button,
    settled,
    shown,
    thanked,
)
from .site import ADA, SENSOR, SKU, Site

BRACKET = "/products/mounting-kit"
UPDATE = "/checkout/update"


def test_what_is_shown_is_charged_and_mailed(page: Page, site: Site, someone: str) -> None:
    open_checkout(page, someone, BRACKET)
    with page.expect_response(f"**{UPDATE}"):
        page.get_by_test_id("shipping-option-1").check()
    settled(page)
    total = shown(page)
    assert total == sum(
        cents(each) for each in page.locator("#summary .totals-row dd").all_inner_texts()[:-1]
    )
    place_button(page).click()
    thanked(page)
    order = only_order(site, someone)
    assert order.total == total == shown(page, ".totals-total dd")
    site.work()
    page.goto("/dev/mail")
    page.get_by_role("link", name=order.number).first.click()
    mail = page.frame_locator("iframe")
    expect(mail.locator("body")).to_contain_text(f"${total / 100:,.2f}")
    expect(mail.locator("body")).to_contain_text(order.number)


def test_nothing_that_was_typed_is_lost_while_amounts_change(
    page: Page, site: Site, someone: str
) -> None:
    add(page)
    page.goto("/checkout")
    typed = {"email": someone, **ADA, "company": "Engines", "address2": "Apt 7", "phone": "+1 4"}
    with site.slow(UPDATE, 0.4):
        for number, (name, value) in enumerate(typed.items()):
            if number == 1:
                page.get_by_test_id("shipping-option-1").check()
            if number == 4:
                field(page, "state").select_option("NY")
            if number == 7:
                page.get_by_test_id("shipping-option-0").check()
            field(page, name).press_sequentially(value)
        page.keyboard.press("Tab")
        settled(page)
    for name, value in {**typed, "state": "NY", "country": "US"}.items():
        expect(field(page, name)).to_have_value(value)
    expect(page.get_by_test_id("shipping-option-0")).to_be_checked()


def type_a_long_zip_code(page: Page, someone: str) -> None:
    """An address of which the carrier knows a shorter one."""
    add(page)
    page.goto("/checkout")
    for name, value in {"email": someone, **ADA, "postalCode": "94104-1234"}.items():
        field(page, name).fill(value)
    page.keyboard.press("Tab")


def test_one_of_two_addresses_is_chosen_by_keyboard_and_the_fields_follow(
    page: Page, site: Site, someone: str
) -> None:
    type_a_long_zip_code(page, someone)
    question = page.get_by_role("group", name="Which address is right?")
    expect(question).to_be_visible()
    question.get_by_label("As you typed it").focus()
    page.keyboard.press("ArrowDown")
    expect(field(page, "postalCode")).to_have_value("94104")
    expect(question.get_by_label("As the carrier knows it")).to_be_focused()
    settled(page)
    field(page, "address").fill("1 Nowhere")
    page.keyboard.press("Tab")
    expect(page.locator("#address-check")).to_contain_text("if it is right, just go on")
    place_button(page).click()
    thanked(page)
    assert only_order(site, someone).address["postal_code"] == "94104"


def test_what_is_typed_while_a_choice_is_on_its_way_stays(
    page: Page, site: Site, someone: str
) -> None:
    type_a_long_zip_code(page, someone)
    suggestion = page.get_by_label("As the carrier knows it")
    expect(suggestion).to_be_visible()
    with site.slow("/checkout/address", 1.0):
        with page.expect_response("**/checkout/address"):
            suggestion.check()
            field(page, "address").fill("1 Nowhere")
        page.wait_for_timeout(300)  # an answer's last step comes after its swap
        expect(field(page, "address")).to_have_value("1 Nowhere")
        page.keyboard.press("Tab")
        expect(page.locator("#address-check")).to_contain_text("if it is right, just go on")
    expect(field(page, "address")).to_have_value("1 Nowhere")


def test_typing_an_address_asks_at_most_once_per_field_that_matters(
    page: Page, someone: str
) -> None:
    open_checkout(page, someone)
    assert page.watch.posts(UPDATE) <= 1  # the ZIP code
    before = page.watch.posts(UPDATE)
    for state in ("NY", "WA"):
        with page.expect_response(f"**{UPDATE}"):
            field(page, "state").select_option(state)
        settled(page)
    field(page, "city").fill("Seattle")
    field(page, "phone").fill("+1 206 555 0100")
    field(page, "company").focus()
    assert page.watch.posts(UPDATE) == before + 2


def test_two_clicks_place_one_order(page: Page, site: Site, someone: str) -> None:
    open_checkout(page, someone)
    with site.slow("/checkout", 0.4):
        place_button(page).dblclick(no_wait_after=True)
        thanked(page)
    assert page.watch.posts("/checkout") == 1
    only_order(site, someone)


def test_going_back_after_placing_orders_nothing_again(
    page: Page, site: Site, someone: str
) -> None:
    open_checkout(page, someone)
    place_button(page).click()
    thanked(page)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Your cart")
    expect(page.locator("#main")).to_contain_text("Your cart is empty")
    page.go_forward()
    thanked(page)
    page.reload()
    only_order(site, someone)


def test_a_second_tab_gets_the_order_of_the_first(page: Page, site: Site, someone: str) -> None:
    open_checkout(page, someone)
    second = page.context.new_page()
    second.goto("/checkout")
    for name, value in {"email": someone, **ADA}.items():
        field(second, name).fill(value)
    place_button(page).click()
    thanked(page)
    place_button(second).click()
    order = only_order(site, someone)
    expect(second.locator("#main")).to_contain_text(order.number)
    thanked(second)
    only_order(site, someone)


def test_a_second_tab_is_told_what_the_first_one_changed(
    page: Page, site: Site, someone: str
) -> None:
    open_checkout(page, someone)
    before = shown(page)
    other = page.context.new_page()
    add(other, BRACKET)
    place_button(page).click()
    expect(page.locator("#changes")).to_contain_text("Nothing was ordered")
    assert site.orders(someone) == []
    assert shown(page) > before
    expect(field(page, "address")).to_have_value(ADA["address"])
    total = shown(page)
    place_button(page).click()
    thanked(page)
    assert only_order(site, someone).total == total


def test_a_price_that_rose_meanwhile_is_shown_not_charged(
    page: Page, site: Site, someone: str
) -> None:
    open_checkout(page, someone)
    before = shown(page)
    dearer = 1000 + 73  # and the demo's sales tax on it
    with site.dearer(SKU, 1000):
        place_button(page).click()
        expect(page.locator("#changes")).to_contain_text("changed from")
        assert site.orders(someone) == []
        assert shown(page) == before + dearer
        expect(field(page, "email")).to_have_value(someone)
        place_button(page).click()
        thanked(page)
    assert only_order(site, someone).total == before + dearer


def test_mistakes_are_said_beside_their_fields_and_nothing_is_lost(
    page: Page, site: Site, someone: str
) -> None:
    open_checkout(page, someone)
    field(page, "email").fill("ada@")
    field(page, "city").fill("")
    field(page, "company").fill("Engines")
    place_button(page).click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator("#email-error")).to_contain_text("complete e-mail address")
    expect(field(page, "company")).to_have_value("Engines")
    page.locator("#errors").get_by_role("link").last.click()
    expect(field(page, "city")).to_be_focused()
    page.keyboard.type("San Francisco")
    field(page, "email").fill(someone)
    settled(page)
    place_button(page).click()
    thanked(page)
    only_order(site, someone)


def test_the_drawer_changes_the_cart_and_removing_can_be_undone(page: Page) -> None:
    add(page)
    drawer = page.get_by_role("dialog", name="Cart")
    subtotal = drawer.locator(".totals-total dd")
    one = cents(subtotal.inner_text())
    drawer.get_by_role("button", name="One more").click()
    expect(subtotal).to_have_text(f"${2 * one / 100:.2f}")
    expect(page.locator("#cart-count")).to_have_text(re.compile("2"))
    drawer.get_by_role("button", name="Remove").click()
    expect(drawer).to_contain_text("Your cart is empty")
    page.get_by_role("button", name="Undo").click()
    expect(subtotal).to_have_text(f"${2 * one / 100:.2f}")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.goto("/cart")
    expect(page.locator(".cart-line")).to_have_count(1)


def test_a_guest_buys_on_a_telephone(phone: Page, site: Site, someone: str) -> None:
    phone.goto(SENSOR)
    phone.get_by_role("button", name="Add to Cart").tap()
    phone.get_by_role("dialog", name="Cart").get_by_role("link", name="Check out").tap()
    for name, value in {"email": someone, **ADA}.items():
        field(phone, name).fill(value)
    phone.get_by_test_id("shipping-option-0").tap()
    settled(phone)
    expect(phone.locator("#summary-fold-total")).to_be_visible()
    assert shown(phone) == shown(phone, "#summary-fold-total")
    total = shown(phone)
    place_button(phone).tap()
    thanked(phone)
    assert only_order(site, someone).total == total


def test_a_cart_is_still_there_in_the_next_session(
    visit: Callable[..., Page], site: Site, someone: str
) -> None:
    page = visit()
    add(page)
    kept = [c for c in page.context.cookies() if c["name"] == "cart"]
    assert kept[0]["expires"] > 0
    later = visit()
    later.context.add_cookies(kept)  # type: ignore[arg-type]
    later.goto("/cart")
    expect(later.locator(".cart-line")).to_contain_text("RS-1")
