"""Stripe's objects as its API (version 2026-10-28.endive) writes them, every nullable field there.

The SDK raises AttributeError for a field that is not sent, so none is left out that a client of
a shop may read.
"""

from __future__ import annotations

import secrets
import string
from typing import Any

API_VERSION = "2026-10-28.endive"
_LETTERS = string.ascii_letters + string.digits
Object = dict[str, Any]


def new_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(length))}"


def _nulls(*names: str) -> Object:
    return dict.fromkeys(names)


ADDRESS = _nulls("city", "country", "line1", "line2", "postal_code", "state")


def billing_details(given: Object | None = None) -> Object:
    given = given or {}
    address = {name: given.get("address", {}).get(name) for name in ADDRESS}
    return {
        "address": address,
        **{name: given.get(name) for name in ("email", "name", "phone", "tax_id")},
    }


def domain(name: str, enabled: bool, now: int) -> Object:
    """A domain on which wallets are shown, unless no browser calls its name a secure one."""
    real = "." in name and not name.replace(".", "").isdigit()
    state: Object = {"status": "active" if real else "inactive"}
    if not real:
        state["status_details"] = {"error_message": f"{name} is not a public https domain."}
    kinds = ("amazon_pay", "apple_pay", "google_pay", "klarna", "link", "paypal")
    return {
        "id": new_id("pmd"),
        "object": "payment_method_domain",
        **{kind: dict(state) for kind in kinds},
        "created": now,
        "domain_name": name,
        "enabled": enabled,
        "livemode": False,
    }


def card(brand: str, last4: str, month: int, year: int, wallet: str = "") -> Object:
    """The `card` of a payment method; `wallet` is who keeps it."""
    kept = {wallet: {}, "dynamic_last4": last4, "type": wallet} if wallet else None
    return {
        **_nulls("description", "generated_from", "iin", "issuer"),
        "wallet": kept,
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": f"standin{last4}",
        "funding": "credit",
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
    }


def payment_method(details: Object, billing: Object, now: int, type: str = "card") -> Object:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        type: details,
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": type,
    }


def payment_intent(
    *, amount: int, currency: str, capture_method: str, metadata: Object, now: int, **given: Any
) -> Object:
    id = new_id("pi")
    return {
        "id": id,
        "object": "payment_intent",
        **_nulls(
            "application",
            "application_fee_amount",
            "canceled_at",
            "cancellation_reason",
            "customer",
            "customer_account",
            "excluded_payment_method_types",
            "hooks",
            "last_payment_error",
            "latest_charge",
            "managed_payments",
            "next_action",
            "on_behalf_of",
            "payment_details",
            "payment_method",
            "payment_record",
            "presentment_details",
            "processing",
            "review",
            "setup_future_usage",
            "source",
            "transfer_data",
            "transfer_group",
        ),
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "capture_method": capture_method,
        "client_secret": f"{id}_secret_{new_id('x')[2:]}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": currency,
        "description": given.get("description"),
        "livemode": False,
        "metadata": metadata,
        "payment_method_configuration_details": {"id": "pmc_standin", "parent": None},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "receipt_email": given.get("receipt_email"),
        "shipping": given.get("shipping"),
        "statement_descriptor": given.get("statement_descriptor"),
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
    }


def charge(intent: Object, method: Object, now: int, *, captured: bool) -> Object:
    id, amount = new_id("ch"), intent["amount"]
    return {
        "id": id,
        "object": "charge",
        **_nulls(
            "application",
            "application_fee",
            "application_fee_amount",
            "balance_transaction",
            "customer",
            "destination",
            "dispute",
            "failure_balance_transaction",
            "failure_code",
            "failure_message",
            "level3",
            "on_behalf_of",
            "order",
            "presentment_details",
            "receipt_number",
            "review",
            "source",
            "source_transfer",
            "transfer",
            "transfer_data",
            "transfer_group",
        ),
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "authorization_code": "123456",
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "STAND-IN",
        "captured": captured,
        "created": now,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "rule": None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _charged(method, amount),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_url": f"https://pay.stripe.com/receipts/{id}",
        "refunded": False,
        "refunds": None,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
    }


def _charged(method: Object, amount: int) -> Object:
    if method["type"] == "card":
        return {"card": _charged_card(method["card"], amount), "type": "card"}
    return {method["type"]: dict(method[method["type"]]), "type": method["type"]}


def _charged_card(details: Object, amount: int) -> Object:
    same = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    return {
        **{name: details[name] for name in (*same, "last4", "regulated_status", "wallet")},
        **_nulls("capture_before", "description", "iin", "issuer", "installments", "mandate"),
        **_nulls("three_d_secure", "transaction_link_id", "electronic_commerce_indicator"),
        "amount_authorized": amount,
        "authorization_code": "123456",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "moto": None,
        "multicapture": {"status": "unavailable"},
        "network": details["brand"],
        "network_token": {"used": False},
        "network_transaction_id": "119528868122817",
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "setup_credential_usage": None,
        "stored_credential_usage": None,
    }


def refund(of: Object, amount: int, now: int, *, reason: str | None, metadata: Object) -> Object:
    return {
        "id": new_id("re"),
        "object": "refund",
        **_nulls(
            "customer",
            "customer_account",
            "description",
            "failure_balance_transaction",
            "failure_reason",
            "instructions_email",
            "next_action",
            "payment_method",
            "pending_reason",
            "presentment_details",
            "receipt_number",
            "source_transfer_reversal",
            "transfer_reversal",
        ),
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": of["id"],
        "created": now,
        "currency": of["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }


def dispute(of: Object, now: int, *, reason: str, due: int) -> Object:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": of["amount_captured"] - of["amount_refunded"],
        "balance_transactions": [],
        "charge": of["id"],
        "created": now,
        "currency": of["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": due,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": of["payment_intent"],
        "payment_method_details": None,
        "reason": reason,
        "status": "needs_response",
    }


def confirmation_token(details: Object, billing: Object, now: int, given: Object) -> Object:
    return {
        "id": new_id("ctoken"),
        "object": "confirmation_token",
        "created": now,
        "expires_at": now + 12 * 3600,
        "livemode": False,
        "mandate_data": None,
        "metadata": None,
        "payment_intent": None,
        "payment_method_options": None,
        "payment_method_preview": {
            "billing_details": billing,
            "card": details,
            "customer": None,
            "customer_account": None,
            "type": "card",
        },
        "return_url": given.get("return_url"),
        "setup_future_usage": None,
        "setup_intent": None,
        "shipping": None,
        "use_stripe_sdk": True,
    }


def event(kind: str, object: Object, now: int, request_id: str | None, key: str | None) -> Object:
    return {
        "id": new_id("evt"),
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "context": None,
        "created": now,
        "data": {"object": object, "previous_attributes": None},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request_id, "idempotency_key": key},
        "type": kind,
    }


BROWSER_SAFE = (
    *("id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at"),
    *("cancellation_reason", "capture_method", "client_secret", "confirmation_method"),
    *("created", "currency", "description", "last_payment_error", "livemode", "next_action"),
    *("payment_method", "payment_method_configuration_details", "payment_method_types"),
    *("processing", "receipt_email", "setup_future_usage", "shipping", "source", "status"),
)


def browser_safe(intent: Object) -> Object:
    """What a publishable key and a client secret may see of an intent."""
    return {name: intent[name] for name in BROWSER_SAFE}
