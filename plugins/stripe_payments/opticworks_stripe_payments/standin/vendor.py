"""What Stripe does with payments: the state of one test account, and its rules.

Everything is a plain dict as the API writes it, so that the state can be kept in a JSON file and
outlives the process. Amounts are minor units, times Unix seconds.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from opticworks.testing.standins import Account
from opticworks_stripe_payments.standin import cards, objects
from opticworks_stripe_payments.standin.objects import Object
from opticworks_stripe_payments.standin.wire import StripeError, invalid, missing

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
KINDS = (
    *("payment_intent", "charge", "refund", "dispute"),
    *("payment_method", "confirmation_token", "event"),
    "payment_method_domain",
)


@dataclass
class Vendor(Account):
    """One test account. `announced` is called with each event after it was stored. `eager`: an
    intent is paid before the shop asks about it, as by a buyer who was quick."""

    kinds = KINDS
    kept = ("numbers", "keys")

    keys: dict[str, list[Any]] = field(default_factory=dict)  #: as `Keys` has them
    numbers: dict[str, str] = field(default_factory=dict)  #: card number by method or token id
    eager: bool = False

    def get(self, kind: str, id: str, param: str = "") -> Object:
        try:
            return self.objects[kind][id]
        except KeyError:
            raise missing(kind, id, param or "id") from None

    def announce(self, kind: str, about: Object) -> None:
        """Store an event with the object as it is now, and tell whoever delivers webhooks."""
        event = objects.event(kind, deepcopy(about), self.now, objects.new_id("req", 14), None)
        self.add(event)
        self.announced(event)

    # --- cards ------------------------------------------------------------------------------

    def new_method(self, number: str, month: int, year: int, billing: Object) -> Object:
        if way := cards.CARDS[number].redirect or cards.CARDS[number].debit:
            made = objects.payment_method({}, billing, self.now, way)
        else:
            card = cards.CARDS[number]
            last4 = "4242" if card.wallet else number[-4:]
            details = objects.card(card.brand, last4, month, year, card.wallet)
            made = objects.payment_method(details, billing, self.now)
        method = self.add(made)
        self.numbers[method["id"]] = number
        return method

    def method(self, id: str) -> Object:
        """A stored payment method, or one of Stripe's ready-made ones, which is new each time."""
        if id in cards.METHODS:
            return self.new_method(cards.METHODS[id], 12, 2034, objects.billing_details())
        return self.get("payment_method", id, "payment_method")

    def new_token(
        self, number: str, month: int, year: int, billing: Object, given: Object
    ) -> Object:
        details = objects.card(cards.CARDS[number].brand, number[-4:], month, year)
        token = self.add(objects.confirmation_token(details, billing, self.now, given))
        self.numbers[token["id"]] = number
        return token

    def method_of_token(self, id: str, intent: Object) -> Object:
        """The payment method of a confirmation token, which is good for one intent only."""
        token = self.get("confirmation_token", id, "confirmation_token")
        if token["payment_intent"] not in (None, intent["id"]):
            raise invalid(
                "The provided ConfirmationToken has already been used.", param="confirmation_token"
            )
        preview = token["payment_method_preview"]
        card = preview["card"]
        method = self.new_method(
            self.numbers[id], card["exp_month"], card["exp_year"], preview["billing_details"]
        )
        token["payment_intent"], token["expires_at"] = intent["id"], None
        return method

    # --- payments ---------------------------------------------------------------------------

    def create_intent(self, **given: Any) -> Object:
        intent = self.add(objects.payment_intent(now=self.now, **given))
        self.announce("payment_intent.created", intent)
        return intent

    def confirm(self, intent: Object, method: Object, return_url: str | None) -> Object:
        """Charge the card, or ask the buyer first. Raises StripeError(402) when it is declined."""
        if intent["status"] not in (
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
        ):
            raise self._unexpected(intent, "confirm")
        card = cards.CARDS[self.numbers[method["id"]]]
        intent["payment_method"] = method["id"]
        intent["last_payment_error"] = None
        if card.code:
            raise self._decline(intent, method, card)
        if card.redirect and not return_url:
            raise invalid("This way to pay needs a return_url.", param="return_url")
        if card.challenge or card.redirect:
            return self._challenge(intent, return_url)
        if card.debit:
            intent["status"] = "processing"
            self.announce("payment_intent.processing", intent)
            return intent
        return self._charge(intent, method, card)

    def _challenge(self, intent: Object, return_url: str | None) -> Object:
        intent["status"] = "requires_action"
        if return_url:
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {
                    "return_url": return_url,
                    "url": f"/3ds/{intent['id']}?client_secret={intent['client_secret']}"
                    "&key=pk_test_standin",
                },
            }
        else:
            intent["next_action"] = {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "source": intent["id"]},
            }
        self.announce("payment_intent.requires_action", intent)
        return intent

    def authenticate(self, intent: Object, success: bool) -> Object:
        """The buyer's answer to the bank's question."""
        if intent["status"] != "requires_action":
            raise self._unexpected(intent, "authenticate")
        intent["next_action"] = None
        method = self.get("payment_method", intent["payment_method"])
        if success:
            card = cards.CARDS[self.numbers[method["id"]]]
            return self._charge(intent, method, card)
        self._fail(
            intent,
            method,
            StripeError(
                402,
                "card_error",
                "We are unable to authenticate your payment method. Please choose a different "
                "payment method and try again.",
                code="payment_intent_authentication_failure",
            ),
        )
        return intent

    def end_debit(self, intent_id: str, success: bool) -> Object:
        """The bank has sent what it was asked for, or the account was empty."""
        intent = self.get("payment_intent", intent_id)
        if intent["status"] != "processing":
            raise self._unexpected(intent, "end")
        method = self.get("payment_method", intent["payment_method"])
        if success:
            return self._charge(intent, method, cards.CARDS[cards.DEBIT])
        self._fail(
            intent,
            method,
            StripeError(
                402,
                "invalid_request_error",
                "The customer's bank account could not be debited: insufficient funds.",
                code="payment_intent_payment_attempt_failed",
            ),
        )
        return intent

    def _charge(self, intent: Object, method: Object, card: cards.TestCard) -> Object:
        manual = intent["capture_method"] == "manual"
        charge = self.add(objects.charge(intent, method, self.now, captured=not manual))
        intent["latest_charge"], intent["next_action"] = charge["id"], None
        if manual:
            intent["status"] = "requires_capture"
            intent["amount_capturable"] = intent["amount"]
            self.announce("payment_intent.amount_capturable_updated", intent)
            return intent
        intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
        self.announce("charge.succeeded", charge)
        self.announce("payment_intent.succeeded", intent)
        if card.disputed:
            self.open_dispute(intent["id"], "fraudulent")
        return intent

    def _decline(self, intent: Object, method: Object, card: cards.TestCard) -> StripeError:
        error = StripeError(
            402,
            "card_error",
            card.message,
            code=card.code,
            decline_code=card.decline_code,
            doc_url=f"https://stripe.com/docs/error-codes/{card.code.replace('_', '-')}",
        )
        self._fail(intent, method, error)
        return error

    def _fail(self, intent: Object, method: Object, error: StripeError) -> None:
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        intent["last_payment_error"] = {**error.fields, "payment_method": deepcopy(method)}
        error.fields["payment_intent"] = deepcopy(intent)
        error.fields["payment_method"] = deepcopy(method)
        self.announce("payment_intent.payment_failed", intent)

    def capture(self, intent: Object, amount: int | None) -> Object:
        """Take authorized money; what is not captured is released."""
        if intent["status"] != "requires_capture":
            raise self._unexpected(intent, "capture")
        most = intent["amount_capturable"]
        amount = most if amount is None else amount
        if not 0 < amount <= most:
            raise invalid(
                f"The amount_to_capture must be between 1 and {most}.", param="amount_to_capture"
            )
        charge = self.get("charge", intent["latest_charge"])
        charge["captured"], charge["amount_captured"] = True, amount
        intent["status"], intent["amount_received"] = "succeeded", amount
        intent["amount_capturable"] = 0
        self.announce("charge.captured", charge)
        self.announce("payment_intent.succeeded", intent)
        return intent

    def cancel(self, intent: Object, reason: str | None) -> Object:
        if intent["status"] not in CANCELABLE:
            raise self._unexpected(intent, "cancel")
        if intent["latest_charge"]:
            charge = self.get("charge", intent["latest_charge"])
            charge["refunded"] = True
        intent.update(
            status="canceled",
            canceled_at=self.now,
            cancellation_reason=reason,
            next_action=None,
            amount_capturable=0,
        )
        self.announce("payment_intent.canceled", intent)
        return intent

    def _unexpected(self, intent: Object, verb: str) -> StripeError:
        return StripeError(
            400,
            "invalid_request_error",
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=deepcopy(intent),
        )

    # --- refunds and disputes ---------------------------------------------------------------

    def refund(
        self, charge: Object, amount: int | None, reason: str | None, metadata: Object
    ) -> Object:
        """Pay back some or all of what was captured and not yet paid back."""
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not charge["captured"] or left <= 0:
            raise invalid(
                f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
            )
        if any(
            each["charge"] == charge["id"] and each["status"] != "won"
            for each in self.objects["dispute"].values()
        ):
            raise invalid(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                code="charge_disputed",
            )
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise invalid(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                param="amount",
            )
        made = self.add(objects.refund(charge, amount, self.now, reason=reason, metadata=metadata))
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        number = self.numbers.get(charge["payment_method"], "")
        if number in cards.CARDS and cards.CARDS[number].refund_fails:
            made["status"] = "pending"
        self.announce("refund.created", made)
        self.announce("charge.refunded", charge)
        return made

    def fail_refund(self, id: str, reason: str = "expired_or_canceled_card") -> Object:
        """The bank sends a refund back: the money is the shop's again."""
        made = self.get("refund", id)
        if made["status"] in ("failed", "canceled"):
            raise invalid("This refund has failed already.")
        made["status"], made["failure_reason"] = "failed", reason
        charge = self.get("charge", made["charge"])
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
        self.announce("refund.failed", made)
        return made

    def finish_refund(self, id: str) -> Object:
        """A pending refund arrives."""
        made = self.get("refund", id)
        if made["status"] == "pending":
            made["status"] = "succeeded"
            self.announce("refund.updated", made)
        return made

    def open_dispute(self, intent_id: str, reason: str = "fraudulent") -> Object:
        """The buyer's bank takes the money back for the time being."""
        intent = self.get("payment_intent", intent_id)
        charge = self.get("charge", intent["latest_charge"] or "")
        if charge["disputed"]:
            raise invalid("This charge is disputed already.")
        made = self.add(objects.dispute(charge, self.now, reason=reason, due=self.now + 7 * 86400))
        charge["disputed"], charge["dispute"] = True, made["id"]
        self.announce("charge.dispute.created", made)
        self.announce("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, id: str, won: bool) -> Object:
        made = self.get("dispute", id)
        if made["status"] in ("won", "lost"):
            raise invalid("This dispute is closed already.")
        made["status"] = "won" if won else "lost"
        self.announce("charge.dispute.closed", made)
        if won:
            self.announce("charge.dispute.funds_reinstated", made)
        return made
