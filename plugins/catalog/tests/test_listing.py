"""Listings: all products, and collections."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from catalog_making import statements_of
from sqlalchemy import select, update

from opticworks import demo
from opticworks.contracts import PriceDisplay
from opticworks.testing.fakes import fake_plugin
from opticworks.testing.shops import Browser
from opticworks_catalog import writing
from opticworks_catalog.inputs import ProductInput, VariantInput
from opticworks_catalog.models import (
    Collection,
    CollectionProduct,
    Product,
    Variant,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def links(page):
    return [link["href"] for link in page.html.select(".card-grid .card-link")]


def add_products(shop, count):
    """More products in the collection "sensors"."""
    with shop.unit() as db:
        sensors = db.scalar(select(Collection.id).where(Collection.handle == "sensors"))
        for number in range(count):
            product = Product(
                handle=f"extra-{number}",
                title=f"Extra {number}",
                status="published",
                position=100 + number,
                published_at=NOW,
                variants=[Variant(sku=f"X-{number}", price=100 + number, currency="USD")],
            )
            db.add(product)
            db.flush()
            db.add(CollectionProduct(collection_id=sensors, product_id=product.id, position=9))


def test_all_products_are_listed_in_their_order(browser):
    page = browser.get("/products")
    assert page.html.h1.get_text(strip=True) == "All products"
    assert links(page)[0] == "/products/rs-1-sensor"
    assert len(links(page)) == 8
    card = page.html.select_one(".card-grid li").get_text(" ", strip=True)
    assert "from $79.00" in card


def test_a_collection_lists_its_products_only(browser):
    page = browser.get("/collections/modules")
    assert page.html.h1.get_text(strip=True) == "Modules"
    assert links(page) == ["/products/poe-module", "/products/iaq-module"]
    assert page.html.find("link", rel="canonical")["href"] == "http://localhost/collections/modules"


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("price", "mounting-kit", "whole-home-bundle"),
        ("-price", "whole-home-bundle", "usb-c-cable"),
        ("newest", "iaq-module", "pro-poe-bundle"),
        ("nonsense", "rs-1-sensor", "pro-poe-bundle"),
    ],
)
def test_a_listing_is_sorted_by_links(shop, browser, sort, first, last):
    with shop.unit() as db:
        db.execute(
            update(Product)
            .where(Product.handle == "iaq-module")
            .values(published_at=datetime(2099, 1, 1, tzinfo=UTC))
        )
    page = browser.get(f"/products?sort={sort}")
    shown = links(page)
    assert (shown[0], shown[-1]) == (f"/products/{first}", f"/products/{last}")
    assert page.html.find("link", rel="canonical")["href"] == "http://localhost/products"


def test_a_long_listing_has_pages_with_addresses(shop, browser):
    add_products(shop, 20)
    first, second = browser.get("/products?sort=price"), browser.get("/products?sort=price&page=2")
    assert (len(links(first)), len(links(second))) == (24, 4)
    assert not set(links(first)) & set(links(second))
    assert first.html.find("a", rel="next")["href"] == "/products?sort=price&page=2"
    canonical = second.html.find("link", rel="canonical")["href"]
    assert canonical == "http://localhost/products?page=2"
    assert "page 2" in second.html.title.string
    browser.get("/products?page=3", status=404)


def test_an_empty_shop_says_so(empty_shop):
    page = Browser(empty_shop).get("/products")
    assert "Nothing here yet" in page.text


def test_a_hidden_collection_is_gone_everywhere(shop, browser):
    with shop.unit() as db:
        db.execute(update(Collection).where(Collection.handle == "modules").values(status="draft"))
    browser.get("/collections/modules", status=404)
    assert "/collections/modules" not in browser.get("/products").text


def test_a_listing_takes_at_most_5_statements_however_many_products(shop, browser):
    paths = ("/products", "/collections/sensors", "/")
    few = [len(statements_of(browser, path)) for path in paths]
    add_products(shop, 40)
    many = [len(statements_of(browser, path)) for path in paths]
    assert many == few
    assert max(many) <= 5


def test_pages_of_a_shop_with_other_settings(make_shop):
    shop = make_shop(
        plugins=("catalog",), settings={"catalog": {"per_page": "4", "related_count": "2"}}
    )
    demo.load(shop)
    browser = Browser(shop)
    assert len(links(browser.get("/products?page=2"))) == 4
    assert len(links(browser.get("/products/rs-1-sensor"))) == 2
    assert links(browser.get("/products/rs-1-sensor")) == [
        "/products/whole-home-bundle",
        "/products/pro-poe-bundle",
    ]


def test_filters_and_sorting_by_price_mean_what_the_page_shows(make_shop):
    """Entered without tax, shown with: at 19 %, at 7 % for some, and a bundle of both."""
    factors = {"": Fraction(119, 100), "reduced": Fraction(107, 100)}
    shown = PriceDisplay(label="incl. VAT", includes_tax=True, factors=factors)
    taxes = fake_plugin("taxed", price_display=lambda address, email, ctx: shown)
    shop = make_shop(plugins=("catalog",), extra={"taxed": taxes})
    with shop.unit() as db:
        for handle, variant in {
            "standard": VariantInput(sku="S", price=1000),  # 11.90
            "reduced": VariantInput(sku="R", price=1100, tax_code="Reduced"),  # 11.77
            "both": VariantInput(sku="B", price=2000, components=(("S", 1), ("R", 1))),  # 22.54
        }.items():
            product = ProductInput(
                handle=handle, title=handle, currency="USD", status="published", variants=(variant,)
            )
            writing.save(db, product)
    browser = Browser(shop)
    assert [card.split("$")[1] for card in prices(browser.get("/products?sort=price"))] == [
        "11.77",
        "11.90",
        "22.54",
    ]

    def found(query):
        return [
            link.removeprefix("/products/") for link in links(browser.get(f"/products?{query}"))
        ]

    assert found("max=11.80") == ["reduced"]
    assert found("min=11.90&max=11.90") == ["standard"]
    assert found("min=22.54") == ["both"]
    assert found("max=11") == []
    panel = browser.get("/products?stock=&min=11.77")
    assert "11.77" in panel
    assert "22.54" in panel


def prices(page):
    return [one.get_text() for one in page.html.select(".card-grid .price-now")]
