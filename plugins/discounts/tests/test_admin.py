"""The admin's screens of discounts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from discount_making import cart_with, publish
from sqlalchemy import select, text

from opticworks.checkout.place import place
from opticworks.money import Money
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks_discounts import admin_menu
from opticworks_discounts.models import Code, Discount

PATH = "/admin/discounts"


@pytest.fixture
def staff(counter):
    """staff("clerk") is a browser with somebody of that role signed in, a manager by itself."""
    return lambda role="manager": sign_in(counter.shop, role)


def words(page, selector):
    return [" ".join(each.get_text(" ").split()) for each in page.html.select(selector)]


def form_of(page, action):
    return next(form for form in page.forms.values() if form.action == action)


def fill(page, action, **values):
    form = form_of(page, action)
    for name, value in values.items():
        form[name] = value
    return form


def all_of(counter, what):
    with counter.shop.unit() as db:
        return list(db.scalars(select(what).order_by(what.id)))


def test_hook_admin_menu(counter):
    with counter.shop.unit() as db:
        (entry,) = admin_menu(ctx=counter.shop.ctx(db))
    assert (entry.path, entry.permission) == (PATH, "discounts.read")


def test_a_code_is_made_used_changed_and_turned_off(counter, staff):
    browser = staff()
    new = browser.get(f"{PATH}/new")
    saved = (
        fill(
            new,
            f"{PATH}/new",
            title="Summer",
            code="Summer 10",
            percent="12.5",
            minimum="20.00",
            total_limit="5",
        )
        .submit(status=303)
        .follow()
    )
    assert "Summer was saved." in words(saved, ".notice")
    (row,) = all_of(counter, Discount)
    assert (row.percent, row.minimum, row.total_limit, row.currency) == (12.5, 2000, 5, "USD")
    cart_id = cart_with(counter, ("A", 2), codes=["SUMMER10"])
    assert counter.quote(cart_id).discount_total == Money(-250, "USD")
    number = place(counter.shop, counter.wish(cart_id)).number
    page = browser.get(f"{PATH}/{row.id}")
    assert words(page, "#uses .key") == [number]
    assert page.html.find("a", href=f"/admin/orders/{number}") is not None
    order = browser.get(f"/admin/orders/{number}")
    assert "Takes one of 5 uses in all." in order
    assert "Summer 10: 12.5% off" in order
    (line,) = words(browser.get(PATH), "tbody tr")
    assert line == "Summer Summer 10 12.5% off from $20.00 Active 1 of 5 Always"
    fill(page, f"{PATH}/{row.id}", code="AUTUMN", total_limit="1").submit(status=303)
    (line,) = words(browser.get(PATH), "tbody tr")
    assert "AUTUMN" in line
    assert "Used up 1 of 1" in line
    turned = form_of(browser.get(f"{PATH}/{row.id}"), f"{PATH}/{row.id}/turn").submit(status=303)
    (undo,) = turned.follow().html.select(".notice form")
    assert (undo["action"], undo.select_one("[name=to]")["value"]) == (turned.request.path, "on")
    assert "Off" in words(browser.get(PATH), "tbody tr")[0]
    again = cart_with(counter, ("A", 2), codes=["AUTUMN"], email="b@example.com")
    assert counter.quote(again).discount_total == Money(0, "USD")
    with counter.shop.unit() as db:
        done = db.scalars(text("SELECT action FROM audit_entry ORDER BY id")).all()
    assert done[-3:] == ["discount.added", "discount.changed", "discount.off"]


def test_a_sku_that_nothing_has_is_kept_and_said(counter, staff):
    browser = staff()
    new = browser.get(f"{PATH}/new")
    names = "a\nNO-SUCH\nnone-*\n/products/lamp\nNO-SUCH"
    saved = fill(new, f"{PATH}/new", title="Lamps", code="LAMPS", percent="5", skus=names)
    said = words(saved.submit(status=303).follow(), ".notice")
    assert said[:2] == [
        "Lamps was saved.",
        "Nothing is sold under NO-SUCH at the moment. Check how it is written.",
    ]
    (row,) = all_of(counter, Discount)
    assert row.skus == ["a", "NO-SUCH", "none-*", "/products/lamp"]
    again = fill(browser.get(f"{PATH}/{row.id}"), f"{PATH}/{row.id}", skus="A")
    assert not any("Nothing" in each for each in words(again.submit().follow(), ".notice"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"title": ""}, "needed"),
        ({"code": "!!!"}, "letters and digits"),
        ({"percent": ""}, "how many percent"),
        ({"percent": "101"}, "100 or less"),
        ({"percent": "ten"}, "Enter a number"),
        ({"kind": "fixed"}, "what it takes off"),
        ({"kind": "free_shipping", "skus": "A"}, "leave the products empty"),
        ({"starts_at": "2026-12-02T00:00", "ends_at": "2026-12-01T00:00"}, "after it begins"),
        ({"total_limit": "0"}, "1 or more"),
        ({"code": "taken"}, "Another discount has the code TAKEN"),
    ],
)
def test_what_makes_no_sense_is_said_at_the_field_and_nothing_is_lost(counter, staff, typed, said):
    publish(counter, "TAKEN")
    new = staff().get(f"{PATH}/new")
    values = {"title": "Mine", "code": "MINE", "percent": "10", **typed}
    page = fill(new, f"{PATH}/new", **values).submit(status=422)
    assert any(said in error for error in words(page, ".field-error")), words(page, ".field-error")
    assert form_of(page, f"{PATH}/new")["code"].value == values["code"]
    assert len(all_of(counter, Discount)) == 1


def test_who_saves_after_somebody_else_is_told_and_replaces_it_knowingly(counter, staff):
    path = f"{PATH}/{publish(counter, 'SAVE', title='Autumn')}"
    browser = staff()
    first, second = (browser.get(path) for _ in range(2))
    fill(first, path, title="Winter", percent="20").submit(status=303)
    told = fill(second, path, title="Spring").submit(status=422)
    (notice,) = words(told, "[data-summary]")
    assert "Somebody else saved this while you were editing." in notice
    assert "You typed something else than they did in: Name, Percent." in notice
    assert all_of(counter, Discount)[0].title == "Winter"
    form_of(told, path).submit(status=303)
    (row,) = all_of(counter, Discount)
    assert (row.title, row.percent) == ("Spring", 10)


def test_times_are_those_of_the_shop(counter, staff):
    fill(
        staff().get(f"{PATH}/new"),
        f"{PATH}/new",
        title="Day",
        code="DAY",
        percent="5",
        starts_at="2026-12-01T00:00",
        ends_at="2026-12-02T00:00",
    ).submit(status=303)
    (row,) = all_of(counter, Discount)
    assert row.starts_at.isoformat() == "2026-12-01T05:00:00+00:00"  # New York


def test_states_have_words(counter, staff):
    now = counter.shop.now()
    publish(counter, "NOW")
    publish(counter, "SOON", starts_at=now + timedelta(days=1))
    publish(counter, "OVER", ends_at=now - timedelta(days=1))
    publish(counter, "OFF", active=False)
    assert words(staff().get(PATH), "tbody .tone") == ["Off", "Expired", "Scheduled", "Active"]


def test_a_batch_of_codes_is_made_and_downloaded(counter, staff):
    browser = staff()
    new = browser.get(f"{PATH}/new")
    saved = (
        fill(new, f"{PATH}/new", title="=Gifts()", method="batch", code="", percent="10")
        .submit(status=303)
        .follow()
    )
    (row,) = all_of(counter, Discount)
    path = f"{PATH}/{row.id}"
    fill(saved, f"{path}/codes", count="250", prefix="gift").submit(status=303)
    codes = all_of(counter, Code)
    assert len({code.key for code in codes}) == 250
    assert all(len(code.key) == len("gift") + 10 for code in codes)
    cart_id = cart_with(counter, ("A", 1), codes=[codes[0].code])
    place(counter.shop, counter.wish(cart_id))
    file = browser.get(f"{path}/codes.csv")
    assert file.content_type == "text/csv"
    head, first, second, *_ = file.text.splitlines()
    assert head == "code,used,discount,made"
    assert first.startswith(f"{codes[0].code},yes,'=Gifts(),")
    assert second.startswith(f"{codes[1].code},no,")
    assert "250 codes" in words(browser.get(PATH), "tbody tr")[0]
    refused = fill(browser.get(path), f"{path}/codes", count="99999").submit(status=303).follow()
    assert any("No codes were made." in notice for notice in words(refused, ".notice"))


def test_a_copy_is_off_and_without_a_code(counter, staff):
    number = publish(counter, "SAVE", total_limit=3, minimum=500)
    browser = staff()
    page = form_of(browser.get(f"{PATH}/{number}"), f"{PATH}/{number}/copy").submit().follow()
    assert "It is off until you turn it on." in words(page, ".notice")[0]
    first, twin = all_of(counter, Discount)
    assert (twin.active, twin.total_limit, twin.minimum) == (False, 3, 500)
    assert twin.title == f"{first.title} (copy)"
    assert [code.discount_id for code in all_of(counter, Code)] == [first.id]


def test_discounts_are_found_by_name_or_by_any_spelling_of_a_code(counter, staff):
    publish(counter, "SAVE-10", title="Winter")
    publish(counter, "OTHER", title="Spring")
    browser = staff()
    assert "Winter" in words(browser.get(PATH, {"q": "save 10"}), "tbody tr")[0]
    assert "Spring" in words(browser.get(PATH, {"q": "spri"}), "tbody tr")[0]
    assert "No discount fits" in browser.get(PATH, {"q": "%<script>"}).text


def test_only_staff_with_the_permission_come_in(counter, staff):
    number = publish(counter, "SAVE")
    clerk = staff("clerk")
    for path in (PATH, f"{PATH}/new", f"{PATH}/{number}", f"{PATH}/{number}/codes.csv"):
        clerk.get(path, status=403)
    assert Browser(counter.shop).get(PATH).location.startswith("http://localhost/admin/sign-in")
    staff("manager").get(f"{PATH}/999", status=404)


@pytest.mark.parametrize("page", ["0", "-1", "²", "99999", "9" * 5000])
def test_an_address_that_names_no_page_of_the_list_shows_one(staff, page):
    staff().get(PATH, {"page": page}, status=200)
