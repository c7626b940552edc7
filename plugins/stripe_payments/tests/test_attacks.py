"""What somebody who wants goods for nothing would try, and what would give a key away."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from sqlalchemy import text

from opticworks.checkout.settle import settle
from opticworks.jobs.testing import drain
from opticworks.testing.counter import Counter
from opticworks.testing.shops import Browser
from opticworks_stripe_payments.standin.delivery import sign

SECRET = "whsec_standin"


@pytest.fixture
def ordered(counter: Counter, standin: Any) -> tuple[str, dict[str, Any]]:
    """An order that nobody has paid: its number, and its intent."""
    counter.stock("A", 3, "10.00")
    number = counter.buy(("A", 1), payment="stripe").number
    (intent,) = standin.app.vendor.objects["payment_intent"].values()
    return number, intent


def stored(counter: Counter) -> int:
    with counter.shop.unit() as db:
        return int(db.scalar(text("SELECT count(*) FROM webhook")) or 0)


def paid_event(intent: dict[str, Any], **changes: Any) -> bytes:
    about = {**intent, "status": "succeeded", "amount_received": intent["amount"], **changes}
    event = {"id": "evt_forged", "object": "event", "created": int(time.time()), "livemode": False}
    return json.dumps(
        {**event, "type": "payment_intent.succeeded", "data": {"object": about}}
    ).encode()


@pytest.mark.parametrize(
    ("secret", "age"), [("whsec_guessed", 0), ("", 0), (SECRET, 3600), (SECRET, -3600)]
)
def test_a_forged_or_replayed_webhook_is_refused_and_leaves_nothing(
    counter: Counter, ordered: Any, secret: str, age: int
) -> None:
    body = paid_event(ordered[1])
    stamp = int(time.time()) - age
    headers = {"Stripe-Signature": sign(body, [secret], stamp) if secret else ""}
    Browser(counter.shop).post("/webhooks/stripe", body, headers=headers, status=400)
    assert stored(counter) == 0


def test_a_signature_is_of_one_body_only(counter: Counter, ordered: Any) -> None:
    mine = paid_event(ordered[1])
    headers = {"Stripe-Signature": sign(mine, [SECRET], int(time.time()))}
    other = mine.replace(b"evt_forged", b"evt_others")
    Browser(counter.shop).post("/webhooks/stripe", other, headers=headers, status=400)
    assert stored(counter) == 0


def test_what_a_webhook_says_pays_nothing(counter: Counter, ordered: Any) -> None:
    """Signed, but Stripe itself knows of no money: the shop asks, and believes only the answer."""
    number, intent = ordered
    body = paid_event(intent)
    headers = {"Stripe-Signature": sign(body, [SECRET], int(time.time()))}
    Browser(counter.shop).post("/webhooks/stripe", body, headers=headers)
    drain(counter.shop)
    assert counter.order(number).status == "awaiting_payment"


@pytest.mark.parametrize("changes", [{"amount": 50}, {"currency": "jpy"}, {"amount": 99_999}])
def test_another_amount_or_currency_is_never_accepted(
    counter: Counter, standin: Any, ordered: Any, changes: dict[str, Any]
) -> None:
    number, intent = ordered
    intent.update(changes)  # in Stripe's dashboard, or by a stolen key
    standin.confirm(intent["id"])
    settle(counter.shop, number)
    order = counter.order(number)
    assert (order.status, order.payment_status) == ("awaiting_payment", "unpaid")
    with counter.shop.unit() as db:
        (note,) = db.scalars(text("SELECT note FROM payment_event WHERE kind = 'mismatch'"))
        assert db.scalar(text("SELECT coalesce(sum(amount), 0) FROM payment_event")) == 0
    assert "Not marked paid." in note


def test_a_payment_of_one_order_pays_no_other(counter: Counter, standin: Any, ordered: Any) -> None:
    number, intent = ordered
    theirs = counter.buy(("A", 1), payment="stripe").number
    standin.confirm(intent["id"])
    event = list(standin.app.vendor.objects["event"].values())[-1]
    with counter.shop.unit() as db:
        attempts = list(db.scalars(text("SELECT attempt FROM payment ORDER BY id")))
    event["data"]["object"]["metadata"]["attempt"] = str(attempts[1])  # speaks of the other one
    body = standin.app.delivery.body_of(event)
    headers = {"Stripe-Signature": sign(body, [SECRET], int(time.time()))}
    Browser(counter.shop).post("/webhooks/stripe", body, headers=headers)
    drain(counter.shop)
    assert counter.order(theirs).status == "awaiting_payment"
    settle(counter.shop, number)
    assert counter.order(number).payment_status == "paid"
    assert counter.order(theirs).status == "awaiting_payment"


def test_no_secret_is_shown_or_logged(
    counter: Counter, standin: Any, ordered: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    standin.control("faults", match=".*", status=401, times=1)
    number, intent = ordered
    with pytest.raises(Exception, match="Check it in the settings") as caught:
        settle(counter.shop, number)
    settle(counter.shop, number)
    secrets = ("sk_test_standin", SECRET, intent["client_secret"])
    with counter.shop.unit() as db:
        attempt = db.scalar(text("SELECT attempt FROM payment"))
        kept = str(db.execute(text("SELECT * FROM payment, payment_event")).all())
    page = Browser(counter.shop).get(f"/checkout/return/{attempt}")
    heard = [caplog.text, str(caught.value), page.text, str(page.headers), kept]
    assert [one for one in heard for secret in secrets if secret in one] == []
