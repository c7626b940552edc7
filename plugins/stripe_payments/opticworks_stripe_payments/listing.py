"""What lies at Stripe, page by page, read as plain JSON.

The SDK makes an object of every field of every intent and its charge, which costs more than the
asking when there are thousands; a comparison needs ten of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import stripe

from opticworks.contracts import (
    Dispute,
    DisputeStatus,
    ListedPayment,
    PaymentResult,
    PaymentState,
    ProviderError,
)
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
#: Any other state of a dispute is one in which the bank looks at it.
DISPUTE_STATES: Mapping[str, DisputeStatus] = {
    "needs_response": "needs_response",
    "warning_needs_response": "needs_response",
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
    "lost": "lost",
}


def since(
    client: stripe.StripeClient, when: datetime, ask: Callable[[Callable[[], Any]], Any]
) -> Iterator[ListedPayment]:
    """Every intent made since then, the newest first. `ask` makes Stripe's errors ours."""

    def pages(kind: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        params |= {"created": {"gte": int(when.timestamp())}, "limit": PAGE}
        while True:
            page = ask(lambda: client.raw_request("get", f"/v1/{kind}", **params)).data
            yield from page["data"]
            if not page["has_more"]:
                return
            params["starting_after"] = page["data"][-1]["id"]

    # A dispute is younger than what it is about, so all that matter are among these.
    claims: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for claim in pages("disputes"):
        claims[str(claim["payment_intent"])].append(claim)
    for intent in pages("payment_intents", expand=["data.latest_charge"]):
        yield _listed(intent, claims[intent["id"]])


def _listed(intent: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]) -> ListedPayment:
    named = intent["metadata"] or {}
    return ListedPayment(
        result=replace(_result(intent), disputes=tuple(map(_dispute, reversed(claims)))),
        attempt=str(named.get("attempt", "")),
        order_number=str(named.get("order", "")),
        at=datetime.fromtimestamp(intent["created"], UTC),
    )


def _dispute(claim: Mapping[str, Any]) -> Dispute:
    return Dispute(
        ref=claim["id"],
        money=from_stripe(claim["amount"], claim["currency"]),
        status=DISPUTE_STATES.get(claim["status"], "under_review"),
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
