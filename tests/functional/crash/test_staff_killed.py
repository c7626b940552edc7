"""The process that does what staff asked for is killed; staff press the button again."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import replace

import pytest

from opticworks.audit import service as audit
from opticworks.checkout import addresses, staff
from opticworks.checkout.settle import Refused
from opticworks.contracts import Address
from opticworks.documents import service as documents
from opticworks.orders import service as orders
from opticworks.stock import service as stock
from opticworks.testing.ledger import wrong
from opticworks.testing.processes import buy

SKU = "RS1-PRO-WHT"

PAYING = (
    "mark_paid.before_provider",
    "mark_paid.after_provider",
    "mark_paid.before_commit",
    "mark_paid.after_commit",
)
SENDING = ("fulfil.before_commit", "fulfil.after_commit")
CANCELING_UNPAID = (
    "void.before_provider",
    "void.after_provider",
    "void.before_commit",
    "void.after_commit",
    "cancel.before_commit",
    "cancel.after_commit",
)
CANCELING_PAID = (
    "refund_intended.before_commit",
    "refund_intended.after_commit",
    "refund.before_provider",
    "refund.after_provider",
    "refund.before_commit",
    "refund.after_commit",
    "cancel.before_commit",
    "cancel.after_commit",
)
CHECKING = (
    "verify_order.before_provider",
    "verify_order.after_provider",
    "verified_order.before_commit",
    "verified_order.after_commit",
)
CANCELING_WHILE_PAYING = ("void_too_late.before_commit", "void_too_late.after_commit")


def press(street, verb: str, fault: str, **arguments: object) -> None:
    """Press the button, at a process that dies of it; then again, at one that doesn't."""
    call = [f"opticworks.checkout.staff:{verb}", {"actor": "clerk@example.com", **arguments}]
    assert street.start("verb", call=call, fault=fault).wait() == -signal.SIGKILL
    # What is done already may be refused, with a sentence.
    with contextlib.suppress(Refused):
        getattr(staff, verb)(street.shop, actor="clerk@example.com", **arguments)
    street.work(sweep=False)
    assert wrong(street.shop) == []


def ordered(street, payment: str = "bank_transfer"):
    customer = street.customer()
    number = buy(street.shop, email=customer.email, payment=payment, sku=SKU)
    street.work(sweep=False)
    return customer, number


@pytest.mark.parametrize("fault", PAYING)
def test_money_is_recorded_once(street, fault: str) -> None:
    customer, number = ordered(street)
    press(street, "mark_paid", fault, number=number, reference="bank 17")
    (order,) = customer.orders()
    assert (order.status, order.payment_status) == ("confirmed", "paid")
    assert [amount for _, amount in customer.ledger() if amount] == [order.total]
    assert customer.messages().count(("order_paid", "sent")) == 1


@pytest.mark.parametrize("fault", SENDING)
def test_a_parcel_is_written_and_told_of_once(street, fault: str) -> None:
    customer, number = ordered(street)
    staff.mark_paid(street.shop, number, actor="clerk@example.com")
    with street.shop.unit() as db:
        before = stock.availability(db, [SKU])[SKU]
    parcel = {"lines": {SKU: 1}, "carrier": "UPS", "tracking_number": "1Z999"}
    press(street, "fulfil", fault, number=number, **parcel)
    (order,) = customer.orders()
    assert order.fulfilment_status == "shipped"
    with street.shop.unit() as db:
        after = stock.availability(db, [SKU])[SKU]
        view = street.shop.order_view(db, number)
    assert (before.on_hand - after.on_hand, before.held - after.held) == (1, 1)
    assert len(view.shipments) == 1
    assert customer.messages().count(("shipment_shipped", "sent")) == 1


@pytest.mark.parametrize("fault", CANCELING_UNPAID)
def test_an_unpaid_order_is_canceled_once(street, fault: str) -> None:
    customer, number = ordered(street)
    press(street, "cancel", fault, number=number, reason="asked for")
    check_canceled(street, customer, "unpaid")


@pytest.mark.parametrize("fault", CANCELING_PAID)
def test_a_paid_order_is_paid_back_once(street, fault: str) -> None:
    customer, number = ordered(street, "fake_card")
    assert street.charged(customer) > 0
    press(street, "cancel", fault, number=number, reason="asked for")
    order = check_canceled(street, customer, "refunded")
    assert [amount for _, amount in customer.ledger() if amount] == [order.total, -order.total]


@pytest.mark.parametrize("fault", CANCELING_PAID[:6])
def test_a_refund_of_a_part_is_paid_and_credited_once_or_never(street, fault: str) -> None:
    """Nobody presses the button again: what was written down is brought to its end by itself."""
    customer, number = ordered(street, "fake_card")
    call = ["opticworks.testing.processes:refund", {"number": number, "amount": 100}]
    assert street.start("verb", call=call, fault=fault).wait() == -signal.SIGKILL
    street.work()
    assert wrong(street.shop) == []
    (order,) = customer.orders()
    paid = 0 if fault == "refund_intended.before_commit" else 100
    assert street.charged(customer) == order.total - paid
    moved = [amount for _, amount in customer.ledger() if amount]
    assert moved == [order.total, -paid][: 2 if paid else 1]
    assert customer.messages().count(("payment_refunded", "sent")) == bool(paid)
    with street.shop.unit() as db:
        kinds = [paper.kind for paper in documents.of_order(db, number)]
    assert kinds == ["invoice", "credit_note"][: 2 if paid else 1]


@pytest.mark.parametrize("fault", CANCELING_WHILE_PAYING)
def test_money_that_comes_while_staff_cancel_is_paid_back(street, fault: str) -> None:
    customer = street.customer()
    shop = replace(street.house, card="action").open()
    number = buy(shop, email=customer.email, payment="fake_card", sku=SKU)
    shop.close()
    vendor, (attempt,) = street.house.vendor(), customer.attempts()
    with vendor.open():
        vendor.pay(next(ref for ref, p in vendor.payments.items() if p.attempt == attempt))
    press(street, "cancel", fault, number=number, reason="asked for")
    check_canceled(street, customer, "refunded")


def check_canceled(street, customer, payment_status: str):
    """One canceled order whose goods and money are back, and whose customer was told once."""
    (order,) = customer.orders()
    assert (order.status, order.payment_status) == ("canceled", payment_status)
    assert street.charged(customer) == 0
    with street.shop.unit() as db:
        assert stock.held_by(db, order.number) == {}
    assert customer.messages().count(("order_canceled", "sent")) == 1
    assert street.mails(customer) == len(customer.messages())
    return order


@pytest.mark.parametrize("fault", CHECKING)
def test_the_check_of_an_address_is_kept_or_made_again(street, fault: str) -> None:
    customer, number = ordered(street)
    call = ["opticworks.checkout.addresses:check_order", {"number": number}]
    assert street.start("verb", call=call, fault=fault).wait() == -signal.SIGKILL
    assert addresses.check_order(street.shop, number).state == "verified"
    assert [order.number for order in customer.orders()] == [number]
    assert wrong(street.shop) == []


@pytest.mark.parametrize("fault", ["readdress.before_commit", "readdress.after_commit"])
def test_another_address_is_written_down_once(street, fault: str) -> None:
    _, number = ordered(street)
    with street.shop.unit() as db:
        order = orders.by_number(db, number)
        typed = addresses.place_of(Address.model_validate(order.address))
        order.address_check = {
            "by": "Test addresses",
            "state": "corrected",
            "typed": typed,
            "suggestion": {**typed, "line1": "12 Analytical Way NE"},
            "messages": [],
        }
    arguments = {"number": number, "which": "suggestion", "actor": "clerk@example.com"}
    call = ["opticworks.checkout.addresses:use", arguments]
    assert street.start("verb", call=call, fault=fault).wait() == -signal.SIGKILL
    addresses.use(street.shop, **arguments)
    with street.shop.unit() as db:
        assert orders.by_number(db, number).address["line1"] == "12 Analytical Way NE"
        assert len(audit.of_subject(db, f"order {number}")) == 1


@pytest.mark.parametrize("fault", ["edit_address.before_commit", "edit_address.after_commit"])
def test_an_address_that_was_typed_anew_is_written_down_once(street, fault: str) -> None:
    _, number = ordered(street)
    with street.shop.unit() as db:
        order = orders.by_number(db, number)
        first, shown = order.address, addresses.version(order)
    there = Address.model_validate({**first, "line1": "9 Corrected Street"})
    arguments = {"number": number, "shown": shown, "actor": "clerk@example.com"}
    verb = "opticworks.testing.processes:edit_address"
    call = [verb, {**arguments, "address": there.model_dump()}]
    assert street.start("verb", call=call, fault=fault).wait() == -signal.SIGKILL
    addresses.edit(street.shop, number, there, shown=shown, actor="clerk@example.com")
    with street.shop.unit() as db:
        order = orders.by_number(db, number)
        assert order.address["line1"] == "9 Corrected Street"
        assert addresses.original(order).model_dump() == first
        assert len(audit.of_subject(db, f"order {number}")) == 1
