"""A product's page, as a browser without JavaScript sees it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from catalog_making import statements_of
from sqlalchemy import update

from opticworks import kernel
from opticworks.testing.shops import Browser
from opticworks_catalog import writing
from opticworks_catalog.inputs import OptionInput, ProductInput, VariantInput
from opticworks_catalog.models import Product, Variant

PAGE = "/products/rs-1-sensor"


def structured(page):
    return [json.loads(s.string) for s in page.html.find_all("script", type="application/ld+json")]


def price(page):
    return page.html.select_one(".product-info [data-price]").get_text(strip=True)


def chosen(page):
    inputs = page.html.select("form.options input[checked]")
    return {one["name"]: one["value"] for one in inputs}


def set_stock(shop, sku, count):
    with shop.unit() as db:
        kernel.set_stock(db, sku, count, reason="Test", actor="test")


def test_the_page_shows_the_first_variant(browser):
    page = browser.get(PAGE)
    assert page.html.h1.get_text(strip=True) == "RS-1 Presence Sensor"
    assert price(page) == "$129.00"
    assert chosen(page) == {"Model": "Pro", "Colour": "Matte white"}
    assert page.html.title.string == "RS-1 mmWave Presence Sensor for Home Assistant"
    assert page.html.find("link", rel="canonical")["href"] == "http://localhost" + PAGE
    assert page.html.find("meta", attrs={"name": "description"})["content"].startswith("24 GHz")
    assert page.html.select_one("form.buy [name=sku]")["value"] == "RS1-PRO-WHT"


@pytest.mark.parametrize(
    ("sku", "amount", "options"),
    [
        ("RS1-LITE-GRA", "$79.00", {"Model": "Lite", "Colour": "Graphite"}),
        ("RS1-PRO-GRA", "$129.00", {"Model": "Pro", "Colour": "Graphite"}),
    ],
)
def test_a_variant_has_an_address_of_its_own(browser, sku, amount, options):
    page = browser.get(f"{PAGE}?variant={sku}")
    assert price(page) == amount
    assert chosen(page) == options
    assert page.html.select_one("form.buy [name=sku]")["value"] == sku
    assert page.html.find("link", rel="canonical")["href"] == "http://localhost" + PAGE


def test_options_are_chosen_with_a_form_when_there_is_no_script(browser):
    form = next(f for f in browser.get(PAGE).forms.values() if f.action == PAGE)
    form["Model"], form["Colour"] = "Lite", "Graphite"
    answer = form.submit()
    assert answer.status_int == 302
    assert answer.location.endswith("/products/rs-1-sensor?variant=RS1-LITE-GRA")
    assert price(answer.follow()) == "$79.00"


def test_one_option_in_the_address_is_enough(browser):
    assert browser.get(f"{PAGE}?colour=graphite").location.endswith("?variant=RS1-PRO-GRA")


@pytest.mark.parametrize("query", ["variant=NOPE", "variant=", "Model=Max", "utm_source=x"])
def test_what_an_address_means_nothing_by_is_ignored(browser, query):
    assert price(browser.get(f"{PAGE}?{query}")) == "$129.00"


def test_a_sold_out_variant_can_be_chosen_and_says_so(browser):
    page = browser.get("/products/usb-c-cable?variant=CBL-3M-GRA")
    assert chosen(page)["Length"] == "3 m"
    assert page.html.select_one("form.buy button.buy-button").has_attr("disabled")
    assert "Sold out" in page.html.select_one(".stock").get_text()


def test_a_page_opens_on_a_variant_that_can_be_bought(shop, browser):
    set_stock(shop, "RS1-PRO-WHT", 0)
    assert chosen(browser.get(PAGE)) == {"Model": "Pro", "Colour": "Graphite"}


def test_a_bundle_shows_its_parts_and_lives_from_their_stock(shop, browser):
    page = browser.get("/products/whole-home-bundle")
    parts = page.html.select_one(".in-the-box").get_text(" ", strip=True)
    assert "4 ×" in parts
    assert "Mounting Kit" in parts
    set_stock(shop, "RS1-PRO-WHT", 3)
    page = browser.get("/products/whole-home-bundle")
    assert page.html.select_one("form.buy button.buy-button").has_attr("disabled")
    set_stock(shop, "RS1-PRO-WHT", 8)
    assert "Only 2 left" in browser.get("/products/whole-home-bundle").text


def test_a_bundle_with_an_unpublished_part_is_not_for_sale_in_structured_data_either(shop, browser):
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "mounting-kit").values(status="draft"))
    page = browser.get("/products/whole-home-bundle")
    assert "Not available at the moment" in page.text
    assert structured(page)[0]["offers"]["availability"].endswith("OutOfStock")


@pytest.mark.parametrize("handle", ["rs-1-sensor", "usb-c-cable", "pro-poe-bundle"])
def test_structured_data_equals_what_each_variants_page_shows(browser, handle):
    group, crumbs = structured(browser.get(f"/products/{handle}"))
    for said in group["hasVariant"]:
        offer = said["offers"]
        page = browser.get(offer["url"].removeprefix("http://localhost"))
        assert price(page) == f"${Decimal(offer['price']):,.2f}"
        assert page.html.select_one("form.buy [name=sku]")["value"] == said["sku"]
        buyable = not page.html.select_one("form.buy button.buy-button").has_attr("disabled")
        assert offer["availability"].endswith("InStock") == buyable
    shown = [item.get_text(strip=True) for item in page.html.select("nav.breadcrumb li")]
    assert [step["name"] for step in crumbs["itemListElement"]] == [text for text in shown if text]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("/products/RS-1-Sensor", "/products/rs-1-sensor"),
        ("/products/rs-1-sensor/", "/products/rs-1-sensor"),
        ("/products/RS-1-SENSOR?variant=A%26B", "/products/rs-1-sensor?variant=A%26B"),
        ("/products/", "/products"),
        ("/collections/Sensors", "/collections/sensors"),
        ("/collections/sensors/", "/collections/sensors"),
        ("/collections", "/products"),
    ],
)
def test_an_address_written_differently_moves_to_the_right_one(browser, wrong, right):
    answer = browser.get(wrong, status=301)
    assert answer.location in (right, "http://localhost" + right)


@pytest.mark.parametrize(
    "path",
    [
        "/products/nope",
        "/products/Nope%0d%0aX-Evil:1",
        "/products/%C3%84",
        "/products/rs-1-sensor/reviews",
        "/collections/nope",
        "/products?page=0",
        "/products?page=1",
        "/products?page=99",
        "/products?page=%C2%B2",
        "/catalog/images/nope-1.webp",
        "/catalog/images/..%2f..%2fmodels-1.webp",
    ],
)
def test_what_does_not_exist_is_a_404(browser, path):
    answer = browser.get(path, status=404)
    assert "Traceback" not in answer.text


def test_a_draft_has_no_page(shop, browser):
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "poe-module").values(status="draft"))
    answer = browser.get("/products/poe-module", status=404)
    assert "This product doesn't exist, or is no longer shown." in answer.html.get_text()
    assert "/products/poe-module" not in browser.get("/products").text


def test_a_product_without_anything_to_sell_has_no_page(shop, browser):
    with shop.unit() as db:
        db.execute(update(Variant).where(Variant.sku == "POE-MOD").values(status="archived"))
    browser.get("/products/poe-module", status=404)
    assert "/products/poe-module" not in browser.get("/products").text


def test_a_script_in_every_text_is_text(shop, browser):
    evil = "<script>alert(1)</script>"
    with shop.unit() as db:
        db.execute(
            update(Product)
            .where(Product.handle == "poe-module")
            .values(
                title=evil,
                subtitle=evil,
                description=evil,
                highlights=[evil],
                specs=[[evil, evil]],
                seo_title=evil,
                seo_description=evil,
            )
        )
    for path in ("/products/poe-module", "/products", "/"):
        assert evil not in browser.get(path).text


def test_a_product_page_takes_at_most_4_statements(browser):
    for path in (PAGE, "/products/whole-home-bundle", f"{PAGE}?variant=RS1-LITE-GRA"):
        statements = statements_of(browser, path)
        assert len(statements) <= 4, "\n\n".join(statements)


def test_a_page_may_be_cached_by_anyone(browser):
    answer = browser.get(PAGE)
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in answer.headers
    assert {"catalog", "product:rs-1-sensor"} <= set(answer.headers["Surrogate-Key"].split())
    again = browser.get(PAGE, headers={"If-None-Match": answer.headers["ETag"]}, status=304)
    assert again.body == b""
    browser.set_cookie("cart", "whatever")
    assert browser.get(PAGE).body == answer.body


def test_the_pictures_of_a_page_are_there_and_kept_for_ever(browser):
    page = browser.get("/products/poe-module")
    addresses = {page.html.select_one("main img")["src"]}
    for source in page.html.select("main picture source"):
        addresses |= {part.split()[0] for part in source["srcset"].split(",")}
    assert len(addresses) > 2
    for address in addresses:
        answer = browser.get(address)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.content_type in ("image/avif", "image/webp")
    unversioned = browser.get(address.split("?")[0])
    assert unversioned.headers["Cache-Control"] == "public, max-age=300"


def test_a_product_without_pictures_shows_that_it_has_none(empty_shop):
    with empty_shop.unit() as db:
        writing.save(
            db,
            ProductInput(
                handle="lamp",
                title="Lamp",
                currency="USD",
                status="published",
                variants=(VariantInput(sku="LAMP", price=300),),
            ),
        )
    gallery = Browser(empty_shop).get("/products/lamp").html.select_one(".gallery")
    assert gallery.select_one(".no-picture svg")
    assert not gallery.select("img, .gallery-count")


def test_a_page_of_hundreds_of_variants_holds_the_one_that_is_shown(empty_shop):
    sizes, colours = [f"Size {n}" for n in range(20)], [f"Colour {n}" for n in range(20)]
    variants = tuple(
        VariantInput(sku=f"V{i}-{j}", price=1000 + i, values=(size, colour))
        for i, size in enumerate(sizes)
        for j, colour in enumerate(colours)
    )
    product = ProductInput(
        handle="many",
        title="Many",
        currency="USD",
        status="published",
        options=(
            OptionInput(name="Size", values=tuple((v, "") for v in sizes)),
            OptionInput(name="Colour", values=tuple((v, "") for v in colours)),
        ),
        variants=variants,
    )
    with empty_shop.unit() as db:
        writing.save(db, product)
    browser = Browser(empty_shop)
    page = browser.get("/products/many?variant=V3-4")
    assert len(page.body) < 60_000
    assert page.html.select_one("#variants") is None
    form = next(f for f in page.forms.values() if "Colour" in f.fields)
    assert (form["Size"].value, form["Colour"].value) == ("Size 3", "Colour 4")
    form["Colour"] = "Colour 7"
    page = form.submit(status=302).follow()
    assert page.html.select_one("form.buy [name=sku]")["value"] == "V3-7"
    group = structured(page)[0]
    assert (group["@type"], [one["sku"] for one in group["hasVariant"]]) == (
        "ProductGroup",
        ["V3-7"],
    )
