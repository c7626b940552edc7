"""The list of orders: tabs, search, filters, pages; and what an order's page tells."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from opticworks.checkout import staff as verbs
from opticworks.jobs.testing import drain
from opticworks.orders import queries
from opticworks.orders.models import Order
from opticworks.orders.queries import Filters


def send(counter, number, tracking, actor="t"):
    """A parcel with one lamp leaves."""
    verbs.fulfil(
        counter.shop,
        number,
        lines={"LAMP": 1},
        carrier="UPS",
        tracking_number=tracking,
        actor=actor,
    )


def listed(page):
    return [link.text for link in page.html.select("tbody a.key")]


@pytest.fixture
def owner(sign_in):
    return sign_in()


def test_tabs_hold_what_their_name_says(counter, owner):
    waiting = counter.buy(("LAMP", 1)).number
    to_ship = counter.buy(("LAMP", 1)).number
    shipped = counter.buy(("LAMP", 1)).number
    canceled = counter.buy(("LAMP", 1)).number
    for number in (to_ship, shipped):
        verbs.mark_paid(counter.shop, number, actor="t")
    send(counter, shipped, "1Z")
    verbs.cancel(counter.shop, canceled, actor="t", reason="customer")
    assert listed(owner.get("/admin/orders")) == [to_ship]
    for tab, numbers in (
        ("to_ship", [to_ship]),
        ("awaiting", [waiting]),
        ("shipped", [shipped]),
        ("canceled", [canceled]),
        ("all", [canceled, shipped, to_ship, waiting]),
        ("nonsense", [to_ship]),
    ):
        assert listed(owner.get("/admin/orders", {"tab": tab})) == numbers, tab
    assert listed(owner.get("/admin/orders?tab=all&payment=paid&fulfilment=shipped")) == [shipped]


def test_search_finds_by_number_name_address_sku_and_tracking_number(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    other = counter.buy(("BULB", 1)).number
    verbs.mark_paid(counter.shop, number, actor="t")
    verbs.fulfil(
        counter.shop,
        number,
        lines={"LAMP": 1},
        carrier="UPS",
        tracking_number="1Z999AA1",
        actor="t",
    )
    for text in (number, number.lower(), number.replace("-", ""), number[:4], "lamp", "z999aa"):
        assert listed(owner.get("/admin/orders", {"q": text})) == [number], text
    for text in ("ada@example", "Lovelace"):
        assert listed(owner.get("/admin/orders", {"q": text})) == [other, number], text
    for text in ("%", "_", "\\", "' OR 1=1", "<script>", "zzz"):
        page = owner.get("/admin/orders", {"q": text})
        assert listed(page) == [], text
        assert "No order fits" in page.text
        assert "<script>" not in page.text


def test_dates_are_days_of_the_shops_zone(counter):
    number = counter.buy(("LAMP", 1)).number
    with counter.shop.unit() as db:
        # 23:30 on 3 March in New York is the 4th in UTC.
        late = datetime(2026, 3, 4, 4, 30, tzinfo=UTC)
        db.execute(update(Order).where(Order.number == number).values(placed_at=late))

        def found(since, until):
            filters = Filters(tab="all", since=since, until=until)
            return len(queries.find(db, filters, "America/New_York").orders)

        third, fourth = date(2026, 3, 3), date(2026, 3, 4)
        assert found(third, third) == 1
        assert found(fourth, None) == 0
        assert found(None, date(2026, 3, 2)) == 0
        assert found(None, date.max) == 1


def test_pages_are_found_by_key_and_hold_every_order_once(counter):
    numbers = [counter.buy(("BULB", 1)).number for _ in range(7)]
    with counter.shop.unit() as db:
        same = counter.shop.now() - timedelta(days=1)
        # Equal moments: the id decides, nothing is shown twice or lost.
        db.execute(update(Order).values(placed_at=same))
        seen, older = [], ""
        while True:
            page = queries.find(db, Filters(tab="all"), "UTC", older=older, size=3)
            seen.append([order.number for order in page.orders])
            if not page.older:
                break
            older = page.older
        assert [number for part in seen for number in part] == numbers[::-1]
        assert [len(part) for part in seen] == [3, 3, 1]
        back = queries.find(db, Filters(tab="all"), "UTC", newer=page.newer, size=3)
        assert [order.number for order in back.orders] == seen[1]
        first = queries.find(db, Filters(tab="all"), "UTC", newer=back.newer, size=3)
        assert [order.number for order in first.orders] == seen[0]
        assert first.newer == ""
        assert first.older


@pytest.mark.parametrize("key", ["x", "AAAA", "2026", "é", "bm9uZSAx", "a" * 500])
def test_a_key_that_is_none_shows_the_first_page(counter, owner, key):
    number = counter.buy(("BULB", 1)).number
    assert listed(owner.get("/admin/orders", {"tab": "all", "older": key})) == [number]


def test_the_list_keeps_its_filter_in_every_address(counter, owner):
    for _ in range(27):
        counter.buy(("BULB", 1)) if counter.free("BULB") else counter.stock("BULB", 30, "2.50")
    page = owner.get("/admin/orders?tab=awaiting&payment=pending")
    assert len(listed(page)) == 25
    older = page.html.find("a", rel="next")["href"]
    assert "tab=awaiting" in older
    assert "payment=pending" in older
    second = owner.get(older)
    assert len(listed(second)) >= 1
    assert not set(listed(second)) & set(listed(page))
    order = owner.get(second.html.select_one("tbody a.key")["href"])
    assert "tab=awaiting" in order.html.find("a", rel="prev")["href"]


def test_an_order_page_tells_everything(counter, owner):
    number = counter.buy(("LAMP", 2), ("BULB", 1)).number
    verbs.mark_paid(counter.shop, number, actor="ada@shop", reference="ACH 77")
    verbs.fulfil(
        counter.shop,
        number,
        lines={"LAMP": 1},
        carrier="UPS",
        tracking_number="1ZX",
        actor="bo@shop",
    )
    drain(counter.shop)
    text = " ".join(owner.get(f"/admin/orders/{number}").html.get_text(" ").split())
    for part in (
        number,
        "Paid",
        "Partly shipped",
        "Item LAMP",
        "1 of 2 shipped",
        "$22.50",
        "Ada Lovelace",
        "ada@example.com",
        "12 Analytical Way",
        "1ZX",
        "UPS",
        "Payment received",
        "ACH 77",
        "ada@shop",
        "Recorded a parcel",
        "bo@shop",
        "Order placed",
        "Mail to ada@example.com: sent",
        "How the total came about",
    ):
        assert part in text, part
    assert text.count("Parcel shipped") == 0, "told once, by who did it"


def test_script_in_a_customers_text_stays_text(counter, owner):
    number = counter.buy(("LAMP", 1)).number
    with counter.shop.unit() as db:
        name = "<script>alert(1)</script>"
        db.execute(update(Order).where(Order.number == number).values(customer_name=name))
    for path in ("/admin", "/admin/orders?tab=all", f"/admin/orders/{number}"):
        assert "<script>alert" not in owner.get(path).text


@pytest.mark.parametrize("number", ["XXXX-XXXX", "1", "%00", "%E2%98%83"])
def test_an_order_that_is_none_is_a_page_that_says_so(owner, number):
    answer = owner.get(f"/admin/orders/{number}", status="*")
    assert answer.status_int in (400, 404)


def test_one_page_costs_a_fixed_number_of_statements(counter, owner):
    from opticworks.testing.shops import counted

    counter.stock("BULB", 40, "2.50")
    counter.buy(("BULB", 1))
    owner.get("/admin/orders?tab=all")
    with counted() as few:
        owner.get("/admin/orders?tab=all")
    for _ in range(6):
        counter.buy(("BULB", 1), ("LAMP", 1)) if counter.free("LAMP") else counter.buy(("BULB", 1))
    with counted() as many:
        owner.get("/admin/orders?tab=all")
    assert len(few) == len(many)
    assert not any("count(*)" in sql and "LIMIT" not in sql for sql in many)


@pytest.mark.parametrize(
    "key",
    [
        "2026-01-01T00:00:00+00:00 99999999999999999999999",
        "0001-01-01T00:00:00+14:00 1",
        "9999-12-31T23:59:59-14:00 1",
    ],
)
def test_a_key_from_nowhere_shows_the_first_page(owner, key):
    older = base64.urlsafe_b64encode(key.encode()).decode()
    owner.get("/admin/orders", {"tab": "all", "older": older}, status=200)


def test_a_customer_has_paid_what_was_paid(counter, owner):
    paid, waiting = (counter.buy(("LAMP", 1)).number for _ in range(2))
    total = counter.order(paid).total.format()
    verbs.mark_paid(counter.shop, paid, actor="t")
    page = owner.get(f"/admin/orders/{waiting}")
    assert "2 orders" in page
    assert f"· {total} paid" in page
