"""What lies at Stripe, page by page, read as plain JSON.

The SDK makes an object of every field of every intent and its charge, which costs more than the
asking when there are thousands; a comparison needs ten of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from opticworks.contracts import ListedPayment, PaymentResult, PaymentState, ProviderError
from opticworks_stripe_payments.amounts import from_stripe

PAGE = 100  #: intents in one answer, the most that Stripe gives

STATES: Mapping[str, PaymentState] = {
    "requires_payment_method": "action",
    "requires_confirmation": "action",
    "requires_action": "action",
    "processing": "pending",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "canceled",
}


def since(
    client: stripe.StripeClient, when: datetime, ask: Callable[[Callable[[], Any]], Any]
) -> Iterator[ListedPayment]:
    """Every intent made since then, the newest first. `ask` makes Stripe's errors ours."""
    params: dict[str, Any] = {
        "created": {"gte": int(when.timestamp())},
        "limit": PAGE,
        "expand": ["data.latest_charge"],
    }
    while True:
        page = ask(lambda: client.raw_request("get", "/v1/payment_intents", **params)).data
        yield from map(_listed, page["data"])
        if not page["has_more"]:
            return
        params["starting_after"] = page["data"][-1]["id"]


def _listed(intent: Mapping[str, Any]) -> ListedPayment:
    named = intent["metadata"] or {}
    return ListedPayment(
        result=_result(intent),
        attempt=str(named.get("attempt", "")),
        order_number=str(named.get("order", "")),
        at=datetime.fromtimestamp(intent["created"], UTC),
    )


def _result(intent: Mapping[str, Any]) -> PaymentResult:
    if intent["status"] not in STATES:
        raise ProviderError(
            f"Stripe calls a payment {intent['status']!r}, which is not known here."
        )
    state = STATES[intent["status"]]
    currency, charge = intent["currency"], intent["latest_charge"]
    amount = intent["amount_received"] if state == "captured" else intent["amount"]
    money: dict[str, Any] = {}
    # Of an authorization that lapsed, Stripe says "refunded": nothing was ever taken.
    if charge and charge["amount_captured"]:
        money["captured"] = from_stripe(charge["amount_captured"], currency)
        money["refunded"] = from_stripe(charge["amount_refunded"], currency)
    return PaymentResult(
        state=state, ref=intent["id"], money=from_stripe(amount, currency), **money
    )
