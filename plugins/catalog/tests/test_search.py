"""Searching: by name, SKU and what a product is for, with accents, beginnings and typos."""

from __future__ import annotations

from dataclasses import replace

import pytest
from catalog_making import statements_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from opticworks import demo, kernel
from opticworks.testing.shops import Browser
from opticworks_catalog import writing
from opticworks_catalog.finding import filters, index, query, search
from opticworks_catalog.finding.models import SearchEntry


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
    chips = [one.get_text(" ", strip=True) for one in page.html.select(".chip .sr-only")]
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


def test_an_exact_sku_comes_first(shop, browser):
    with shop.unit() as db:
        kit = writing.find(db, ["mounting-kit"])["mounting-kit"]
        other = writing.find(db, ["poe-module"])["poe-module"]
        said = replace(writing.read(db, other), description="Not for MNT-KIT. " * 20)
        writing.save(db, said, product_id=other)
    assert links(browser.get("/search?q=mnt-kit"))[0] == "/products/mounting-kit"
    assert kit


def test_the_index_follows_a_change_in_its_transaction(shop, browser):
    with shop.unit() as db:
        key = writing.find(db, ["poe-module"])["poe-module"]
        writing.save(db, replace(writing.read(db, key), title="Zaubermodul"), product_id=key)
    assert links(browser.get("/search?q=zaubermdul")) == ["/products/poe-module"]
    with shop.unit() as db:
        writing.archive(db, key)
    page = browser.get("/search?q=zaubermodul")
    assert links(page) == []
    assert "Nothing found for" in page.html.h1.get_text()
    assert page.html.select_one(".search-nothing a[href='/collections/sensors']")


def test_the_whole_index_can_be_made_anew(shop, browser):
    with shop.unit() as db:
        db.execute(delete(SearchEntry))
    assert links(browser.get("/search?q=cable")) == []
    with shop.unit() as db:
        assert index.reindex(db, "english") == 8
    assert links(browser.get("/search?q=cable"))[0] == "/products/usb-c-cable"


def test_words_that_no_product_has_together_find_those_with_some(browser):
    page = browser.get("/search?q=kit+zzzzqqq")
    assert links(page)
    assert "some of them" in page.text


@pytest.mark.parametrize(
    "text",
    [
        "'",
        "\\",
        "a" * 10_000,
        "a " * 5000,
        "&|!:*()<->",
        "%",
        "'; DROP TABLE x --",
        "½²ﬁ",
        "​",
    ],
)
def test_any_query_has_an_answer(browser, text):
    assert browser.get("/search", {"q": text}).status_int == 200
    assert browser.get("/search/suggest", {"q": text}).status_int == 200


@pytest.mark.parametrize("amount", ["1e99", "1e999999", "-1e99", "NaN", "9" * 12, "1e-999999"])
def test_a_price_that_nothing_has_is_no_error(browser, amount):
    for name in ("min", "max"):
        assert browser.get("/search", {"q": "a", name: amount}).status_int == 200
        assert browser.get("/products", {name: amount}).status_int == 200


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=60), low=st.text(max_size=8), option=st.text(max_size=8))
def test_no_query_is_an_error(shop, text, low, option):
    with shop.unit() as db:
        ctx = shop.ctx(db)
        given = {"sort": text, "min": low, "max": text, f"option.{option}": low, "stock": "in"}
        listing = filters.read("/search", query.shown(text), given, "USD")
        assert listing.address()
        found = search.find(ctx, listing, "", limit=5, offset=0)
        search.count(ctx, listing, "", found.query)


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=sensor",
        "/search?q=senosr+zzz",
        "/search/suggest?q=sens",
        "/products?stock=in&max=90&option.Colour=Graphite&sort=-price",
    ],
)
def test_a_search_takes_few_statements(browser, path):
    sent = statements_of(browser, path)
    assert len(sent) <= (14 if "zzz" in path else 7), "\n\n".join(sent)


def test_search_pages_are_not_indexed_and_name_one_address(browser):
    page = browser.get("/search?q=sensor&sort=price&stock=in&utm_source=x")
    assert page.html.find("meta", attrs={"name": "robots"})["content"] == "noindex"
    canonical = page.html.find("link", rel="canonical")["href"]
    assert canonical == "http://localhost/search?q=sensor"
    assert len(page.html.select("#search-total, .result-count")) == 1  # said once


def test_stock_filters_follow_what_can_be_bought(shop, browser):
    def in_stock():
        return links(browser.get("/products?stock=in"))

    assert "/products/whole-home-bundle" in in_stock()
    with shop.unit() as db:
        kernel.set_stock(db, "RS1-PRO-WHT", 3, reason="Test", actor="test")
    assert "/products/whole-home-bundle" not in in_stock()  # it needs four
    assert "/products/rs-1-sensor" in in_stock()
    page = browser.get("/products?stock=in&option.Colour=Matte+white&option.Model=Lite")
    assert links(page) == ["/products/rs-1-sensor"]
    with shop.unit() as db:
        kernel.set_stock(db, "RS1-LITE-WHT", 0, reason="Test", actor="test")
    page = browser.get("/products?stock=in&option.Colour=Matte+white&option.Model=Lite")
    assert links(page) == []  # the white one is a Pro, the Lite ones are graphite
    assert "No product fits all of these filters" in page.text


def test_price_limits_the_wrong_way_round_are_read_as_meant(browser):
    meant, swapped = browser.get("/products?min=30&max=50"), browser.get("/products?min=50&max=30")
    assert links(meant)
    assert links(swapped) == links(meant)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"min": "abc"}, "“abc” is not a price, so it narrows nothing. Write a number, such as"),
        ({"max": "-5"}, "“-5” is not a price, so"),
        ({"min": "1-2", "max": "<b>"}, "“1-2” and “<b>” are not prices, so they narrow nothing."),
        ({"max": "9" * 60}, "“99999999999999999999” is not a price"),
        ({"min": " ", "max": "\u200b"}, ""),
        ({"max": "1,200"}, "“1,200” is not a price"),  # neither 1.20 nor 1200 for sure
        ({"min": "20,5", "max": "1,200.00"}, ""),
    ],
)
@pytest.mark.parametrize("path", ["/products", "/search?q=sensor", "/collections/bundles"])
def test_a_price_that_is_none_is_named_and_stays_in_its_field(browser, path, typed, said):
    page = browser.get(path, typed)
    message = page.html.find(id="filter-unread")
    if not said:
        assert message is None
        return
    assert said in message.get_text()
    assert message["role"] == "alert"
    assert links(page) == links(browser.get(path))
    for name, text in typed.items():
        box = page.html.find(id=f"filter-{name}")
        assert (box["value"], box["aria-invalid"]) == (text[:20], "true")
        assert said in page.html.find(id=box["aria-describedby"]).get_text()


def test_counts_say_what_a_filter_would_show(browser):
    page = browser.get("/products?option.Colour=Graphite&min=abc")
    for box in page.html.select("#filters input[type=checkbox]:not([checked])"):
        count = int(box.find_parent("label").select_one(".filter-count").string)
        narrowed = browser.get(
            "/products", {"option.Colour": "Graphite", box["name"]: box["value"]}
        )
        if box["name"] != "option.Colour":
            assert len(links(narrowed)) == count, box


def test_suggestions_are_grouped(browser):
    answer = browser.get("/search/suggest?q=sens")
    html = answer.html
    groups = [one["aria-label"] for one in html.select("[role=group]")]
    assert groups == ["Products", "Collections"]
    first = html.select_one("[role=option]")
    assert first["href"] == "/products/rs-1-sensor"
    assert "$79.00" in first.get_text()
    assert first.img
    assert "shipping" in browser.get("/search/suggest?q=shipping").text.lower()
    assert browser.get("/search/suggest?q=s").html.select("[role=option]") == []


def test_a_long_search_has_pages(make_shop):
    shop = make_shop(plugins=("catalog",), settings={"catalog": {"per_page": "4"}})
    demo.load(shop)
    browser = Browser(shop)
    first = browser.get("/search?q=sensor&sort=title")
    following = first.html.find("a", rel="next")["href"]
    assert following == "/search?q=sensor&sort=title&page=2"
    second = browser.get(following)
    assert not set(links(first)) & set(links(second))
    browser.get("/search?q=sensor&page=99", status=404)
