"""Money: an integer of minor units and an ISO 4217 currency.

Adding two currencies is an error, splitting is by largest remainder, and `Decimal` appears only
where a person or a vendor writes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache

from babel.numbers import format_currency, get_currency_precision, list_currencies

#: What `Money.typed` reads: digits, or thousands between signs, then perhaps decimals.
_TYPED = re.compile(
    r"(?P<whole>\d{1,12}|\d{1,3}(?P<sign>[.,])\d{3}(?:(?P=sign)\d{3}){0,3})"
    r"(?:(?P<point>[.,])(?P<rest>\d{1,4}))?",
    re.ASCII,
)
DIGITS = 18  #: of an amount in minor units; what the database's numbers hold


class CurrencyMismatch(ValueError):
    """Two different currencies met in one calculation."""


@cache
def _known_currencies() -> frozenset[str]:
    return frozenset(list_currencies())


@cache
def exponent(currency: str) -> int:
    """Number of decimals of the currency's minor unit (0 for JPY, 2 for USD, 3 for KWD)."""
    if currency not in _known_currencies():
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code.")
    return get_currency_precision(currency)


def round_half_up(value: Decimal) -> int:
    """The nearest integer; halves go away from zero, as a till rounds."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units of `currency`; immutable, hashable, may be negative (a discount, a refund)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money takes whole minor units, not {self.minor!r}.")
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str | Decimal, currency: str) -> Money:
        """Money from what a person or a vendor writes ("129.00").

        Raises ValueError when it is no number, finer than the currency's minor unit, or more than
        is ever paid ("1e99").
        """
        try:
            amount = Decimal(str(text).strip())
        except InvalidOperation:
            raise ValueError(f"{str(text)!r} is not an amount of money.") from None
        if not amount.is_finite():
            raise ValueError(f"{str(text)!r} is not an amount of money.")
        if amount and amount.adjusted() + exponent(currency) >= DIGITS:
            raise ValueError(f"{str(text)[:20]!r} is more money than there is.")
        if amount and amount.adjusted() < -exponent(currency):
            raise ValueError(f"{str(text)[:20]!r} has more decimals than {currency} has.")
        scaled = amount.scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more decimals than {currency} has.")
        return cls(int(scaled), currency)

    @classmethod
    def typed(cls, text: str, currency: str) -> Money:
        """Money from what a person types, with a point or a comma: "12.5", "12,50", "1,234.50".

        Raises ValueError with a sentence: for what is no amount, for what could be two, such as
        "1,200", and for more decimals than the currency has.
        """
        found = _TYPED.fullmatch("".join(text.split()))
        if found is None or (found["point"] and found["point"] == found["sign"]):
            raise ValueError(
                f"{text.strip()[:20]} is no amount of {currency}; write one like 12.50."
            )
        whole, rest = re.sub("[.,]", "", found["whole"]), found["rest"] or ""
        grouped = len(rest) == 3 and not found["sign"] and len(whole) < 4 and int(whole) != 0
        if grouped and (found["point"] == "," or exponent(currency) != 3):
            raise ValueError(
                f"{text.strip()[:20]} could be {whole}{rest} or {whole}.{rest}. Write thousands "
                f"without a sign, like {whole}{rest}."
            )
        return cls.parse(f"{whole}.{rest or 0}", currency)

    def to_decimal(self) -> Decimal:
        """The amount in major units, with exactly the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def format(self, locale: str = "en_US") -> str:
        """The amount as a person of that locale reads it ("$129.00")."""
        return _formatted(self, locale)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} can't be combined.")

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            return NotImplemented
        return Money(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor > other.minor

    def __ge__(self, other: Money) -> bool:
        self._same(other)
        return self.minor >= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def rate(self, fraction: Decimal) -> Money:
        """That fraction of the amount (a tax rate, a percentage), rounded half up."""
        return Money(round_half_up(self.minor * fraction), self.currency)

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Shares in proportion to `weights` that sum to this amount exactly.

        Largest remainder; of equal remainders the earlier one gets the unit. Weights are
        non-negative; if all are zero the shares are as equal as they can be.
        """
        return tuple(Money(part, self.currency) for part in split_minor(self.minor, weights))


@lru_cache(maxsize=10_000)
def _formatted(money: Money, locale: str) -> str:
    """Kept, because a page writes the same few prices again and again and Babel takes its time."""
    return format_currency(money.to_decimal(), money.currency, locale=locale)


def split_minor(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` in parts proportional to `weights`, by largest remainder."""
    if not weights:
        raise ValueError("An amount can't be split over nothing.")
    if any(weight < 0 for weight in weights):
        raise ValueError("Weights of a split can't be negative.")
    if not any(weights):
        weights = [1] * len(weights)
    sign, size, whole = (-1 if amount < 0 else 1), abs(amount), sum(weights)
    parts = [size * weight // whole for weight in weights]
    remainders = [size * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -remainders[i])
    for i in order[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum; zero of `currency` when there is nothing to add."""
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise CurrencyMismatch(f"{amount.currency} and {currency} can't be combined.")
        minor += amount.minor
    return Money(minor, currency)
