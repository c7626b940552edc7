"""Exporting, and importing what was exported."""

from __future__ import annotations

from catalog_making import snapshot
from importing import REAL, cells, exported, run

from opticworks import kernel
from opticworks.testing.shops import clear
from opticworks_catalog import writing
from opticworks_catalog.exchange import columns


def test_an_export_into_the_same_shop_changes_nothing(shop):
    for content in REAL.values():
        run(shop, content)
    text = exported(shop)
    before = snapshot(shop)
    report = run(shop, text)
    assert (report.created, report.changed, report.unchanged, report.skipped) == (0, 0, 68, 0)
    assert snapshot(shop) == before


def test_an_export_into_an_empty_shop_makes_the_same_export(shop):
    for content in REAL.values():
        run(shop, content)
    with shop.unit() as db:
        kernel.set_backorder_limit(db, "POE-MOD", 12)
        ids = writing.find(db, ["poe-module", "rs-1-sensor", "usb-c-cable"])
        before = {key: writing.read(db, key) for key in ids.values()}
    text = exported(shop)
    clear(shop)
    report = run(shop, text)
    assert (report.created, report.skipped) == (68, 0)
    assert exported(shop) == text
    with shop.unit() as db:
        for old in before.values():
            new = writing.read(db, writing.find(db, [old.handle])[old.handle])
            assert new.options == old.options
            assert new.specs == old.specs
            assert new.collections == old.collections
            assert [v.components for v in new.variants] == [v.components for v in old.variants]


def test_the_file_has_the_columns_of_the_format_in_its_order(shop):
    first, *_ = rows = cells(exported(shop))
    assert tuple(first) == columns.ORDER
    real = REAL["home-and-garden"].decode().split("\r\n")[0].split(",")
    assert list(first)[: len(real)] == real
    bundle = next(row for row in rows if row["Variant SKU"] == "BND-HOME")
    assert bundle[columns.COMPONENTS] == "4 x RS1-PRO-WHT\n4 x MNT-KIT"
    assert bundle[columns.QUANTITY] == ""
    assert first[columns.IMAGE].startswith("http://localhost/catalog/images/")
    assert [row[columns.TITLE] for row in rows if row["Handle"] == first["Handle"]][1:3] == ["", ""]
