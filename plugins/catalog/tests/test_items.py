"""The kernel's question: what is this SKU?"""

from __future__ import annotations

from sqlalchemy import update

from opticworks.contracts import Component
from opticworks.money import Money
from opticworks.testing.shops import counted
from opticworks_catalog import find_skus, item_groups, items
from opticworks_catalog.models import Collection, Product, Variant


def ask(shop, *skus):
    with shop.unit() as db:
        return items(skus=skus, ctx=shop.ctx(db))


def test_hook_items(shop):
    answer = ask(shop, "RS1-PRO-GRA", "NO-SUCH-SKU")
    assert set(answer) == {"RS1-PRO-GRA"}
    item = answer["RS1-PRO-GRA"]
    assert item.title == "RS-1 Presence Sensor"
    assert item.unit_price == Money(12900, "USD")
    assert item.options == (("Model", "Pro"), ("Colour", "Graphite"))
    assert item.option_text == "Pro / Graphite"
    assert (item.weight, item.size) == (145, (85, 85, 32))
    assert (item.hs_code, item.origin_country) == ("852610", "CN")
    assert item.url == "/products/rs-1-sensor?variant=RS1-PRO-GRA"
    assert item.stock_policy == "deny"
    assert item.unavailable == ""
    assert item.groups == ("collection:sensors",)


def test_a_bundle_is_answered_with_its_parts(shop):
    item = ask(shop, "BND-HOME")["BND-HOME"]
    assert item.components == (
        Component(
            sku="RS1-PRO-WHT",
            quantity=4,
            unit_price=Money(12900, "USD"),
            title="RS-1 Presence Sensor",
            options="Pro / Matte white",
            weight=145,
        ),
        Component(
            sku="MNT-KIT",
            quantity=4,
            unit_price=Money(1200, "USD"),
            title="Mounting Kit",
            weight=62,
        ),
    )
    assert item.contents == "4 × RS-1 Presence Sensor (Pro / Matte white), 4 × Mounting Kit"
    assert item.compare_at_price == Money(56400, "USD")


def test_a_draft_says_that_it_is_not_sold(shop):
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "poe-module").values(status="draft"))
    assert ask(shop, "POE-MOD")["POE-MOD"].unavailable == "PoE Module is no longer sold."


def test_an_archived_variant_says_that_it_is_not_sold(shop):
    with shop.unit() as db:
        db.execute(update(Variant).where(Variant.sku == "INJ-UK").values(status="archived"))
    answer = ask(shop, "INJ-UK", "INJ-US")
    assert answer["INJ-UK"].unavailable == "PoE Injector is no longer sold."
    assert answer["INJ-US"].unavailable == ""


def test_a_bundle_is_unavailable_at_once_when_a_part_is_not_sold(shop):
    with shop.unit() as db:
        db.execute(update(Variant).where(Variant.sku == "MNT-KIT").values(status="archived"))
    answer = ask(shop, "BND-HOME", "BND-PROPOE-WHT")
    assert answer["BND-HOME"].unavailable == (
        "Whole-Home Bundle is not available, because Mounting Kit is no longer sold."
    )
    assert answer["BND-PROPOE-WHT"].unavailable == ""


def test_a_price_in_another_currency_is_no_price(shop):
    with shop.unit() as db:
        db.execute(update(Variant).where(Variant.sku == "POE-MOD").values(currency="EUR"))
    item = ask(shop, "POE-MOD")["POE-MOD"]
    assert item.unavailable == "PoE Module has no price in USD."


def test_any_number_of_skus_is_one_statement(shop):
    with shop.unit() as db:
        ctx = shop.ctx(db)
        with counted() as one:
            items(skus=["MNT-KIT"], ctx=ctx)
        with counted() as many:
            found = items(
                skus=["RS1-PRO-WHT", "RS1-LITE-GRA", "BND-HOME", "BND-PROPOE-GRA", "CBL-3M-GRA"],
                ctx=ctx,
            )
        with counted() as none:
            assert items(skus=[], ctx=ctx) == {}
    assert (len(one), len(many), len(none)) == (
        2,
        2,
        0,
    )  # whether it changed, and what is not known yet
    assert len(found) == 5


def test_hook_item_groups(shop):
    with shop.unit() as db:
        groups = {group.key: group for group in item_groups(ctx=shop.ctx(db))}
        assert groups["collection:sensors"].path == "/collections/sensors"
        db.execute(update(Collection).values(status="draft"))
        hidden = {group.key: group.path for group in item_groups(ctx=shop.ctx(db))}
        assert hidden == dict.fromkeys(groups, "")


def test_hook_find_skus_by_title_option_and_barcode(shop):
    with shop.unit() as db:
        ctx = shop.ctx(db)
        assert set(find_skus(text="injector", ctx=ctx)) == {"INJ-US", "INJ-EU", "INJ-UK"}
        assert "RS1-PRO-GRA" in find_skus(text=" graphite ", ctx=ctx)
        assert find_skus(text="%", ctx=ctx) == []
        assert find_skus(text=" ", ctx=ctx) == []
