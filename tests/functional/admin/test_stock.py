"""Staff look at stock, change it with a reason, count it, and see who keeps what."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from webtest import Upload

from opticworks.audit.models import AuditEntry
from opticworks.stock import service
from opticworks.stock.models import StockEntry
from opticworks.testing.shops import counted

LAMP = "/admin/stock/items/LAMP"
COUNT = "/admin/stock/count"


@pytest.fixture
def owner(sign_in):
    return sign_in()


def on_hand(counter, sku):
    with counter.shop.unit() as db:
        return service.availability(db, [sku])[sku].on_hand


def change(browser, status=303, **fields):
    form = browser.get(LAMP).forms[1]
    for name, value in {"what": "add", "quantity": "3", "reason": "delivery", **fields}.items():
        form[name].force_value(value)
    return form.submit(status=status)


def rows(page):
    return [" ".join(row.get_text(" ").split()) for row in page.html.select("tbody tr")]


def test_what_is_left_least_comes_first_and_views_narrow(counter, owner):
    counter.stock("SHADE", 0, "4.00")
    counter.buy(("LAMP", 4))
    page = owner.get("/admin/stock")
    shown = rows(page)
    assert [row.split()[0] for row in shown] == ["SHADE", "LAMP", "BULB"]
    assert "5 4 1 Low" in shown[1]
    assert [row.split()[0] for row in rows(owner.get("/admin/stock?view=low"))] == ["SHADE", "LAMP"]
    assert [row.split()[0] for row in rows(owner.get("/admin/stock?view=held"))] == ["LAMP"]
    assert [row.split()[0] for row in rows(owner.get("/admin/stock?sort=-sku"))] == [
        "SHADE",
        "LAMP",
        "BULB",
    ]
    assert page.html.find("th", {"aria-sort": "ascending"}).get_text(strip=True) == "Left"
    assert "Nothing here" in owner.get("/admin/stock?q=%25").text
    assert "Low stock" in owner.get("/admin").text


@pytest.mark.parametrize(
    "query", ["sort=price", "view=x&page=0", "page=99999", "page=abc", "q=" + "x" * 5000, "q=<b>"]
)
def test_any_address_of_the_list_is_answered(owner, query):
    owner.get(f"/admin/stock?{query}", status=200)


def test_the_list_costs_as_many_statements_for_many_skus_as_for_few(counter, owner):
    def cost():
        with counted() as statements:
            owner.get("/admin/stock")
        return len(statements)

    few = min(cost() for _ in range(3))
    for number in range(60):
        counter.stock(f"SKU-{number}", number)
    assert min(cost() for _ in range(3)) <= few
    assert "1–50 of 62" in owner.get("/admin/stock").text
    assert len(rows(owner.get("/admin/stock?page=2"))) == 12


def test_stock_is_changed_with_a_reason_and_an_author(counter, owner):
    page = change(owner, note="Pallet 7").follow()
    assert "There are 8 of LAMP on the shelf now." in page.text
    assert "Goods arrived: Pallet 7" in page.text
    change(owner, what="take", quantity="1", reason="damaged")
    change(owner, what="set", quantity="20", reason="count")
    assert on_hand(counter, "LAMP") == 20
    with counter.shop.unit() as db:
        entries = db.scalars(
            select(StockEntry).where(StockEntry.sku == "LAMP").order_by(StockEntry.id)
        ).all()
        assert [(e.on_hand, e.actor) for e in entries[1:]] == [
            (3, "owner@example.org"),
            (-1, "owner@example.org"),
            (13, "owner@example.org"),
        ]
        audited = db.scalars(select(AuditEntry).where(AuditEntry.subject == "sku LAMP")).all()
        assert [entry.data["on_hand"] for entry in audited] == [8, 7, 20]
        assert service.verify(db) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"quantity": "abc"}, "must be a whole number"),
        ({"quantity": "-1"}, "must be a whole number"),
        ({"quantity": ""}, "must be a whole number"),
        ({"quantity": "99999999999999999999"}, "must be a whole number"),
        ({"reason": ""}, "Choose why the stock changes"),
        ({"reason": "<script>"}, "Choose why the stock changes"),
        ({"reason": "other"}, "Say in the note"),
        ({"what": "double"}, "Choose whether to add"),
        ({"what": "take", "quantity": "6"}, "There are 5 of LAMP; 6 can't be taken off."),
        ({"what": "set", "seen": "x"}, "The stock that you saw must be a whole number"),
    ],
)
def test_a_change_that_can_not_be_is_refused_and_nothing_is_written(
    counter, owner, fields, sentence
):
    page = change(owner, status=422, **{"note": "kept", **fields, **_note(fields)})
    assert sentence in page.html.find(role="alert").get_text()
    assert on_hand(counter, "LAMP") == 5


def _note(fields):
    return {"note": ""} if fields.get("reason") == "other" else {}


def test_stock_that_orders_keep_can_not_be_taken_away(counter, owner):
    counter.buy(("LAMP", 4))
    page = change(owner, status=422, what="set", quantity="3", reason="count")
    assert "Orders already keep 4 of LAMP" in page.text
    assert on_hand(counter, "LAMP") == 5


def test_setting_what_moved_meanwhile_changes_nothing_and_says_so(counter, owner):
    form = owner.get(LAMP).forms[1]
    with counter.shop.unit() as db:
        service.adjust_stock(db, "LAMP", -2, reason="x", actor="another")
    form["what"], form["quantity"], form["reason"] = "set", "9", "count"
    page = form.submit(status=422)
    assert "the stock moved from 5 to 3" in page.html.find(role="alert").get_text()
    assert on_hand(counter, "LAMP") == 3
    assert page.forms[1]["quantity"].value == "9", "what was typed stays"


def test_who_keeps_a_unit_and_until_when(counter, owner):
    number = counter.buy(("LAMP", 2)).number
    page = owner.get(LAMP)
    (kept,) = [row for row in rows(page) if row.startswith(number) and "Release" in row]
    assert " 2 " in kept
    assert "Awaiting payment" in kept
    page.click(href=f"/admin/orders/{number}/cancel").mustcontain("2 units can be sold again")


def test_the_backorder_limit_is_set_and_never_below_what_is_sold(counter, owner):
    counter.goods.put("LAMP", "10.00", stock_policy="backorder")
    form = owner.get(LAMP).forms[2]
    form["limit"] = "10"
    form.submit(status=303).follow().mustcontain("Up to 10 of LAMP can be sold beyond")
    counter.buy(("LAMP", 9))
    form = owner.get(LAMP).forms[2]
    form["limit"] = "3"
    form.submit(status=422).mustcontain("9 of LAMP are sold already")


def test_the_ledger_has_pages(counter, owner):
    with counter.shop.unit() as db:
        for _ in range(60):
            service.adjust_stock(db, "LAMP", 1, reason="one more", actor="test")
    page = owner.get(LAMP)
    assert page.text.count("one more") == 50
    assert page.click("Older").text.count("one more") == 10
    owner.get(f"{LAMP}?before=abc", status=200)
    owner.get(f"{LAMP}?before={'9' * 30}", status=200)


def test_a_sku_that_is_not_there_is_said_to_be_missing(owner):
    owner.get("/admin/stock/items/NOT-THERE", status=404).mustcontain("There is no SKU")
    owner.get(f"/admin/stock/items/{'x' * 3000}", status=404)


# --- counting -------------------------------------------------------------------------------------


def look(browser, content, status=200, **fields):
    form = browser.get(COUNT).forms[1]
    form["text"] = content
    for name, value in fields.items():
        form[name].force_value(value)
    return form.submit(status=status)


def test_a_count_is_looked_at_then_written(counter, owner):
    page = look(owner, "SKU;Counted\nLAMP;7\nBULB;9\nNEW-1;2\n", note="Room 2")
    assert on_hand(counter, "LAMP") == 5, "looking changes nothing"
    assert rows(page)[0] == "LAMP Item LAMP 5 7 +2"
    assert "SKUs that no product has: 1" in page.text
    done = page.forms["write"].submit(status=303).follow()
    assert "2 SKUs were changed to what was counted." in done.text
    assert [on_hand(counter, sku) for sku in ("LAMP", "BULB", "NEW-1")] == [7, 9, 2]
    owner.get(LAMP).mustcontain("Counted: Room 2")
    # Sent twice (a back button): the stock is what was counted; nothing more happens.
    page.forms["write"].submit(status=409)
    assert on_hand(counter, "LAMP") == 7


def test_a_count_can_be_a_file(counter, owner):
    form = owner.get(COUNT).forms[1]
    form["file"] = Upload("count.csv", "\ufeffsku\tcount\r\nLAMP\t1\r\n".encode(), "text/csv")
    form.submit(status=200).forms["write"].submit(status=303)
    assert on_hand(counter, "LAMP") == 1
    form["file"] = Upload("count.xlsx", b"PK\x03\x04\xff\xfe\x00", "application/zip")
    form.submit(status=422).mustcontain("no text in UTF-8")


def test_a_sale_between_looking_and_writing_is_not_counted_away(counter, owner):
    page = look(owner, "LAMP,9\nBULB,1")
    with counter.shop.unit() as db:
        service.adjust_stock(db, "LAMP", -1, reason="sold at the fair", actor="another")
    again = page.forms["write"].submit(status=409)
    assert "the stock of LAMP moved" in again.html.find(role="alert").get_text()
    assert (on_hand(counter, "LAMP"), on_hand(counter, "BULB")) == (4, 9), "all or nothing"
    again.forms["write"].submit(status=303)
    assert (on_hand(counter, "LAMP"), on_hand(counter, "BULB")) == (9, 1)


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("LAMP,abc", "1", "must be a whole number"),
        ("LAMP,1\nBULB,-2", "2", "must be a whole number"),
        ("LAMP", "1", "Write a SKU and a number"),
        ("LAMP,1\n\nLAMP,2", "3", "LAMP is on line 1 already"),
        ("x" * 300 + ",1", "1", "at most 255 characters"),
        ("LAMP,1e5", "1", "must be a whole number"),
        ('LAMP,"1', "1", "Write a SKU and a number"),
        ("   ", "", "There are no lines yet"),
    ],
)
def test_lines_that_can_not_be_are_named(counter, owner, content, line, sentence):
    page = look(owner, content, status=422)
    alert = page.html.find(role="alert").get_text(" ", strip=True)
    assert sentence in alert
    if line:
        assert f"Line {line} " in alert
    assert on_hand(counter, "LAMP") == 5


def test_a_forged_preview_writes_nothing(counter, owner):
    form = look(owner, "LAMP,7").forms["write"]
    for seen in ("", "[]", '{"LAMP": "5"}', "{}", '{"OTHER": 5}', "not json"):
        form["seen"] = seen
        form.submit(status=409)
    assert on_hand(counter, "LAMP") == 5


def test_counting_costs_the_same_statements_for_many_skus(counter, owner):
    def cost(many):
        page = look(owner, "\n".join(f"S-{number},{number + 1}" for number in range(many)))
        with counted() as statements:
            page.forms["write"].submit(status=303)
        return len(statements)

    cost(1)  # what a process does once
    few = cost(2)
    assert cost(400) <= few + 2


# --- who may, and the proof -----------------------------------------------------------------------


def test_a_clerk_sees_stock_and_changes_none(counter, sign_in):
    clerk = sign_in("clerk")
    page = clerk.get(LAMP)
    assert len(page.forms) == 1, "only signing out"
    assert "Count the stock" not in clerk.get("/admin/stock").text
    token = page.forms[0]["csrf_token"].value
    fields = {"csrf_token": token, "what": "add", "quantity": "1", "reason": "count"}
    clerk.post(LAMP, fields, status=403)
    clerk.post(COUNT, {"csrf_token": token, "text": "LAMP,1", "reason": "count"}, status=403)
    clerk.get(COUNT, status=403)
    assert on_hand(counter, "LAMP") == 5


def test_without_the_token_nothing_changes(counter, owner):
    fields = {"what": "add", "quantity": "1", "reason": "count"}
    owner.post(LAMP, fields, status=400)
    owner.post(COUNT, {"text": "LAMP,1", "reason": "count", "do": "write"}, status=400)
    assert on_hand(counter, "LAMP") == 5


def test_the_check_shows_what_the_ledger_does_not_prove(counter, owner):
    counter.buy(("LAMP", 2))
    owner.get("/admin/stock/verify").mustcontain("The stock is what its ledger says")
    with counter.shop.engine.begin() as connection:
        connection.execute(text("UPDATE stock_item SET on_hand = 50 WHERE sku = 'LAMP'"))
    page = owner.get("/admin/stock/verify")
    assert rows(page) == ["LAMP On the shelf 50 5"]
