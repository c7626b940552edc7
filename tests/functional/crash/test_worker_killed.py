"""The worker killed at every commit and on both sides of every provider: nothing is lost or done
twice. Another worker takes over, as after a restart."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from opticworks.checkout import digest
from opticworks.checkout.settle import Refused, settle
from opticworks.jobs import defer
from opticworks.stock import service as stock
from opticworks.testing.ledger import wrong
from opticworks.testing.processes import buy
from opticworks.testing.shops import unguarded

SKU = "RS1-PRO-WHT"
LAST_ONE = "POE-MOD"
DAY = 86_400.0
BUY = "opticworks.testing.processes:buy"

SETTLING = (
    "sweep.before_commit",
    "sweep.after_commit",
    "settle.before_provider",
    "settle.after_provider",
    "settle.before_commit",
    "settle.after_commit",
)
CAPTURING = (
    "capture.before_provider",
    "capture.after_provider",
    "capture.before_commit",
    "capture.after_commit",
)
EXPIRING = (
    "withdraw_ask.before_provider",
    "withdraw_ask.after_provider",
    "withdraw.before_provider",
    "withdraw.after_provider",
    "expire.before_commit",
    "expire.after_commit",
)
REFUNDING = (
    "refund_intended.before_commit",
    "refund_intended.after_commit",
    "refund.before_provider",
    "refund.after_provider",
    "refund.before_commit",
    "refund.after_commit",
)
#: How the confirmation is sent; what SMTP makes of each is tested with the notifications.
MAILING = (
    "dispatch.before_commit",
    "dispatch.after_commit",
    "compose.before_commit",
    "compose.after_commit",
    "send.before_commit",
    "send.after_commit",
    "send.before_provider",
    "send.after_provider",
    "sent.before_commit",
    "sent.after_commit",
)


def lost_order(street, payment: str):
    """An order whose web process died before the provider was asked; its customer has gone."""
    customer = street.customer()
    arguments = {"email": customer.email, "payment": payment, "sku": SKU}
    web = street.start("verb", call=[BUY, arguments], fault="place.after_commit")
    assert web.wait() == -signal.SIGKILL
    return customer


@pytest.mark.parametrize("fault", SETTLING)
def test_the_sweeper_finishes_an_order_whatever_kills_it(street, fault: str) -> None:
    customer = lost_order(street, "bank_transfer")
    with street.shop.unit() as db:
        defer(db, "checkout.sweep")
    street.kill_worker(fault)
    street.work()
    street.check(customer)


@pytest.mark.parametrize("fault", CAPTURING)
def test_an_authorized_card_is_charged_once(street, fault: str) -> None:
    customer = street.customer()
    buy(street.shop, email=customer.email, payment="fake_card", sku=SKU)
    street.kill_worker(fault)
    street.work()
    street.check(customer, "fake_card")


@pytest.mark.parametrize("fault", MAILING)
def test_the_confirmation_is_sent_once(street, fault: str) -> None:
    customer = street.customer()
    buy(street.shop, email=customer.email, payment="bank_transfer", sku=SKU)
    street.kill_worker(fault)
    street.work()
    street.check(customer)


@pytest.mark.parametrize("fault", ["give_back.before_commit", "give_back.after_commit"])
def test_a_mail_that_could_not_be_sent_is_sent_later(street, fault: str) -> None:
    customer = street.customer()
    mailbox = Path(street.house.folder) / "mail"
    away = mailbox.with_name("mail-away")
    mailbox.mkdir(exist_ok=True)
    mailbox.rename(away)
    mailbox.touch()  # where the mailbox has to be, nothing can be kept
    try:
        buy(street.shop, email=customer.email, payment="bank_transfer", sku=SKU)
        street.kill_worker(fault)
    finally:
        mailbox.unlink()
        away.rename(mailbox)
    street.work()
    street.check(customer)


@pytest.mark.parametrize("fault", ["remind.before_commit", "remind.after_commit"])
def test_a_missing_payment_is_reminded_of_once(street, fault: str) -> None:
    street.quiet()
    customer = street.customer()
    buy(street.shop, email=customer.email, payment="bank_transfer", sku=SKU)
    street.work()
    with street.shop.unit() as db:
        defer(db, "checkout.sweep")
    street.kill_worker(fault, later=2.1 * DAY)
    street.work(later=2.1 * DAY)
    street.check(customer)
    assert len(customer.messages()) == 2


@pytest.mark.parametrize("fault", EXPIRING)
def test_an_order_that_is_never_paid_ends_once_and_gives_its_goods_back(street, fault: str) -> None:
    street.quiet()
    customer = street.customer()
    buy(street.shop, email=customer.email, payment="bank_transfer", sku=SKU)
    street.work()
    with street.shop.unit() as db:
        defer(db, "checkout.sweep")
    street.kill_worker(fault, later=3.1 * DAY)
    street.work(later=3.1 * DAY)
    assert wrong(street.shop) == []
    ((number, status, payment_status, _, _),) = customer.orders()
    assert (status, payment_status) == ("canceled", "unpaid")
    with street.shop.unit() as db:
        assert stock.held_by(db, number) == {}
    assert customer.messages().count(("order_canceled", "sent")) == 1
    assert street.mails(customer) == len(customer.messages())


@pytest.mark.parametrize("fault", ["give_up.before_commit", "give_up.after_commit"])
def test_an_order_whose_card_was_refused_ends_when_nobody_tries_again(street, fault: str) -> None:
    street.quiet()
    customer, vendor = street.customer(), street.house.vendor()
    with vendor.open():
        vendor.decline_next()
    with pytest.raises(Refused, match="declined"):
        buy(street.shop, email=customer.email, payment="fake_card", sku=SKU)
    with street.shop.unit() as db:
        defer(db, "checkout.sweep")
    street.kill_worker(fault, later=3600.0)
    street.work(later=3600.0)
    assert wrong(street.shop) == []
    (order,) = customer.orders()
    assert order.status == "canceled"
    with street.shop.unit() as db:
        assert stock.held_by(db, order.number) == {}
    assert customer.messages() == []


@pytest.mark.parametrize("fault", ["call_off.before_commit", "call_off.after_commit"])
def test_a_promise_that_bounced_can_be_paid_by_nobody(street, fault: str) -> None:
    asking = replace(street.house, card="action")
    customer, vendor = street.customer(), street.house.vendor()
    shop = asking.open()
    number = buy(shop, email=customer.email, payment="fake_card", sku=SKU)
    (attempt,) = customer.attempts()

    def at_the_bank(what: str) -> None:
        with vendor.open():
            getattr(vendor, what)(
                next(ref for ref, p in vendor.payments.items() if p.attempt == attempt)
            )
        settle(shop, number)

    at_the_bank("promise")
    at_the_bank("refuse")
    shop.close()
    street.kill_worker(fault)
    street.work()
    assert wrong(street.shop) == []
    (order,) = customer.orders()
    assert (order.status, order.payment_status) == ("canceled", "unpaid")
    with vendor.open():
        assert [p.state for p in vendor.payments.values() if p.attempt == attempt] == ["canceled"]
    assert {kind for kind, _ in customer.messages()} == {"order_placed", "order_canceled"}


@pytest.mark.parametrize("fault", ["pay.after_provider", "pay.before_provider"])
def test_a_payment_that_nobody_heard_of_is_called_off_at_its_provider_too(
    street, fault: str
) -> None:
    """The card's vendor has a payment whose reference died with the web process."""
    street.quiet()
    asking = replace(street.house, card="action")
    customer = street.customer()
    arguments = {"email": customer.email, "payment": "fake_card", "sku": SKU}
    web = street.start("verb", asking, call=[BUY, arguments], fault=fault)
    assert web.wait() == -signal.SIGKILL
    street.work(later=3600.0, house=asking)
    (order,) = customer.orders()
    assert order.status == "canceled"
    assert wrong(street.shop) == []
    vendor, mine = street.house.vendor(), customer.attempts()
    with vendor.open():
        states = [p.state for p in vendor.payments.values() if p.attempt in mine]
    assert states == ["canceled"]


@pytest.mark.parametrize("fault", REFUNDING)
def test_money_that_came_too_late_goes_back_once(street, fault: str) -> None:
    asking = replace(street.house, card="action")
    late, quick = street.customer(), street.customer()
    with street.shop.unit() as db:
        there = stock.availability(db, [LAST_ONE])[LAST_ONE]
        stock.set_stock(db, LAST_ONE, there.held + 1, reason="count", actor="test")
    shop = asking.open()
    number = buy(shop, email=late.email, payment="fake_card", sku=LAST_ONE)
    with street.shop.unit() as db:  # as if its time had run out just before the money came
        stock.release(db, number, reason="test")
        db.execute(text("UPDATE orders SET status = 'canceled' WHERE number = :n"), {"n": number})
    buy(shop, email=quick.email, payment="bank_transfer", sku=LAST_ONE)
    shop.close()
    vendor, (attempt,) = street.house.vendor(), late.attempts()
    with vendor.open():
        vendor.pay(next(ref for ref, p in vendor.payments.items() if p.attempt == attempt))
    with street.shop.unit() as db:
        defer(db, "checkout.settle", number=number)
    street.kill_worker(fault)
    street.work()
    assert street.charged(late) == 0
    (order,) = late.orders()
    assert (order.status, order.payment_status) == ("canceled", "refunded")
    assert late.messages() == [("payment_returned", "sent")]
    assert [amount for _, amount in late.ledger() if amount] == [order.total, -order.total]
    street.check(quick)


@pytest.mark.parametrize("fault", ["forget_carts.before_commit", "forget_carts.after_commit"])
def test_old_carts_are_forgotten_all_the_same(street, fault: str) -> None:
    street.quiet()
    with street.shop.unit() as db:
        defer(db, "carts.forget")
    street.kill_worker(fault, later=31 * DAY)
    street.work(later=31 * DAY, sweep=False)
    with street.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM cart")) == 0


@pytest.mark.parametrize("fault", ["digest.before_commit", "digest.after_commit"])
def test_the_days_digest_is_told_once(street, fault: str) -> None:
    boss = street.customer().email
    morning = {"shop": {"digest": "true", "digest_hour": "0", "alerts": boss}}
    house = replace(street.house, settings=morning)
    with street.shop.unit("test") as db, unguarded(db):
        db.execute(text("UPDATE event SET subject = '' WHERE kind = 'shop.digest'"))
    call = ["opticworks.checkout.digest:digest", {}]
    assert street.start("verb", house, call=call, fault=fault).wait() == -signal.SIGKILL
    shop = house.open()
    digest.digest(shop)
    digest.digest(shop)
    shop.close()
    street.work(house=house, sweep=False)
    sent = text("SELECT count(*) FROM message WHERE kind = 'staff_digest' AND recipient = :to")
    with street.shop.unit() as db:
        assert db.scalar(sent, {"to": boss}) == 1
