"""Paying by card, with the shop's processes killed at every commit and on both sides of every call
to Stripe: afterwards one order, one charge, right stock, right mail.

A customer's browser goes on or is gone; Stripe repeats its webhooks or loses them; another worker
takes over. Stripe is its stand-in.
"""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from opticworks.checkout import staff
from opticworks.checkout.settle import Refused, settle
from opticworks.jobs import defer
from opticworks.stock import service as stock
from opticworks.testing.processes import buy, put_right
from opticworks.testing.visitors import Visitor

SKU = "RS1-PRO-WHT"
LAST_ONE = "POE-MOD"
HOUR = 3600.0
STAFF = "opticworks.checkout.staff"
VERBS = "opticworks.testing.processes"

#: Fault points around placing, and whether an order is there when the process dies.
PLACING = {
    "place.before_write": False,
    "place.before_commit": False,
    "place.after_commit": True,
    "pay.before_provider": True,
    "pay.after_provider": True,
    "pay.before_commit": True,
    "pay.after_commit": True,
}
SETTLING = (
    "settle.before_provider",
    "settle.after_provider",
    "settle.before_commit",
    "settle.after_commit",
)
REPORTING = ("webhook.before_commit", "webhook.after_commit")
HANDLING = (
    "jobs.before_handler",
    *SETTLING,
    "webhook_handled.before_commit",
    "webhook_handled.after_commit",
    "jobs.after_handler",
)
SWEEPING = ("sweep.before_commit", "sweep.after_commit")
WITHDRAWING = (
    "withdraw_ask.before_provider",
    "withdraw_ask.after_provider",
    "withdraw.before_provider",
    "withdraw.after_provider",
)
EXPIRING = (
    *WITHDRAWING,
    "expire.before_commit",
    "expire.after_commit",
    "give_up.before_commit",
    "give_up.after_commit",
)
REPLACING = (
    *WITHDRAWING,
    "replace.before_commit",
    "replace.after_commit",
    "replace_dead.before_commit",
    "replace_dead.after_commit",
)
BOUNCING = ("call_off.before_commit", "call_off.after_commit")
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
SENDING = (
    "capture.before_provider",
    "capture.after_provider",
    "capture.before_commit",
    "capture.after_commit",
    "fulfil.before_commit",
    "fulfil.after_commit",
)
REFUNDING = (
    "refund_intended.before_commit",
    "refund_intended.after_commit",
    "refund.before_provider",
    "refund.after_provider",
    "refund.before_commit",
    "refund.after_commit",
)
CANCELING = (*REFUNDING, "cancel.before_commit", "cancel.after_commit")
VOIDING = (
    "void.before_provider",
    "void.after_provider",
    "void.before_commit",
    "void.after_commit",
)
TOO_LATE = ("void_too_late.before_commit", "void_too_late.after_commit")
REPAIRING = (
    "reconcile_fetch.before_provider",
    "reconcile_fetch.after_provider",
    "reconcile.before_commit",
    "reconcile.after_commit",
    "reconcile.before_provider",
    "reconcile.after_provider",
)


@pytest.fixture
def dying(till: Any) -> Any:
    """dying(fault): a visitor at a web process that dies there; `visitor.end()` waits for it."""
    started = []

    def dying(fault: str) -> Visitor:
        process = till.nursery.start("web", till.house, fault=fault)
        started.append(process)
        visitor = Visitor(process.address)
        visitor.end = process.wait  # type: ignore[attr-defined]
        return visitor

    yield dying
    for process in started:
        process.kill()


def breaks(visitor: Any, act: Any) -> None:
    """What is asked of a process that dies of it."""
    with pytest.raises(OSError):  # noqa: PT011 - the connection breaks, in one way or another
        act()
    assert visitor.end() == -9


def pay(till: Any, customer: Any, visitor: Visitor, form: dict[str, str]) -> str:
    """Press "Place Order", confirm the card, and come back: the heading of the page."""
    answer = visitor.place_by_script(form)
    intent = till.confirm(customer)
    assert answer["action"]["client_secret"] == intent["client_secret"]
    return visitor.get(urlsplit(answer["back"]).path).heading


@pytest.mark.parametrize(("fault", "written"), PLACING.items())
def test_an_order_whose_browser_went_with_the_process_charges_nobody(
    till: Any, dying: Any, fault: str, written: bool
) -> None:
    customer, visitor = till.customer(), dying(fault)
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email, payment="stripe")
    breaks(visitor, lambda: visitor.place_by_script(form))
    assert len(customer.orders()) == written
    till.finish(HOUR, sweep=True)
    till.check_gone(customer)


@pytest.mark.parametrize("fault", PLACING)
def test_posting_again_after_a_crash_gives_one_order_that_is_charged_once(
    till: Any, dying: Any, fault: str
) -> None:
    customer, visitor = till.customer(), dying(fault)
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email, payment="stripe")
    breaks(visitor, lambda: visitor.place_by_script(form))
    again = visitor.at(till.alive.address)
    assert "Thank you" in pay(till, customer, again, form)
    assert "go" in again.place_by_script(form)
    till.finish()
    till.check(customer)
    assert len(till.intents(customer)) == 1


@pytest.mark.parametrize("fault", REPLACING)
def test_an_edited_cart_replaces_its_order_and_the_first_intent_is_dead(
    till: Any, dying: Any, fault: str
) -> None:
    customer, alive = till.customer(), till.visitor()
    alive.fill_cart(SKU)
    alive.place_by_script(alive.checkout(email=customer.email, payment="stripe"))
    alive.post(f"/cart/lines/{SKU}", {"quantity": "2"})
    form = alive.checkout(email=customer.email, payment="stripe")
    there = dying(fault)
    visitor = alive.at(there.address)
    visitor.end = there.end
    breaks(visitor, lambda: visitor.place_by_script(form))
    assert "Thank you" in pay(till, customer, alive, form)
    till.finish()
    till.check(customer)
    assert [order.status for order in customer.orders()] == ["canceled", "confirmed"]
    assert [each["status"] for each in till.intents(customer)] == ["canceled", "succeeded"]


@pytest.mark.parametrize("fault", SETTLING)
def test_a_crash_on_the_return_page_is_made_good_by_the_sweeper(
    till: Any, dying: Any, fault: str
) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    (attempt,) = customer.attempts()
    visitor = dying(fault)
    breaks(visitor, lambda: visitor.get(f"/checkout/return/{attempt}"))
    till.finish(sweep=True)
    till.check(customer)


@pytest.mark.parametrize("fault", REPORTING)
def test_a_webhook_is_stored_once_though_stripe_was_not_answered(
    till: Any, dying: Any, fault: str
) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    body, headers = till.hook(customer)
    visitor = dying(fault)
    breaks(visitor, lambda: visitor.send("/webhooks/stripe", body, headers))
    said = till.visitor().send("/webhooks/stripe", body, headers)
    assert said.body == f"Stored: {int('before' in fault)} new.\n"
    till.finish()
    till.check(customer)


@pytest.mark.parametrize("fault", HANDLING)
def test_a_stored_webhook_is_worked_through_whatever_kills_the_worker(
    till: Any, fault: str
) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    till.report(customer)
    till.kill("worker", fault)
    till.finish()
    till.check(customer)
    with till.shop.unit() as db:
        assert db.scalar(text("SELECT count(*) FROM webhook WHERE status <> 'done'")) == 0


@pytest.mark.parametrize("fault", SWEEPING)
def test_the_sweeper_settles_what_nobody_reported(till: Any, fault: str) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    with till.shop.unit() as db:
        defer(db, "checkout.sweep")
    till.kill("worker", fault, later=120.0)
    till.finish(sweep=True)
    till.check(customer)


@pytest.mark.parametrize("fault", EXPIRING)
def test_an_order_that_nobody_pays_ends_here_and_at_stripe(till: Any, fault: str) -> None:
    customer, _ = till.bought()
    with till.shop.unit() as db:
        defer(db, "checkout.sweep")
    till.kill("worker", fault, later=HOUR)
    till.finish(HOUR, sweep=True)
    till.check_gone(customer)


@pytest.mark.parametrize("fault", MAILING)
def test_the_confirmation_of_a_card_order_is_sent_once(till: Any, fault: str) -> None:
    customer, number = till.bought()
    till.confirm(customer)
    settle(till.shop, number)
    till.kill("worker", fault)
    till.finish()
    till.check(customer)


@pytest.mark.parametrize("fault", BOUNCING)
def test_a_debit_that_bounced_can_be_paid_by_nobody(till: Any, fault: str) -> None:
    customer, number = till.bought()
    intent = till.confirm(customer, "pm_usBankAccount_processing")
    settle(till.shop, number)
    till.vendor.end_debit(intent["id"], success=False)
    settle(till.shop, number)
    till.kill("worker", fault)
    till.finish()
    till.check_gone(customer, mails="order_placed order_canceled")


# --- what staff do --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", SENDING)
def test_authorized_money_is_taken_once_when_the_parcel_leaves(
    till: Any, later: Any, fault: str
) -> None:
    customer, number = till.authorized(later)
    parcel = {"number": number, "lines": {SKU: 1}, "carrier": "UPS", "tracking_number": "1Z9"}
    till.press(f"{STAFF}:fulfil", fault, till.later, actor="clerk", **parcel)
    with contextlib.suppress(Refused):  # it has left already
        staff.fulfil(later, actor="clerk", **parcel)
    till.finish()
    assert till.check(customer, mails="order_paid shipment_shipped").fulfilment_status == "shipped"


@pytest.mark.parametrize("fault", REFUNDING)
def test_a_part_is_paid_back_once_or_never(till: Any, fault: str) -> None:
    customer, number = till.paid()
    till.press(f"{VERBS}:refund", fault, number=number, amount=100)
    till.finish(600.0, sweep=True)
    (order,) = customer.orders()
    if fault == "refund_intended.before_commit":
        till.check(customer)
    else:
        till.check(customer, kept=order.total - 100, mails="payment_refunded")


@pytest.mark.parametrize("fault", CANCELING)
def test_a_canceled_order_is_paid_back_once(till: Any, fault: str) -> None:
    customer, number = till.paid()
    deed = {"number": number, "actor": "clerk", "reason": "customer"}
    till.press(f"{STAFF}:cancel", fault, **deed)
    staff.cancel(till.shop, **deed)
    till.finish()
    told = "order_placed order_canceled payment_refunded"
    till.check_gone(customer, mails=told, status="refunded")


@pytest.mark.parametrize("fault", VOIDING)
def test_an_unpaid_order_is_canceled_at_stripe_too(till: Any, fault: str) -> None:
    customer, number = till.bought()
    deed = {"number": number, "actor": "clerk", "reason": "customer"}
    till.press(f"{STAFF}:cancel", fault, **deed)
    staff.cancel(till.shop, **deed)
    till.finish()
    till.check_gone(customer, mails="order_canceled")


@pytest.mark.parametrize("fault", TOO_LATE)
def test_money_that_comes_while_staff_cancel_goes_back(till: Any, fault: str) -> None:
    customer, number = till.bought()
    till.confirm(customer)
    deed = {"number": number, "actor": "clerk", "reason": "customer"}
    till.press(f"{STAFF}:cancel", fault, **deed)
    staff.cancel(till.shop, **deed)
    till.finish()
    assert till.charged(customer) == 0
    assert [order.status for order in customer.orders()] == ["canceled"]
    assert len(till.charges(customer)) == 1


@pytest.mark.parametrize("fault", REFUNDING)
def test_money_that_came_too_late_goes_back_once(till: Any, fault: str) -> None:
    with till.shop.unit() as db:
        held = stock.availability(db, [LAST_ONE])[LAST_ONE].held
        stock.set_stock(db, LAST_ONE, held + 1, reason="count", actor="test")
    late, number = till.bought(sku=LAST_ONE)
    with till.shop.unit() as db:  # as if its time had run out just before the money came
        stock.release(db, number, reason="test")
        db.execute(text("UPDATE orders SET status = 'canceled' WHERE number = :n"), {"n": number})
    quick = till.customer()
    buy(till.shop, email=quick.email, payment="bank_transfer", sku=LAST_ONE)
    till.confirm(late)
    till.report(late)
    till.kill("worker", fault)
    till.finish()
    till.check_gone(late, mails="payment_returned", status="refunded")
    assert [order.status for order in quick.orders()] == ["confirmed"]


@pytest.mark.parametrize("fault", REPAIRING)
def test_money_of_no_order_goes_back_once(till: Any, fault: str) -> None:
    vendor = till.vendor
    with vendor.lock:
        stray = vendor.create_intent(
            amount=1500, currency="usd", capture_method="automatic", metadata={}
        )
        stray["created"] -= 600
        vendor.confirm(stray, vendor.method("pm_card_visa"), None)
    till.press(f"{VERBS}:put_right", fault, ref=stray["id"], deed="return")
    charge = vendor.objects["charge"][stray["latest_charge"]]
    if not charge["refunded"]:
        put_right(till.shop, ref=stray["id"], deed="return")
    assert charge["amount_refunded"] == 1500
    made = vendor.objects["refund"].values()
    assert [each["amount"] for each in made if each["charge"] == charge["id"]] == [1500]
