"""Saving products: exactly what differs is written, in few statements, and said in words."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from catalog_making import snapshot
from sqlalchemy import func, select, update

from opticworks import kernel
from opticworks.testing.shops import Browser, counted
from opticworks_catalog import items, writing
from opticworks_catalog.models import (
    Image,
    ImageValue,
    Option,
    OptionValue,
    Product,
    Variant,
)
from opticworks_catalog.writing import (
    Change,
    Invalid,
    OptionInput,
    ProductInput,
    VariantInput,
)


def lamp(handle="desk-lamp", sku="LAMP", **fields):
    """A lamp in two colours and two sizes."""
    values = {
        "title": "Desk Lamp",
        "currency": "USD",
        "status": "published",
        "vendor": "Lights Ltd",
        "product_type": "Lamp",
        "tags": ("light", "desk"),
        "highlights": ("Bright", "Quiet"),
        "specs": (("Power", "9 W"),),
        "options": (
            OptionInput(name="Colour", values=(("White", "#ffffff"), ("Black", "#000000"))),
            OptionInput(name="Size", values=(("S", ""), ("L", ""))),
        ),
        "variants": tuple(
            VariantInput(sku=f"{sku}-{colour[0]}{size}", values=(colour, size), price=4000)
            for colour in ("White", "Black")
            for size in "SL"
        ),
    }
    return ProductInput(handle=handle, **{**values, **fields})


def changed(product, sku, /, **fields):
    variants = tuple(replace(v, **fields) if v.sku == sku else v for v in product.variants)
    return replace(product, variants=variants)


@pytest.fixture
def save(empty_shop):
    """save(input, id) in a transaction of its own."""

    def save(product, product_id=None):
        with empty_shop.unit() as db:
            return writing.save(db, product, product_id=product_id)

    return save


@pytest.fixture
def read(empty_shop):
    def read(product_id):
        with empty_shop.unit() as db:
            return writing.read(db, product_id)

    return read


def test_a_product_is_read_as_it_was_saved(save, read):
    product = lamp(
        subtitle="Light",
        description="It is **good**.",
        seo_title="Lamps",
        seo_description="Buy lamps",
        extra={"Google Shopping / Gender": "unisex"},
    )
    product = changed(
        product,
        "LAMP-WS",
        compare_at=5000,
        barcode="4006381333931",
        weight=900,
        size=(100, 110, 300),
        hs_code="940520",
        origin_country="DE",
        tax_code="lamps",
        stock_policy="backorder",
        requires_shipping=False,
        status="archived",
        extra={"Cost per item": "12"},
    )
    saved = save(product)
    assert (saved.created, saved.changes) == (True, ("created",))
    found = read(saved.product_id)
    variants = tuple(replace(v, extra=v.extra or {}) for v in product.variants)
    assert found == replace(product, variants=variants)


def test_saving_what_is_there_already_writes_nothing(shop):
    with shop.unit() as db:
        ids = list(db.scalars(select(Product.id)))
        products = writing.read_many(db, ids)
    before = snapshot(shop)
    with shop.unit() as db, counted() as statements:
        answers = writing.save_all(db, [Change(one, key) for key, one in products.items()])
    assert [answer.changes for answer in answers] == [()] * 8
    assert not any(s.split()[0] in ("INSERT", "UPDATE", "DELETE") for s in statements)
    assert snapshot(shop) == before


def test_only_what_differs_is_written_and_named(save, read, empty_shop):
    key = save(lamp()).product_id
    with empty_shop.unit() as db:
        ids = dict(db.execute(select(Variant.sku, Variant.id)).all())
    wanted = changed(replace(lamp(), title="Lamp", tags=("light",)), "LAMP-WL", price=4500)
    saved = save(wanted, key)
    assert saved.changes == ("title", "tags", "price of LAMP-WL")
    assert (saved.created, saved.product_id) == (False, key)
    with empty_shop.unit() as db:
        assert ids == dict(db.execute(select(Variant.sku, Variant.id)).all())
    assert read(key).title == "Lamp"
    assert [v.price for v in read(key).variants] == [4000, 4500, 4000, 4000]


def test_variants_come_go_and_change_places(save, read):
    key = save(lamp()).product_id
    ws, _wl, bs, bl = lamp().variants
    saved = save(replace(lamp(), variants=(bl, ws, bs)), key)
    assert saved.changes == ("LAMP-WL removed",)
    assert [v.sku for v in read(key).variants] == ["LAMP-BL", "LAMP-WS", "LAMP-BS"]
    assert save(replace(lamp(), variants=(ws, bs, bl)), key).changes == ("order of the variants",)
    assert save(lamp(), key).changes == ("LAMP-WL added",)
    assert [v.values for v in read(key).variants] == [v.values for v in lamp().variants]


def test_a_renamed_value_keeps_its_pictures(save, read, empty_shop):
    key = save(lamp()).product_id
    with empty_shop.unit() as db:
        white = db.scalars(select(OptionValue).where(OptionValue.value == "White")).one()
        db.add(
            Image(
                product_id=key,
                stem="lamp",
                width=800,
                height=800,
                widths=[800],
                formats=["webp"],
                values=[white],
            )
        )
    product = lamp(
        options=(
            OptionInput(name="Finish", values=(("Black", "#000000"), ("Snow", "#fefefe"))),
            OptionInput(name="Size", values=(("S", ""), ("L", ""))),
        ),
        variants=tuple(
            replace(v, values=("Snow" if v.values[0] == "White" else "Black", v.values[1]))
            for v in lamp().variants
        ),
    )
    assert "options" in save(product, key).changes
    assert read(key).options == product.options
    assert [v.values for v in read(key).variants] == [v.values for v in product.variants]
    with empty_shop.unit() as db:
        shown = db.scalars(
            select(OptionValue.value).join(ImageValue, ImageValue.value_id == OptionValue.id)
        ).all()
    assert shown == ["Snow"]


def test_an_option_may_go_and_another_come(save, read, empty_shop):
    key = save(lamp()).product_id
    plain = lamp(options=(), variants=(VariantInput(sku="LAMP-WS", price=4000),))
    save(plain, key)
    assert read(key).options == ()
    with empty_shop.unit() as db:
        assert db.scalar(select(func.count()).select_from(Option)) == 0
    save(lamp(), key)
    assert read(key).options == lamp().options
    assert [v.values for v in read(key).variants] == [v.values for v in lamp().variants]


def test_what_is_kept_of_a_file_stays_when_an_editor_says_nothing_about_it(save, read):
    product = changed(lamp(extra={"Gift Card": "false"}), "LAMP-WS", extra={"Cost": "3"})
    key = save(product).product_id
    save(lamp(title="Other"), key)
    assert read(key).extra == {"Gift Card": "false"}
    assert read(key).variants[0].extra == {"Cost": "3"}
    save(lamp(extra={}), key)
    assert read(key).extra == {}


WRONG = [
    (lamp(title=" "), "title", "needs a title"),
    (lamp(handle="Desk Lamp"), "handle", "small letters"),
    (lamp(handle="rs-1-sensor"), "handle", "Another product has the handle rs-1-sensor"),
    (lamp(sku="LAMP", status="sold"), "status", "draft, published or archived"),
    (lamp(variants=()), "variants", "can't be published"),
    (lamp(collections=("no-such",)), "collections.0", "no collection no-such"),
    (lamp(tags=("a,b",)), "tags.0", "without a comma"),
    (lamp(vendor="x" * 256), "vendor", "256 characters; there is room for 255"),
    (lamp(title="a\x00b"), "", "NUL"),
    (lamp(specs=(("a", "\x00"),)), "", "NUL"),
    (lamp(options=(OptionInput(name="", values=(("S", ""),)),)), "options.0", "needs a name"),
    (
        lamp(options=(OptionInput(name="A", values=(("S", "red"),)),) * 2),
        "options.1",
        "two options called A",
    ),
    (
        lamp(options=(OptionInput(name="A", values=(("S", "red"),)),)),
        "options.0.values.0",
        "not like",
    ),
    (changed(lamp(), "LAMP-WS", sku="MNT-KIT"), "variants.0.sku", "Another product has"),
    (changed(lamp(), "LAMP-WS", sku="LAMP-BL"), "variants.3.sku", "Two variants have"),
    (changed(lamp(), "LAMP-WS", sku=" "), "variants.0.sku", "needs a SKU"),
    (changed(lamp(), "LAMP-WS", price=-1), "variants.0.price", "below zero"),
    (changed(lamp(), "LAMP-WS", compare_at=4000), "variants.0.compare_at", "higher"),
    (changed(lamp(), "LAMP-WS", values=("White",)), "variants.0.values", "for each option"),
    (changed(lamp(), "LAMP-WS", values=("Red", "S")), "variants.0.values", "no value 'Red'"),
    (changed(lamp(), "LAMP-WS", values=("Black", "S")), "variants.2.values", "Two variants"),
    (changed(lamp(), "LAMP-WS", size=(1, 0, 1)), "variants.0.size", "above zero"),
    (changed(lamp(), "LAMP-WS", weight=-5), "variants.0.weight", "can't be"),
    (changed(lamp(), "LAMP-WS", origin_country="usa"), "variants.0.origin_country", "US"),
    (changed(lamp(), "LAMP-WS", stock_policy="x"), "variants.0.stock_policy", "no stock"),
    (
        changed(lamp(), "LAMP-WS", components=(("NO-SUCH", 1),)),
        "variants.0.components.0",
        "no variant with the SKU NO-SUCH",
    ),
    (
        changed(lamp(), "LAMP-WS", components=(("BND-HOME", 1),)),
        "variants.0.components.0",
        "is a bundle itself",
    ),
    (
        changed(lamp(), "LAMP-WS", components=(("LAMP-WS", 1),)),
        "variants.0.components.0",
        "part of itself",
    ),
    (
        changed(lamp(), "LAMP-WS", components=(("MNT-KIT", 0),)),
        "variants.0.components.0",
        "can't be in a bundle",
    ),
]


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_written(shop):
    before = snapshot(shop)
    for product, path, sentence in WRONG:
        with shop.unit() as db:
            found = writing.problems(db, product)
            assert sentence in found.get(path, ""), found
            with pytest.raises(Invalid) as refused:
                writing.save(db, product)
            assert refused.value.problems == found
    assert snapshot(shop) == before


def test_a_part_of_a_bundle_can_neither_go_nor_become_a_bundle(shop):
    with shop.unit() as db:
        key = writing.find(db, ["mounting-kit"])["mounting-kit"]
        kit = writing.read(db, key)
        other = VariantInput(sku="KIT-2", price=100)
        found = writing.problems(db, replace(kit, variants=(other,)), product_id=key)
        assert "MNT-KIT is a part of the bundle BND-HOME" in found["variants"]
        bundle = changed(kit, "MNT-KIT", components=(("POE-MOD", 1),))
        found = writing.problems(db, bundle, product_id=key)
        assert "so it can't be one" in found["variants.0.components"]
        with pytest.raises(Invalid, match="Archive the product"):
            writing.delete(db, key)


def test_a_bundle_and_its_parts_are_saved_together(empty_shop):
    part = lamp()
    bundle = ProductInput(
        handle="set",
        title="Set",
        currency="USD",
        variants=(VariantInput(sku="SET", price=7000, components=(("LAMP-WS", 2),)),),
    )
    with empty_shop.unit() as db:
        answers = writing.save_all(db, [Change(bundle), Change(part)])
        assert all(answer.created for answer in answers)
    with empty_shop.unit() as db:
        item = items(skus=["SET"], ctx=empty_shop.ctx(db))["SET"]
    assert [(one.sku, one.quantity) for one in item.components] == [("LAMP-WS", 2)]


def test_of_several_the_sound_ones_are_saved(empty_shop):
    bundle = ProductInput(
        handle="set",
        title="Set",
        currency="USD",
        variants=(VariantInput(sku="SET", price=7000, components=(("BAD-WS", 2),)),),
    )
    wanted = [
        lamp(),
        lamp(handle="bad", sku="BAD", title=""),
        bundle,
        lamp(title="Again"),
        lamp(handle="other", sku="LAMP"),
    ]
    with empty_shop.unit() as db:
        one, bad, set_, again, other = writing.save_all(db, [Change(one) for one in wanted])
    assert one.created
    assert bad == {"title": "A product needs a title."}
    assert set_ == {"variants.0.components.0": "The product of its part BAD-WS can't be saved."}
    assert "Another product has the handle" in again["handle"]
    assert "Another product has the SKU" in other["variants.0.sku"]
    with empty_shop.unit() as db:
        assert list(db.scalars(select(Product.handle))) == ["desk-lamp"]


def test_two_who_save_the_same_handle_at_once_make_one_product(empty_shop):
    gate, answers = threading.Barrier(4), []

    def create():
        gate.wait()
        try:
            with empty_shop.unit() as db:
                answers.append(writing.save(db, lamp()))
        except Invalid as error:
            answers.append(error)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if isinstance(answer, Invalid)]
    assert (len(answers), len(refused)) == (4, 3)
    assert all("Another product has the" in str(error) for error in refused)
    with empty_shop.unit() as db:
        assert db.scalar(select(func.count()).select_from(Variant)) == 4


def test_two_who_change_a_product_at_once_leave_it_whole(save, read, empty_shop):
    key = save(lamp()).product_id
    gate = threading.Barrier(4)

    def change(price):
        gate.wait()
        for _ in range(5):
            with empty_shop.unit() as db:
                product = lamp(title=f"Lamp {price}")
                product = replace(
                    product, variants=tuple(replace(v, price=price) for v in product.variants)
                )
                writing.save(db, product, product_id=key)

    threads = [threading.Thread(target=change, args=(price,)) for price in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(key)
    assert {f"Lamp {variant.price}" for variant in found.variants} == {found.title}


def test_any_number_of_products_takes_the_same_statements(empty_shop):
    def statements(first, last):
        wanted = [Change(lamp(handle=f"lamp-{i}", sku=f"L{i}")) for i in range(first, last)]
        with empty_shop.unit() as db, counted() as sent:
            writing.save_all(db, wanted)
        return [statement.split()[0] for statement in sent]

    few, many = statements(0, 2), statements(2, 60)
    assert few == many
    assert len(few) < 30


def test_a_draft_is_published_with_a_date_that_stays(save, empty_shop):
    def published_at(key):
        with empty_shop.unit() as db:
            return db.scalar(select(Product.published_at).where(Product.id == key))

    key = save(lamp(status="draft")).product_id
    assert published_at(key) is None
    assert save(lamp(), key).changes == ("status",)
    first = published_at(key)
    save(lamp(status="draft"), key)
    save(lamp(), key)
    assert published_at(key) == first is not None


def test_new_products_and_places_in_collections_come_last(shop):
    with shop.unit() as db:
        saved = writing.save(db, lamp(collections=("sensors",)))
        last = db.scalar(select(func.max(Product.position)))
        assert db.get(Product, saved.product_id).position == last
    listing = Browser(shop).get("/collections/sensors").html
    assert [a["href"] for a in listing.select("article a")][-1].startswith("/products/desk-lamp")


def test_an_archived_product_is_gone_from_the_shop_and_keeps_everything(shop):
    browser = Browser(shop)
    with shop.unit() as db:
        key = writing.find(db, ["poe-module"])["poe-module"]
        before = writing.read(db, key)
        assert writing.archive(db, key).changes == ("status",)
        assert writing.archive(db, key).changes == ()
    browser.get("/products/poe-module", status=404)
    assert "/products/poe-module" not in browser.get("/products").text
    with shop.unit() as db:
        assert writing.read(db, key) == replace(before, status="archived")
        writing.save(db, before, product_id=key)
    browser.get("/products/poe-module", status=200)


def test_a_deleted_product_leaves_its_stock_record_alone(shop):
    with shop.unit() as db:
        key = writing.find(db, ["whole-home-bundle"])["whole-home-bundle"]
        writing.delete(db, key)
    with shop.unit() as db:
        assert writing.find(db, ["whole-home-bundle"]) == {}
        assert kernel.availability(db, ["MNT-KIT"])["MNT-KIT"].on_hand > 0
    with pytest.raises(LookupError), shop.unit() as db:
        writing.read(db, key)


def test_a_change_by_another_way_is_announced(shop):
    with shop.unit() as db:
        key = writing.find(db, ["poe-module"])["poe-module"]
        long_ago = db.scalar(select(Product.updated_at).where(Product.id == key)).replace(year=2001)
        db.execute(update(Product).where(Product.id == key).values(updated_at=long_ago))
        writing.touched(db, [key])
        assert db.scalar(select(Product.updated_at).where(Product.id == key)) > long_ago
