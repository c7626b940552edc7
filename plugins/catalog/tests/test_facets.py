"""The counts beside the filters of a search: right after every change, cheap over many products."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from opticworks_catalog import writing
from opticworks_catalog.finding import filters, index, search, statements
from opticworks_catalog.finding import query as queries
from opticworks_catalog.finding.models import Facet
from opticworks_catalog.models import Variant

PRODUCTS = 2000
#: Three variants each, of two options with three values; four have a rare word.
SEED = (
    """
    INSERT INTO catalog_product (handle, title, status, published_at, position)
    SELECT 'p-' || i, 'Sensor ' || CASE WHEN i % 500 = 0 THEN 'rarity ' ELSE '' END || i,
           'published', now(), i
    FROM generate_series(1, :count) i
    """,
    """
    INSERT INTO catalog_option (product_id, name, position)
    SELECT p.id, n.name, n.position
    FROM catalog_product p, (VALUES ('Colour', 0), ('Size', 1)) n(name, position)
    """,
    """
    INSERT INTO catalog_option_value (option_id, value, position)
    SELECT o.id, o.name || ' ' || v, v FROM catalog_option o, generate_series(1, 3) v
    """,
    """
    INSERT INTO catalog_variant (product_id, sku, price, currency, position)
    SELECT p.id, p.handle || '-' || v, 1000 + v, 'USD', v
    FROM catalog_product p, generate_series(1, 3) v
    """,
    """
    INSERT INTO catalog_variant_value (variant_id, option_id, value_id)
    SELECT va.id, o.id, ov.id
    FROM catalog_variant va
    JOIN catalog_option o ON o.product_id = va.product_id
    JOIN catalog_option_value ov ON ov.option_id = o.id AND ov.position = va.position
    """,
    """
    INSERT INTO stock_item (sku, on_hand, held, backorder_limit)
    SELECT sku, position % 3, 0, 0 FROM catalog_variant
    """,
)
TABLES = ("catalog_product", "catalog_variant", "catalog_search", "stock_item")


@pytest.fixture
def many(empty_shop: Any) -> Any:
    with empty_shop.unit() as db:
        for statement in SEED:
            db.execute(text(statement), {"count": PRODUCTS} if ":count" in statement else {})
        index.reindex(db, "english")
    with empty_shop.unit() as db:  # as autovacuum does after a while
        for name in ("document", "codes"):
            db.execute(text(f"SELECT gin_clean_pending_list('ix_catalog_search_{name}')"))
        for table in TABLES:
            db.execute(text(f"ANALYZE {table}"))
    return empty_shop


def facets(shop: Any, typed: str, **given: str) -> search.Facets:
    with shop.unit() as db:
        listing = filters.read("/search", typed, given, "USD")
        query = queries.read(db, typed, "english")
        return search.count(shop.ctx(db), listing, "", query)


def plan(shop: Any, typed: str, *, no_scans: bool = False, **given: str) -> tuple[str, int]:
    """How PostgreSQL counts, and how many blocks it reads for that."""
    with shop.unit() as db:
        ctx = shop.ctx(db)
        listing = filters.read("/search", typed, given, "USD")
        query = queries.read(db, typed, "english")
        statement = statements.facets(search._shape(ctx, listing, "", query))
        values = {**search._values(ctx, listing, "", query), "document": query.counted}
        connection = db.connection()
        if no_scans:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        compiled = statement.compile(connection.engine)
        found = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled}",
            compiled.construct_params(values),
        ).scalar_one()[0]["Plan"]
        return str(found), found["Shared Hit Blocks"] + found["Shared Read Blocks"]


def counts(found: search.Facets) -> dict[str, int]:
    return {row["value"]: row["count"] for row in found.options}


def test_counting_reads_each_table_once_and_looks_nothing_up_by_the_row(many):
    found = facets(many, "sensor")
    assert (found.in_stock, found.low, found.high) == (PRODUCTS, 1001, 1003)
    assert counts(found) == {f"{n} {v}": PRODUCTS for n in ("Colour", "Size") for v in (1, 2, 3)}
    with many.unit() as db:
        size = db.scalar(
            text(
                "SELECT sum(pg_relation_size(t::regclass)) / 8192 FROM unnest(CAST(:t AS text[])) t"
            ),
            {"t": list(TABLES)},
        )
    for given in ({}, {"stock": "in"}, {"option.Colour": "Colour 1"}, {"min": "10.02"}):
        how, blocks = plan(many, "sensor", **given)
        assert "catalog_option" not in how
        assert "catalog_variant_value" not in how
        assert blocks <= 2 * size, f"{blocks} blocks for {given}, of {size} that there are"
    # A rare word is found by its index.
    assert counts(facets(many, "rarity"))["Colour 1"] == PRODUCTS / 500
    how, blocks = plan(many, "rarity", no_scans=True)  # which a table of this size is cheaper with
    for name in ("search_document", "search_codes", "variant_product_id"):
        assert f"ix_catalog_{name}" in how
    assert blocks < 200  # of thousands
    # Of an option that was chosen the other values are counted as if they were.
    found = facets(many, "sensor", **{"option.Colour": "Colour 1", "stock": "in"})
    assert counts(found) == {
        "Colour 1": PRODUCTS,
        "Colour 2": PRODUCTS,
        "Colour 3": 0,  # the third is sold out
        "Size 1": PRODUCTS,
        "Size 2": 0,
        "Size 3": 0,
    }


def test_facets_follow_every_change_and_the_index_made_anew_is_the_same(shop):
    def kept() -> dict[str, set[tuple[str, str, str]]]:
        with shop.unit() as db:
            known = {row.id: (row.name, row.value, row.swatch) for row in db.scalars(select(Facet))}
            rows = db.execute(select(Variant.sku, Variant.facets))
            return {sku: {known[one] for one in ids} for sku, ids in rows}

    assert kept()["RS1-PRO-GRA"] == {("Model", "Pro", ""), ("Colour", "Graphite", "#3a3c40")}
    assert kept()["MNT-KIT"] == set()
    with shop.unit() as db:
        key = writing.find(db, ["rs-1-sensor"])["rs-1-sensor"]
        before = writing.read(db, key)
        model, colour = before.options
        values = tuple((v, "#000000" if v == "Graphite" else s) for v, s in colour.values)
        named = replace(colour, name="Finish", values=values)
        writing.save(db, replace(before, options=(model, named)), product_id=key)
    changed = kept()
    assert changed["RS1-PRO-GRA"] == {("Model", "Pro", ""), ("Finish", "Graphite", "#000000")}
    assert changed["BND-PROPOE-GRA"] >= {("Colour", "Graphite", "#3a3c40")}
    with shop.unit() as db:
        index.reindex(db, "english")
        assert db.scalar(select(Facet.id).where(Facet.name == "Finish").limit(1))
    assert kept() == changed
