"""One price, one mode: product page, listing, machine-readable data, cart and order agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from opticworks.shop import Shop
from opticworks.testing.shops import Browser, counted, load_demo

SENSOR = "/products/rs-1-sensor"  # 129.00 without tax


def add_rate(shop: Shop, percent: str, tax_class: str = "standard") -> None:
    with shop.unit() as db:
        db.execute(
            text(
                "INSERT INTO taxes_rate (country, tax_class, title, rate, starts, shipping) "
                "VALUES ('US', :tax_class, 'VAT', :rate, :starts, true)"
            ),
            {
                "rate": Decimal(percent) / 100,
                "tax_class": tax_class,
                "starts": date(2020, 1, 1),
            },
        )
    shop.forget()


@pytest.fixture
def open_shop(make_shop: Callable[..., Shop]) -> Callable[..., Shop]:
    def open_one(entered: str, shown: str) -> Shop:
        regions = [{"title": "All", "countries": ["*"], "entered": entered, "shown": shown}]
        shop = make_shop(
            plugins=("catalog", "taxes"), settings={"taxes": {"regions": json.dumps(regions)}}
        )
        load_demo(shop)
        with shop.unit() as db:
            db.execute(text("DELETE FROM taxes_rate"))
        shop.forget()
        return shop

    return open_one


def prices(browser: Browser) -> dict[str, Any]:
    """What each place says of the sensor: (price, words beside it)."""

    def said(node: Any) -> str:
        return " ".join(node.get_text(" ", strip=True).split())

    page = browser.get(SENSOR)
    data = [
        json.loads(tag.string) for tag in page.html.select("script[type='application/ld+json']")
    ]
    group = next(each for each in data if each["@type"] == "ProductGroup")
    sku = page.html.select_one("#buy input[name=sku]")["value"]
    offer = next(each["offers"] for each in group["hasVariant"] if each["sku"] == sku)
    card = next(
        card
        for card in browser.get("/collections/sensors").html.select(".card-product")
        if card.select_one(f"a[href='{SENSOR}']")
    )
    browser.post("/cart/lines", {"sku": sku, "quantity": "1"})
    line = browser.get("/cart").html.select_one(".cart-line .line-each")
    return {
        "page": said(page.html.select_one(".price-large")),
        "data": f"{Decimal(offer['price']):.2f}",
        "taxed": offer.get("priceSpecification", {}).get("valueAddedTaxIncluded"),
        "card": said(card.select_one(".price")),
        "cart": said(line),
    }


@pytest.mark.parametrize(
    ("entered", "shown", "price", "cheapest", "label"),
    [
        ("net", "excl", "129.00", "79.00", "plus tax"),
        ("net", "incl", "153.51", "94.01", "incl. tax"),
        ("gross", "incl", "129.00", "79.00", "incl. tax"),
        ("gross", "excl", "108.40", "66.39", "plus tax"),
    ],
)
def test_every_place_shows_the_same_price_and_says_whether_tax_is_in_it(
    open_shop: Callable[..., Shop], entered: str, shown: str, price: str, cheapest: str, label: str
) -> None:
    shop = open_shop(entered, shown)
    add_rate(shop, "19")
    found = prices(Browser(shop))
    assert found["data"] == price
    assert found["taxed"] == (shown == "incl")
    for place, told in (("page", price), ("card", cheapest), ("cart", price)):
        assert f"${told}" in found[place], place
        assert found[place].endswith(label), place


def test_pages_without_an_address_stay_cacheable_and_ask_the_table_rarely(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop("net", "incl")
    add_rate(shop, "19")
    browser = Browser(shop)
    browser.get(SENSOR)
    with counted() as statements:
        page = browser.get(SENSOR)
    assert not [sql for sql in statements if re.search("taxes_", sql)]
    assert page.headers["Cache-Control"].startswith("public")
    assert "Set-Cookie" not in page.headers


def test_a_shop_that_taxes_nothing_says_nothing(open_shop: Callable[..., Shop]) -> None:
    found = prices(Browser(open_shop("net", "excl")))
    assert found["page"] == found["cart"] == "$129.00"
    assert found["taxed"] is None


def test_a_bundle_of_two_classes_is_taxed_by_its_parts(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop("net", "excl")
    add_rate(shop, "20")
    add_rate(shop, "5", "reduced")
    with shop.unit() as db:
        parts = db.execute(
            text(
                "SELECT c.sku, c.quantity * v.price AS worth, b.price, b.sku AS bundle "
                "FROM catalog_component c JOIN catalog_variant v ON v.sku = c.sku "
                "JOIN catalog_variant b ON b.id = c.variant_id "
                "WHERE b.sku = 'BND-HOME' ORDER BY c.position"
            )
        ).all()
        db.execute(
            text("UPDATE catalog_variant SET tax_code = 'reduced' WHERE sku = :sku"),
            {"sku": parts[0].sku},
        )
    browser = Browser(shop)
    browser.post("/cart/lines", {"sku": "BND-HOME", "quantity": "1"})
    rows = [
        row.get_text(" ", strip=True) for row in browser.get("/cart").html.select(".totals-row")
    ]
    whole = sum(part.worth for part in parts)
    reduced = Decimal(parts[0].price) * parts[0].worth / whole
    assert len(parts) > 1
    for rate, base in (("5%", reduced), ("20%", parts[0].price - reduced)):
        (row,) = [row for row in rows if f"({rate})" in row]
        told = Decimal(re.search(r"\$([\d.]+)", row)[1])  # type: ignore[index]
        assert abs(told * 100 - base * Decimal(rate[:-1]) / 100) <= 1
