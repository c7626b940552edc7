"""Importing product files: what is taken, what is refused and how it is said."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from catalog_making import snapshot
from click.testing import CliRunner
from importing import FILES, REAL, cells, exported, run, table
from sqlalchemy import func, select, text, update
from test_commands import Context

from opticworks import kernel
from opticworks.stock.models import StockEntry
from opticworks.stock.service import hold, verify
from opticworks.testing.shops import Browser, counted
from opticworks_catalog import writing
from opticworks_catalog.cli import catalog
from opticworks_catalog.exchange import sheet
from opticworks_catalog.exchange.loading import Wish, load
from opticworks_catalog.exchange.sheet import BadFile, read_sheet
from opticworks_catalog.models import Collection, Image, ImageSource, Product, Variant

LAMP = {
    "Handle": "desk-lamp",
    "Title": "Desk Lamp",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant SKU": "LAMP",
    "Variant Price": "40.00",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "7",
}
RED = {**LAMP, "Option1 Name": "Colour", "Option1 Value": "Red", "Variant SKU": "LAMP-R"}
BLUE = {
    **dict.fromkeys(RED, ""),
    "Handle": "desk-lamp",
    "Option1 Value": "Blue",
    "Variant SKU": "LAMP-B",
    "Variant Price": "45",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "2",
}


def product(shop, handle="desk-lamp"):
    with shop.unit() as db:
        return writing.read(db, writing.find(db, [handle])[handle])


def said(report, *kinds):
    return [str(entry) for entry in report.sorted if not kinds or entry.kind in kinds]


def on_hand(shop, *skus):
    with shop.unit() as db:
        levels = kernel.availability(db, skus)
    return [levels[sku].on_hand for sku in skus]


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_imported_once(empty_shop, name):
    first = run(empty_shop, REAL[name])
    assert (first.created, first.changed, first.skipped) == (20, 0, 0)
    before = snapshot(empty_shop)
    second = run(empty_shop, REAL[name])
    assert (second.created, second.changed, second.unchanged) == (0, 0, 20)
    assert "0 changed" in second.summary
    assert snapshot(empty_shop) == before


def test_what_a_real_file_says_is_in_the_shop(empty_shop):
    report = run(empty_shop, REAL["jewelery"])
    bracelet = product(empty_shop, "chain-bracelet")
    assert (bracelet.title, bracelet.vendor, bracelet.product_type, bracelet.tags) == (
        "7 Shakra Bracelet",
        "Company 123",
        "Bracelet",
        ("Beads",),
    )
    assert [(v.sku, v.values, v.price, v.compare_at) for v in bracelet.variants] == [
        ("CHAIN-BRACELET.BLUE", ("Blue",), 4299, 4499),
        ("CHAIN-BRACELET.BLACK", ("Black",), 4299, 4499),
    ]
    assert bracelet.options[0].name == "Color"
    assert on_hand(empty_shop, "CHAIN-BRACELET.BLUE", "CHAIN-BRACELET.BLACK") == [1, 0]
    choker = product(empty_shop, "choker-with-gold-pendant").description
    assert "\n\n- 14k yellow gold\n- Leather\n" in choker
    page = Browser(empty_shop).get("/products/choker-with-gold-pendant").html
    assert "Lobster clasp" in [item.get_text(strip=True) for item in page.select("li")]
    # The lines of the file, though some cells have several.
    pictures = [entry for entry in report.entries if entry.kind == "picture"]
    lines = FILES.joinpath("jewelery.csv").read_text().split("\n")
    assert len(pictures) == 41
    assert all(entry.sentence.split()[0] in lines[entry.line - 1] for entry in pictures[:10])
    assert report.summary == (
        "20 new, 0 changed, 0 as they were, 0 not imported; stock of 20 variants set."
    )
    shown = list(report.lines())
    assert any(line.startswith("23 variants have no SKU in the file") for line in shown)
    assert any(line.startswith("The stock of 23 variants is not counted") for line in shown)


def test_a_try_keeps_nobody_waiting(empty_shop):
    run(empty_shop, REAL["home-and-garden"])
    edited = []

    def edit(what, done, total):
        with empty_shop.unit() as db:
            db.execute(text("SET LOCAL lock_timeout = '2s'"))
            edited.append(db.execute(update(Product).values(subtitle="edited")).rowcount)

    content = REAL["home-and-garden"].replace(b",9.99,", b",8.99,")
    wish = Wish(actor="test", dry_run=True, pictures=False)
    report = load(empty_shop, content, wish, progress=edit)
    assert report.changed == 1
    assert edited == [20]


def test_a_try_with_a_bundle_keeps_its_parts_alone_and_last(empty_shop):
    bundle = "Bundle (variant.metafields.opticworks.components)"
    rows = [
        {**LAMP, "Handle": "set", "Title": "Set", "Variant SKU": "SET", bundle: "2 x PART"},
        {**LAMP, "Handle": "part", "Title": "Part", "Variant SKU": "PART"},
        LAMP,
    ]
    assert run(empty_shop, table(*rows)).created == 3
    free = []

    def edit(what, done, total):
        with empty_shop.unit() as db:
            rows = db.execute(select(Product.handle).with_for_update(skip_locked=True))
            free.append(set(rows.scalars()))

    content = table(*rows).replace("40.00", "50.00").encode()
    wish = Wish(actor="test", dry_run=True, pictures=False)
    assert load(empty_shop, content, wish, progress=edit).changed == 3
    assert free == [{"set", "part", "desk-lamp"}, {"desk-lamp"}]


def test_a_try_writes_nothing_and_says_the_same(empty_shop):
    run(empty_shop, REAL["home-and-garden"])
    content = REAL["home-and-garden"].replace(b",9.99,", b",8.99,").replace(b",500,", b",abc,")
    before = snapshot(empty_shop)
    stock = on_hand(empty_shop, "CREAM-SOFA")
    tried = run(empty_shop, content, dry_run=True)
    assert snapshot(empty_shop) == before
    assert on_hand(empty_shop, "CREAM-SOFA") == stock
    done = run(empty_shop, content)
    assert said(tried) == said(done)
    assert replace(done, dry_run=True) == tried
    assert (done.changed, done.skipped) == (1, 1)
    assert tried.summary.startswith("Would be: 0 new, 1 changed")


def test_one_thing_that_is_wrong_keeps_its_whole_product_out(empty_shop):
    for cell, sentence in (
        ({"Variant Price": "abc"}, 'The price "abc" is not a number like 19.99.'),
        ({"Variant Price": "1.234,50"}, "Write it with a point, like 12.50."),
        ({"Variant Price": "9.999"}, "9.999 has more decimals than USD has."),
        ({"Variant Price": "-1"}, "A price can't be below zero."),
        ({"Variant Price": "9e9"}, 'The price "9e9" is not a number'),
        ({"Variant Price": "", "Variant SKU": "NEW"}, "It is new and has no price."),
        ({"Variant Compare At Price": "?"}, 'The price "?" is not a number'),
        ({"Variant Grams": "heavy"}, 'The weight "heavy" is not a number of grams.'),
        ({"Variant Inventory Qty": "1.5"}, 'The quantity "1.5" is not a whole number.'),
        ({"Variant Inventory Policy": "maybe"}, 'says "maybe" instead of deny or continue.'),
        ({"Variant Requires Shipping": "often"}, 'says "often" instead of true or false.'),
        ({"Option1 Value": "Red"}, "Two variants are Red."),
        ({"Option1 Value": ""}, "It has no value for the option Colour."),
        ({"Option2 Value": "L"}, "there is no Option2 Name"),
        ({"Variant SKU": "LAMP-R"}, "The SKU LAMP-R is in line 2 already."),
        ({"Option1 Value": "x" * 256}, "256 characters; there is room for 255."),
        ({"Variant Barcode": "\0"}, "NUL"),
    ):
        sku = {"Variant SKU": ""} if "variants are" in sentence else {}
        report = run(empty_shop, table(RED, {**BLUE, **sku, **cell}))
        assert (report.created, report.skipped) == (0, 1), cell
        assert sentence in " ".join(said(report, "skipped")), said(report)
        if "NUL" not in sentence and "255" not in sentence:
            assert said(report, "skipped")[0].startswith("line 3, desk-lamp: not imported:")
    with empty_shop.unit() as db:
        assert db.scalar(select(func.count()).select_from(Product)) == 0
        assert db.scalar(select(func.count()).select_from(StockEntry)) == 0


def test_of_two_products_with_one_sku_the_first_is_imported(empty_shop):
    other = {**LAMP, "Handle": "floor-lamp", "Title": "Floor Lamp"}
    report = run(empty_shop, table(LAMP, other))
    assert (report.created, report.skipped) == (1, 1)
    assert said(report, "skipped") == [
        (
            "line 3, floor-lamp: not imported: The SKU LAMP is in line 2 of desk-lamp already. "
            "Each needs its own."
        )
    ]
    report = run(empty_shop, table(other))
    assert "Another product has the SKU LAMP" in said(report)[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"Handle,Title\r\n", "no products below it"),
        (b"Name,Price\r\nLamp,3\r\n", 'The file has no column "Handle"'),
        (b"Handle,Title,Title\r\na,b,c\r\n", 'two columns "Title"'),
        (b"Handle,,Title\r\na,b,c\r\n", "Column 2 has no name"),
        (b'Handle,Title\r\na,"never closed\r\nb,c\r\n', "line 2 has a quotation mark"),
        (b"PK\x03\x04rest", "This is a spreadsheet"),
        (b"Handle,Title\r\na,\x81\x8d\xff\r\n", "neither UTF-8 nor Windows-1252"),
        (b"\xff\xfeH\x00a", "begins like UTF-16, but isn't"),
        ("Handle,Title\r\na,b\r\n".encode("utf-16-le"), "as in UTF-16 without the mark"),
        ("Handle,Title\r\na,b\r\n".encode("utf-16-be"), "as in UTF-16 without the mark"),
        (b"Handle,Title\x00\r\na,b\r\n", "The first line contains the character NUL"),
        (b"Handle,Title\r\na," + b"x" * (4 * 1024 * 1024 + 1), "more than 4,194,304 characters"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_file_that_can_not_be_read_is_refused_whole(empty_shop, content, sentence):
    with pytest.raises(BadFile, match=sentence.split("(")[0]):
        run(empty_shop, content)


def test_other_encodings_and_separators_are_found_out_and_said(empty_shop):
    title = {"Title": "Café lamp – “warm”"}
    text = table({**LAMP, **title})
    for content, note in (
        (text.encode("utf-8-sig"), None),
        (text.encode("utf-16"), "The file is UTF-16"),
        (text.encode("cp1252"), "read as Windows-1252"),
        (text.replace(",", ";").encode(), "separated by semicolons"),
        (text.replace(",", "\t").encode(), "separated by tabs"),
    ):
        report = run(empty_shop, content)
        assert product(empty_shop).title == title["Title"]
        assert (note is None) == (said(report) == [])
        assert note is None or note in said(report)[0]
    report = run(
        empty_shop, text.replace("Café", "Lampă").encode("cp1250", "ignore"), encoding="cp1250"
    )
    assert product(empty_shop).title.startswith("Lampă")
    with pytest.raises(BadFile, match="no encoding 'latin-99'"):
        run(empty_shop, text, encoding="latin-99")


def test_a_missing_column_leaves_what_it_would_say_alone(empty_shop):
    run(empty_shop, table({**RED, "Vendor": "Lights Ltd", "Tags": "a, b"}, BLUE))
    before = product(empty_shop)
    report = run(
        empty_shop, table({"Handle": "desk-lamp", "Variant SKU": "LAMP-B", "Variant Price": "50"})
    )
    assert said(report) == [
        (
            'the file: note: The file has no column "Title": products keep their titles, and new '
            "ones can't be made."
        )
    ]
    assert report.changed == 1
    red, blue = before.variants
    assert product(empty_shop) == replace(before, variants=(replace(blue, price=5000), red))
    report = run(empty_shop, table({"Handle": "other", "Variant SKU": "O", "Variant Price": "5"}))
    assert "It is new and has no title." in said(report, "skipped")[0]
    report = run(empty_shop, table({"Handle": "desk-lamp", "Title": "Lamp", "Tags": ""}))
    assert product(empty_shop).tags == ()
    assert product(empty_shop).vendor == "Lights Ltd"
    assert 'no column "Variant Price": prices stay' in said(report)[0]


def test_a_column_that_means_nothing_here_comes_back_in_an_export(empty_shop):
    extra = {"Google Shopping / Gender": "unisex", "Cost per item": "12.5", "Mood (custom)": "calm"}
    report = run(empty_shop, table({**RED, **extra}, {**BLUE, "Cost per item": "13"}))
    assert "kept for an export: Mood (custom)" in said(report)[0]
    first, second = cells(exported(empty_shop))
    assert {name: first[name] for name in extra} == extra
    assert second["Cost per item"] == "13"
    run(empty_shop, table({**RED, **extra, "Mood (custom)": ""}, BLUE))
    assert "Mood (custom)" not in exported(empty_shop)


def test_odd_rows_are_named_and_the_rest_is_imported(empty_shop):
    text = table(
        {**LAMP, "Handle": "Café_Lamp!"},
        {"Handle": "", "Title": ""},
        {**LAMP, "Handle": "", "Title": "Second lamp", "Variant SKU": "L2"},
        {"Handle": "second-lamp", "Vendor": "lost"},
        {**LAMP, "Handle": "!!!", "Title": "???", "Variant SKU": "L3"},
        {**LAMP, "Handle": "gift", "Variant SKU": "L4", "Gift Card": "TRUE"},
    )
    text += "cut-off,Lamp\r\n"
    report = run(empty_shop, text)
    assert (report.created, report.skipped) == (2, 3)
    assert said(report, "note", "ignored", "skipped") == [
        (
            'line 2, cafe-lamp: note: The handle "Café_Lamp!" can\'t be an address; it became '
            "cafe-lamp."
        ),
        "line 4, second-lamp: note: It has no handle; it became second-lamp.",
        "line 5, second-lamp: ignored: It has neither variant nor picture.",
        'line 6, : not imported: No handle can be made of "!!!". Write one in its row.',
        "line 7, gift: not imported: It is a gift card, which this shop can't sell.",
        (
            "line 8, cut-off: not imported: It has 2 cells where the first line names 10 columns. "
            "Is the file cut off, or a comma not in quotation marks?"
        ),
    ]


def test_made_up_skus_stay_and_differ(empty_shop):
    rows = [
        {
            **dict.fromkeys(RED, ""),
            "Handle": "desk-lamp",
            "Option1 Value": value,
            "Variant Price": "1",
        }
        for value in ("S+M", "S M", "大", "小")
    ]
    rows[0] |= {"Title": "Lamp", "Option1 Name": "Size"}
    run(empty_shop, table(*rows))
    first = [v.sku for v in product(empty_shop).variants]
    assert len(set(first)) == 4
    assert first[0] == "DESK-LAMP.S-M"
    report = run(empty_shop, table(rows[0], *reversed(rows[1:])))
    assert sorted(v.sku for v in product(empty_shop).variants) == sorted(first)
    assert report.entries == []


def test_a_file_may_change_variants_and_never_takes_any_away(empty_shop):
    run(empty_shop, table(RED, BLUE))
    report = run(empty_shop, table({**RED, "Variant SKU": "LAMP-RED"}))
    assert [v.sku for v in product(empty_shop).variants] == ["LAMP-RED", "LAMP-B"]
    assert said(report) == ["line 2, desk-lamp: note: The SKU LAMP-R became LAMP-RED."]
    report = run(empty_shop, table({**LAMP, "Variant SKU": "LAMP-RED"}))
    assert "doesn't have the variants LAMP-B" in said(report, "skipped")[0]
    green = {**RED, "Option1 Value": "Green", "Variant SKU": "LAMP-G"}
    run(empty_shop, table(green))
    assert [v.values[0] for v in product(empty_shop).variants] == ["Green", "Red", "Blue"]


def test_stock_goes_through_the_ledger_with_reason_and_actor(empty_shop):
    rows = (RED, {**BLUE, "Variant Inventory Qty": "-3"})
    report = run(empty_shop, table(*rows), actor="ada")
    assert "it was counted as 0" in said(report, "note")[0]
    assert on_hand(empty_shop, "LAMP-R", "LAMP-B") == [7, 0]
    with empty_shop.unit() as db:
        (entry,) = db.scalars(select(StockEntry))
        assert (entry.sku, entry.on_hand, entry.reason, entry.actor) == (
            "LAMP-R",
            7,
            "import",
            "ada",
        )
        hold(db, "1001", {"LAMP-R": 5}, None)
    report = run(empty_shop, table({**RED, "Variant Inventory Qty": "3"}, BLUE))
    assert said(report, "stock") == [
        "line 2, desk-lamp: stock kept: Orders keep 5 of LAMP-R, so its stock can't become 3."
    ]
    assert on_hand(empty_shop, "LAMP-R", "LAMP-B") == [7, 2]
    run(empty_shop, table({**RED, "Variant Inventory Qty": "20"}, BLUE), stock=False)
    run(empty_shop, table({**RED, "Variant Inventory Qty": ""}, BLUE))
    assert on_hand(empty_shop, "LAMP-R") == [7]
    with empty_shop.unit() as db:
        assert verify(db) == []


def test_what_may_be_sold_without_stock(empty_shop):
    policies = (
        ({"Variant Inventory Tracker": ""}, "untracked"),
        ({"Variant Inventory Policy": "deny"}, "deny"),
        ({"Variant Inventory Policy": "continue"}, "backorder"),
        ({"Variant Inventory Tracker": "shipwire", "Variant Inventory Policy": "deny"}, "deny"),
    )
    for cell, policy in policies:
        run(empty_shop, table({**LAMP, **cell}))
        (variant,) = product(empty_shop).variants
        assert variant.stock_policy == policy
    assert cells(exported(empty_shop))[0]["Variant Inventory Tracker"] == "shipwire"
    with empty_shop.unit() as db:
        assert kernel.availability(db, ["LAMP"])["LAMP"].free > 100_000


def test_published_draft_and_archived(empty_shop):
    for cell, status in (
        ({}, "published"),
        ({"Published": "false"}, "draft"),
        ({"Published": "TRUE", "Status": "active"}, "published"),
        ({"Published": "true", "Status": "draft"}, "draft"),
        ({"Published": "true", "Status": "archived"}, "archived"),
    ):
        run(empty_shop, table({**LAMP, **cell}))
        assert product(empty_shop).status == status, cell
    report = run(empty_shop, table({**LAMP, "Status": "sold"}))
    assert 'Status says "sold"' in said(report, "skipped")[0]


def test_a_description_is_html_in_the_file_and_safe_in_the_shop(empty_shop):
    body = (
        '<h2 onclick="x()">Light</h2><script>alert(1)</script><p>A <b>good</b> lamp, 5 * 3 = 15.'
        '<img src="https://x.example/y.png"></p><table><tr><td>W</td><td>9</td></tr></table>'
        '<a href="javascript:alert(2)">bad</a>'
    )
    run(empty_shop, table({**LAMP, "Body (HTML)": body}))
    page = Browser(empty_shop).get("/products/desk-lamp")
    main = page.html.main
    assert main.find("h2", string="Light") is not None
    assert main.find("b") is None
    assert main.find("strong", string="good") is not None
    assert main.select("script[src^=x], [onclick], a[href^=javascript], img[src*=example]") == []
    assert "5 * 3 = 15" in main.get_text()
    assert cells(exported(empty_shop))[0]["Body (HTML)"] == body
    with empty_shop.unit() as db:
        key = writing.find(db, ["desk-lamp"])["desk-lamp"]
        edited = replace(writing.read(db, key), description="Now *new*.")
        writing.save(db, edited, product_id=key)
    assert cells(exported(empty_shop))[0]["Body (HTML)"] == "<p>Now <em>new</em>.</p>"


def test_formulas_are_text_in_an_export_and_come_back(empty_shop):
    titles = ["=1+1", "+1", "-1", "@x", "'=1", "''@", "'quoted'", "\t=x"]
    rows = [
        {**LAMP, "Handle": f"p{i}", "Title": title, "Vendor": title, "Variant SKU": f"{title}{i}"}
        for i, title in enumerate(titles)
    ]
    run(empty_shop, table(*rows))
    text = exported(empty_shop)
    for row in cells(text):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values())
    kept = [product(empty_shop, f"p{i}").title for i in range(len(titles))]
    assert kept == ["=1+1", "+1", "-1", "@x", "=1", "'@", "'quoted'", "=x"]
    assert run(empty_shop, text).unchanged == len(titles)


def picture_bytes(colour):
    from io import BytesIO

    from PIL import Image as Drawing

    out = BytesIO()
    Drawing.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


def test_pictures_are_fetched_once_and_shown_for_their_variants(empty_shop):
    asked = []

    def fetch(address):
        asked.append(address)
        if "gone" in address:
            raise kernel.BadPicture("example.com answers 404 for this address.")
        return picture_bytes("red" if "red" in address else "blue")

    red, blue, gone = (f"https://example.com/{name}.png" for name in ("red", "blue", "gone"))
    file = table(
        {**RED, "Image Src": blue, "Image Position": "2", "Variant Image": red},
        {**BLUE, "Image Src": red, "Image Position": "1", "Image Alt Text": "Red lamp"},
        {"Handle": "desk-lamp", "Image Src": gone, "Image Position": "3"},
        {"Handle": "desk-lamp", "Image Src": "not an address"},
        {"Handle": "desk-lamp", "Image Src": red},
        {**LAMP, "Handle": "other", "Variant SKU": "OTHER", "Image Src": blue},
    )
    assert run(empty_shop, file, fetch=fetch, dry_run=True).pictures == 3
    asked.clear()
    report = run(empty_shop, file, fetch=fetch)
    assert sorted(asked) == [blue, gone, red]
    assert report.pictures == 3
    assert said(report, "picture", "ignored") == [
        (
            f"line 4, desk-lamp: no picture: {gone} was not fetched. example.com answers 404 for "
            "this address."
        ),
        (
            'line 5, desk-lamp: no picture: "not an address" is not an address that begins with '
            "https://."
        ),
        "line 6, desk-lamp: ignored: Line 3 has this picture already.",
    ]
    asked.clear()
    again = run(empty_shop, file, fetch=fetch)
    assert (asked, again.changed, again.pictures) == ([gone], 0, 0)
    with empty_shop.unit() as db:
        shown = db.execute(
            select(Product.handle, Image.alt, Image.position)
            .join(Image, Image.product_id == Product.id)
            .order_by(Product.handle, Image.position)
        ).all()
        (of_red,) = [image for image in db.scalars(select(Image)) if image.values]
        assert [value.value for value in of_red.values] == ["Red"]
    assert [tuple(row) for row in shown] == [
        ("desk-lamp", "Red lamp", 0),
        ("desk-lamp", "Desk Lamp", 1),
        ("other", "Desk Lamp", 0),
    ]
    text = exported(empty_shop)
    assert [row["Image Src"] for row in cells(text)] == [red, blue, gone, blue]
    assert run(empty_shop, text, fetch=fetch).changed == 0
    third = table({**LAMP, "Handle": "third", "Variant SKU": "THIRD", "Image Src": red})
    asked.clear()
    run(empty_shop, third, fetch=fetch)
    assert asked == []
    with empty_shop.unit() as db:
        assert (
            db.scalar(
                select(func.count()).select_from(ImageSource).where(ImageSource.image_id.is_(None))
            )
            == 1
        )


def test_pictures_can_wait(empty_shop):
    file = table({**LAMP, "Image Src": "https://example.com/a.png"})
    report = run(empty_shop, file, pictures=False)
    assert (report.created, report.entries) == (1, [])
    report = run(empty_shop, file, fetch=lambda address: picture_bytes("green"))
    assert (report.unchanged, report.pictures) == (1, 1)


def test_bundles_and_collections_come_from_the_file(empty_shop):
    bundle = {
        **LAMP,
        "Handle": "lamp-set",
        "Title": "Lamp set",
        "Variant SKU": "SET",
        "Variant Inventory Qty": "9",
        "Bundle (variant.metafields.opticworks.components)": "2 x LAMP-R\n1 x LAMP-B",
        "Collections (product.metafields.opticworks.collections)": "sets, Table Lamps",
    }
    report = run(empty_shop, table(bundle, RED, BLUE))
    assert report.created == 2
    assert "its own quantity is not used" in said(report, "ignored")[0]
    assert product(empty_shop, "lamp-set").variants[0].components == (("LAMP-R", 2), ("LAMP-B", 1))
    with empty_shop.unit() as db:
        assert sorted(db.scalars(select(Collection.title))) == ["Sets", "Table lamps"]
    report = run(
        empty_shop,
        table(
            {
                **bundle,
                "Handle": "x",
                "Variant SKU": "X",
                "Bundle (variant.metafields.opticworks.components)": "1 x NONE",
            }
        ),
    )
    assert "There is no variant with the SKU NONE." in said(report, "skipped")[0]


def test_five_thousand_rows_take_few_statements(empty_shop):
    rows = []
    for i in range(1000):
        for j, size in enumerate("ABCDE"):
            rows.append(
                {
                    **(RED if j == 0 else BLUE),
                    "Handle": f"lamp-{i}",
                    "Option1 Value": size,
                    "Variant SKU": f"L{i}{size}",
                    "Variant Inventory Qty": str(i % 7),
                    "Image Src": f"https://example.com/{i}{size}.png",
                }
            )
    file = table(*rows)
    with counted() as first:
        report = run(empty_shop, file, pictures=False)
    assert (report.created, report.rows) == (1000, 5000)
    with counted() as second:
        report = run(empty_shop, file, pictures=False)
    assert report.unchanged == 1000
    assert len(first) < 1000
    assert len(second) < 600


KILLED = """
import sys
from opticworks.config import Config, PluginLine
from opticworks.boot import boot
from opticworks.faults import arm
from opticworks_catalog.exchange.loading import Wish, load
from pathlib import Path
database, redis, var, file = sys.argv[1:]
shop = boot(Config(mode="test", database_url=database, redis_url=redis, secret="x" * 40,
    base_url="http://localhost", var=Path(var), plugins=(PluginLine("catalog"),), theme=""))
arm("test")
load(shop, Path(file).read_bytes(), Wish(actor="test", pictures=False))
"""


@pytest.mark.parametrize(
    "place", ["catalog_import.before_commit:3", "catalog_import.after_commit:3"]
)
def test_an_import_that_is_killed_leaves_whole_products_and_goes_on(
    empty_shop, worker_database_url, worker_redis_url, tmp_path, place
):
    rows = [
        {**row, "Handle": f"lamp-{i}", "Variant SKU": f"{row['Variant SKU']}-{i}"}
        for i in range(120)
        for row in (RED, BLUE)
    ]
    file = tmp_path / "lamps.csv"
    file.write_text(table(*rows), newline="")
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            textwrap.dedent(KILLED),
            worker_database_url,
            worker_redis_url,
            str(tmp_path),
            str(file),
        ],
        env={**os.environ, "OPTICWORKS_FAULT": place},
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with empty_shop.unit() as db:
        handles = db.scalar(select(func.count()).select_from(Product))
        variants = db.scalar(select(func.count()).select_from(Variant))
        counts = db.scalar(select(func.count()).select_from(StockEntry))
    assert 0 < handles < 120
    assert variants == counts == 2 * handles
    report = run(empty_shop, file.read_bytes())
    assert (report.created, report.unchanged) == (120 - handles, handles)


def test_the_command_imports_tries_and_exports(empty_shop, tmp_path):
    file, report_file, out = (tmp_path / name for name in ("in.csv", "report.csv", "out.csv"))
    file.write_text(
        table(
            LAMP,
            {**LAMP, "Handle": "=bad", "Title": "B", "Variant SKU": "B", "Variant Price": "abc"},
        ),
        newline="",
    )

    def call(*arguments):
        return CliRunner().invoke(catalog, list(map(str, arguments)), obj=Context(empty_shop))

    tried = call("import", file, "--dry-run")
    assert tried.exit_code == 1
    assert "nothing was written" in tried.output
    done = call("import", file, "--report", report_file, "--no-pictures")
    assert done.exit_code == 1, done.output
    assert 'line 3, bad: not imported: The price "abc" is not a number like 19.99.' in done.output
    assert "Prices are in USD" in done.output
    assert "2 rows, 2 products. 1 new, 0 changed, 0 as they were, 1 not imported" in done.output
    rows = cells(report_file.read_text())
    assert ("3", "not imported") in [(row["Line"], row["Result"]) for row in rows]
    assert call("export", out).output == f"{out} has 1 row.\n"
    assert "1 row, 1 product. Would be: 0 new" in call("import", out, "--dry-run").output
    assert out.read_bytes() == call("export").stdout_bytes
    assert call("import", out).exit_code == 0
    bad = call("import", report_file)
    assert bad.exit_code == 1
    assert 'was not imported. The file has no column "Handle"' not in bad.output
    report_file.write_text("a,b\n1,2\n")
    bad = call("import", report_file)
    assert 'was not imported. The file has no column "Handle"' in bad.output
    assert call("import", tmp_path / "nothing.csv").exit_code == 2


def test_long_cells_are_read_whatever_another_part_of_the_process_allows(monkeypatch):
    monkeypatch.setattr(sheet, "MOST_CELL", 300_000)
    before = csv.field_size_limit()
    for limit in (1000, 400_000):
        csv.field_size_limit(limit)
        (row,) = read_sheet(f"Handle,Title\na,{'x' * 200_000}\n".encode()).rows
        assert len(row.get("Title")) == 200_000
        with pytest.raises(BadFile, match="Line 2 has a cell of more than 300,000 characters"):
            read_sheet(f"Handle,Title\na,{'x' * 350_000}\n".encode())
    csv.field_size_limit(before)
