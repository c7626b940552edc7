"""The admin's list of products."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from opticworks.staff import service
from opticworks.testing.shops import Browser
from opticworks_catalog import admin_menu
from opticworks_catalog.models import Product, Variant

PATH = "/admin/catalog/products"
PASSWORD = "correct horse battery"


@pytest.fixture
def staff(shop):
    """staff("manager") is a browser with somebody of that role signed in."""

    def sign_in(role):
        with shop.unit() as db:
            service.create_staff(db, "someone@example.org", PASSWORD, role=role, actor="test")
        browser = Browser(shop)
        form = browser.get("/admin/sign-in").form
        form["email"], form["password"] = "someone@example.org", PASSWORD
        form.submit(status=303)
        return browser

    return sign_in


def lines(page):
    return {
        row.find("code").get_text(): row.get_text(" ", strip=True)
        for row in page.html.select("tbody tr")
    }


def test_hook_admin_menu(shop):
    with shop.unit() as db:
        (entry,) = admin_menu(ctx=shop.ctx(db))
    assert (entry.path, entry.permission) == (PATH, "catalog.read")


def test_products_are_listed_with_stock_and_status(shop, staff):
    with shop.unit() as db:
        db.execute(update(Product).where(Product.handle == "poe-module").values(status="draft"))
        db.execute(update(Variant).where(Variant.sku == "INJ-UK").values(status="archived"))
    page = staff("manager").get(PATH)
    shown = lines(page)
    assert len(shown) == 19
    assert shown["RS1-PRO-GRA"].endswith("RS1-PRO-GRA $129.00 180 on hand Published")
    assert shown["POE-MOD"].endswith("Draft")
    assert shown["INJ-UK"].endswith("Archived")
    assert "From its parts" in shown["BND-HOME"]


def test_products_are_found_by_title_or_sku(staff):
    browser = staff("owner")
    assert set(lines(browser.get(PATH, {"q": "injector"}))) == {"INJ-US", "INJ-EU", "INJ-UK"}
    assert set(lines(browser.get(PATH, {"q": "cbl-3m"}))) == {"CBL-3M-WHT", "CBL-3M-GRA"}
    assert lines(browser.get(PATH, {"q": "%"})) == {}
    assert "No products here" in browser.get(PATH, {"q": "<script>"}).text


def test_only_staff_with_the_permission_see_it(browser, staff):
    assert browser.get(PATH).location.startswith("http://localhost/admin/sign-in")
    staff("clerk").get(PATH, status=403)
