"""Why a payment did not go through, as buyers read it."""

from __future__ import annotations

from typing import Any

from opticworks.contracts import N_, said_in, say

#: What Stripe says of the usual refusals, word for word: it says so in English only.
KNOWN = {
    N_("Your card was declined."),
    N_("Your card has insufficient funds."),
    N_("Your card has expired."),
    N_("Your card number is incorrect."),
    N_("Your card's security code is incorrect."),
    N_("Your card does not support this type of purchase."),
    N_("An error occurred while processing your card. Try again in a little bit."),
    N_(
        "We are unable to authenticate your payment method. Please choose a different payment "
        "method and try again."
    ),
}


def sentence(failure: Any) -> str:
    """Stripe's own sentence where it can be said in the language of the page."""
    told = str(failure.message or "")
    understood = told in KNOWN or said_in().partition("_")[0] in ("", "en")
    return say(told) if told and understood else say("The payment did not go through.")
