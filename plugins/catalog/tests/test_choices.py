"""A bundle whose buyer chooses a part: options that bring parts, from the editor to the order."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from importing import cells, exported, run

from opticworks import kernel
from opticworks.checkout.cart import CartRefused
from opticworks.stock.service import held_by
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks_catalog import items, writing
from opticworks_catalog.admin import form as forms
from opticworks_catalog.admin import merge
from opticworks_catalog.inputs import ChoiceInput, OptionInput, ProductInput, VariantInput

ARM, FEET = "KIT-ARM", "KIT-FEET"
COLUMN = "Bundle Choices (product.metafields.opticworks.choices)"


def product(handle, *variants, **fields):
    return ProductInput(
        handle=handle,
        title=handle.title(),
        currency="USD",
        status="published",
        variants=variants,
        **fields,
    )


MOUNT = OptionInput(
    name="Mount",
    values=(("Feet", ""), ("Arm", "")),
    choices=(
        ChoiceInput(value="Feet", sku="FOOT", quantity=4),
        ChoiceInput(value="Arm", sku="ARM", surcharge=1500),
    ),
)
KIT = product(
    "kit",
    VariantInput(sku=FEET, price=5000, values=("Feet",), components=(("LAMP", 1), ("FOOT", 4))),
    VariantInput(sku=ARM, price=6500, values=("Arm",), components=(("LAMP", 1), ("ARM", 1))),
    options=(MOUNT,),
)


@pytest.fixture
def counter(make_shop):
    """A lamp ($40), feet ($2), an arm ($20), and a kit of a lamp with four feet or an arm."""
    counter = open_counter(make_shop, plugins=("catalog",))
    with counter.shop.unit() as db:
        for sku, price in (("LAMP", 4000), ("FOOT", 200), ("ARM", 2000)):
            writing.save(db, product(sku.lower(), VariantInput(sku=sku, price=price)))
        writing.save(db, KIT)
        kernel.count_stock(db, {"LAMP": 3, "FOOT": 100, "ARM": 10}, reason="start", actor="test")
    return counter


def stored(shop):
    with shop.unit() as db:
        key = writing.find(db, ["kit"])["kit"]
        return key, writing.read(db, key)


def test_two_choices_are_two_lines_that_draw_on_one_pool(counter):
    with pytest.raises(CartRefused, match=r"Only 1 of Kit \(Arm\) is left"):
        counter.cart((FEET, 2), (ARM, 2))
    number = counter.buy((FEET, 2), (ARM, 1)).number
    with counter.shop.unit() as db:
        assert held_by(db, number) == {"LAMP": 3, "FOOT": 8, "ARM": 1}
    feet, arm = counter.order(number).lines
    assert (feet.options, feet.contents) == ("Feet", "1 × Lamp, 4 × Foot")
    assert (arm.options, arm.contents) == ("Arm", "1 × Lamp, 1 × Arm")
    # $65 by what the parts cost alone, 40 to 20.
    assert [part.share.minor for part in arm.components] == [4333, 2167]


def test_a_choice_is_shown_with_what_it_costs_more_and_follows_its_part(counter):
    browser = Browser(counter.shop)
    page = browser.get(f"/products/kit?variant={ARM}")
    text = " ".join(page.text.split())
    assert text.count('<span class="option-more">+ $15.00</span>') == 1
    assert '<span class="price-now" data-price="">$65.00</span>' in text
    boxes = {li["data-part"]: li.has_attr("hidden") for li in page.html.select("[data-part]")}
    assert boxes == {"LAMP": False, "ARM": False, "FOOT": True}
    data = json.loads(page.html.select_one("#variants").string)
    assert data[0]["parts"] == {"LAMP": 1, "FOOT": 4}
    assert page.html.select_one("[data-soldout]") is None
    with counter.shop.unit() as db:
        kernel.set_stock(db, "FOOT", 3, reason="gone", actor="test")  # four are needed
    page = browser.get("/products/kit")
    (gone,) = page.html.select("label[data-soldout]")
    assert gone.input["value"] == "Feet"
    assert page.html.select_one("[data-sku]")["value"] == ARM  # the choice that can be bought
    offers = re.findall(r'"price": ?"([0-9.]+)".*?schema.org/(\w+)"', page.text)
    assert offers == [("50.00", "OutOfStock"), ("65.00", "InStock")]
    card = (
        browser.get("/products?in_stock=1").html.find("a", href="/products/kit").find_parent("li")
    )
    assert "$65.00" in card.get_text()


def test_what_a_choice_brings_has_to_be_in_its_variants(counter):
    _, kit = stored(counter.shop)
    assert kit.options == (MOUNT,)

    def problems(**changes):
        with counter.shop.unit() as db:
            key = writing.find(db, ["kit"])["kit"]
            return writing.problems(db, replace(kit, **changes), product_id=key)

    feet, arm = kit.variants
    lacking = (feet, replace(arm, components=(("LAMP", 1),)))
    assert "needs 1 x ARM" in problems(variants=lacking)["variants.1.components"]
    cheap = (feet, replace(arm, price=1499))
    assert "less than what its choices add" in problems(variants=cheap)["variants.1.price"]
    follows = tuple(replace(one, percent_off=Decimal(5)) for one in kit.variants)
    assert "costs what its parts do" in problems(variants=follows)["options.0.values.1"]
    assert "No variant takes Arm yet" in problems(variants=(feet,))["options.0.values.1"]
    other = replace(MOUNT, choices=(replace(MOUNT.choices[0], value="Rope"),))
    assert "no value 'Rope'" in problems(options=(other,))["options.0"]


def test_a_choice_can_be_saved_again_changed_and_taken_away(counter):
    shop = counter.shop
    key, kit = stored(shop)
    with shop.unit() as db:
        assert writing.save(db, kit, product_id=key).changes == ()
        with pytest.raises(writing.Invalid, match="part of the bundle"):
            writing.delete(db, writing.find(db, ["arm"])["arm"])
        plain = replace(MOUNT, choices=())
        saved = writing.save(db, replace(kit, options=(plain,)), product_id=key)
        assert saved.changes == ("options",)
    assert stored(shop)[1].options == (plain,)
    with shop.unit() as db:
        writing.save(db, kit, product_id=key)
        writing.delete(db, key)
        writing.delete(db, writing.find(db, ["arm"])["arm"])


def test_a_file_carries_the_choices_and_brings_them_back(counter):
    shop = counter.shop
    text = exported(shop)
    row = next(row for row in cells(text) if row["Handle"] == "kit")
    assert row[COLUMN] == "Mount / Feet: 4 x FOOT + 0.00\nMount / Arm: 1 x ARM + 15.00"
    assert run(shop, text).changed == 0
    key, kit = stored(shop)
    with shop.unit() as db:
        writing.delete(db, key)
    assert run(shop, text).created == 1
    assert stored(shop)[1] == kit
    # Without the column what there is stays; nonsense in it is said, and changes nothing.
    assert run(shop, text.replace(COLUMN, "Something else")).skipped == 0
    assert stored(shop)[1].options == kit.options
    report = run(shop, text.replace("1 x ARM + 15.00", "an arm"))
    assert (report.skipped, report.changed) == (1, 0)
    assert "is not like 2 x SKU + 5.00" in " ".join(report.lines())


def editor(shop, path):
    return product_form(sign_in(shop).get(f"/admin/catalog/products/{path}"))


def product_form(page):
    return next(form for form in page.forms.values() if "variant.0.percent_off" in form.fields)


def test_staff_make_a_choice_in_the_editor(counter):
    shop = counter.shop
    form = editor(shop, "new")
    form["title"], form["variant.0.price"] = "Desk set", "45.00"
    form["part.0.sku"] = "LAMP"
    form["option.0.name"], form["option.0.choice"] = "Mount", True
    for i, (value, part, more) in enumerate(
        [("Nothing", "", ""), ("Feet", "FOOT", ""), ("Arm", "NO-SUCH", "15")]
    ):
        form[f"option.0.value.{i}.text"], form[f"option.0.value.{i}.part"] = value, part
        form[f"option.0.value.{i}.surcharge"] = more
    form["option.0.value.1.quantity"] = "4"
    form = product_form(form.submit("do", value="matrix"))
    page = form.submit("do", value="save", status=422)
    assert 'href="#option.0.value.2.text">There is no variant with the SKU NO-SUCH' in page.text
    form = product_form(page)
    form["option.0.value.2.part"] = "ARM"
    page = form.submit("do", value="save", status=303).follow()
    with shop.unit() as db:
        key = writing.find(db, ["desk-set"])["desk-set"]
        made = writing.read(db, key)
    assert [(v.values, v.price, v.components) for v in made.variants] == [
        (("Nothing",), 4500, (("LAMP", 1),)),
        (("Feet",), 4500, (("LAMP", 1), ("FOOT", 4))),
        (("Arm",), 6000, (("LAMP", 1), ("ARM", 1))),
    ]
    # Shown again: the grid has the price that choices add to, and the lamp stands there once.
    form = product_form(page)
    assert [form[f"variant.{i}.price"].value for i in range(3)] == ["45.00"] * 3
    assert (form["part.0.of"].value, form["part.0.sku"].value) == ("", "LAMP")
    assert form["part.1.sku"].value == ""
    form["option.0.value.2.surcharge"] = "17.50"
    form = product_form(form.submit("do", value="save", status=303).follow())
    with shop.unit() as db:
        prices = [items(skus=[v.sku], ctx=shop.ctx(db))[v.sku].unit_price for v in made.variants]
    assert [price.minor for price in prices] == [4500, 4500, 6250]
    assert "Nothing was changed" in form.submit("do", value="save", status=303).follow().text
    form["option.0.choice"] = False  # a plain option again: the parts go with it
    form.submit("do", value="save", status=303)
    with shop.unit() as db:
        made = writing.read(db, key)
    assert {v.components for v in made.variants} == {(("LAMP", 1),)}
    assert made.options[0].choices == ()


def test_what_a_form_carries_along_has_the_choices():
    assert merge.unpack(merge.pack(KIT)) == KIT
    shown = forms.from_product(KIT, "USD", {})
    assert [(part.of, part.sku) for part in shown.parts] == [("", "LAMP")]
    assert [row["price"] for row in shown.variants] == ["50.00", "50.00"]
