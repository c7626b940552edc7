"""A process remembers the catalogue, and never shows what is not so any more."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Table, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from opticworks.contracts import Picture
from opticworks.db import reading_session
from opticworks.testing.shops import counted
from opticworks_catalog import items, statements
from opticworks_catalog.finding.statements import Shape, page
from opticworks_catalog.reading import complete, read_collections, read_listing, read_product

SKU = "RS1-PRO-GRA"
HANDLE = "rs-1-sensor"


def title(db):
    product, _ = read_product(db, HANDLE, "USD", 4)
    return product.title


def price(shop, db):
    return items(skus=[SKU], ctx=shop.ctx(db))[SKU].unit_price.minor


def test_what_another_connection_commits_is_seen_by_the_next_read(shop):
    with reading_session(shop.reader) as db:
        before = title(db)
    with counted() as sent, reading_session(shop.reader) as db:
        assert title(db) == before
        read_collections(db)
    assert len(sent) <= 2  # the collections may be new to this process, the stamp is asked once
    # Not through any service of ours, as an operator would.
    with shop.engine.connect() as other:
        changed = text("UPDATE catalog_product SET title = :title WHERE handle = :handle")
        other.execute(changed, {"title": "Another name", "handle": HANDLE})
        with reading_session(shop.reader) as db:
            assert title(db) == before
        other.commit()
    with reading_session(shop.reader) as db:
        assert title(db) == "Another name"


def test_a_product_is_remembered_once_wherever_it_is_shown(shop):
    with reading_session(shop.reader) as db:
        listed, total = read_listing(db, "USD", limit=100)
        pages = [read_product(db, one.handle, "USD", 4) for one in listed]
    assert len(listed) == total
    by_handle = {one.handle: one for one in listed}
    for (product, others), one in zip(pages, listed, strict=True):
        assert product is one
        for other in others:
            whole = by_handle[other.handle]
            assert other.variants is whole.variants
            assert other.images is whole.images
            assert other == replace(whole, options=(), collections=())
    assert any(others for _, others in pages)


def test_what_was_rolled_back_is_forgotten_and_own_changes_are_seen(shop):
    def set_price(db, minor):
        values = {"price": minor, "sku": SKU}
        db.execute(text("UPDATE catalog_variant SET price = :price WHERE sku = :sku"), values)

    with shop.unit() as db:
        before = price(shop, db)
    with Session(shop.engine) as db:
        set_price(db, before + 1)
        assert price(shop, db) == before + 1
        set_price(db, before + 2)
        assert price(shop, db) == before + 2
        db.rollback()
    with shop.unit() as db:
        assert price(shop, db) == before
        db.execute(text("UPDATE catalog_variant SET barcode = '1' WHERE sku = :sku"), {"sku": SKU})
    with shop.unit() as db:
        assert price(shop, db) == before
        with counted() as sent:
            assert price(shop, db) == before
    assert len(sent) == 1


def test_every_table_that_is_remembered_notes_its_changes(shop):
    asked = (
        statements.product_with_related(4),
        statements.collections(),
        statements.goods(),
        page(Shape(sort="featured", collection=True)),
        page(Shape(sort="price")),
    )
    tables = {
        element.name
        for statement in asked
        for element in visitors.iterate(statement)
        if isinstance(element, Table)
    }
    assert {"catalog_product", "catalog_component", "catalog_image_value"} <= tables
    with shop.engine.connect() as connection:
        noted = set(
            connection.scalars(
                text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'changed'")
            )
        )
    assert tables <= noted


def test_connections_that_are_gone_leave_no_rows(shop):
    with shop.engine.begin() as connection:
        connection.execute(text("DELETE FROM change"))
        connection.execute(
            text("INSERT INTO change SELECT 'catalog', -n, -n FROM generate_series(1, 500) AS n")
        )
        connection.execute(text("UPDATE catalog_product SET vendor = vendor"))
        assert connection.scalar(text("SELECT count(*) FROM change")) == 1


def test_a_picture_that_is_still_being_made_is_asked_for_again():
    made = Picture(src="a.jpg", width=1, height=1, alt="", srcset={"image/webp": "a.webp 1w"})
    making = Picture(src="a.jpg", width=1, height=1, alt="")
    assert complete({"a"}, {"a": made})
    assert not complete({"a", "b"}, {"a": made, "b": making})
    assert not complete({"a", "b"}, {"a": made})
