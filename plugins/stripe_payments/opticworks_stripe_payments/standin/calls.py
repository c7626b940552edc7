"""The calls of Stripe's API that a shop makes, over the vendor's state.

Each takes the vendor, the ids of its path and the decoded parameters, and answers an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from opticworks_stripe_payments.standin import cards, objects
from opticworks_stripe_payments.standin.objects import Object
from opticworks_stripe_payments.standin.vendor import Vendor
from opticworks_stripe_payments.standin.wire import (
    StripeError,
    boolean,
    integer,
    invalid,
    known,
    missing,
    one_of,
)

Params = dict[str, Any]
Call = Callable[..., Object]

CREATE = frozenset(
    {
        *("amount", "currency", "automatic_payment_methods", "payment_method_types"),
        *("capture_method", "confirm", "confirmation_token", "description", "metadata"),
        *("off_session", "payment_method", "payment_method_data", "payment_method_options"),
        *("receipt_email", "return_url", "setup_future_usage", "shipping", "customer"),
        *("statement_descriptor", "statement_descriptor_suffix", "use_stripe_sdk"),
        "error_on_requires_action",
    }
)
CONFIRM = frozenset(
    {
        *("client_secret", "key", "payment_method", "payment_method_data", "confirmation_token"),
        *("return_url", "use_stripe_sdk", "receipt_email", "shipping", "off_session"),
        *("expected_amount", "expected_currency", "payment_method_options"),
        *("setup_future_usage", "capture_method"),
    }
)
SMALLEST = 50  #: Stripe refuses less than about half a dollar


def create_intent(vendor: Vendor, params: Params) -> Object:
    known(params, CREATE)
    amount = integer(params, "amount")
    if amount is None:
        raise invalid("Missing required param: amount.", param="amount", code="parameter_missing")
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            param="amount",
            code="parameter_invalid_integer",
        )
    currency = str(params.get("currency", "")).lower()
    if not re.fullmatch("[a-z]{3}", currency):
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if amount < SMALLEST:
        raise invalid(
            "Amount must be no less than the minimum charge amount.",
            param="amount",
            code="amount_too_small",
        )
    how = one_of(params, "capture_method", ("automatic", "automatic_async", "manual"))
    confirm = boolean(params, "confirm")
    if not confirm and params.get("return_url"):
        raise invalid("return_url may only be given with confirm=true.", param="return_url")
    given = ("description", "receipt_email", "shipping")
    descriptors = ("statement_descriptor", "statement_descriptor_suffix")
    intent = vendor.create_intent(
        amount=amount,
        currency=currency,
        capture_method=how or "automatic_async",
        metadata=dict(params.get("metadata") or {}),
        **{name: params.get(name) for name in (*given, *descriptors)},
    )
    if params.get("payment_method") and not confirm:
        intent["payment_method"] = vendor.method(params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    return _confirm(vendor, intent, params) if confirm else intent


def read_intent(vendor: Vendor, id: str, params: Params) -> Object:
    intent = vendor.get("payment_intent", id, "intent")
    if vendor.eager and intent["status"] == "requires_payment_method":
        return vendor.confirm(intent, vendor.method("pm_card_visa"), None)
    return intent


def update_intent(vendor: Vendor, id: str, params: Params) -> Object:
    known(params, ("amount", "currency", "description", "metadata", "receipt_email", "shipping"))
    intent = vendor.get("payment_intent", id, "intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise invalid("This PaymentIntent can't be updated any more.")
    amount = integer(params, "amount")
    if amount is not None:
        intent["amount"] = amount
    intent["metadata"].update(params.get("metadata") or {})
    for name in ("description", "receipt_email", "shipping"):
        intent[name] = params.get(name, intent[name])
    return intent


def list_intents(vendor: Vendor, params: Params) -> Object:
    known(params, ("limit", "starting_after", "ending_before", "created", "customer"))
    return _page(vendor, "payment_intent", "/v1/payment_intents", params)


def confirm_intent(vendor: Vendor, id: str, params: Params) -> Object:
    known(params, CONFIRM)
    return _confirm(vendor, vendor.get("payment_intent", id, "intent"), params)


def _confirm(vendor: Vendor, intent: Object, params: Params) -> Object:
    if params.get("confirmation_token"):
        method = vendor.method_of_token(params["confirmation_token"], intent)
    elif params.get("payment_method_data"):
        method = create_method(vendor, dict(params["payment_method_data"]))
    elif params.get("payment_method") or intent["payment_method"]:
        method = vendor.method(params.get("payment_method") or intent["payment_method"])
    else:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    for name in ("receipt_email", "shipping"):
        intent[name] = params.get(name, intent[name])
    sdk = boolean(params, "use_stripe_sdk") and method["type"] == "card"
    return vendor.confirm(intent, method, None if sdk else params.get("return_url"))


def capture_intent(vendor: Vendor, id: str, params: Params) -> Object:
    known(params, ("amount_to_capture", "metadata"))
    intent = vendor.get("payment_intent", id, "intent")
    return vendor.capture(intent, integer(params, "amount_to_capture"))


def cancel_intent(vendor: Vendor, id: str, params: Params) -> Object:
    known(params, ("cancellation_reason",))
    reasons = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
    reason = one_of(params, "cancellation_reason", reasons)
    return vendor.cancel(vendor.get("payment_intent", id, "intent"), reason)


def authenticate_intent(vendor: Vendor, id: str, params: Params) -> Object:
    """Not Stripe's: what its 3-D Secure page does with the buyer's answer."""
    known(params, ("client_secret", "key", "success"))
    intent = vendor.get("payment_intent", id, "intent")
    return vendor.authenticate(intent, boolean(params, "success"))


def create_method(vendor: Vendor, params: Params) -> Object:
    """A payment method of card details, which only a browser may send."""
    known(params, ("type", "card", "billing_details", "key", "allow_redisplay", "metadata"))
    billing = objects.billing_details(params.get("billing_details"))
    if params.get("type") == cards.REDIRECT:
        return vendor.new_method(cards.REDIRECT, 0, 0, billing)
    if dict(params.get("card") or {}).get("token") == cards.WALLET:
        return vendor.new_method(cards.WALLET, 12, 2034, billing)
    number, month, year = _card(params)
    return vendor.new_method(number, month, year, billing)


def _card(params: Params) -> tuple[str, int, int]:
    if params.get("type", "card") != "card" or not isinstance(params.get("card"), dict):
        raise invalid("The stand-in knows cards and Klarna only.", param="type")
    card = {str(name): str(value) for name, value in params["card"].items()}
    number = card.get("number", "").replace(" ", "")
    month, year = integer(card, "exp_month", 0) or 0, integer(card, "exp_year", 0) or 0
    year += 2000 if year < 100 else 0
    cards.check(number, month, year, card.get("cvc", ""))
    return number, month, year


def read_method(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("payment_method", id, "payment_method")


def create_token(vendor: Vendor, params: Params) -> Object:
    """A confirmation token: by Stripe.js with card details, in tests with a ready-made method."""
    if params.get("payment_method"):
        known(params, ("payment_method", "return_url", "shipping", "setup_future_usage"))
        id = params["payment_method"]
        if id not in cards.METHODS:
            raise missing("payment_method", id, "payment_method")
        number, month, year = cards.METHODS[id], 12, 2034
        billing = objects.billing_details()
    else:
        known(params, ("payment_method_data", "return_url", "shipping", "key", "metadata"))
        data = dict(params.get("payment_method_data") or {})
        number, month, year = _card(data)
        billing = objects.billing_details(data.get("billing_details"))
    return vendor.new_token(number, month, year, billing, params)


def read_token(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("confirmation_token", id, "confirmation_token")


def read_charge(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("charge", id, "charge")


def create_refund(vendor: Vendor, params: Params) -> Object:
    known(params, ("payment_intent", "charge", "amount", "reason", "metadata"))
    if params.get("payment_intent"):
        intent = vendor.get("payment_intent", params["payment_intent"], "payment_intent")
        if not intent["latest_charge"]:
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
        charge = vendor.get("charge", intent["latest_charge"], "charge")
    elif params.get("charge"):
        charge = vendor.get("charge", params["charge"], "charge")
    else:
        raise invalid("One of the following params should be provided: payment_intent, charge.")
    reason = one_of(params, "reason", ("duplicate", "fraudulent", "requested_by_customer"))
    return vendor.refund(
        charge, integer(params, "amount"), reason, dict(params.get("metadata") or {})
    )


def read_refund(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("refund", id, "refund")


def list_refunds(vendor: Vendor, params: Params) -> Object:
    known(params, ("payment_intent", "charge", "limit", "starting_after", "created"))
    fields = [name for name in ("payment_intent", "charge") if params.get(name)]
    return _page(vendor, "refund", "/v1/refunds", params, fields)


def read_dispute(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("dispute", id, "dispute")


def list_disputes(vendor: Vendor, params: Params) -> Object:
    known(params, ("payment_intent", "charge", "limit", "starting_after", "created"))
    fields = [name for name in ("payment_intent", "charge") if params.get(name)]
    return _page(vendor, "dispute", "/v1/disputes", params, fields)


def read_event(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("event", id, "event")


def list_events(vendor: Vendor, params: Params) -> Object:
    known(params, ("type", "types", "limit", "starting_after", "ending_before", "created"))
    return _page(vendor, "event", "/v1/events", params, ["type"] if params.get("type") else [])


def create_domain(vendor: Vendor, params: Params) -> Object:
    known(params, ("domain_name", "enabled"))
    name = str(params.get("domain_name", "")).lower()
    if not re.fullmatch(r"[a-z0-9.-]{1,253}", name):
        raise invalid("Invalid domain name.", param="domain_name")
    for each in vendor.objects["payment_method_domain"].values():
        if each["domain_name"] == name:
            return each
    return vendor.add(objects.domain(name, params.get("enabled") != "false", vendor.now))


def list_domains(vendor: Vendor, params: Params) -> Object:
    known(params, ("domain_name", "enabled", "limit", "starting_after"))
    fields = ["domain_name"] if params.get("domain_name") else []
    return _page(vendor, "payment_method_domain", "/v1/payment_method_domains", params, fields)


def validate_domain(vendor: Vendor, id: str, params: Params) -> Object:
    return vendor.get("payment_method_domain", id, "payment_method_domain")


def _page(
    vendor: Vendor, kind: str, url: str, params: Params, equal: list[str] | None = None
) -> Object:
    """A list as Stripe pages it: the newest first, `starting_after` an id."""
    limit = integer(params, "limit", 10) or 0
    if not 1 <= limit <= 100:
        raise invalid("Limit must be between 1 and 100.", param="limit")
    found = list(reversed(vendor.objects[kind].values()))
    for name in equal or ():
        found = [each for each in found if each[name] == params[name]]
    for name, value in (params.get("created") or {}).items():
        bound = int(value)
        compare: dict[str, Callable[[int], bool]] = {
            "gt": lambda at, bound=bound: at > bound,  # type: ignore[misc]
            "gte": lambda at, bound=bound: at >= bound,  # type: ignore[misc]
            "lt": lambda at, bound=bound: at < bound,  # type: ignore[misc]
            "lte": lambda at, bound=bound: at <= bound,  # type: ignore[misc]
        }
        if name not in compare:
            raise invalid(f"Invalid created: {name}", param="created")
        found = [each for each in found if compare[name](each["created"])]
    after = params.get("starting_after")
    if after:
        ids = [each["id"] for each in found]
        if after not in ids:
            raise missing(kind, after, "starting_after")
        found = found[ids.index(after) + 1 :]
    return {
        "object": "list",
        "data": deepcopy(found[:limit]),
        "has_more": len(found) > limit,
        "url": url,
    }


#: By method and path (ids as {}): the call, and whether a browser may make it with its own key.
CALLS: dict[tuple[str, str], tuple[Call, bool]] = {
    ("POST", "/v1/payment_intents"): (create_intent, False),
    ("GET", "/v1/payment_intents"): (list_intents, False),
    ("GET", "/v1/payment_intents/{}"): (read_intent, True),
    ("POST", "/v1/payment_intents/{}"): (update_intent, False),
    ("POST", "/v1/payment_intents/{}/confirm"): (confirm_intent, True),
    ("POST", "/v1/payment_intents/{}/capture"): (capture_intent, False),
    ("POST", "/v1/payment_intents/{}/cancel"): (cancel_intent, False),
    ("POST", "/v1/payment_intents/{}/authenticate"): (authenticate_intent, True),
    ("POST", "/v1/payment_methods"): (create_method, True),
    ("GET", "/v1/payment_methods/{}"): (read_method, False),
    ("POST", "/v1/confirmation_tokens"): (create_token, True),
    ("POST", "/v1/test_helpers/confirmation_tokens"): (create_token, False),
    ("GET", "/v1/confirmation_tokens/{}"): (read_token, False),
    ("GET", "/v1/charges/{}"): (read_charge, False),
    ("POST", "/v1/refunds"): (create_refund, False),
    ("GET", "/v1/refunds"): (list_refunds, False),
    ("GET", "/v1/refunds/{}"): (read_refund, False),
    ("GET", "/v1/disputes"): (list_disputes, False),
    ("GET", "/v1/disputes/{}"): (read_dispute, False),
    ("GET", "/v1/events"): (list_events, False),
    ("GET", "/v1/events/{}"): (read_event, False),
    ("POST", "/v1/payment_method_domains"): (create_domain, False),
    ("GET", "/v1/payment_method_domains"): (list_domains, False),
    ("POST", "/v1/payment_method_domains/{}/validate"): (validate_domain, False),
}


def find(method: str, path: str) -> tuple[Call, bool, list[str]]:
    """The call of a request, whether a browser may make it, and the ids in its path."""
    for (verb, pattern), (call, browser) in CALLS.items():
        match = re.fullmatch(pattern.replace("{}", "([^/]+)"), path)
        if verb == method and match:
            return call, browser, list(match.groups())
    raise StripeError(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({method}: {path}). The stand-in knows the calls that the "
        "plugin makes.",
    )


def expand(vendor: Vendor, answer: Object, wanted: list[str]) -> Object:
    """A copy of the answer with the named ids replaced by their objects."""
    answer = deepcopy(answer)
    kinds = {"latest_charge": "charge", "payment_method": "payment_method", "charge": "charge"}
    for path in wanted:
        places = [answer]
        parts = path.split(".")
        if parts[0] == "data":
            places, parts = answer.get("data", []), parts[1:]
        for part in parts:
            following = []
            for place in places:
                value = place.get(part)
                if part == "refunds" and place.get("object") == "charge":
                    url = f"/v1/charges/{place['id']}/refunds"
                    value = _page(vendor, "refund", url, {"charge": place["id"]}, ["charge"])
                    place[part] = value
                kind = kinds.get(part, part)
                if isinstance(value, str) and value in vendor.objects.get(kind, {}):
                    place[part] = value = deepcopy(vendor.objects[kind][value])
                if isinstance(value, dict):
                    following.append(value)
            places = following
    return answer
