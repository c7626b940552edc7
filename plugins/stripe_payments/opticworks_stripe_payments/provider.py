"""Stripe as a payment provider, on Stripe's own SDK.

The intent is created when the order is placed, for exactly what the order costs, with the order
number and our attempt in its metadata; the browser confirms it. What Stripe says is asked for
anew each time (`fetch`): webhooks only tell when to ask.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe

from opticworks.contracts import (
    Address,
    BadSignature,
    CaptureMethod,
    Dispute,
    ListedPayment,
    NoWebhookSecret,
    PaymentIntent,
    PaymentOffer,
    PaymentResult,
    ProviderError,
    Quote,
    RefundResult,
    WebhookEvent,
    say,
)
from opticworks.money import Money
from opticworks_stripe_payments import listing, refusals, wallets
from opticworks_stripe_payments.amounts import Unpayable, from_stripe, to_stripe
from opticworks_stripe_payments.listing import DISPUTE_STATES, STATES
from opticworks_stripe_payments.settings import StripeSettings

T = TypeVar("T")

#: At DEBUG the SDK writes whole answers down, with client secrets and addresses in them.
logging.getLogger("stripe").setLevel(logging.WARNING)

CODE = "stripe"
TIMEOUT = 20  #: seconds for one try
TRIES_AGAIN = 2
TOLERANCE = 300  #: seconds a webhook's signature stays valid
EXPAND = ["latest_charge.refunds"]
CAPTURE: Mapping[CaptureMethod, str] = {"automatic": "automatic_async", "manual": "manual"}
REFUND_STATES = {"succeeded": "done", "failed": "failed", "canceled": "failed"}
#: Any other is somewhere between the banks: Stripe adds states.
#: Why a refund failed, as staff read it (Stripe: "Failed refunds").
REFUND_FAILURES = {
    "charge_for_pending_refund_disputed": "The customer's bank took the money back by a dispute.",
    "declined": "The customer's bank refused it.",
    "expired_or_canceled_card": "The card has expired or was canceled.",
    "insufficient_funds": "The Stripe account has too little money.",
    "lost_or_stolen_card": "The card was lost or stolen.",
    "merchant_request": "It was called off at Stripe.",
}
MOST_LISTED = 100


class StripePayments:
    """One Stripe account. Thread-safe; built anew when the settings change."""

    code = CODE
    capture_methods: tuple[CaptureMethod, ...] = ("automatic", "manual")

    def __init__(self, settings: StripeSettings, capture: CaptureMethod = "automatic") -> None:
        """`capture` is how new payments will be asked for, which the page has to know before."""
        self.settings = settings
        self._capture: CaptureMethod = capture
        self.title = settings.title
        self.test_mode = not settings.live
        self._client = stripe.StripeClient(
            settings.secret_key.get_secret_value(),
            base_addresses={"api": settings.api_base},
            max_network_retries=TRIES_AGAIN,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]:
        """The Payment Element, for amounts that a card can be charged."""
        try:
            amount = to_stripe(quote.total)
        except Unpayable:
            return ()
        if amount <= 0:
            return ()
        return (
            PaymentOffer(
                title=say(self.title),
                description=say("Card or wallet, handled by Stripe."),
                icon="credit-card",
                template="stripe_payments/element.pt",
                data={
                    "publishable_key": self.settings.publishable_key,
                    "script": self.settings.script,
                    "amount": amount,
                    "currency": quote.currency.lower(),
                    "capture": CAPTURE[self._capture],
                },
            ),
        )

    def start(self, intent: PaymentIntent, key: str) -> PaymentResult:
        params: dict[str, Any] = {
            "amount": self._amount(intent.amount),
            "currency": intent.amount.currency.lower(),
            "automatic_payment_methods": {"enabled": True},
            "capture_method": CAPTURE[intent.capture],
            "description": intent.description,
            "metadata": {"order": intent.order_number, "attempt": intent.attempt},
            "expand": EXPAND,
        }
        if intent.address is not None:
            params["shipping"] = _shipping(intent.address)
        if self.settings.statement_suffix:
            params["statement_descriptor_suffix"] = self.settings.statement_suffix
        created = self._ask(
            lambda: self._client.v1.payment_intents.create(
                params,  # type: ignore[arg-type]
                {"idempotency_key": key},
            )
        )
        return self._result(created)

    def fetch(self, ref: str) -> PaymentResult:
        return self._result(self._retrieve(ref))

    def capture(self, ref: str, money: Money, key: str) -> PaymentResult:
        self._same_currency(ref, money)
        amount = self._amount(money)
        return self._forward(
            ref,
            lambda: self._client.v1.payment_intents.capture(
                ref,
                {"amount_to_capture": amount, "expand": EXPAND},
                {"idempotency_key": key},
            ),
            "succeeded",
        )

    def cancel(self, ref: str, key: str) -> PaymentResult:
        """Call the intent off; one that was paid meanwhile answers so, and so does one that a
        bank is working on, which Stripe seldom lets go."""
        return self._forward(
            ref,
            lambda: self._client.v1.payment_intents.cancel(
                ref, {"cancellation_reason": "abandoned"}, {"idempotency_key": key}
            ),
            "succeeded",
            "canceled",
            "processing",
        )

    def _forward(
        self, ref: str, call: Callable[[], stripe.PaymentIntent], *done: str
    ) -> PaymentResult:
        """Move an intent on; if it can't be moved because it is there already, say where it is."""
        try:
            return self._result(self._ask(call))
        except ProviderError as error:
            cause = error.__cause__
            if getattr(cause, "code", "") != "payment_intent_unexpected_state":
                raise
            found = self._retrieve(ref)
            if found.status not in done:
                raise
            return self._result(found)

    def refund(self, ref: str, money: Money, key: str) -> RefundResult:
        self._same_currency(ref, money)
        amount = self._amount(money)
        made = self._ask(
            lambda: self._client.v1.refunds.create(
                {"payment_intent": ref, "amount": amount, "metadata": {"key": key}},
                {"idempotency_key": key},
            )
        )
        return _refund(made)

    def list(self, since: datetime) -> Iterator[ListedPayment]:
        """Every intent of the account since then, the newest first."""
        return listing.since(self._client, since, self._ask)

    def register_domain(self, name: str) -> wallets.Domain:
        """Have wallets shown on this domain. Raises ProviderError."""
        return self._ask(lambda: wallets.register(self._client, name))

    def _same_currency(self, ref: str, money: Money) -> None:
        currency = self._retrieve(ref).currency.upper()
        if currency != money.currency:
            raise ProviderError(
                f"The payment was made in {currency}, not {money.currency}.", retryable=False
            )

    def _amount(self, money: Money) -> int:
        try:
            amount = to_stripe(money)
        except Unpayable as error:
            raise ProviderError(str(error), retryable=False) from None
        if amount <= 0:
            raise ProviderError(f"{money.format()} is no amount to charge.", retryable=False)
        return amount

    def _retrieve(self, ref: str) -> stripe.PaymentIntent:
        return self._ask(
            lambda: self._client.v1.payment_intents.retrieve(
                ref,
                {"expand": EXPAND},
            )
        )

    def _ask(self, call: Callable[[], T]) -> T:
        """One call of the SDK; its errors as a ProviderError, without anything secret."""
        try:
            return call()
        except (stripe.APIConnectionError, stripe.RateLimitError) as error:
            raise ProviderError(f"Stripe does not answer: {type(error).__name__}.") from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise ProviderError(
                "Stripe refused the secret key. Check it in the settings."
            ) from error
        except stripe.CardError as error:
            raise ProviderError(error.user_message or "Declined.", retryable=False) from error
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            said = error.user_message or type(error).__name__
            raise ProviderError(f"Stripe refused: {said}", retryable=False) from error
        except stripe.StripeError as error:
            raise ProviderError(
                f"Stripe answered with an error ({error.http_status or 'no status'})."
            ) from error

    def _result(self, intent: stripe.PaymentIntent) -> PaymentResult:
        status = str(intent.status)
        if status not in STATES:
            raise ProviderError(f"Stripe calls the payment {status!r}, which is not known here.")
        state = STATES[status]
        amount = intent.amount_received if state == "captured" else intent.amount
        failure = intent.last_payment_error
        message, declined = "", ""
        if failure is not None and state == "action":
            message = refusals.sentence(failure)
            declined = _try_of(failure)
        data = {}
        if state == "action":
            data = {
                "client_secret": intent.client_secret,
                "publishable_key": self.settings.publishable_key,
                "status": status,
            }
        return PaymentResult(
            state=state,
            ref=intent.id,
            money=from_stripe(amount, intent.currency),
            data=data,
            message=message,
            declined=declined,
            away=_away(intent),
            expires_at=_capture_before(intent) if state == "authorized" else None,
            **self._money(intent),
        )

    def _money(self, intent: stripe.PaymentIntent) -> dict[str, Any]:
        """What became of the money: captured and paid back in all, each refund, each dispute."""
        charge: Any = intent.latest_charge
        if charge is None or isinstance(charge, str) or not charge.amount_captured:
            # Of an authorization that lapsed, Stripe says "refunded": nothing was ever taken.
            return {}
        made = getattr(charge, "refunds", None)
        if made is None or made.has_more:
            made = self._ask(
                lambda: self._client.v1.refunds.list({"charge": charge.id, "limit": MOST_LISTED})
            )
        disputes: list[Any] = []
        if charge.disputed:
            listed = self._ask(lambda: self._client.v1.disputes.list({"charge": charge.id}))
            disputes = list(listed.data)
        return {
            "captured": from_stripe(charge.amount_captured, charge.currency),
            "refunded": from_stripe(charge.amount_refunded, charge.currency),
            "refunds": tuple(_refund(each) for each in reversed(made.data)),
            "disputes": tuple(self._dispute(each) for each in reversed(disputes)),
        }

    def _dispute(self, dispute: Any) -> Dispute:
        due = dispute.evidence_details.due_by if dispute.evidence_details else None
        return Dispute(
            ref=dispute.id,
            money=from_stripe(dispute.amount, dispute.currency),
            status=DISPUTE_STATES.get(dispute.status, "under_review"),
            reason=str(dispute.reason or "").replace("_", " "),
            due_by=datetime.fromtimestamp(due, UTC) if due else None,
            url=self.settings.dashboard(f"disputes/{dispute.id}"),
        )

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Verified with any of the signing secrets; an event of the other mode is refused."""
        secrets = self.settings.webhook_secrets
        if not secrets:
            raise NoWebhookSecret(
                "the webhook signing secret is not set (Stripe: Developers, Webhooks)."
            )
        header = next((v for k, v in headers.items() if k.lower() == "stripe-signature"), "")
        self._verify(body, header, secrets)
        try:
            event = json.loads(body)
            live, found = bool(event["livemode"]), _event(event)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, OSError):
            # Signed, but of another shape (Stripe's "thin" events, say): it is of no use here.
            raise BadSignature("The webhook is no event with an object in it.") from None
        if live != self.settings.live:
            raise BadSignature("The event belongs to Stripe's other mode (test or live).")
        return (found,)

    @staticmethod
    def _verify(body: bytes, header: str, secrets: tuple[str, ...]) -> None:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise BadSignature("The webhook is no text.") from None
        if not header.isascii():  # which the SDK's comparison stumbles over
            raise BadSignature("The webhook's signature is none of Stripe's.")
        for secret in secrets:
            try:
                stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE)
            except stripe.SignatureVerificationError:
                continue
            stamp = next((p[2:] for p in header.split(",") if p.startswith("t=")), "0")
            if int(stamp) > time.time() + TOLERANCE:  # the SDK looks for old ones only
                raise BadSignature("The webhook was signed in the future.")
            return
        raise BadSignature("No signing secret fits the webhook's signature.")


def _try_of(failure: Any) -> str:
    """What tells one refused try of an intent from the next: its charge, or, where the bank never
    was asked for one, the card or whatever else was tried."""
    method = getattr(failure, "payment_method", None)
    tried = getattr(failure, "charge", None) or (method.id if method is not None else "")
    return str(tried or failure.code or "declined")


def _away(intent: stripe.PaymentIntent) -> str:
    """The try for which the buyer was sent to another page, or to an app; empty if there is none.
    What Stripe.js asks of the buyer is asked on the checkout itself."""
    following = intent.next_action
    if intent.status != "requires_action" or following is None:
        return ""
    return "" if following.type == "use_stripe_sdk" else str(intent.payment_method or intent.id)


def _capture_before(intent: stripe.PaymentIntent) -> datetime | None:
    """When the authorization lapses, as far as the card's network says."""
    details = getattr(intent.latest_charge, "payment_method_details", None)
    moment = getattr(getattr(details, "card", None), "capture_before", None)
    return datetime.fromtimestamp(moment, UTC) if moment else None


def _refund(made: Any) -> RefundResult:
    state: Any = REFUND_STATES.get(str(made.status), "pending")
    why = str(made.failure_reason or "")
    metadata = made.metadata.to_dict() if made.metadata else {}
    return RefundResult(
        state=state,
        ref=made.id,
        money=from_stripe(made.amount, made.currency),
        message=REFUND_FAILURES.get(why, why and f"Stripe says: {why.replace('_', ' ')}."),
        key=str(metadata.get("key", "")),
    )


def _shipping(address: Address) -> dict[str, Any]:
    place = {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": address.country,
    }
    return {
        "name": address.name or address.company,
        **({"phone": address.phone} if address.phone else {}),
        "address": {name: value for name, value in place.items() if value},
    }


#: What of an event's object is kept: enough to see what happened, nothing about a person.
KEPT = ("id", "object", "status", "amount", "currency", "charge", "reason", "failure_reason")


def _event(event: Mapping[str, Any]) -> WebhookEvent:
    about = event["data"]["object"]
    own = about["object"] == "payment_intent"
    return WebhookEvent(
        id=event["id"],
        kind=event["type"],
        ref=str((about["id"] if own else about.get("payment_intent")) or ""),
        attempt=str((about.get("metadata") or {}).get("attempt", "")),
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        data={name: about[name] for name in KEPT if about.get(name) is not None},
    )
