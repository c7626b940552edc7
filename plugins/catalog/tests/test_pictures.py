"""Pictures that staff add to products: where they are shown, and for which variants."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from catalog_making import statements_of
from sqlalchemy import select

from opticworks import demo, kernel
from opticworks.jobs.testing import drain, run_task
from opticworks.testing import pictures
from opticworks.testing.processes import buy
from opticworks.testing.shops import Browser
from opticworks_catalog import images
from opticworks_catalog.models import Image, Product

a_picture = partial(pictures.a_picture, width=1200, height=900)


def product_id(db, handle="rs-1-sensor"):
    return db.scalar(select(Product.id).where(Product.handle == handle))


def rows_of(shop, handle="rs-1-sensor"):
    with shop.unit() as db:
        return db.scalars(
            select(Image).where(Image.product_id == product_id(db, handle)).order_by(Image.position)
        ).all()


def attach(shop, content, handle="rs-1-sensor", **options):
    with shop.unit() as db:
        return images.attach(db, product_id(db, handle), content, **options)


def test_hook_pictures_used(shop):
    attach(shop, a_picture())
    (row,) = (row for row in rows_of(shop) if row.picture)
    with shop.unit() as db:
        (answer,) = (
            set(found)
            for found in shop.hooks.pictures_used(ids=(row.picture, "nobody"), ctx=shop.ctx(db))
            if found
        )
    assert answer == {row.picture}


def test_a_picture_comes_last_with_the_title_as_its_words(shop):
    attach(shop, a_picture(), handle="mounting-kit")
    *_, last = rows_of(shop, "mounting-kit")
    assert last.picture
    assert last.alt == "RS-1 Mounting Kit" or last.alt
    assert (last.width, last.height) == (1200, 900)


def test_the_same_picture_again_changes_what_is_different_and_nothing_else(shop):
    first = attach(shop, a_picture(), alt="Front", position=7)
    again = attach(shop, a_picture(), alt="From the front", values=[("Colour", "Graphite")])
    assert again == first
    (row,) = (row for row in rows_of(shop) if row.picture)
    assert (row.alt, row.position) == ("From the front", 7)


@pytest.mark.parametrize("values", [[("Colour", "Mauve")], [("Flavour", "Graphite")]])
def test_a_value_that_the_product_has_not_is_refused(shop, values):
    with pytest.raises(LookupError, match="has no option"):
        attach(shop, a_picture(), values=values)
    assert not any(row.picture for row in rows_of(shop))


def test_the_product_page_shows_it_at_once_and_then_in_every_width(shop, browser):
    attach(shop, a_picture(), handle="poe-module", alt="A new view", position=-1)
    page = browser.get("/products/poe-module").html
    shown = page.find("img", alt="A new view")
    assert shown["src"].endswith("/960.jpg")
    assert (shown["width"], shown["height"]) == ("1200", "900")
    assert browser.get(shown["src"]).content_type == "image/jpeg"

    drain(shop)
    page = browser.get("/products/poe-module").html
    shown = page.find("img", alt="A new view")
    sources = {one["type"]: one["srcset"] for one in shown.parent.find_all("source")}
    assert list(sources) == ["image/avif", "image/webp"]
    assert sources["image/avif"].endswith("/1200.avif 1200w")
    social = page.find("meta", property="og:image")["content"]
    folder = shown["src"].rpartition("/")[0]
    assert social == f"http://localhost{folder}/1200.webp"
    structured = page.find("script", type="application/ld+json").get_text()
    assert f'"http://localhost{shown["src"]}"' in structured


def test_pictures_of_a_value_are_those_of_its_variants(shop):
    attach(
        shop,
        a_picture(colour=(1, 1, 1)),
        alt="White",
        position=-9,
        values=[("Colour", "Matte white")],
    )
    both = [("Colour", "Matte white"), ("Colour", "Graphite"), ("Model", "Pro")]
    attach(shop, a_picture(colour=(2, 2, 2)), alt="Any Pro", position=-8, values=both)
    with shop.unit() as db:
        items = shop.hooks.items(
            skus=["RS1-PRO-WHT", "RS1-PRO-GRA", "RS1-LITE-GRA"], ctx=shop.ctx(db)
        )
    shown = {sku: item.image.alt for answer in items for sku, item in answer.items()}
    assert shown["RS1-PRO-WHT"] == "White"
    assert shown["RS1-PRO-GRA"] == "Any Pro"
    assert shown.get("RS1-LITE-GRA", "") not in ("White", "Any Pro")


def test_a_page_asks_for_pictures_until_they_are_made_and_then_not_again(shop, browser):
    browser.get("/products/poe-module")
    before = len(statements_of(browser, "/products/poe-module"))
    attach(shop, a_picture(), handle="poe-module")
    waiting = len(statements_of(browser, "/products/poe-module"))
    drain(shop)
    assert waiting == before + 2  # the product, which has changed, and its pictures
    browser.get("/products/poe-module")
    assert len(statements_of(browser, "/products/poe-module")) == before


def test_a_picture_that_is_gone_leaves_the_page_whole(shop, browser):
    attach(shop, a_picture(), handle="poe-module", alt="Gone soon")
    with shop.unit() as db:
        for row in db.scalars(select(Image).where(Image.picture.is_not(None))):
            row.picture = "nobody"
    assert "Gone soon" not in browser.get("/products/poe-module").text


def test_a_collection_shows_one_picture_of_its_own(shop, browser):
    from opticworks_catalog.models import Collection

    with shop.unit() as db:
        collection = db.scalar(select(Collection).where(Collection.handle == "modules"))
        images.attach_to_collection(db, collection.id, a_picture(), position=-1)
    page = browser.get("/collections/modules")
    assert "/960.jpg" in page.html.find("meta", property="og:image")["content"]


def test_what_is_no_picture_is_refused_and_nothing_is_left(shop):
    with pytest.raises(kernel.BadPicture, match="SVG"):
        attach(shop, b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert not any(row.picture for row in rows_of(shop))


def test_an_order_keeps_its_picture_whatever_becomes_of_the_product(make_shop):
    shop = make_shop(plugins=("catalog", "manual_payments", "table_rates"))
    demo.load(shop)
    attach(shop, a_picture(), handle="poe-module", alt="As it was", position=-1)
    drain(shop)
    number = buy(shop, email="ada@example.com", payment="bank_transfer", sku="POE-MOD")
    with shop.unit() as db:
        (row,) = db.scalars(select(Image).where(Image.picture.is_not(None)))
        db.delete(row)
    now = shop.now()
    for days in (1, 30):
        shop.now = lambda days=days: now + timedelta(days=days)
        run_task(shop, "media.sweep")
    with shop.unit() as db:
        (line,) = shop.order_view(db, number).lines
    assert line.image.alt == "As it was"
    assert line.image.id == row.picture
    assert Browser(shop).get(line.image.src).content_type == "image/jpeg"
    assert "avif" in line.image.srcset["image/avif"]
