"""Collections: made, filled, put in order, renamed, deleted."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opticworks_catalog.models import Collection, CollectionProduct, Product

PATH = "/admin/catalog/collections"


@pytest.fixture
def owner(staff):
    return staff("owner")


def one(shop, handle):
    with shop.unit() as db:
        return db.scalar(select(Collection).where(Collection.handle == handle))


def titles(shop, handle):
    with shop.unit() as db:
        return list(
            db.scalars(
                select(Product.title)
                .join(CollectionProduct, CollectionProduct.product_id == Product.id)
                .join(Collection, Collection.id == CollectionProduct.collection_id)
                .where(Collection.handle == handle)
                .order_by(CollectionProduct.position)
            )
        )


def form_of(page):
    return page.forms["collection"]


def save(form, status=303):
    return form.submit("do", value="save", status=status)


def test_a_collection_is_made_and_filled_without_a_script(shop, owner):
    form = form_of(owner.get(f"{PATH}/new"))
    form["title"], form["status"], form["add"] = "For the Hall", "published", "MNT-KIT"
    form = form_of(form.submit("do", value="add"))
    form["add"] = "module"
    page = form.submit("do", value="add")
    form = form_of(page)
    assert len(form.fields["add_id"]) == 2, "both modules are offered"
    for box in form.fields["add_id"]:
        box.checked = True
    page = save(form).follow()
    assert "For the Hall was saved." in page.text
    assert titles(shop, "for-the-hall") == ["Mounting Kit", "IAQ Module", "PoE Module"]
    assert "Mounting Kit" in owner.get("/collections/for-the-hall").text
    form = form_of(page)
    ids = [name for name in form.fields if str(name).endswith(".place")]
    form[ids[2]] = "1"
    form[ids[0].replace("place", "remove")].checked = True
    save(form)
    assert titles(shop, "for-the-hall") == ["PoE Module", "IAQ Module"]


def test_a_new_address_leads_on_from_the_old_one(shop, owner):
    key = one(shop, "modules").id
    form = form_of(owner.get(f"{PATH}/{key}"))
    form["handle"] = "boards"
    save(form)
    assert owner.get("/collections/modules", status=301).location.endswith("/collections/boards")


def test_the_second_of_two_editors_is_told_and_loses_nothing(shop, owner, staff):
    path = f"{PATH}/{one(shop, 'modules').id}"
    first, second = form_of(owner.get(path)), form_of(staff("manager").get(path))
    first["title"] = "Boards"
    save(first)
    second["description"] = "Mine"
    page = save(second, status=409)
    assert "title “Boards”" in page.html.find(role="alert").get_text()
    assert form_of(page)["description"].value == "Mine"
    save(form_of(page))
    assert one(shop, "modules").description == "Mine"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", "", "Enter a title."),
        ("title", "x" * 300, "there is room for 200"),
        ("handle", "No Good", "Use small letters"),
        ("handle", "sensors", "Another collection has this address"),
        ("status", "archived", "A collection is a draft or published."),
        ("description", "x" * 30_000, "there is room for 20,000"),
    ],
)
def test_what_can_not_be_is_said(shop, owner, field, value, sentence):
    form = form_of(owner.get(f"{PATH}/{one(shop, 'modules').id}"))
    form[field].force_value(value)
    page = save(form, status=422)
    assert sentence in page.html.find(role="alert").get_text()
    assert one(shop, "modules").title == "Modules"


def test_the_order_of_collections(shop, owner):
    page = owner.get(PATH)
    order = [row.select_one(".key").get_text() for row in page.html.select("tbody tr")]
    page.forms[1].submit("move", value=f"{one(shop, 'modules').id}:up", status=303)
    now = [row.select_one(".key").get_text() for row in owner.get(PATH).html.select("tbody tr")]
    assert now == [order[1], order[0], *order[2:]]
    page.forms[1].submit("move", value="999:up", status=303)
    page.forms[1].submit("move", value="<b>", status=303)


def test_deleting_needs_the_title_and_keeps_the_products(shop, owner):
    path = f"{PATH}/{one(shop, 'modules').id}"
    page = owner.get(path)
    form = page.forms["remove-collection"]
    form["confirm"] = "wrong"
    assert "Nothing was deleted" in form.submit(status=303).follow().text
    form["confirm"] = "Modules"
    form.submit(status=303)
    assert one(shop, "modules") is None
    owner.get("/products/poe-module", status=200)
    owner.get(path, status=404)


def test_forged_forms_and_strangers(shop, owner, staff):
    path = f"{PATH}/{one(shop, 'modules').id}"
    before = titles(shop, "modules")
    token = owner.get(path).forms[0]["csrf_token"].value
    for fields in ({}, {"products": "1", "product.x.id": "1"}, {"add_id": "abc", "do": "add"}):
        answer = owner.post(path, {"csrf_token": token, **fields}, status="*")
        assert answer.status_int in (200, 409, 422)
    clerk = staff("clerk")
    token = clerk.get("/admin").forms[0]["csrf_token"].value
    for address in (path, f"{path}/remove", PATH):
        clerk.post(address, {"csrf_token": token, "confirm": "Modules"}, status=403)
        owner.post(address, {"confirm": "Modules"}, status=400)
    assert titles(shop, "modules") == before
