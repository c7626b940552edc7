"""Choosing a variant, and the product page's rules on a telephone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .site import SENSOR

_SWITCH = """() => {
  const input = [...document.querySelectorAll("[data-options] input")]
    .find((each) => each.value === "Lite");
  input.click();
  // Read before anything can have been fetched.
  return document.querySelector(".price-large [data-price]").textContent;
}"""


def test_another_variant_shows_its_price_picture_and_address_without_a_round_trip(
    page: Page,
) -> None:
    page.goto(SENSOR, wait_until="networkidle")
    picture = page.locator(".gallery-slide:not([hidden]) img").first
    before = picture.get_attribute("src")
    asked: list[str] = []
    kinds = ("document", "xhr", "fetch")
    page.on("request", lambda r: asked.append(r.url) if r.resource_type in kinds else None)
    assert page.evaluate(_SWITCH) == "$79.00"
    expect(page).to_have_url(re.compile(r"/products/rs-1-sensor\?variant=RS1-LITE-WHT$"))
    expect(page.locator("[data-sku-text]")).to_have_text("RS1-LITE-WHT")
    assert picture.get_attribute("src") != before
    page.locator(".option-value", has_text="Graphite").click()
    expect(page.locator("[data-sku]")).to_have_value("RS1-LITE-GRA")
    assert asked == []
    page.reload()
    expect(page.locator(".price-large [data-price]")).to_have_text("$79.00")
    expect(page.locator("[data-sku-text]")).to_have_text("RS1-LITE-GRA")
    page.get_by_role("button", name="Add to Cart").click()
    expect(page.get_by_role("dialog", name="Cart")).to_contain_text("Lite")
    expect(page.get_by_role("dialog", name="Cart")).to_contain_text("Graphite")


def test_a_way_to_buy_is_in_view_wherever_one_scrolls(phone: Page) -> None:
    phone.goto(SENSOR)
    button = phone.locator("[data-buy]")
    for step in range(11):
        phone.evaluate(
            "step => scrollTo({top: (document.documentElement.scrollHeight - innerHeight)"
            " * step / 10, behavior: 'instant'})",
            step,
        )
        expect(button).to_be_in_viewport(ratio=1)


def test_the_picture_comes_first_and_title_and_price_without_scrolling(phone: Page) -> None:
    phone.goto(SENSOR)
    # A bar that only demo shops have.
    demo_bar = phone.locator(".demo-bar").bounding_box()["height"]
    assert phone.locator(".gallery img").first.bounding_box()["y"] - demo_bar <= 130
    expect(phone.locator("h1")).to_be_in_viewport(ratio=1)
    expect(phone.locator("[data-price]").last).to_be_in_viewport(ratio=1)
