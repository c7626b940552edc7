"""An address that was leads to the one that is, in one step, for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from opticworks_catalog import writing
from opticworks_catalog.finding import handles
from opticworks_catalog.finding.handles import COLLECTION, PRODUCT, Change, Target
from opticworks_catalog.models import Collection, Product


@pytest.fixture
def rename(shop):
    def rename(before, now):
        with shop.unit() as db:
            key = writing.find(db, [before])[before]
            writing.save(db, replace(writing.read(db, key), handle=now), product_id=key)
        return key

    return rename


def leads_to(browser, path):
    answer = browser.get(path, status=301)
    assert browser.get(answer.location, status=200)  # one hop
    return answer.location.removeprefix("http://localhost")


def test_a_changed_handle_redirects_in_one_hop_however_often_it_changes(browser, rename):
    for before, now in (("iaq-module", "air-1"), ("air-1", "air-2"), ("air-2", "air-3")):
        rename(before, now)
    for old in ("iaq-module", "air-1", "air-2", "IAQ-Module", "air-1/"):
        assert leads_to(browser, f"/products/{old}") == "/products/air-3"
    assert leads_to(browser, "/products/air-1?utm_source=x") == "/products/air-3?utm_source=x"
    assert leads_to(browser, "/products/AIR-3/") == "/products/air-3"


def test_going_back_to_an_old_handle_works(browser, rename):
    rename("iaq-module", "air-1")
    rename("air-1", "iaq-module")
    browser.get("/products/iaq-module", status=200)
    assert leads_to(browser, "/products/air-1") == "/products/iaq-module"


def test_an_old_handle_stays_reserved(shop, rename):
    rename("iaq-module", "air-1")
    with pytest.raises(writing.Invalid, match="once belonged to another product"):
        rename("poe-module", "iaq-module")
    with shop.unit() as db:
        assert handles.problem(db, PRODUCT, "iaq-module") != ""
        assert handles.problem(db, COLLECTION, "iaq-module") == ""


def test_a_deleted_product_leads_to_the_chosen_target_or_says_it_is_gone(shop, browser, rename):
    rename("iaq-module", "air-1")
    with shop.unit() as db:
        ids = writing.find(db, ["air-1", "poe-injector", "rs-1-sensor"])
        writing.delete(db, ids["air-1"], target=Target(PRODUCT, ids["rs-1-sensor"]))
        db.execute(
            update(Product).where(Product.handle == "usb-c-cable").values(status=writing.ARCHIVED)
        )
        writing.delete(db, writing.find(db, ["usb-c-cable"])["usb-c-cable"])
    for old in ("iaq-module", "air-1"):
        assert leads_to(browser, f"/products/{old}") == "/products/rs-1-sensor"
    gone = browser.get("/products/usb-c-cable", status=410)
    assert "no longer sold" in gone.text
    main = gone.html.find("main")
    assert [link["href"] for link in main.find_all("a")] == ["/products", "/"]
    rename("poe-injector", "usb-c-cable")  # nothing stands in its way
    browser.get("/products/usb-c-cable", status=200)


def test_a_product_can_lead_to_a_collection_and_never_to_itself(shop, browser):
    with shop.unit() as db:
        key = writing.find(db, ["usb-c-cable"])["usb-c-cable"]
        accessories = db.scalar(select(Collection.id).where(Collection.handle == "accessories"))
        with pytest.raises(ValueError, match="can't lead to what is being deleted"):
            writing.delete(db, key, target=Target(PRODUCT, key))
        writing.delete(db, key, target=Target(COLLECTION, accessories))
    assert leads_to(browser, "/products/usb-c-cable") == "/collections/accessories"


def test_a_collections_changed_handle_redirects_too(shop, browser):
    with shop.unit() as db:
        row = db.scalar(select(Collection).where(Collection.handle == "modules"))
        row.handle = "add-ons"
        db.flush()
        handles.changed(db, [Change(Target(COLLECTION, row.id), "modules", "add-ons")])
    assert leads_to(browser, "/collections/modules") == "/collections/add-ons"


def test_an_address_that_leads_to_a_draft_is_a_404_until_it_is_shown(shop, browser, rename):
    key = rename("iaq-module", "air-1")
    with shop.unit() as db:
        db.execute(update(Product).where(Product.id == key).values(status="draft"))
    browser.get("/products/iaq-module", status=404)


def test_what_is_sold_out_keeps_its_page(browser):
    assert "Sold out" in browser.get("/products/usb-c-cable?variant=CBL-3M-GRA", status=200).text
