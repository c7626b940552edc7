"""Paying by card while browsers die, webhooks get lost, come twice or late, and answers are
missing: in every case one order, one charge, right stock, right mail."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from opticworks.checkout import staff
from opticworks.checkout.place import place
from opticworks.checkout.settle import Refused
from opticworks.contracts import ProviderError
from opticworks.jobs.testing import drain
from opticworks.testing.contracts.common import all_at_once
from opticworks.webhooks import service as webhooks

SKU = "RS1-PRO-WHT"
DAY = 86_400.0


def back(customer: Any) -> str:
    """Where the customer's browser returns to."""
    (attempt,) = customer.attempts()
    return f"/checkout/return/{attempt}"


def test_a_browser_that_dies_after_confirming_is_made_good_by_the_sweeper(till: Any) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    till.finish(sweep=True)
    till.check(customer)


def test_a_webhook_that_is_dropped_is_not_missed_when_the_buyer_returns(till: Any) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    for _ in range(2):
        assert "Thank you" in till.visitor().get(back(customer)).heading
    till.finish()
    till.check(customer)


def test_return_and_webhook_at_once_settle_once(till: Any) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    till.report(customer)
    path, hook = back(customer), till.hook(customer)
    browsers = [lambda: till.visitor().get(path).status for _ in range(4)]
    reports = [lambda: till.visitor().send("/webhooks/stripe", *hook).status for _ in range(3)]
    workers = [lambda: drain(till.shop) for _ in range(2)]
    said = all_at_once([*browsers, *reports, *workers])
    assert set(said[:7]) == {200}
    till.finish(sweep=True)
    till.check(customer)


def test_fifty_presses_of_place_order_make_one_order_and_one_charge(till: Any) -> None:
    customer, visitor = till.customer(), till.visitor()
    visitor.fill_cart(SKU)
    form = visitor.checkout(email=customer.email, payment="stripe")
    hands = [visitor.at(till.alive.address) for _ in range(50)]
    said = all_at_once([lambda hand=hand: hand.place_by_script(form) for hand in hands])
    assert {"action"} <= said[0].keys()
    assert len({answer["action"]["client_secret"] for answer in said}) == 1
    assert len(till.intents(customer)) == 1
    till.confirm(customer)
    path = urlsplit(said[0]["back"]).path
    assert set(all_at_once([lambda: visitor.get(path).status for _ in range(8)])) == {200}
    till.finish(sweep=True)
    till.check(customer)


@pytest.mark.parametrize("later", [120.0, DAY])
def test_webhooks_doubled_shuffled_and_late_change_nothing_twice(till: Any, later: float) -> None:
    """`later`: nobody looked at them before; after a day the order's time is long over."""
    till.quiet()
    customer, _ = till.bought()
    till.confirm(customer, "pm_card_createDispute")
    till.vendor.close_dispute(list(till.vendor.objects["dispute"])[-1], won=True)
    hooks = till.hooks(customer) * 2
    assert len(hooks) >= 12
    random.Random(7).shuffle(hooks)
    for hook in hooks:
        webhooks.receive(till.shop, "stripe", *hook)
    till.finish(later, sweep=later == DAY)
    till.check(customer)
    for hook in hooks:  # and once more, when all is over
        assert webhooks.receive(till.shop, "stripe", *hook) == 0
    till.finish(later)
    till.check(customer)


def test_webhooks_that_are_worked_through_again_change_nothing(till: Any) -> None:
    customer, _ = till.bought()
    till.confirm(customer)
    till.report(customer)
    till.finish()
    with till.shop.unit() as db:
        assert webhooks.replay(db, webhooks.Filter(provider="stripe")) > 0
    till.finish()
    till.check(customer)


def test_an_intent_whose_answer_was_lost_is_found_when_the_order_is_placed_again(
    till: Any, impatient: Any
) -> None:
    customer, wish = till.wish()
    impatient("POST /v1/payment_intents$")
    with pytest.raises(ProviderError, match="does not answer"):
        place(till.shop, wish)
    impatient("")
    place(till.shop, wish)
    till.confirm(customer)
    till.finish(sweep=True)
    till.check(customer)
    assert len(till.intents(customer)) == 1


def test_a_charge_whose_answer_was_lost_is_not_made_again(
    till: Any, later: Any, impatient: Any
) -> None:
    """Stripe takes the authorized money when the parcel leaves, and is not heard."""
    customer, number = till.authorized(later)
    impatient("/capture$", later)
    parcel = {"lines": {SKU: 1}, "carrier": "UPS", "tracking_number": "1Z9"}
    staff.fulfil(later, number, actor="clerk", **parcel)
    assert customer.orders()[0].payment_status == "authorized"
    impatient("")
    assert till.charged(customer) == customer.orders()[0].total
    till.finish()
    till.check(customer, mails="order_paid shipment_shipped")


def test_a_refund_whose_answer_was_lost_is_not_made_again(till: Any, impatient: Any) -> None:
    customer, number = till.paid()
    impatient("POST /v1/refunds")
    with pytest.raises(Refused, match="does not answer"):
        staff.return_money(till.shop, number, actor="clerk")
    impatient("")
    till.finish(600.0, sweep=True)
    assert till.charged(customer) == 0
    (order,) = customer.orders()
    assert [amount for _, amount in customer.ledger() if amount] == [order.total, -order.total]
