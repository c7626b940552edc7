"""Loading the demo catalogue."""

from __future__ import annotations

from sqlalchemy import func, select, update

from opticworks import kernel
from opticworks_catalog import demo
from opticworks_catalog.models import Base, Product, Variant


def rows(shop):
    with shop.unit() as db:
        return {
            table.name: db.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }


def load(shop):
    with shop.unit() as db:
        demo(ctx=shop.ctx(db))


def test_hook_demo(empty_shop):
    load(empty_shop)
    assert rows(empty_shop)["catalog_product"] == 8
    with empty_shop.unit() as db:
        stock = kernel.availability(db, ["RS1-PRO-WHT", "CBL-3M-GRA", "INJ-UK"])
        assert [stock[sku].free for sku in sorted(stock)] == [0, 3, 240]
        weight = db.scalar(select(Variant.weight).where(Variant.sku == "RS1-PRO-WHT"))
        assert weight == 145


def test_loading_again_changes_nothing_and_keeps_what_was_edited(shop):
    before = rows(shop)
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "poe-module").values(title="Mine"))
        kernel.set_stock(db, "POE-MOD", 7, reason="Counted", actor="test")
    load(shop)
    assert rows(shop) == before
    with shop.unit() as db:
        title = db.scalar(select(Product.title).where(Product.handle == "poe-module"))
        assert title == "Mine"
        assert kernel.availability(db, ["POE-MOD"])["POE-MOD"].free == 7


def test_the_text_pages_come_with_the_catalogue(browser):
    for slug in ("about", "shipping-returns", "terms"):
        assert browser.get(f"/pages/{slug}").html is not None
