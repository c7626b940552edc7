"""Amounts as Stripe counts them.

Stripe counts in the smallest unit of ISO 4217, with exceptions (Stripe's documentation,
"Supported currencies", Special cases): ISK and UGX have no decimals but are given with two, and
of currencies with three decimals the last must be 0.
"""

from __future__ import annotations

from opticworks.money import Money, exponent

GIVEN_WITH_TWO = frozenset({"ISK", "UGX"})


class Unpayable(ValueError):
    """An amount that Stripe can't take."""


def to_stripe(money: Money) -> int:
    """The amount in Stripe's units. Raises Unpayable."""
    if money.currency in GIVEN_WITH_TWO:
        return money.minor * 100
    if exponent(money.currency) == 3 and money.minor % 10:
        raise Unpayable(f"Cards can't be charged {money.format()}: the last decimal must be 0.")
    return money.minor


def from_stripe(amount: int, currency: str) -> Money:
    code = currency.upper()
    return Money(amount // 100 if code in GIVEN_WITH_TWO else amount, code)
