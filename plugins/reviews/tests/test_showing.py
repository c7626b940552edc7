"""Reviews on the product's page and stars on cards: what visitors and search engines are told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from review_making import add, rating
from sqlalchemy import select, text

from opticworks import demo
from opticworks.contracts import Rating
from opticworks.testing.shops import Browser, counted
from opticworks_reviews import attention, reading, slot
from opticworks_reviews.models import Review

PAGE = "/products/poe-module"


@pytest.fixture
def shop(make_shop):
    """The demo shop without any review yet."""
    shop = make_shop(plugins=("catalog", "reviews"))
    demo.load(shop)
    with shop.unit() as db:
        db.query(Review).delete()
    return shop


def said(page, selector):
    return [" ".join(each.get_text(" ").split()) for each in page.html.select(selector)]


def product_data(page):
    blocks = page.html.select("script[type='application/ld+json']")
    return next(data for block in blocks if "Product" in (data := json.loads(block.text))["@type"])


def fill(shop):
    """Twelve published ones, two that nobody may see."""
    for stars, count in ((5, 7), (4, 2), (2, 1), (1, 2)):
        add(shop, count, "POE-MOD", stars)
    add(shop, 1, "POE-MOD", 1, status="waiting")
    add(shop, 1, "POE-MOD", 1, status="rejected")


def test_nothing_is_shown_or_told_before_there_is_a_published_review(shop):
    add(shop, 1, "POE-MOD", 5, status="waiting")
    page = Browser(shop).get(PAGE)
    assert page.html.select("#reviews, .stars") == []
    assert "aggregateRating" not in product_data(page)


def test_hook_ratings_what_is_told_equals_what_is_shown(shop):
    fill(shop)
    browser = Browser(shop)
    page = browser.get(PAGE)
    told = product_data(page)["aggregateRating"]
    assert said(page, ".reviews-average strong") == ["3.9"]
    assert told["ratingValue"] == "3.9"
    assert said(page, ".reviews-count") == ["12 reviews"]
    assert told["reviewCount"] == 12
    assert said(page, ".product-rating")[0].startswith("3.9 of 5 stars 3.9 (")
    assert [each.split()[0] for each in said(page, ".reviews-bar-stars")] == list("54321")
    assert said(page, ".reviews-bar-count") == [
        f"{n} {n} review{'' if n == 1 else 's'}" for n in (7, 2, 0, 1, 2)
    ]
    assert rating(shop, "POE-MOD", "MNT-KIT") == {"POE-MOD": Rating(stars=(2, 1, 0, 2, 7))}
    seen = set()
    path = PAGE
    while path:  # every review can be reached by following links
        page = browser.get(path.partition("#")[0])
        seen |= set(said(page, ".review .review-body"))
        following = page.html.select_one("#reviews a[rel=next]")
        path = following["href"] if following else ""
    assert len(seen) == 12
    cards = {
        card.select_one("a")["href"]: [e.get_text(" ") for e in card.select(".card-rating")]
        for card in browser.get("/products").html.select(".card-product")
    }
    assert [" ".join(cards[PAGE][0].split())] == ["3.9 of 5 stars 12 from 12 reviews"]
    assert sum(map(len, cards.values())) == 1
    assert said(browser.get("/"), ".card-rating") == ["3.9 of 5 stars 12 from 12 reviews"]


def test_all_variants_share_their_products_reviews(shop):
    add(shop, 1, "RS1-PRO-WHT", 5)
    add(shop, 1, "RS1-LITE-GRA", 2)
    browser = Browser(shop)
    page = browser.get("/products/rs-1-sensor?variant=RS1-PRO-GRA")
    assert said(page, ".reviews-average strong") == ["3.5"]
    assert product_data(page)["aggregateRating"]["reviewCount"] == 2
    for link in page.html.select("#reviews a[href]"):
        assert "variant=RS1-PRO-GRA" in link["href"]
    add(shop, 1, "MNT-KIT", 4)
    assert "(1) 1 review" in said(browser.get("/products/mounting-kit"), ".product-rating")[0]
    assert "reviews" not in said(browser.get("/products/mounting-kit"), ".product-rating")[0]


def test_they_are_sorted_and_narrowed_down_by_links(shop):
    fill(shop)
    browser = Browser(shop)
    page = browser.get(PAGE)
    ones = next(link for link in page.html.select(".reviews-bar") if "1 ★" in link.get_text())
    low = browser.get(ones["href"].partition("#")[0])
    assert len(low.html.select(".review")) == 2
    assert low.html.select_one("link[rel=canonical]")["href"].endswith(PAGE)
    assert product_data(low)["aggregateRating"]["reviewCount"] == 12
    none = browser.get(f"{PAGE}?reviews-stars=3")
    assert said(none, ".reviews-none") == ["Nobody has given 3 stars."]
    worst = browser.get(f"{PAGE}?reviews-sort=lowest")
    order = [star["data-half"] for star in worst.html.select(".review .stars")]
    assert order == sorted(order, key=int)
    for odd in ("reviews-page=0", "reviews-page=x", "reviews-page=99999", "reviews-stars=9"):
        assert browser.get(f"{PAGE}?{odd}").html.select(".review") != []


def test_a_page_costs_no_statement_more_for_its_reviews(shop):
    fill(shop)
    browser = Browser(shop)
    for path in (PAGE, "/products"):
        browser.get(path)
        with counted() as warm:
            browser.get(path)
        assert not [each for each in warm if "reviews_" in each], path
    for path, most in ((f"{PAGE}?reviews-page=2", 1), (f"{PAGE}?reviews-stars=5", 1)):
        with counted() as sent:
            browser.get(path)
        assert len([each for each in sent if "reviews_" in each]) == most
    add(shop, 1, "POE-MOD")  # the first page after a change: counts, and the newest
    with counted() as cold:
        browser.get(PAGE)
    assert len([each for each in cold if "reviews_" in each]) == 2


def test_a_change_shows_at_once_and_caches_can_tell(shop):
    fill(shop)
    browser = Browser(shop)
    first = browser.get(PAGE)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "product:poe-module" in first.headers["Surrogate-Key"].split()
    same = {"If-None-Match": first.headers["ETag"]}
    browser.get(PAGE, headers=same, status=304)
    with shop.engine.begin() as elsewhere:  # as another process would
        elsewhere.execute(text("UPDATE reviews_review SET status = 'published' WHERE stars = 1"))
    now = browser.get(PAGE, headers=same, status=200)
    assert said(now, ".reviews-count") == ["14 reviews"]


def test_text_is_text_and_badge_answer_and_what_was_given_are_shown(shop):
    more = {"verified": True, "order_number": "K7M2-9QXD", "answer": "Thank you."}
    add(shop, 1, "POE-MOD", incentive="For a coupon.", **more)
    add(shop, 1, "MNT-KIT", headline="<b>Bold</b>", body="${1+1}\n<script>x</script>", name="<i>")
    browser = Browser(shop)
    page = browser.get(PAGE)
    assert "Verified purchase" in said(page, ".review-who")[0]
    assert said(page, ".review-answer .review-body") == ["Thank you."]
    assert said(page, ".review-incentive") == ["For a coupon."]
    assert "K7M2" not in page
    assert "@example.com" not in " ".join(said(page, "#reviews"))
    page = browser.get("/products/mounting-kit")
    assert said(page, ".review-headline") == ["<b>Bold</b>"]
    assert said(page, ".review .review-body") == ["${1+1} <script>x</script>"]


def test_hook_slot_that_fails_costs_the_stars_and_nothing_else(shop, monkeypatch):
    fill(shop)
    add(shop, 3, "POE-MOD", status="waiting")
    with shop.unit() as db:
        ctx = shop.ctx(db)
        assert list(slot(name="home.featured", context={}, ctx=ctx)) == []
        assert [each.count for each in attention(ctx=ctx)] == [4]
    browser = Browser(shop)

    def fail(*args, **kwargs):
        raise RuntimeError("no ratings")

    monkeypatch.setattr(reading, "ratings", fail)
    page = browser.get(PAGE)
    assert page.html.select("#reviews, .stars") == []


def test_ratings_are_rounded_as_people_do():
    assert str(Rating(stars=(0, 0, 0, 1, 3)).average) == "4.8"
    assert Rating(stars=(0, 0, 0, 1, 3)).halves == 10
    assert Rating(stars=(0, 0, 1, 0, 1)).halves == 8
    assert Rating().average == 0
    both = Rating(stars=(1, 0, 0, 0, 0)) + Rating(stars=(0, 0, 0, 0, 2))
    assert (both.count, str(both.average)) == (3, "3.7")


def test_hook_demo_shows_every_kind_and_is_loaded_once(make_shop):
    shop = make_shop(plugins=("catalog", "reviews"))
    for _ in range(2):
        demo.load(shop)
    with shop.unit() as db:
        rows = db.scalars(select(Review)).all()
        from opticworks_reviews import demo as load

        load(ctx=shop.ctx(db))
    with shop.unit() as db:
        assert len(db.scalars(select(Review)).all()) == len(rows) == 20
        skus = {row.sku for row in rows}
        known = set(db.scalars(text("SELECT sku FROM catalog_variant")))
    assert skus <= known
    assert {row.stars for row in rows} == {1, 2, 3, 4, 5}
    assert {row.status for row in rows} == {"published", "waiting"}
    assert Browser(shop).get(rows[0].product).html.select(".review") != []
    assert all(row.created_at < shop.now() + timedelta(seconds=1) for row in rows)
