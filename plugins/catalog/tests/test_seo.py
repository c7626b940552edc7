"""What machines read of the catalogue is what people see."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from opticworks import demo
from opticworks.testing.shops import Browser
from opticworks_catalog.models import PUBLISHED, Product, Variant

NAMESPACES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "i": "http://www.google.com/schemas/sitemap-image/1.1",
}
BASE = "http://localhost"


def structured(page):
    return [json.loads(s.string) for s in page.html.find_all("script", type="application/ld+json")]


def meta(page, name):
    found = page.html.find("meta", attrs={"property": name}) or page.html.find(
        "meta", attrs={"name": name}
    )
    return found["content"] if found else None


def urls(browser, path="/sitemap.xml"):
    return ElementTree.fromstring(browser.get(path).body).findall("s:url", NAMESPACES)


def test_hook_sitemap(demo_shop):
    """Every address answers 200, is its own canonical address and may be indexed."""
    browser = Browser(demo_shop)
    titles, descriptions = set(), set()
    entries = urls(browser)
    for entry in entries:
        address = entry.find("s:loc", NAMESPACES).text
        page = browser.get(address.removeprefix(BASE) or "/", status=200)
        assert page.html.find("link", rel="canonical")["href"] == address
        assert meta(page, "robots") is None
        assert len(page.html.find_all("h1")) == 1
        title = page.html.title.string
        assert 0 < len(title) <= 60
        titles.add(title)
        descriptions.add(meta(page, "description"))
        assert 30 <= len(meta(page, "description")) <= 160
    assert len(titles) == len(descriptions) == len(entries)
    paths = [entry.find("s:loc", NAMESPACES).text.removeprefix(BASE) for entry in entries]
    with demo_shop.unit() as db:
        published = db.scalars(select(Product.handle).where(Product.status == PUBLISHED)).all()
    assert {f"/products/{handle}" for handle in published} <= set(paths)
    assert {"/", "/products", "/collections/sensors", "/pages/faq"} <= set(paths)
    assert not [path for path in paths if path.startswith(("/cart", "/search", "/admin"))]


def test_the_sitemap_tells_when_a_product_changed_and_shows_its_pictures(shop, browser):
    def entry(path):
        return next(e for e in urls(browser) if e.find("s:loc", NAMESPACES).text == BASE + path)

    moment = datetime.fromisoformat("2031-02-03T04:05:06+00:00")
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "iaq-module").values(updated_at=moment))
    found = entry("/products/iaq-module")
    assert found.find("s:lastmod", NAMESPACES).text == moment.isoformat()
    assert entry("/collections/modules").find("s:lastmod", NAMESPACES).text == moment.isoformat()
    image = found.find("i:image/i:loc", NAMESPACES).text
    assert browser.get(image.removeprefix(BASE)).content_type.startswith("image/")
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "iaq-module").values(status="draft"))
    assert "iaq-module" not in browser.get("/sitemap.xml").text


def test_a_sitemap_of_many_pages_has_parts(shop, browser, monkeypatch):
    from opticworks.storefront.views import crawlers

    whole = [entry.find("s:loc", NAMESPACES).text for entry in urls(browser)]
    monkeypatch.setattr(crawlers, "MOST", 5)
    monkeypatch.setattr(crawlers, "PART", 7)
    index = ElementTree.fromstring(browser.get("/sitemap.xml").body)
    parts = [one.text.removeprefix(BASE) for one in index.findall("s:sitemap/s:loc", NAMESPACES)]
    assert parts[0] == "/sitemap-1.xml"
    every = [
        entry.find("s:loc", NAMESPACES).text for part in parts for entry in urls(browser, part)
    ]
    assert every == whole
    for wrong in (len(parts) + 1, 0, "x", "99999999999"):
        browser.get(f"/sitemap-{wrong}.xml", status=404)


def test_nothing_is_indexed_outside_production(browser):
    assert browser.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert browser.get("/products").headers["X-Robots-Tag"] == "noindex"


@pytest.fixture
def demo_shop(make_shop):
    about = {"description": "Presence sensors that notice people who sit still."}
    settings = {"catalog": {"return_days": "30"}, "shop": about}
    shop = make_shop(plugins=("catalog",), settings=settings)
    demo.load(shop)
    return shop


def test_page_structured_data_and_database_agree_about_every_product(demo_shop):
    browser = Browser(demo_shop)
    with demo_shop.unit() as db:
        products = db.scalars(select(Product)).all()
        rows = {
            product.handle: {
                variant.sku: (variant.price, variant.barcode, variant.compare_at)
                for variant in product.variants
            }
            for product in products
        }
    assert len(rows) == 8
    for handle, variants in rows.items():
        group, crumbs = structured(browser.get(f"/products/{handle}"))
        offered = group.get("hasVariant", [group])
        assert {one["sku"] for one in offered} == set(variants)
        for one in offered:
            offer, (price, barcode, _) = one["offers"], variants[one["sku"]]
            page = browser.get(offer["url"].removeprefix(BASE))
            shown = page.html.select_one(".product-info [data-price]").get_text(strip=True)
            assert Decimal(offer["price"]) * 100 == price
            assert shown == f"${Decimal(offer['price']):,.2f}"
            assert one.get("gtin", "") == (
                barcode if re.fullmatch(r"\d{8}|\d{12,14}", barcode) else ""
            )
            stock = page.html.select_one(".stock")["data-stock"]
            assert (
                offer["availability"].rpartition("/")[2]
                == {
                    "in_stock": "InStock",
                    "low": "InStock",
                    "backorder": "BackOrder",
                    "sold_out": "OutOfStock",
                }[stock]
            )
            returns = offer["hasMerchantReturnPolicy"]["merchantReturnDays"]
            assert f"{returns}-day returns" in page.html.get_text()
            assert meta(page, "product:price:amount") == offer["price"]
            assert meta(page, "product:price:currency") == offer["priceCurrency"] == "USD"
            pictures = {image["src"] for image in page.html.select(".gallery-slide img")}
            assert {image.removeprefix(BASE) for image in one["image"]} <= pictures
        page = browser.get(f"/products/{handle}")
        assert (
            group["name"]
            == page.html.h1.get_text(strip=True)
            == meta(page, "og:title").split(" mmWave")[0]
            or group["name"] in page.html.h1.get_text()
        )
        assert group["description"].startswith(meta(page, "description").rstrip("…"))
        steps = [item.get_text(strip=True) for item in page.html.select("nav.breadcrumb li")]
        assert [step["name"] for step in crumbs["itemListElement"]] == [s for s in steps if s]


def test_a_shared_product_shows_its_picture_and_price(browser):
    page = browser.get("/products/rs-1-sensor")
    assert meta(page, "og:type") == "product"
    assert meta(page, "og:url") == BASE + "/products/rs-1-sensor"
    assert int(meta(page, "og:image:width")) >= 1200
    assert meta(page, "twitter:card") == "summary_large_image"
    image = meta(page, "og:image")
    assert browser.get(image.removeprefix(BASE)).content_type == "image/webp"


def test_the_home_page_says_whose_shop_it_is(shop, browser):
    page = browser.get("/")
    organization, site = structured(page)
    assert (organization["@type"], site["@type"]) == ("Organization", "WebSite")
    assert organization["url"] == site["url"] == BASE + "/"
    assert organization["name"] == page.html.select_one(".brand").get_text(strip=True)


def test_a_product_without_words_of_its_own_has_a_description_all_the_same(shop, browser):
    with shop.unit() as db:
        db.execute(
            update(Product)
            .where(Product.handle == "iaq-module")
            .values(
                title="A very long title that goes on and on, well beyond what a search shows",
                subtitle="",
                seo_title="",
                seo_description="",
                description="**Air** & more.\n\n" + "It measures the air in a room. " * 20,
            )
        )
        db.execute(update(Variant).values(compare_at=None))
    page = browser.get("/products/iaq-module")
    assert meta(page, "description").startswith("Air & more. It measures the air")
    assert len(page.html.title.string) <= 60
    assert len(meta(page, "description")) <= 160


def test_production_opens_the_shop_and_closes_what_is_nobodys(make_shop):
    shop = make_shop(plugins=("catalog",))
    browser = Browser(shop)
    object.__setattr__(shop.config, "mode", "production")
    answer = browser.get("/robots.txt")
    assert "Disallow: /checkout\n" in answer.text
    assert "Disallow: /search\n" in answer.text
    assert "\nSitemap: http://localhost/sitemap.xml\n" in answer.text
    assert "X-Robots-Tag" not in answer.headers
    assert browser.get("/cart").headers["X-Robots-Tag"] == "noindex"
