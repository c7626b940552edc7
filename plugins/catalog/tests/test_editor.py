"""One page for a whole product: made, changed, refused, shared by two people, removed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from opticworks import kernel
from opticworks.testing.shops import counted
from opticworks_catalog import writing
from opticworks_catalog.admin import merge
from opticworks_catalog.models import Product, Variant
from opticworks_catalog.writing import OptionInput, ProductInput, VariantInput

PATH = "/admin/catalog/products"


@pytest.fixture
def shop(empty_shop):
    return empty_shop


@pytest.fixture
def owner(staff):
    return staff("owner")


def read(shop, handle):
    with shop.unit() as db:
        return writing.read(db, writing.find(db, [handle])[handle])


def on_hand(shop, *skus):
    with shop.unit() as db:
        levels = kernel.availability(db, skus)
    return [levels[sku].on_hand for sku in skus]


def lamp(shop, **fields):
    """A lamp in two colours, ten of each; its address in the admin."""
    product = ProductInput(
        handle="lamp",
        title="Lamp",
        currency="USD",
        status="published",
        options=(OptionInput(name="Colour", values=(("Red", ""), ("Blue", "#0000ff"))),),
        variants=(
            VariantInput(sku="L-RED", price=1000, values=("Red",), weight=100),
            VariantInput(sku="L-BLUE", price=1200, values=("Blue",), compare_at=1500),
        ),
    )
    with shop.unit() as db:
        key = writing.save(db, replace(product, **fields)).product_id
        for variant in product.variants:
            kernel.set_stock(db, variant.sku, 10, reason="start", actor="test")
    return f"{PATH}/{key}"


def form_of(page):
    return page.forms["product"]


def alert(page):
    return " ".join(page.html.find(role="alert").get_text(" ").split())


def save(form, status=303):
    return form.submit("do", value="save", status=status)


def grid(page):
    """Each row's name, SKU, price and stock as the grid shows them."""
    form = form_of(page)
    names = [th.find("span").get_text() for th in page.html.select("tbody th.grid-name")]
    return [
        (name, *(form[f"variant.{i}.{cell}"].value for cell in ("sku", "price", "stock")))
        for i, name in enumerate(names)
    ]


# --- making one -----------------------------------------------------------------------------------


def test_a_product_is_made_with_its_variants_and_stock_without_a_script(shop, owner):
    form = form_of(owner.get(f"{PATH}/new"))
    form["title"] = "Desk Lämp"
    form["description"] = "It is **bright**.\r\n\r\n- one"
    form["highlights"] = "Warm\nCold\n"
    form["spec.0.name"], form["spec.0.value"] = "Power", "9 W"
    form["tags"] = "light, desk, light"
    form["option.0.name"] = "Colour"
    form["option.0.value.0.text"], form["option.0.value.0.swatch"] = "Red", "#FF0000"
    form["option.0.value.1.text"] = "Blue"
    form["variant.0.price"] = "25"
    page = form.submit("do", value="matrix", status=200)
    assert "1 new variant." in page.text
    assert [at["id"] for at in page.html.select("[autofocus]")] == ["variant.0.price"]
    assert [row[0] for row in grid(page)] == ["Red", "Blue"]
    with shop.unit() as db:
        assert db.scalar(select(Product.id)) is None, "making variants saves nothing"
    form = form_of(page)
    form["option.1.name"] = "Size"
    for i, size in enumerate(("S", "M", "L")):
        form[f"option.1.value.{i}.text"] = size
    page = form.submit("do", value="matrix", status=200)
    assert len(grid(page)) == 6
    form = form_of(page)
    assert form["variant.5.price"].value == "25", "new ones are like the first"
    form["variant.5.price"] = "27.50"
    for i in range(6):
        form[f"variant.{i}.stock"] = str(i)
    form["status"] = "published"
    page = save(form).follow()
    assert "Desk Lämp was saved." in page.text
    made = read(shop, "desk-lamp")
    assert [v.sku for v in made.variants][:2] == ["DESK-LAMP-RED-S", "DESK-LAMP-RED-M"]
    assert [v.price for v in made.variants] == [2500] * 5 + [2750]
    assert made.options[0].values == (("Red", "#ff0000"), ("Blue", ""))
    assert (made.tags, made.specs) == (("light", "desk"), (("Power", "9 W"),))
    assert made.highlights == ("Warm", "Cold")
    assert on_hand(shop, *(v.sku for v in made.variants)) == [0, 1, 2, 3, 4, 5]
    browser = owner
    assert "$25.00" in browser.get("/products/desk-lamp").text


def test_a_simple_product_needs_a_title_and_a_price(shop, owner):
    form = form_of(owner.get(f"{PATH}/new"))
    page = save(form, status=422)
    assert "A product needs a title." in alert(page)
    assert page.html.find(id="title")["aria-describedby"] == "title-help"
    form = form_of(page)
    form["title"], form["variant.0.price"] = "Bulb", "abc"
    page = save(form, status=422)
    assert "abc is no amount of USD; write one like 12.50." in alert(page)
    form = form_of(page)
    form["variant.0.price"] = "1,200"
    page = save(form, status=422)
    assert "1,200 could be 1200 or 1.200. Write thousands without a sign" in alert(page)
    form = form_of(page)
    form["variant.0.price"] = "2,50"
    save(form)
    assert read(shop, "bulb").variants[0] == VariantInput(sku="BULB", price=250, extra={})


# --- changing one ---------------------------------------------------------------------------------


def test_saving_without_a_change_changes_nothing(shop, owner):
    path = lamp(shop)
    before = read(shop, "lamp")
    page = save(form_of(owner.get(path))).follow()
    assert "Nothing was changed" in page.text
    assert read(shop, "lamp") == before


def test_title_price_and_stock_are_one_save(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    form["title"], form["variant.1.price"], form["variant.1.stock"] = "Lantern", "12.49", "7"
    page = save(form).follow()
    assert "Saved: title; price of L-BLUE; stock of L-BLUE." in page.text
    product = read(shop, "lamp")
    assert (product.title, product.variants[1].price) == ("Lantern", 1249)
    assert on_hand(shop, "L-RED", "L-BLUE") == [10, 7]


def test_renaming_a_value_keeps_its_variant_and_adding_one_makes_one(shop, owner):
    path = lamp(shop)
    with shop.unit() as db:
        ids = {row.sku: row.id for row in db.scalars(select(Variant))}
    form = form_of(owner.get(path))
    form["option.0.value.0.text"] = "Crimson"
    form["option.0.value.2.text"] = "Green"
    page = form.submit("do", value="matrix")
    assert grid(page) == [
        ("Crimson", "L-RED", "10.00", "10"),
        ("Blue", "L-BLUE", "12.00", "10"),
        ("Green", "LAMP-GREEN", "10.00", ""),
    ]
    save(form_of(page))
    assert [v.values for v in read(shop, "lamp").variants] == [("Crimson",), ("Blue",), ("Green",)]
    with shop.unit() as db:
        now = {row.sku: row.id for row in db.scalars(select(Variant))}
    assert ids.items() <= now.items()


def test_removing_a_value_asks_before_its_variants_go(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    with shop.unit() as db:
        db.execute(text("UPDATE stock_item SET held = 3 WHERE sku = 'L-RED'"))
    form["option.0.value.0.text"] = ""
    page = save(form, status=422)
    assert "L-RED , on the shelf: 10 , kept for orders: 3" in alert(page)
    assert len(read(shop, "lamp").variants) == 2
    save(form_of(page))
    assert [v.sku for v in read(shop, "lamp").variants] == ["L-BLUE"]
    assert on_hand(shop, "L-RED") == [10], "the ledger keeps what is on the shelf"


def test_a_variant_is_removed_after_a_second_look(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    form["variant.1.remove"].checked = True
    form["option.0.value.1.text"] = ""
    page = save(form, status=422)
    assert "L-BLUE" in alert(page)
    save(form_of(page))
    assert [v.sku for v in read(shop, "lamp").variants] == ["L-RED"]


def test_a_product_keeps_its_name_above_a_form_without_a_title(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    form["title"] = ""
    page = save(form, status=422)
    assert "A product needs a title" in alert(page)
    assert page.html.h1.text == "Lamp"


def test_a_part_of_a_bundle_is_refused_before_anybody_is_asked(shop, owner):
    path = lamp(shop)
    pair = VariantInput(sku="PAIR", price=1500, components=(("L-RED", 2),))
    bundle = ProductInput(handle="pair", title="Pair", currency="USD", variants=(pair,))
    with shop.unit() as db:
        writing.save(db, bundle)
    form = form_of(owner.get(path))
    form["option.0.value.0.text"] = ""
    form["variant.1.remove"].checked = True
    page = save(form, status=422)
    assert "L-RED is a part of the bundle PAIR, so it is back in the form." in alert(page)
    assert "for good" not in page.text
    form = form_of(page)
    assert [form[f"option.0.value.{i}.text"].value for i in range(2)] == ["Red", "Blue"]
    removed = {form[f"variant.{i}.sku"].value: form[f"variant.{i}.remove"].checked for i in (0, 1)}
    assert removed == {"L-RED": False, "L-BLUE": True}
    page = owner.get(f"{path}/remove")
    assert "L-RED is a part of the bundle PAIR. Archive the product" in page.text
    assert "Delete for good" not in page.text


def test_a_new_sku_takes_its_stock_along_and_orders_block_it(shop, owner):
    path = lamp(shop)
    form = form_of(owner.get(path))
    form["variant.0.sku"] = "L-CRIMSON"
    page = save(form).follow()
    assert "L-RED is now L-CRIMSON" in page.text
    assert on_hand(shop, "L-RED", "L-CRIMSON") == [0, 10]
    form = form_of(page)
    form["variant.0.sku"] = "L-BLUE"
    assert "L-BLUE" in alert(save(form, status=422))
    from opticworks.stock import service

    with shop.unit() as db:
        service.hold(db, "AAAA-BBBB", {"L-BLUE": 2}, None)
    form = form_of(owner.get(path))
    form["variant.1.sku"] = "L-NAVY"
    assert "Orders keep 2 of L-BLUE" in alert(save(form, status=422))
    assert {v.sku for v in read(shop, "lamp").variants} == {"L-CRIMSON", "L-BLUE"}


def test_collections_options_order_and_everything_else_of_a_variant(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    cells = {
        "compare_at": "20", "barcode": "123", "weight": "250", "length": "10", "width": "20",
        "height": "30", "stock_policy": "backorder", "ships": "no", "tax_code": "T1",
        "hs_code": "9405.11", "origin_country": "de", "status": "archived",
    }  # fmt: skip
    for name, value in cells.items():
        form[f"variant.0.{name}"] = value
    form["option.0.value.0.text"], form["option.0.value.1.text"] = "Red", "Blue"
    save(form)
    assert read(shop, "lamp").variants[0] == VariantInput(
        sku="L-RED", price=1000, values=("Red",), compare_at=2000, barcode="123", weight=250,
        size=(10, 20, 30), stock_policy="backorder", requires_shipping=False, tax_code="T1",
        hs_code="9405.11", origin_country="DE", status="archived", extra={},
    )  # fmt: skip


def test_a_bundle_is_made_of_parts_and_shows_what_can_be_sold(shop, owner):
    lamp(shop)
    form = form_of(owner.get(f"{PATH}/new"))
    form["title"], form["variant.0.price"] = "Set", "20"
    form["part.0.sku"], form["part.0.quantity"] = "L-RED", "3"
    form["part.1.sku"], form["part.1.quantity"] = "NO-SUCH", "1"
    page = save(form, status=422)
    assert "There is no variant with the SKU NO-SUCH." in alert(page)
    form = form_of(page)
    form["part.1.sku"] = "L-BLUE"
    page = save(form).follow()
    assert read(shop, "set").variants[0].components == (("L-RED", 3), ("L-BLUE", 1))
    text = " ".join(page.html.get_text(" ").split())
    assert "SET : 3 can be sold now, by what there is of L-RED" in text
    found = json.loads(owner.get("/admin/catalog/skus?q=l-bl").text)
    assert found == [{"sku": "L-BLUE", "title": "Lamp Blue"}]


# --- what can't be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", "", "A product needs a title."),
        ("title", "x" * 300, "there is room for 255"),
        ("handle", "No Good!", "An address has small letters"),
        ("status", "gone", "A product is draft, published or archived"),
        ("variant.0.price", "", "Enter a price, like 12.50."),
        ("variant.0.price", "-1", "no amount of USD"),
        ("variant.0.price", "1.005", "could be 1005 or 1.005"),
        ("variant.0.price", "9" * 30, "no amount of USD"),
        ("variant.0.compare_at", "5", "must be higher than the price"),
        ("variant.0.stock", "many", "Stock is a whole number"),
        ("variant.0.weight", "1.5", "whole number of grams"),
        ("variant.0.length", "5", "length, width and height, or none"),
        ("variant.0.origin_country", "Germany", "two capital letters"),
        ("variant.0.stock_policy", "<script>", "There is no stock policy"),
        ("variant.0.barcode", "1" * 60, "there is room for 40"),
        ("option.0.name", "", "An option needs a name."),
        ("option.0.value.1.text", "Red", "has the value Red twice"),
        ("option.0.value.0.swatch", "red", "is not like"),
        ("tags", "x" * 300, "there is room for 255"),
        ("base", "", "This form is incomplete"),
        ("base", "e30=", "This form is incomplete"),
    ],
)
def test_what_can_not_be_is_said_and_nothing_is_saved(shop, owner, field, value, sentence):
    form = form_of(owner.get(lamp(shop)))
    before = read(shop, "lamp")
    form["subtitle"] = "typed"
    form[field].force_value(value)
    page = save(form, status=422)
    assert sentence in page.html.get_text(" ")
    if field != "base":
        assert form_of(page)["subtitle"].value == "typed", "nothing that was typed is lost"
    assert read(shop, "lamp") == before
    assert on_hand(shop, "L-RED") == [10]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"variant.999999.price": "1"},
        {"variant.0.sku_was": "FOREIGN", "variant.0.price": "1"},
        {"variant.x.price": "1", "option..name": "a", "spec.0": "b"},
        {"collection": "no-such", "collections": "1"},
        {"part.0.sku": "L-RED", "part.0.of": "FOREIGN", "parts": "1"},
        {"option.0.value.0.text": "only", "options": "1"},
        {"do": "matrix", "options": "1"},
        {"do": "preview", "description": "<script>alert(1)</script>"},
    ],
)
def test_forged_forms_are_answered_and_break_nothing(shop, owner, fields):
    path = lamp(shop)
    before = read(shop, "lamp")
    form = form_of(owner.get(path))
    kept = {"csrf_token": form["csrf_token"].value, "base": form["base"].value}
    answer = owner.post(path, {**kept, **fields}, status="*")
    assert answer.status_int in (200, 303, 422)
    assert "<script>alert" not in answer.text
    assert read(shop, "lamp") == before
    new = owner.post(f"{PATH}/new", {"csrf_token": kept["csrf_token"], **fields}, status="*")
    assert new.status_int in (200, 422)


def test_too_many_variants_are_not_made(shop, owner):
    form = form_of(owner.get(lamp(shop)))
    fields = {"csrf_token": form["csrf_token"].value, "base": form["base"].value, "do": "matrix"}
    fields["options"] = "1"
    for option in range(3):
        fields[f"option.{option}.name"] = f"O{option}"
        fields |= {f"option.{option}.value.{i}.text": f"v{i}" for i in range(11)}
    page = owner.post(owner_path(form), fields, status=422)
    assert "These options make 1,331 variants" in alert(page)


def owner_path(form):
    return form.action


# --- two people -----------------------------------------------------------------------------------


def test_the_second_of_two_editors_is_told_and_loses_nothing(shop, staff):
    path = lamp(shop)
    ada, ben = staff("owner"), staff("manager")
    first, second = form_of(ada.get(path)), form_of(ben.get(path))
    first["title"], first["variant.0.price"] = "Ada's lamp", "11"
    save(first)
    second["title"], second["subtitle"], second["variant.1.price"] = "Ben's lamp", "Bright", "13"
    page = save(second, status=409)
    said = alert(page)
    assert "Price of L-RED" in said
    assert "Title : yours Ben's lamp , theirs Ada's lamp" in said
    assert read(shop, "lamp").title == "Ada's lamp", "nothing is saved yet"
    form = form_of(page)
    assert form["subtitle"].value == "Bright"
    save(form)
    product = read(shop, "lamp")
    assert (product.title, product.subtitle) == ("Ben's lamp", "Bright")
    assert [v.price for v in product.variants] == [1100, 1300], "both people's prices"


def test_stock_that_was_sold_meanwhile_is_not_overwritten(shop, owner):
    path = lamp(shop)
    form = form_of(owner.get(path))
    with shop.unit() as db:
        kernel.adjust_stock(db, "L-RED", -3, reason="sold", actor="another")
    form["variant.0.stock"], form["title"] = "12", "Changed"
    page = save(form, status=409)
    assert "Meanwhile the stock moved from 10 to 7" in page.text
    assert (read(shop, "lamp").title, on_hand(shop, "L-RED")) == ("Lamp", [7])
    save(form_of(page))
    assert (read(shop, "lamp").title, on_hand(shop, "L-RED")) == ("Changed", [12])


def test_a_forged_base_can_not_unpack_without_end():
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b"[" * 50_000_000)).decode()
    with pytest.raises(ValueError, match="incomplete"):
        merge.unpack(bomb)


# --- how much it costs ----------------------------------------------------------------------------


def test_four_hundred_variants_are_saved_in_as_many_statements_as_two(shop, owner):
    def cost(path):
        form = form_of(owner.get(path))
        count = sum(1 for name in form.fields if re.fullmatch(r"variant\.\d+\.price", str(name)))
        for i in range(count):
            form[f"variant.{i}.price"], form[f"variant.{i}.stock"] = "14", "3"
        with counted() as statements:
            save(form)
        return len(statements), count

    few = min(cost(lamp(shop))[0], 200)
    values = tuple((f"v{number}", "") for number in range(400))
    big = ProductInput(
        handle="big",
        title="Big",
        currency="USD",
        options=(OptionInput(name="Number", values=values),),
        variants=tuple(
            VariantInput(sku=f"BIG-{number}", price=1000, values=(f"v{number}",))
            for number in range(400)
        ),
    )
    with shop.unit() as db:
        key = writing.save(db, big).product_id
    many, count = cost(f"{PATH}/{key}")
    assert count == 400
    assert many <= few + 6
    assert {variant.price for variant in read(shop, "big").variants} == {1400}


# --- duplicate, preview, remove -------------------------------------------------------------------


def test_a_copy_is_a_draft_with_its_own_address_and_skus(shop, owner):
    path = lamp(shop)
    token = owner.get(path).forms[0]["csrf_token"].value
    owner.post(f"{path}/duplicate", {"csrf_token": token}, status=303)
    copy = read(shop, "lamp-copy")
    assert (copy.title, copy.status) == ("Lamp (copy)", "draft")
    assert [v.sku for v in copy.variants] == ["L-RED-COPY", "L-BLUE-COPY"]
    owner.post(f"{path}/duplicate", {"csrf_token": token}, status=303)
    assert read(shop, "lamp-copy-2").variants[0].sku == "L-RED-COPY-2"


def test_staff_see_a_draft_as_customers_will(shop, owner):
    path = lamp(shop, status="draft")
    owner.get("/products/lamp", status=404)
    page = owner.get(f"{path}/preview")
    assert "$10.00" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert read(shop, "lamp").status == "draft"
    owner.get("/products/lamp", status=404)


def test_archiving_takes_it_out_of_the_shop_and_keeps_it(shop, owner):
    path = lamp(shop)
    page = owner.get(f"{path}/remove")
    page.forms[1].submit("do", value="archive", status=303)
    owner.get("/products/lamp", status=404)
    assert read(shop, "lamp").status == "archived"


def test_deleting_needs_its_title(shop, owner):
    path = lamp(shop)
    form = owner.get(f"{path}/remove").forms[2]
    form["confirm"] = "Lantern"
    page = form.submit(status=422)
    assert "what you typed is not the title" in alert(page)
    form = page.forms[2]
    form["confirm"], form["lead"] = "lamp", "no-such"
    page = form.submit(status=422)
    assert "no other product with the address 'no-such'" in alert(page)
    form = page.forms[2]
    form["confirm"] = " lamp "
    form.submit(status=303)
    owner.get("/products/lamp", status=410)
    with shop.unit() as db:
        assert writing.find(db, ["lamp"]) == {}
    owner.get(path, status=404)
    assert on_hand(shop, "L-RED") == [10]


# --- who may --------------------------------------------------------------------------------------


def test_without_the_permission_or_the_token_nothing_happens(shop, staff):
    path = lamp(shop)
    clerk, owner = staff("clerk"), staff("owner")
    token = clerk.get("/admin").forms[0]["csrf_token"].value
    for verb in ("", "/duplicate", "/remove"):
        clerk.post(f"{path}{verb}", {"csrf_token": token, "do": "archive"}, status=403)
        owner.post(f"{path}{verb}", {"do": "archive"}, status=400)
    for get in (path, f"{PATH}/new", f"{path}/preview", f"{path}/remove", "/admin/catalog/skus"):
        clerk.get(get, status=403)
    owner.post("/admin/catalog/preview-text", {"text": "x"}, status=400)
    assert read(shop, "lamp").status == "published"


@pytest.mark.parametrize("path", ["0", "99999999999999999", "9" * 60, "1/remove", "1/preview"])
def test_a_product_that_is_not_there(shop, owner, path):
    owner.get(f"{PATH}/{path}", status=404)


def test_the_preview_of_a_text_is_clean(shop, owner):
    token = owner.get("/admin").forms[0]["csrf_token"].value
    answer = owner.post(
        "/admin/catalog/preview-text",
        {"csrf_token": token, "text": "**b** <script>alert(1)</script><img src=x onerror=y>"},
    )
    assert "<strong>b</strong>" in answer.text
    assert "<script" not in answer.text
    assert "<img" not in answer.text
