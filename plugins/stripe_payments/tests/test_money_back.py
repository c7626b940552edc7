"""A shop over the stand-in: refunds that are asked for here, and what is done at Stripe."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest

from opticworks.checkout import refund as refunding
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.jobs import defer
from opticworks.jobs.testing import drain
from opticworks.testing.counter import Counter
from opticworks.testing.ledger import wrong
from opticworks.webhooks import service as webhooks
from opticworks_stripe_payments.standin.delivery import sign

SECRET = "whsec_standin"


class Street:
    """One paid order, and Stripe's webhooks, delivered when the test says so."""

    def __init__(self, counter: Counter, standin: Any, method: str) -> None:
        self.counter, self.standin, self.told = counter, standin, 0
        counter.stock("A", 9, "10.00")
        self.number = counter.buy(("A", 3), payment="stripe").number
        (self.intent,) = standin.app.vendor.objects["payment_intent"]
        standin.confirm(self.intent, method)
        self.report()
        assert self.order.payment_status == "paid"

    @property
    def order(self) -> Any:
        return self.counter.order(self.number)

    @property
    def refunds(self) -> list[tuple[str, int]]:
        return [(each.status, each.amount.minor) for each in self.order.refunds]

    def report(self) -> None:
        """Every event since the last time reaches the shop, the newest first, twice."""
        events = list(self.standin.app.vendor.objects["event"].values())[self.told :]
        self.told += len(events)
        assert events
        for event in [*reversed(events)] * 2:
            body = self.standin.app.delivery.body_of(event)
            headers = {"Stripe-Signature": sign(body, [SECRET], int(time.time()))}
            webhooks.receive(self.counter.shop, "stripe", body, headers)
        drain(self.counter.shop)

    def pay_back(self, **more: Any) -> Any:
        wish = Wish(request=uuid.uuid4(), **more)
        return refunding.refund(self.counter.shop, self.number, wish, actor="clerk")


@pytest.fixture
def street(counter: Counter, standin: Any) -> Street:
    return Street(counter, standin, "pm_card_refundFail")


def test_what_is_done_at_stripe_is_here_within_one_webhook(street: Street, standin: Any) -> None:
    total = street.order.total.minor
    by_hand = standin.control("refund", payment_intent=street.intent, amount="500")
    street.report()
    assert street.refunds == [("pending", 500)]
    standin.control("finish_refund", id=by_hand["id"])
    street.report()
    assert street.refunds == [("done", 500)]
    assert street.order.payment_status == "part_refunded"

    ours = street.pay_back(portions={"A": Portion(unsent=1)})
    standin.control("fail_refund", id=ours.refunds[0].ref)
    street.report()
    assert street.refunds == [("done", 500), ("failed", ours.refunds[0].amount)]
    assert "expired or was canceled" in street.order.refunds[1].message

    standin.control("dispute", intent_id=street.intent)
    street.report()
    assert street.order.disputed
    (dispute,) = standin.control("state")["dispute"]
    standin.control("close_dispute", id=dispute, won=False)
    street.report()
    assert not street.order.disputed
    assert street.order.payment_status == "refunded"
    assert street.order.refunded.minor == 500 < total
    assert wrong(street.counter.shop) == []


def test_a_refund_whose_answer_was_lost_is_looked_up_at_stripe(
    street: Street, standin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = street.counter.shop
    provider = shop.providers.payments()["stripe"]
    patient = provider._client
    provider._client = standin.client(timeout=0.5)
    standin.control("faults", match="POST /v1/refunds", how="timeout", seconds=60)
    outcome = street.pay_back(amount=700, note="goodwill")
    provider._client = patient
    standin.app.faults.settle()
    assert "does not answer" in outcome.unanswered
    assert street.refunds == [("intended", 700)]
    now = shop.now() + timedelta(minutes=3)
    monkeypatch.setattr(shop, "now", lambda: now)
    with shop.unit() as db:
        defer(db, "checkout.sweep")
    drain(shop)
    assert street.refunds == [("pending", 700)]
    assert len(standin.control("state")["refund"]) == 1
    calls = standin.control("calls")
    assert calls.count("POST /v1/refunds") == 1, "it was found, not asked for again"
