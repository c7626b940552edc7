"""Stripe's documented test cards: what each does when it is charged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opticworks_stripe_payments.standin.wire import StripeError


@dataclass(frozen=True, slots=True)
class TestCard:
    """`decline` and `decline_code` when the bank says no; `challenge` when it asks the buyer.
    `redirect` names a way to pay that is no card and always goes to a page of its own, `debit` one
    whose money the bank sends some days later, or doesn't, and `wallet` who keeps the card for its
    owner."""

    brand: str = "visa"
    code: str = ""
    decline_code: str = ""
    message: str = ""
    challenge: bool = False
    redirect: str = ""
    debit: str = ""
    wallet: str = ""
    disputed: bool = False
    refund_fails: bool = False


def _declined(code: str, message: str, decline_code: str = "") -> TestCard:
    return TestCard(code=code, message=message, decline_code=decline_code or code)


#: The way to pay that sends the buyer to a page of its own: no card at all.
REDIRECT = "klarna"
#: The way to pay that stays "processing" until the bank has decided.
DEBIT = "us_bank_account"
#: What a wallet gives the page instead of a card's number.
WALLET = "tok_googlepay"

CARDS = {
    "4242424242424242": TestCard(),
    "5555555555554444": TestCard(brand="mastercard"),
    "378282246310005": TestCard(brand="amex"),
    "4000000000000002": _declined("card_declined", "Your card was declined.", "generic_decline"),
    "4000000000009995": _declined(
        "card_declined", "Your card has insufficient funds.", "insufficient_funds"
    ),
    "4000000000000069": _declined("expired_card", "Your card has expired."),
    "4000000000000127": _declined("incorrect_cvc", "Your card's security code is incorrect."),
    "4000000000000119": _declined(
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "4000002500003155": TestCard(challenge=True),
    "4000002760003184": TestCard(challenge=True),
    "4000000000000259": TestCard(disputed=True),
    "4000000000005126": TestCard(refund_fails=True),
    REDIRECT: TestCard(redirect=REDIRECT),
    DEBIT: TestCard(debit=DEBIT),
    WALLET: TestCard(wallet="google_pay"),
}

#: Stripe's ready-made payment methods of test mode.
METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002500003155",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_refundFail": "4000000000005126",
    "pm_usBankAccount_processing": DEBIT,
}


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def check(number: str, month: int, year: int, cvc: str, now: datetime | None = None) -> TestCard:
    """The card of that number as it was typed. Raises StripeError as Stripe words it."""
    now = now or datetime.now(UTC)
    if not (number.isdigit() and 13 <= len(number) <= 19 and luhn(number)):
        raise _typed("incorrect_number", "Your card number is incorrect.", "number")
    if not 1 <= month <= 12:
        raise _typed(
            "invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month"
        )
    if (year, month) < (now.year, now.month):
        raise _typed(
            "invalid_expiry_year", "Your card's expiration year is in the past.", "exp_year"
        )
    if not (cvc.isdigit() and len(cvc) in (3, 4)):
        raise _typed("invalid_cvc", "Your card's security code is invalid.", "cvc")
    if number not in CARDS or CARDS[number].redirect:
        raise StripeError(
            402,
            "card_error",
            "Your card was declined. Your request was in test mode, but used a non test card. "
            "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            code="card_declined",
            decline_code="test_mode_live_card",
        )
    return CARDS[number]


def _typed(code: str, message: str, param: str) -> StripeError:
    return StripeError(402, "card_error", message, code=code, param=param)
