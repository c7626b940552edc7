"""Bundles are sold from their parts: one pool of stock, money by part, prices that follow."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from importing import cells, exported, run
from sqlalchemy import select

from opticworks import kernel
from opticworks.checkout.cart import CartRefused
from opticworks.checkout.place import Changed, place
from opticworks.checkout.settle import Refused
from opticworks.orders.models import OrderLine
from opticworks.stock.service import held_by, verify
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks_catalog import items, writing
from opticworks_catalog.inputs import ProductInput, VariantInput

SET = "SET"


def product(handle, *variants, **fields):
    return ProductInput(
        handle=handle,
        title=handle.title(),
        currency="USD",
        status="published",
        variants=variants,
        **fields,
    )


@pytest.fixture
def counter(make_shop):
    """A counter that sells A ($20) and B ($10, its own tax class), and two A with a B for $40."""
    counter = open_counter(make_shop, plugins=("catalog",))
    with counter.shop.unit() as db:
        writing.save(db, product("lamp", VariantInput(sku="A", price=2000)))
        writing.save(db, product("bulb", VariantInput(sku="B", price=1000, tax_code="reduced")))
        bundle = VariantInput(sku=SET, price=4000, components=(("A", 2), ("B", 1)))
        writing.save(db, product("set", bundle))
        kernel.count_stock(db, {"A": 10, "B": 10}, reason="start", actor="test")
    return counter


def edit(shop, handle, **fields):
    """Save the only variant of that product changed."""
    with shop.unit() as db:
        key = writing.find(db, [handle])[handle]
        before = writing.read(db, key)
        (variant,) = before.variants
        return writing.save(
            db, replace(before, variants=(replace(variant, **fields),)), product_id=key
        )


def item(shop, sku=SET):
    with shop.unit() as db:
        return items(skus=[sku], ctx=shop.ctx(db))[sku]


def components_of(shop, number):
    with shop.unit() as db:
        return db.scalars(select(OrderLine).where(OrderLine.sku == SET)).one().components


def test_an_order_keeps_what_each_part_was_worth_and_old_ones_never_change(counter):
    number = counter.buy((SET, 1)).number
    parts = components_of(counter.shop, number)
    assert [(p["sku"], p["quantity"], p["share"], p["tax_code"]) for p in parts] == [
        ("A", 2, 3200, ""),
        ("B", 1, 800, "reduced"),
    ]
    order = counter.order(number)
    assert order.lines[0].contents == "2 × Lamp, 1 × Bulb"
    assert sum(part.share.minor for part in order.lines[0].components) == 4000
    page = " ".join(Browser(counter.shop).get(urlsplit(order.url).path).text.split())
    assert "contains <span>2 × Lamp, 1 × Bulb</span>" in page
    edit(counter.shop, "set", components=(("B", 3),), price=2500)
    assert components_of(counter.shop, number) == parts
    with counter.shop.unit() as db:
        assert held_by(db, number) == {"A": 2, "B": 1}
    assert [part.sku for part in item(counter.shop).components] == ["B"]


def test_the_same_part_alone_and_inside_is_one_pool(counter):
    with pytest.raises(CartRefused, match="Only 2 of Lamp are left"):
        counter.cart((SET, 4), ("A", 3))
    number = counter.buy((SET, 4), ("A", 2)).number
    with counter.shop.unit() as db:
        assert held_by(db, number) == {"A": 10, "B": 4}
    assert counter.free("A") == 0


def test_a_crowd_buys_bundles_and_parts_and_nothing_twice(counter):
    lines = [(SET, 1)] * 5 + [("A", 1)] * 6
    wishes = [counter.wish(counter.cart(line)) for line in lines]
    gate, sold = threading.Barrier(len(wishes)), []

    def buy(wish, line):
        gate.wait()
        try:
            place(counter.shop, wish)
            sold.append(line)
        except (Refused, Changed):
            pass

    threads = [threading.Thread(target=buy, args=pair) for pair in zip(wishes, lines, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = sum(2 if sku == SET else 1 for sku, _ in sold)
    assert counter.free("A") == 10 - taken >= 0
    assert counter.free("A") < 2  # whoever was refused was refused for want of stock
    with counter.shop.unit() as db:
        assert verify(db) == []


def test_a_part_that_is_not_counted_never_runs_out(counter):
    edit(counter.shop, "bulb", stock_policy="untracked")
    with counter.shop.unit() as db:
        kernel.set_stock(db, "B", 0, reason="gone", actor="test")
    number = counter.buy((SET, 5)).number
    with counter.shop.unit() as db:
        assert held_by(db, number) == {"A": 10}


def test_a_bundle_is_unavailable_the_moment_a_part_is(counter):
    browser = Browser(counter.shop)
    assert "InStock" in browser.get("/products/set").text
    for change, back in (
        ({"status": "archived"}, {"status": "active"}),
        ({"stock_policy": "deny"}, {}),
    ):
        edit(counter.shop, "bulb", **change)
        if not back:
            with counter.shop.unit() as db:
                kernel.set_stock(db, "B", 0, reason="gone", actor="test")
        page = browser.get("/products/set").text
        assert "OutOfStock" in page
        assert "schema.org/InStock" not in page
        if back:
            edit(counter.shop, "bulb", **back)


def test_a_price_in_percent_follows_the_parts(counter):
    shop = counter.shop
    edit(shop, "set", percent_off=Decimal("10"))
    assert (item(shop).unit_price.minor, item(shop).compare_at_price.minor) == (4500, 5000)
    edit(shop, "lamp", price=2222)
    assert (item(shop).unit_price.minor, item(shop).compare_at_price.minor) == (4900, 5444)
    edit(shop, "set", percent_off=Decimal("0"))
    assert (item(shop).unit_price.minor, item(shop).compare_at_price) == (5444, None)
    assert edit(shop, "set", price=1, compare_at=2).changes == ()
    edit(shop, "set", percent_off=Decimal("12.5"), components=(("A", 1), ("B", 1)))
    assert item(shop).unit_price.minor == 2819  # 2819.25
    edit(shop, "set", percent_off=None, price=1999, compare_at=None)
    edit(shop, "lamp", price=2000)
    assert item(shop).unit_price.minor == 1999


def test_a_price_in_percent_survives_a_file(counter):
    shop = counter.shop
    edit(shop, "set", percent_off=Decimal("12.5"))
    text = exported(shop)
    row = next(row for row in cells(text) if row["Handle"] == "set")
    assert row["Bundle Percent Off (variant.metafields.opticworks.percent_off)"] == "12.5"
    assert run(shop, text).changed == 0
    report = run(shop, text.replace("2000", "3000").replace("20.00", "30.00"))
    assert report.changed == 1
    assert item(shop).unit_price.minor == 6125


def test_prices_and_bundles_that_change_at_once_agree(counter):
    shop = counter.shop
    edit(shop, "set", percent_off=Decimal("10"))
    gate = threading.Barrier(3)

    def change(handle, values):
        gate.wait()
        for fields in values:
            edit(shop, handle, **fields)

    threads = [
        threading.Thread(target=change, args=("lamp", [{"price": 2000 + i} for i in range(8)])),
        threading.Thread(target=change, args=("bulb", [{"price": 1000 + i} for i in range(8)])),
        threading.Thread(
            target=change, args=("set", [{"percent_off": Decimal(20 + i)} for i in range(8)])
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert item(shop).compare_at_price.minor == 2 * 2007 + 1007
    assert item(shop).unit_price.minor == round(Decimal(2 * 2007 + 1007) * 73 / 100)


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        (VariantInput(sku="X", price=1, percent_off=Decimal(5)), "Only a bundle"),
        (
            VariantInput(sku="X", price=1, percent_off=Decimal(101), components=(("A", 1),)),
            "from 0 to 100",
        ),
    ],
)
def test_percent_off_needs_parts_and_sense(counter, variant, sentence):
    with counter.shop.unit() as db:
        found = writing.problems(db, product("other", variant))
    assert sentence in found["variants.0.percent_off"]


def test_the_editor_keeps_percent_off_and_changes_it(counter):
    edit(counter.shop, "set", percent_off=Decimal("10"))
    with counter.shop.unit() as db:
        key = writing.find(db, ["set"])["set"]
    browser = sign_in(counter.shop)
    page = browser.get(f"/admin/catalog/products/{key}")
    form = next(form for form in page.forms.values() if "variant.0.percent_off" in form.fields)
    assert form["variant.0.percent_off"].value == "10"
    form["title"] = "The set"
    form.submit("do", value="save", status=303)
    assert item(counter.shop).unit_price.minor == 4500
    page = browser.get(f"/admin/catalog/products/{key}")
    form = next(form for form in page.forms.values() if "variant.0.percent_off" in form.fields)
    form["variant.0.percent_off"] = "20"
    form.submit("do", value="save", status=303)
    assert item(counter.shop).unit_price.minor == 4000
