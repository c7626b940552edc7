"""The web process killed anywhere around "Place Order": no placed order and no mail is lost.

A real web process takes the customer's form and dies at a fault point. Then the customer does
nothing, or posts again at the process that took its place; the worker and its sweeper do the rest.
"""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from sqlalchemy import text

from opticworks.testing.ledger import Customer, wrong
from opticworks.testing.visitors import Visitor

SKU = "RS1-PRO-WHT"

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
#: On the way to the form nothing is ordered yet.
KEEP = ("keep.before_commit", "keep.after_commit")
RATES = (
    "keep.before_commit",
    "keep.after_commit",
    "rates.before_provider",
    "rates.after_provider",
    "rates.before_commit",
    "rates.after_commit",
)
#: While a typed address is looked at.
ADDRESS = (
    "keep_address.before_commit",
    "keep_address.after_commit",
    "verify.before_provider",
    "verify.after_provider",
    "verified.before_commit",
    "verified.after_commit",
)
#: Another post of the same cart with other contents: the first order is called off.
REPLACING = (
    "withdraw_ask.before_provider",
    "withdraw_ask.after_provider",
    "withdraw.before_provider",
    "withdraw.after_provider",
    "replace.before_commit",
    "replace.after_commit",
    "replace_dead.before_commit",
    "replace_dead.after_commit",
)


def order_at_a_dying_process(street, fault: str, customer: Customer, payment: str):
    """Press "Place Order" at a process that dies of it; the visitor and the form."""
    web = street.start("web", fault=fault)
    visitor = Visitor(web.address)
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email, payment=payment)
    with pytest.raises(OSError):  # noqa: PT011 - the connection breaks, in one way or another
        visitor.place(form)
    assert web.wait() == -signal.SIGKILL
    return visitor, form


@pytest.mark.parametrize("payment", ["bank_transfer", "fake_card"])
@pytest.mark.parametrize(("fault", "written"), PLACING.items())
def test_an_order_survives_its_process_though_the_customer_has_gone(
    street, fault: str, written: bool, payment: str
) -> None:
    customer = street.customer()
    order_at_a_dying_process(street, fault, customer, payment)
    assert len(customer.orders()) == written
    street.work()
    if written:
        street.check(customer, payment)
    else:
        assert customer.orders() == []
        assert wrong(street.shop) == []


@pytest.mark.parametrize("payment", ["bank_transfer", "fake_card"])
@pytest.mark.parametrize("fault", PLACING)
def test_posting_again_after_a_crash_gives_one_order_and_says_thank_you(
    street, fault: str, payment: str
) -> None:
    customer = street.customer()
    visitor, form = order_at_a_dying_process(street, fault, customer, payment)
    again = visitor.at(street.start("web").address)
    assert "Thank you" in again.place(form).heading
    assert "Thank you" in again.place(form).heading
    street.work()
    street.check(customer, payment)


@pytest.mark.parametrize(
    ("fault", "carrier"), [*((fault, True) for fault in RATES), *((fault, False) for fault in KEEP)]
)
def test_a_crash_while_rates_are_fetched_costs_a_reload(street, fault: str, carrier: bool) -> None:
    """Whether a carrier is waited for, or all rates are at hand."""
    customer = street.customer()
    shop = replace(street.house, carrier=carrier)
    web = street.start("web", shop, fault=fault)
    visitor = Visitor(web.address)
    visitor.fill_cart(SKU)
    with pytest.raises(OSError):  # noqa: PT011
        visitor.get("/checkout")
    assert web.wait() == -signal.SIGKILL
    again = visitor.at(street.start("web", shop).address)
    assert "Thank you" in again.place(again.checkout(email=customer.email)).heading
    street.work()
    street.check(customer)


@pytest.mark.parametrize("fault", ADDRESS)
def test_a_crash_while_an_address_is_checked_costs_nothing_but_the_check(
    street, fault: str
) -> None:
    customer = street.customer()
    web = street.start("web", fault=fault)
    visitor = Visitor(web.address)
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email, postalCode="94104-1234")
    with pytest.raises(OSError):  # noqa: PT011
        visitor.post("/checkout/address", form)
    assert web.wait() == -signal.SIGKILL
    again = visitor.at(street.start("web").address)
    assert "94104" in again.post("/checkout/address", form).body
    assert "Thank you" in again.place(form).heading
    street.work()
    street.check(customer)


@pytest.mark.parametrize("fault", REPLACING)
def test_a_crash_while_an_edited_cart_replaces_its_order_leaves_one_order(
    street, fault: str
) -> None:
    customer = street.customer()
    # The first order was written, and its process died before it heard from the provider.
    visitor, form = order_at_a_dying_process(
        street, "pay.after_provider", customer, "bank_transfer"
    )
    web = street.start("web", fault=fault)
    visitor = visitor.at(web.address)
    visitor.post(f"/cart/lines/{SKU}", {"quantity": "2"})
    form = visitor.checkout(email=customer.email, payment="bank_transfer")
    with pytest.raises(OSError):  # noqa: PT011
        visitor.place(form)
    assert web.wait() == -signal.SIGKILL
    again = visitor.at(street.start("web").address)
    assert "Thank you" in again.place(form).heading
    street.work()
    street.check(customer)
    assert [order.status for order in customer.orders()] == ["canceled", "confirmed"]


@pytest.mark.parametrize(
    "fault", ["place.before_commit", "place.after_commit", "pay.after_provider"]
)
def test_a_crash_neither_burns_a_code_nor_lends_it_twice(street, fault: str) -> None:
    customer = street.customer()
    web = street.start("web", fault=fault)
    visitor = Visitor(web.address)
    visitor.fill_cart(SKU)
    visitor.post("/cart/codes", {"code": "welcome10"})  # once per customer
    form = visitor.checkout(email=customer.email, payment="bank_transfer")
    with pytest.raises(OSError):  # noqa: PT011
        visitor.place(form)
    assert web.wait() == -signal.SIGKILL
    again = visitor.at(street.start("web").address)
    assert "Thank you" in again.place(form).heading
    street.work()
    street.check(customer)
    ((use, released),) = uses_of(street, customer)
    assert use == customer.orders()[0].number
    assert released is None


def uses_of(street, customer: Customer) -> list[tuple[str, object]]:
    """The customer's claims: the order's number, and when it was given back."""
    statement = text(
        "SELECT c.order_number, c.released_at FROM claim c"
        " JOIN orders o ON o.number = c.order_number"
        " WHERE o.email = :email AND c.allowance LIKE '%:by:%'"
    )
    with street.shop.unit() as db:
        return [tuple(row) for row in db.execute(statement, {"email": customer.email})]
