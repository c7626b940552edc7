"""Listings: all products, and collections."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from catalog_making import statements_of
from sqlalchemy import select, update

from opticworks import demo
from opticworks.testing.shops import Browser
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
