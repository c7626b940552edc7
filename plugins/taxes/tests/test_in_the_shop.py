"""Taxes on the way from cart to order: worked out, shown, frozen, objected to."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from opticworks.checkout import return_refund, returns, staff
from opticworks.checkout.place import Changed, place
from opticworks.documents import service as documents
from opticworks.jobs.testing import drain
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.testing.shops import Browser, counted
from opticworks_taxes import demo, migrations, plugin_info, reading
from opticworks_taxes.models import Rate

EUROPE = (
    '[{"title": "Europe", "countries": ["DE", "FR"], "entered": "gross", "shown": "incl",'
    ' "label": "incl. VAT"}, {"title": "Other", "countries": ["*"], "entered": "gross"}]'
)
GERMAN = {
    "shop": {"countries": "DE, FR", "default_state": "", "locale": "de_DE"},
    "taxes": {"regions": EUROPE},
}


def words(node: Any) -> str:
    return " ".join(node.get_text(" ", strip=True).split())


def test_hook_taxes(open_shop, add_rate) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA", title="California sales tax")
    quote = counter.quote(counter.cart(("LAMP", 2)))
    (tax,) = [step for step in quote.trace if step.stage == "tax"]
    assert (tax.amount, tax.rate) == (Money(1450, "USD"), Decimal("0.0725"))
    assert tax.source == "taxes: US-CA, standard"
    assert not quote.estimated


def test_hook_price_display(open_shop, add_rate) -> None:
    counter = open_shop()
    with counter.shop.unit() as db:
        assert counter.shop.ctx(db).display.label == "", "nothing is taxed yet"
    add_rate(counter.shop, "US", "7.25", state="CA")
    with counter.shop.unit() as db:
        assert counter.shop.ctx(db).display.label == "plus tax"


def test_hook_migrations_and_info() -> None:
    assert migrations().path.endswith("versions")
    assert plugin_info().code == "taxes"


def test_hook_demo_loads_a_sample_once(open_shop) -> None:
    shop = open_shop().shop
    for _ in range(2):
        with shop.unit() as db:
            demo(shop.ctx(db))
    with shop.unit() as db:
        assert reading.count(db) == 6


def test_the_rate_is_frozen_on_the_order(open_shop, add_rate) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA", title="California sales tax")
    number = counter.buy(("LAMP", 1)).number
    with counter.shop.unit() as db:
        db.query(Rate).update({"rate": Decimal("0.5"), "title": "Another"})
    order = counter.order(number)
    (tax,) = [step for step in order.trace if step.stage == "tax"]
    assert (tax.label, tax.rate) == ("California sales tax", Decimal("0.0725"))
    assert order.lines[0].tax == Money(725, "USD")


def test_a_new_rate_between_look_and_order_places_nothing(open_shop, add_rate) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA")
    wish = counter.wish(counter.cart(("LAMP", 1)))
    add_rate(counter.shop, "US", "8", state="CA", starts=date(2021, 1, 1))
    with pytest.raises(Changed) as changed:
        place(counter.shop, wish)
    assert changed.value.quote.tax_total == Money(800, "USD")


def test_a_rate_starts_at_midnight_of_the_shops_zone(open_shop, add_rate) -> None:
    counter = open_shop(settings={"shop": {"timezone": "Asia/Tokyo"}})
    add_rate(counter.shop, "US", "8", state="CA")
    add_rate(counter.shop, "US", "10", state="CA", starts=date(2030, 10, 1))
    cart = counter.cart(("LAMP", 1))
    counter.shop.now = lambda: datetime(2030, 9, 30, 14, 59, tzinfo=UTC)
    with counter.shop.unit() as db:
        db.execute(text("UPDATE cart SET expires_at = '2031-01-01'"))
    assert counter.quote(cart).tax_total == Money(800, "USD")
    counter.shop.now = lambda: datetime(2030, 9, 30, 15, 0, tzinfo=UTC)
    assert counter.quote(cart).tax_total == Money(1000, "USD")


def test_the_cart_estimates_until_the_address_is_known(open_shop, add_rate) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA", title="California sales tax")
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "LAMP", "quantity": "1"})
    page = browser.get("/cart")
    assert "California sales tax (7.25%) estimated $7.25" in words(page.html.select_one(".totals"))
    assert "$100.00 plus tax" in words(page.html.select_one(".line-each"))
    form = browser.get("/checkout").forms["checkout"]
    form["postalCode"] = "94104"
    form.submit("action", value="update")
    summary = words(browser.get("/checkout").html.select_one("#summary"))
    assert "California sales tax (7.25%) $7.25" in summary


def test_prices_with_tax_say_so_in_the_cart_on_the_order_and_in_the_mail(
    open_shop, add_rate
) -> None:
    counter = open_shop(settings=GERMAN)
    add_rate(counter.shop, "DE", "19", title="MwSt.", shipping=True)
    browser = Browser(counter.shop)
    browser.post("/cart/lines", {"sku": "LAMP", "quantity": "1"})
    page = browser.get("/cart")
    included = words(page.html.select_one(".totals-included"))
    assert included.startswith("Enthält")
    assert "15,97" in included
    assert "MwSt. (19 %)" in included
    assert "inkl. MwSt." in words(page.html.select_one(".line-each"))
    counter.carrier.vendor.served = ("DE",)
    german = {"state": "", "country": "DE", "postalCode": "10115", "city": "Berlin"}
    typed = {"email": "ada@example.com", "address": "12 Analytical Way", **german}
    cart = counter.cart(("LAMP", 1), details=typed)
    wish = counter.wish(cart)
    wish = counter.wish(
        cart,
        address=wish.address.model_copy(
            update={"country": "DE", "state": "", "postal_code": "10115", "city": "Berlin"}
        ),
    )
    order = counter.order(place(counter.shop, wish).number)
    drain(counter.shop)
    (mail,) = counter.mailer.outbox
    page = Browser(counter.shop).get(order.url.split("localhost")[1]).text
    for body in (page, mail.html):
        assert "Enthält" in body
        assert "MwSt. (19" in body
    assert "MwSt. (19" in mail.text


def test_a_place_without_a_rate_is_marked_for_staff(open_shop, add_rate, staff) -> None:
    counter = open_shop()
    number = counter.buy(("LAMP", 1)).number
    page = staff(counter.shop, "clerk").get(f"/admin/orders/{number}")
    assert "No tax rate is known for US." in page.text
    assert "taken without tax" in page.text
    customer = Browser(counter.shop).get(counter.order(number).url.split("localhost")[1])
    assert "No tax rate" not in customer.text


def test_hook_objections_refuses_places_without_a_rate_where_the_settings_say_so(
    open_shop, add_rate
) -> None:
    counter = open_shop(settings={"taxes": {"uncovered": "refuse"}})
    cart = counter.cart(("LAMP", 1))
    assert "can't work out the tax" in counter.quote(cart).objections[0].sentence
    add_rate(counter.shop, "US", "7.25", state="NY")
    assert counter.quote(cart).objections == ()


def test_an_exemption_holds_for_that_customer_at_that_address_and_is_proven(
    open_shop, add_rate, add_exemption, staff
) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA")
    add_exemption(counter.shop)
    cart = counter.cart(("LAMP", 1))
    assert counter.quote(cart).tax_total == Money(0, "USD")
    number = counter.buy(("LAMP", 1)).number
    with counter.shop.unit() as db:
        db.execute(text("DELETE FROM taxes_exemption"))
    page = Browser(counter.shop).get(counter.order(number).url.split("localhost")[1])
    assert "Tax exempt, certificate R-77" in page.text
    admin = staff(counter.shop, "clerk").get(f"/admin/orders/{number}")
    assert "Tax exempt, certificate R-77" in admin.text


@pytest.mark.parametrize(
    "other",
    [
        {"email": "eve@example.com"},
        {"postal": "94105"},
        {"country": "CA"},
        {"ends": date(2024, 1, 1)},
        {"starts": date(2100, 1, 1)},
    ],
)
def test_an_exemption_holds_for_nobody_else(open_shop, add_rate, add_exemption, other) -> None:
    counter = open_shop()
    add_rate(counter.shop, "US", "7.25", state="CA")
    add_exemption(counter.shop, **other)
    assert counter.quote(counter.cart(("LAMP", 1))).tax_total == Money(725, "USD")


def test_the_table_is_read_once_after_each_change_of_it(open_shop, add_rate) -> None:
    counter = open_shop()
    cart = counter.cart(("LAMP", 1))
    for rate in ("7.25", "1.5"):
        add_rate(counter.shop, "US", rate, state="CA" if rate == "7.25" else "NV")
        for expected in (1, 0):
            with counted() as statements:
                counter.quote(cart)
            assert len([sql for sql in statements if "taxes_rate" in sql]) == expected


def test_the_database_refuses_a_rate_that_contradicts_another(open_shop, add_rate) -> None:
    shop = open_shop().shop
    add_rate(shop, "US", "7.25", state="CA")
    with pytest.raises(IntegrityError):
        add_rate(shop, "US", "8", state="CA")
    with pytest.raises(IntegrityError):
        add_rate(shop, "US", "101", state="NV")


@pytest.mark.parametrize(
    ("entered", "sums"),
    [("net", {"subtotal": 20000, "tax": 1450}), ("gross", {"subtotal": 20000})],
)
def test_a_credit_note_counts_as_the_invoice_does(
    open_shop, add_rate, entered: str, sums: dict[str, int]
) -> None:
    shown = '"shown": "incl"' if entered == "gross" else '"shown": "excl"'
    regions = f'[{{"title": "All", "countries": ["*"], "entered": "{entered}", {shown}}}]'
    counter = open_shop(settings={"taxes": {"regions": regions}})
    counter.card.first_state = "captured"
    add_rate(counter.shop, "US", "7.25", state="CA", title="Sales tax")
    number = counter.buy(("LAMP", 3), payment="fake_card").number
    parcel = {"carrier": "UPS", "tracking_number": "1Z9", "actor": "clerk"}
    staff.fulfil(counter.shop, number, lines={"LAMP": 3}, **parcel)
    with counter.shop.unit() as db:
        order = orders.by_number(db, number)
        (lamp,) = (line.id for line in orders.lines_of(db, order.id))
        asked = returns.Asked(id=uuid.uuid4(), lines={lamp: (2, "unwanted")}, note="")
        back = returns.request(counter.shop, db, number, asked).number
        returns.approve(db, back, actor="clerk")
        returns.receive(db, back, {lamp: returns.Arrived(2, "new", True)}, actor="clerk")
    return_refund.pay(counter.shop, back, return_refund.Terms(), actor="clerk")
    with counter.shop.unit() as db:
        (note,) = [one for one in documents.of_order(db, number) if one.kind == "credit_note"]
    found = note.facts
    (lamps,) = found["lines"]
    assert (lamps["quantity"], lamps["unit"], lamps["total"]) == (2, 10000, 20000)
    assert {row["kind"]: row["amount"] for row in found["sums"]} == sums
    assert found["total"] == sum(sums.values())
    assert found["tax_included"] is (entered == "gross")
    net = 18648 if entered == "gross" else 20000
    (tax,) = found["taxes"]
    assert (tax["rate"], tax["net"], tax["tax"]) == ("0.0725", net, found["total"] - net)
