"""Steps that many tests share: filling a cart, the checkout's fields, reading amounts."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page, expect

from .site import ADA, SENSOR, Site


def field(page: Page, name: str) -> Locator:
    return page.locator(f"#checkout [name={name}]")


def place_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Place Order")


def add(page: Page, path: str = SENSOR) -> None:
    """Put the product into the cart and see it there."""
    page.goto(path)
    page.get_by_role("button", name="Add to Cart").click()
    if page.evaluate("Boolean(window.htmx)"):
        expect(page.get_by_role("dialog", name="Cart")).to_be_visible()
    else:
        expect(page).to_have_url(re.compile(r"/cart$"))


def fill(page: Page, email: str, **values: str) -> None:
    """Type into the checkout's fields."""
    for name, value in {"email": email, **ADA, **values}.items():
        field(page, name).fill(value)


def open_checkout(page: Page, email: str, path: str = SENSOR) -> None:
    """From the product to a filled checkout, with an amount that stands still."""
    add(page, path)
    page.goto("/checkout")
    fill(page, email)
    field(page, "city").focus()
    settled(page)


def settled(page: Page) -> None:
    """Wait until no update of the amount is under way."""
    expect(page.locator("#checkout:not([data-updating])")).to_be_visible()


GOOD_CARD = "4242424242424242"


def card_frame(page: Page) -> FrameLocator:
    return page.frame_locator('iframe[name^="__privateStripeFrame"]').first


def type_card(page: Page, number: str = GOOD_CARD) -> None:
    frame = card_frame(page)
    for name, value in {"number": number, "expiry": "1234", "cvc": "123"}.items():
        frame.locator(f"[name={name}]").fill(value)


def thanked(page: Page) -> None:
    expect(page.locator("h1")).to_contain_text("Thank you")


def cents(text: str) -> int:
    """ "$1,234.50" as 123450."""
    match = re.search(r"\$([\d,]+)\.(\d\d)", text)
    assert match, text
    return int(match[1].replace(",", "") + match[2])


def shown(page: Page, selector: str = "#place-total") -> int:
    return cents(page.locator(selector).inner_text())


def only_order(site: Site, email: str) -> Any:
    (order,) = site.orders(email)
    return order
