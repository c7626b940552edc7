"""Money: whole minor units, one currency, splits that sum."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticworks.money import CurrencyMismatch, Money, exponent, split_minor, total

CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("USD", 2), ("KWD", 3)])
def test_a_currency_has_its_own_number_of_decimals(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.5", "USD", 1250),
        ("12,50", "USD", 1250),
        (" 1 234,50 ", "USD", 123450),
        ("1,234.50", "USD", 123450),
        ("1.234,50", "USD", 123450),
        ("1,234,567", "USD", 123456700),
        ("1234.500", "USD", 123450),
        ("0.500", "USD", 50),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1,234.567", "KWD", 1234567),
    ],
)
def test_an_amount_is_read_as_people_type_it(text: str, currency: str, minor: int) -> None:
    assert Money.typed(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [
        ("1,200", "USD", "1,200 could be 1200 or 1.200."),
        ("1.200", "USD", "1.200 could be 1200 or 1.200."),
        ("12,500", "JPY", "12,500 could be 12500 or 12.500."),
        ("1,234", "KWD", "1,234 could be 1234 or 1.234."),
        ("1,200,50", "USD", "is no amount"),
        ("12,34,567", "USD", "is no amount"),
        ("-1", "USD", "is no amount"),
        ("1e3", "USD", "is no amount"),
        ("٣", "USD", "is no amount"),
        ("", "USD", "is no amount"),
        ("100.5", "JPY", "more decimals than JPY has"),
        ("1.2345", "KWD", "more decimals than KWD has"),
    ],
)
def test_what_could_be_two_amounts_is_refused(text: str, currency: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Money.typed(text, currency)


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.to_decimal(), currency) == money


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "", "NaN", "Infinity", "1.005", "1,50", "1e16", "-1e99", "1e999999"),
        *("1e99999999999", "1e-999999", "1e-99999999999"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals|more money"):
        Money.parse(text, "USD")


def test_two_currencies_never_meet() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        total([Money(1, "USD")], "EUR")


def test_an_unknown_currency_and_a_fraction_are_refused() -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, "ZZZ")
    with pytest.raises(TypeError):
        Money(1.5, "USD")  # type: ignore[arg-type]


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=20),
)
def test_shares_sum_to_the_whole_and_are_fair(amount: int, weights: list[int]) -> None:
    parts = split_minor(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Decimal(amount) * weight / whole) < 1


def test_the_larger_remainder_gets_the_odd_cent() -> None:
    assert split_minor(100, [1, 1, 1]) == [34, 33, 33]
    assert split_minor(-100, [1, 1, 1]) == [-34, -33, -33]
    assert split_minor(10, [0, 0]) == [5, 5]


@pytest.mark.parametrize(
    ("minor", "rate", "expected"), [(1000, "0.0825", 83), (50, "0.01", 1), (-50, "0.01", -1)]
)
def test_a_rate_is_rounded_half_up(minor: int, rate: str, expected: int) -> None:
    assert Money(minor, "USD").rate(Decimal(rate)) == Money(expected, "USD")


def test_money_is_written_for_its_reader() -> None:
    assert Money(12900, "USD").format("en_US") == "$129.00"
    assert Money(12900, "JPY").format("en_US") == "¥12,900"
