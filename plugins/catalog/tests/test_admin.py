"""The admin's list of products: finding, and changing many at once."""

from __future__ import annotations

import pytest
from catalog_making import statements_of
from sqlalchemy import delete, select, update

from opticworks import kernel
from opticworks_catalog import admin_menu, attention, writing
from opticworks_catalog.models import Image, Product, Variant
from opticworks_catalog.writing import ProductInput, VariantInput

PATH = "/admin/catalog/products"
BULK = f"{PATH}/bulk"


def lines(page):
    """Each row's text by its product's title."""
    return {
        row.select_one(".key").get_text(): " ".join(row.get_text(" ").split())
        for row in page.html.select("tbody tr")
    }


def titles(page):
    return list(lines(page))


def status_of(shop, handle):
    with shop.unit() as db:
        return db.scalar(select(Product.status).where(Product.handle == handle))


def tick(page, *names):
    """The list's form with these products ticked."""
    form = page.forms[2]
    ids = {
        row.select_one(".key").get_text(): row.select_one("input[name=id]")["value"]
        for row in page.html.select("tbody tr")
    }
    for box in form.fields["id"]:
        box.checked = box._value in {ids[name] for name in names}
    return form


def test_hook_admin_menu(shop):
    with shop.unit() as db:
        entry = next(iter(admin_menu(ctx=shop.ctx(db))))
    assert (entry.path, entry.permission) == (PATH, "catalog.read")


def test_products_are_listed_with_price_stock_and_status(shop, staff):
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "poe-module").values(status="draft"))
    shown = lines(staff("manager").get(PATH))
    assert "4 variants" in shown["RS-1 Presence Sensor"]
    assert "Published 880 left from $79.00" in shown["RS-1 Presence Sensor"]
    assert "Draft 120 left" in shown["PoE Module"]
    assert "1 out of 6" in shown["USB-C Cable"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "injector"}, ["PoE Injector"]),
        ({"q": "cbl-3m"}, ["USB-C Cable"]),
        ({"q": "%"}, []),
        ({"stock": "out"}, []),
        ({"status": "archived"}, []),
        ({"status": "draft"}, ["PoE Module"]),
        ({"missing": "picture"}, ["IAQ Module"]),
        ({"collection": "nothing-like-it"}, []),
    ],
)
def test_products_are_found(shop, staff, query, found):
    with shop.unit() as db:
        module = select(Product.id).where(Product.handle == "iaq-module").scalar_subquery()
        db.execute(delete(Image).where(Image.product_id == module))
        db.execute(update(Product).where(Product.handle == "poe-module").values(status="draft"))
    assert titles(staff("owner").get(PATH, query)) == found


def test_what_has_no_price_in_the_shops_currency_is_told_and_found(shop, staff):
    with shop.unit() as db:
        assert [one.count for one in attention(ctx=shop.ctx(db))] == [0]
        injector = select(Product.id).where(Product.handle == "poe-injector").scalar_subquery()
        db.execute(update(Variant).where(Variant.product_id == injector).values(currency="EUR"))
    with shop.unit() as db:
        (told,) = attention(ctx=shop.ctx(db))
    assert (told.label, told.count) == ("Without a price in USD", 1)
    page = staff("owner").get(told.path)
    assert titles(page) == ["PoE Injector"]
    assert "write the new prices into the file" in page.text


def test_products_are_found_by_what_is_left_a_bundles_by_its_parts(shop, staff):
    browser = staff("owner")
    low = titles(browser.get(PATH, {"stock": "low"}))
    assert set(low) == {"USB-C Cable", "PoE Injector", "Pro + PoE Bundle"}, "with its injector"
    with shop.unit() as db:
        kernel.set_stock(db, "POE-MOD", 1, reason="x", actor="test")
    low = set(titles(browser.get(PATH, {"stock": "low"})))
    assert "PoE Module" in low
    assert any("bundle" in title.lower() for title in low)
    with shop.unit() as db:
        kernel.set_stock(db, "POE-MOD", 0, reason="x", actor="test")
    out = set(titles(browser.get(PATH, {"stock": "out"})))
    assert "PoE Module" in out
    assert out & set(titles(browser.get(PATH, {"stock": "in"}))) == set()


def test_sorting_and_pages(shop, staff):
    browser = staff("owner")
    by_title = titles(browser.get(PATH, {"sort": "title"}))
    assert by_title == sorted(by_title, key=str.lower)
    dearest = titles(browser.get(PATH, {"sort": "-price"}))
    assert dearest[0] == titles(browser.get(PATH, {"sort": "price"}))[-1]
    with shop.unit() as db:
        writing.save_all(db, [writing.Change(product(f"extra-{number}")) for number in range(30)])
    page = browser.get(PATH)
    assert len(lines(page)) == 25
    assert len(lines(page.click("Next"))) == 13
    assert len(lines(browser.get(PATH, {"size": "50"}))) == 38


def product(handle, **fields):
    title = handle.replace("-", " ").capitalize()
    variant = VariantInput(sku=handle.upper(), price=1000)
    return ProductInput(handle=handle, title=title, currency="USD", variants=(variant,), **fields)


def test_the_list_costs_as_many_statements_for_many_products(shop, staff):
    browser = staff("owner")
    few = len(statements_of(browser, PATH))
    with shop.unit() as db:
        writing.save_all(db, [writing.Change(product(f"extra-{number}")) for number in range(60)])
    # One more for all their items together: those of few are remembered from before.
    assert len(statements_of(browser, f"{PATH}?size=100")) <= few + 1


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=99999", "size=7", "sort=x", "status=x", "q=" + "x" * 900],
)
def test_any_address_of_the_list_is_answered(staff, query):
    staff("owner").get(f"{PATH}?{query}", status=200)


# --- many at once ---------------------------------------------------------------------------------


def test_many_are_published_and_taken_out_again(shop, staff):
    browser = staff("manager")
    form = tick(browser.get(PATH), "PoE Module", "IAQ Module")
    page = form.submit("do", value="unpublish", status=303).follow()
    assert "2 products are taken out of the shop." in page.text
    assert status_of(shop, "poe-module") == status_of(shop, "iaq-module") == "draft"
    form = tick(browser.get(PATH, {"status": "draft"}), "IAQ Module")
    page = form.submit("do", value="publish", status=303).follow()
    assert "1 product is published." in page.text
    assert titles(page) == ["PoE Module"], "back at the filtered list"


def test_what_fails_is_said_and_the_rest_is_done(shop, staff):
    with shop.unit() as db:
        writing.save(db, ProductInput(handle="empty", title="Empty", currency="USD"))
        writing.save(db, product("full"))
    page = (
        tick(staff("owner").get(PATH, {"status": "draft"}), "Empty", "Full")
        .submit("do", value="publish", status=303)
        .follow()
    )
    assert "1 product is published." in page.text
    assert "Failed for 1: Empty: A product without a variant" in page.text
    assert status_of(shop, "full") == "published"


def test_all_results_are_changed_whatever_the_page(shop, staff):
    with shop.unit() as db:
        writing.save_all(db, [writing.Change(product(f"extra-{number}")) for number in range(40)])
    browser = staff("owner")
    form = browser.get(PATH, {"q": "extra"}).forms[2]
    form["all"].checked = True
    page = form.submit("do", value="archive", status=303).follow()
    assert "40 products are archived." in page.text
    assert status_of(shop, "rs-1-sensor") == "published"


def test_products_are_put_into_a_collection(shop, staff):
    browser = staff("owner")
    form = tick(browser.get(PATH), "IAQ Module", "USB-C Cable")
    form["collection"] = form["collection"].options[1][0]
    handle = form["collection"].value
    form.submit("do", value="collect", status=303)
    found = titles(browser.get(PATH, {"collection": handle}))
    assert {"IAQ Module", "USB-C Cable"} <= set(found)


def test_deleting_many_asks_for_their_number_and_spares_parts_of_bundles(shop, staff):
    browser = staff("owner")
    page = tick(browser.get(PATH), "USB-C Cable", "PoE Module").submit("do", value="delete")
    assert "USB-C Cable" in page.text
    form = page.forms[1]
    form["confirm"] = "delete 3"
    page = form.submit(status=200)
    assert "Nothing was deleted" in page.text
    form = page.forms[1]
    form["confirm"] = "Delete 2"
    page = form.submit(status=303).follow()
    assert "1 product is deleted." in page.text
    assert "part of the bundle" in page.text
    assert "USB-C Cable" not in titles(page)
    assert "PoE Module" in titles(page)


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "publish"},
        {"id": "abc", "do": "publish"},
        {"id": "9" * 40, "do": "publish"},
        {"id": "1", "do": "explode"},
        {"id": "1"},
        {"id": "1", "do": "collect"},
        {"id": "1", "do": "collect", "collection": "no-such-collection"},
        {"id": "-1", "do": "archive", "query": "\x7f&&==%"},
        {"all": "1", "do": "collect", "query": "q=" + "x" * 5000},
    ],
)
def test_forged_actions_change_nothing(shop, staff, fields):
    browser = staff("owner")
    token = browser.get(PATH).forms[0]["csrf_token"].value
    with shop.unit() as db:
        before = db.execute(select(Product.id, Product.status, Product.updated_at)).all()
    browser.post(BULK, {"csrf_token": token, **fields}, status=303)
    with shop.unit() as db:
        assert db.execute(select(Product.id, Product.status, Product.updated_at)).all() == before


def test_an_archived_variant_is_no_reason_to_call_a_product_empty(shop, staff):
    with shop.unit() as db:
        db.execute(update(Variant).where(Variant.sku == "INJ-UK").values(status="archived"))
    assert "2 variants" in lines(staff("owner").get(PATH))["PoE Injector"]


# --- who may --------------------------------------------------------------------------------------


def test_only_staff_with_the_permission_see_it(browser, staff):
    assert browser.get(PATH).location.startswith("http://localhost/admin/sign-in")
    clerk = staff("clerk")
    clerk.get(PATH, status=403)
    token = clerk.get("/admin").forms[0]["csrf_token"].value
    clerk.post(BULK, {"csrf_token": token, "id": "1", "do": "archive"}, status=403)


def test_without_the_token_nothing_changes(staff):
    staff("owner").post(BULK, {"id": "1", "do": "archive"}, status=400)
