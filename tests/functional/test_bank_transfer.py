"""Bank transfer from order to reminder to expiry, and what staff may still do afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date

from opticworks.carts import service as carts
from opticworks.checkout import cart as cart_verbs
from opticworks.checkout import staff
from opticworks.checkout.place import Wish, place
from opticworks.checkout.quoting import address_of, ensure_rates, quote_cart
from opticworks.checkout.settle import Refused
from opticworks.contracts import OrderView
from opticworks.jobs.testing import drain, run_task
from opticworks.kernel import availability, set_stock
from opticworks.testing.fakes import FakeGoods, FakeMailer, provider_plugin

DETAILS = {
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Byron",
    "address": "417 Montgomery St",
    "city": "San Francisco",
    "state": "CA",
    "postalCode": "94104",
    "country": "US",
}


class House:
    """A shop with one lamp on the shelf, bank transfer, table rates and a mailer; and a clock."""

    def __init__(self, make_shop: Any) -> None:
        goods, self.mailer = FakeGoods(), FakeMailer()
        goods.put("LAMP", "49.00", title="Desk Lamp", weight=300)
        self.shop = make_shop(
            plugins=("manual_payments", "table_rates"),
            extra={"fake_goods": goods, "mail": provider_plugin("mail", mailers=[self.mailer])},
        )
        # A provider has a clock of its own, so that orders are placed now.
        self.start = datetime.now(UTC)
        self.shop.now = lambda: self.start
        with self.shop.unit() as db:
            set_stock(db, "LAMP", 1, reason="test", actor="test")

    def order(self) -> str:
        """Place an order for the lamp; its number."""
        with self.shop.unit() as db:
            cart = carts.create(db, "USD", self.start, 30)
            cart_verbs.add(self.shop, db, cart, "LAMP", 1)
            carts.remember_details(cart, DETAILS, self.start)
            cart_id = cart.id
        ensure_rates(self.shop, cart_id)
        with self.shop.unit() as db:
            cart = carts.get(db, cart_id)
            assert cart is not None
            quote = quote_cart(self.shop, db, cart).quote
        wish = Wish(
            cart_id=cart_id,
            quote_hash=quote.hash,
            email="ada@example.com",
            address=address_of(self.shop, DETAILS),
            payment="bank_transfer",
        )
        number = place(self.shop, wish).number
        self.work(self.start)
        return number

    def work(self, now: datetime) -> None:
        """What the worker does when it is `now`: the sweep of that minute, and its jobs."""
        self.shop.now = lambda: now
        run_task(self.shop, "checkout.sweep")
        drain(self.shop, now)

    def view(self, number: str) -> OrderView:
        with self.shop.unit() as db:
            order = self.shop.order_view(db, number)
        assert order is not None
        return order

    def free(self) -> int:
        with self.shop.unit() as db:
            return availability(db, ["LAMP"])["LAMP"].free

    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mailer.outbox]


def pay_by(order: OrderView) -> str:
    """The order's deadline as the shop writes a day."""
    assert order.payment is not None
    assert order.payment.expires_at is not None
    return format_date(
        order.payment.expires_at.astimezone(ZoneInfo("America/New_York")), "long", "en_US"
    )


@pytest.fixture
def house(make_shop: Any) -> House:
    return House(make_shop)


def test_the_order_stands_and_tells_how_to_pay(house: House) -> None:
    number = house.order()
    order = house.view(number)
    assert (order.status, order.payment_status) == ("confirmed", "pending")
    assert order.payment is not None
    facts = {fact.label: fact.value for fact in order.payment.instructions}
    assert facts["Amount"] == order.total.format() == "$54.95"
    assert facts["Reference"] == number
    assert order.payment.expires_at is not None
    assert (
        timedelta(days=3) <= order.payment.expires_at - house.start < timedelta(days=3, minutes=10)
    )
    assert facts["Pay by"] == pay_by(order)
    assert house.free() == 0
    (mail,) = house.mailer.outbox
    for fact in (number, "000123456789", "110000000", pay_by(order)):
        assert fact in mail.text


def test_the_reminder_comes_once_after_two_days(house: House) -> None:
    number = house.order()
    house.work(house.start + timedelta(days=2, minutes=-1))
    assert len(house.subjects()) == 1
    for minutes in (10, 11, 60):
        house.work(house.start + timedelta(days=2, minutes=minutes))
    reminder = f"Reminder: your order {number} is waiting for your payment"
    assert house.subjects()[1:] == [reminder]
    mail = house.mailer.outbox[-1]
    for fact in (number, "Ada", "$54.95", "000123456789", pay_by(house.view(number)), "Desk Lamp"):
        assert fact in mail.text


def test_who_has_paid_is_not_reminded(house: House) -> None:
    number = house.order()
    staff.mark_paid(house.shop, number, actor="jo@shop.example")
    house.work(house.start + timedelta(days=5))
    assert not any("Reminder" in subject for subject in house.subjects())
    assert house.view(number).payment_status == "paid"


def test_an_unpaid_order_is_canceled_and_mailed_after_three_days(house: House) -> None:
    number = house.order()
    house.work(house.start + timedelta(days=2, minutes=10))
    house.work(house.start + timedelta(days=3, minutes=-1))
    assert house.view(number).status == "confirmed"
    for minutes in (10, 11, 60):
        house.work(house.start + timedelta(days=3, minutes=minutes))
    assert house.view(number).status == "canceled"
    assert house.free() == 1
    assert house.subjects()[2:] == [f"Your order {number} was canceled"]


def test_marking_paid_after_expiry_takes_the_stock_again(house: House) -> None:
    number = house.order()
    house.work(house.start + timedelta(days=3, minutes=10))
    staff.mark_paid(house.shop, number, actor="jo@shop.example")
    order = house.view(number)
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert house.free() == 0


def test_marking_paid_after_expiry_says_what_is_gone(house: House) -> None:
    number = house.order()
    house.work(house.start + timedelta(days=3, minutes=10))
    with house.shop.unit() as db:
        set_stock(db, "LAMP", 0, reason="sold elsewhere", actor="test")
    with pytest.raises(Refused, match="LAMP"):
        staff.mark_paid(house.shop, number, actor="jo@shop.example")
    assert house.view(number).status == "canceled"
