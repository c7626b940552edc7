"""Searching: by name, SKU and what a product is for, with accents, beginnings and typos."""

from __future__ import annotations

import pytest


def links(page):
    return [link["href"] for link in page.html.select(".card-grid .card-link")]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("rs-1", "/products/rs-1-sensor"),
        ("RS1", "/products/rs-1-sensor"),
        ("sensors", "/products/rs-1-sensor"),
        ("senosr", "/products/rs-1-sensor"),
        ("presence sens", "/products/rs-1-sensor"),
        ("MNT-KIT", "/products/mounting-kit"),
        ("mnt kit", "/products/mounting-kit"),
        ("rs1-lite-gra", "/products/rs-1-sensor?variant=RS1-LITE-GRA"),
        ("graphite cable", "/products/usb-c-cable"),
        ("cáble", "/products/usb-c-cable"),
        ("the mounting kit", "/products/mounting-kit"),
        ("calbe", "/products/usb-c-cable"),
    ],
)
def test_a_product_is_found(browser, text, first):
    page = browser.get("/search", {"q": text})
    assert links(page)[:1] == [first]


def test_filters_narrow_a_listing(browser):
    page = browser.get("/products?option.Colour=Graphite&stock=in&max=20")
    assert links(page) == ["/products/usb-c-cable"]
    chips = [one.get_text(" ", strip=True) for one in page.html.select(".chip")]
    assert chips == [
        "Remove the filter In stock",
        "Remove the filter up to $20.00",
        "Remove the filter Colour: Graphite",
    ]
    without = page.html.select(".chip")[1]["href"]
    assert links(browser.get(without)) == [
        "/products/rs-1-sensor",
        "/products/usb-c-cable",
        "/products/pro-poe-bundle",
    ]
