"""After the shop has changed its currency: a file with all prices gives a product new ones."""

from __future__ import annotations

from decimal import Decimal

import pytest
from importing import cells, exported, run, table
from sqlalchemy import select, update

from opticworks_catalog import writing
from opticworks_catalog.inputs import ChoiceInput, OptionInput, ProductInput, VariantInput
from opticworks_catalog.models import Variant

CHOICES = "Bundle Choices (product.metafields.opticworks.choices)"
MOUNT = OptionInput(
    name="Mount",
    values=(("None", ""), ("Arm", "")),
    choices=(ChoiceInput(value="Arm", sku="ARM", surcharge=1500),),
)
PRODUCTS = (
    (
        "lamp",
        {"options": (OptionInput(name="Colour", values=(("Red", ""), ("Blue", ""))),)},
        VariantInput(sku="RED", price=1000, compare_at=1200, values=("Red",)),
        VariantInput(sku="BLUE", price=1100, values=("Blue",)),
    ),
    ("arm", {}, VariantInput(sku="ARM", price=2000)),
    (
        "pair",
        {},
        VariantInput(sku="PAIR", price=0, percent_off=Decimal(10), components=(("RED", 2),)),
    ),
    (
        "kit",
        {"options": (MOUNT,)},
        VariantInput(sku="K-NONE", price=3000, values=("None",), components=(("RED", 1),)),
        VariantInput(sku="K-ARM", price=4500, values=("Arm",), components=(("RED", 1), ("ARM", 1))),
    ),
)


@pytest.fixture
def shop(empty_shop):
    """A shop that sells in US dollars, and whose prices are all in pounds still."""
    with empty_shop.unit() as db:
        for handle, more, *variants in PRODUCTS:
            fields = {"title": handle.title(), "currency": "USD", "variants": tuple(variants)}
            writing.save(db, ProductInput(handle=handle, **fields, **more))
        db.execute(update(Variant).values(currency="GBP"))
    return empty_shop


def prices(shop):
    with shop.unit() as db:
        rows = db.execute(select(Variant.sku, Variant.price, Variant.compare_at, Variant.currency))
        return {sku: tuple(rest) for sku, *rest in rows}


def raised(text, factor=2):
    """The file with all its prices so many times as high."""
    rows = cells(text)
    for row in rows:
        for name in ("Variant Price", "Variant Compare At Price"):
            row[name] = str(Decimal(row[name]) * factor) if row[name] else ""
        row[CHOICES] = row[CHOICES].replace("15.00", "30.00")
    return table(*rows)


def said(report):
    return [str(entry) for entry in report.sorted]


def test_a_file_with_every_price_is_the_way_into_the_new_currency(shop):
    before, file = prices(shop), raised(exported(shop))
    tried = run(shop, file, dry_run=True)
    assert prices(shop) == before
    report = run(shop, file)
    assert said(report) == said(tried)
    assert (report.changed, report.skipped) == (tried.changed, tried.skipped) == (4, 0)
    assert "line 2, lamp: note: Its prices in GBP are replaced by those of the file, in USD." in (
        said(report)
    )
    assert prices(shop) == {
        "RED": (2000, 2400, "USD"),
        "BLUE": (2200, None, "USD"),
        "ARM": (4000, None, "USD"),
        "PAIR": (3600, 4000, "USD"),  # follows its parts
        "K-NONE": (6000, None, "USD"),
        "K-ARM": (9000, None, "USD"),
    }
    with shop.unit() as db:
        kit = writing.read(db, writing.find(db, ["kit"])["kit"])
    assert [choice.surcharge for choice in kit.options[0].choices] == [3000]
    again = run(shop, file)
    assert (again.unchanged, said(again)) == (4, [])


def test_a_file_with_some_prices_changes_nothing_and_says_which_are_missing(shop):
    before = prices(shop)
    report = run(
        shop,
        table(
            {"Handle": "lamp", "Variant SKU": "RED", "Variant Price": "20.00"},
            {"Handle": "arm", "Variant SKU": "ARM", "Variant Price": ""},
            {"Handle": "kit", "Variant SKU": "K-NONE", "Variant Price": "60.00"},
            {"Handle": "kit", "Variant SKU": "K-ARM", "Variant Price": "90.00"},
        ),
    )
    missing = "The shop has its prices in GBP, not USD, and the file has no new price for"
    choices = f"The shop has in GBP what its choices cost more. Add the column {CHOICES!r} to"
    skipped = [entry for entry in report.sorted if entry.kind == "skipped"]
    assert [(entry.line, entry.sentence) for entry in skipped] == [
        (2, f"{missing} BLUE."),
        (3, f"{missing} ARM."),
        (4, f"{choices} the file."),
    ]
    assert prices(shop) == before
    run(shop, table({"Handle": "lamp", "Title": "Lantern"}))
    assert prices(shop) == before


def test_a_price_before_that_the_file_does_not_have_is_gone_with_the_old_currency(shop):
    rows = (
        {"Handle": "lamp", "Variant SKU": "RED", "Variant Price": "20.00"},
        {"Handle": "lamp", "Variant SKU": "BLUE", "Variant Price": "22.00"},
    )
    run(shop, table(*rows))
    assert prices(shop)["RED"] == (2000, None, "USD")


def test_a_bundle_follows_its_parts_only_when_they_have_new_prices(shop):
    before, rows = prices(shop), cells(exported(shop))
    pair = table(*(row for row in rows if row["Handle"] == "pair"))
    (entry,) = said(run(shop, pair))
    assert entry == "line 2, pair: not imported: Its part RED has no price in USD yet."
    run(shop, raised(table(*(row for row in rows if row["Handle"] == "lamp"))))
    assert prices(shop)["PAIR"] == before["PAIR"]
    run(shop, pair)
    assert prices(shop)["PAIR"] == (3600, 4000, "USD")
