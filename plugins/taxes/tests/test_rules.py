"""Which rate holds where, for what, and from when on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from opticworks_taxes.rules import Rate, table

DAY = date(2026, 6, 1)


def rate(country: str, percent: str, **more: Any) -> Rate:
    more.setdefault("title", f"{country} {percent}")
    more.setdefault("starts", date(2020, 1, 1))
    return Rate(country=country, rate=Decimal(percent) / 100, **more)


def found(
    *rates: Rate, state: str = "", postal: str = "", tax_class: str = "", day: date = DAY
) -> list[str]:
    return [rate.title for rate in table(rates, state, postal, day).of(tax_class)]


def test_the_state_counts_before_the_country_and_the_postal_code_before_the_state() -> None:
    rates = (
        rate("US", "1"),
        rate("US", "2", state="CA"),
        rate("US", "3", state="CA", postal="941"),
        rate("US", "4", state="CA", postal="9410"),
    )
    assert found(*rates, state="TX") == ["US 1"]
    assert found(*rates, state="ca", postal="90210") == ["US 2"]
    assert found(*rates, state="CA", postal="94199") == ["US 3"]
    assert found(*rates, state="CA", postal="94 104-1234") == ["US 4"]


def test_layers_add_up_and_each_is_chosen_by_itself() -> None:
    rates = (
        rate("CA", "5", title="GST"),
        rate("CA", "7", state="BC", layer=2, title="PST"),
        rate("CA", "13", state="ON", title="HST"),
    )
    assert found(*rates, state="AB") == ["GST"]
    assert found(*rates, state="BC") == ["GST", "PST"]
    assert found(*rates, state="ON") == ["HST"]


def test_a_change_of_rate_starts_on_its_day() -> None:
    rates = (
        rate("DE", "19", title="VAT"),
        rate("DE", "16", title="VAT 2020", starts=date(2020, 7, 1)),
        rate("DE", "20", title="VAT to come", starts=date(2027, 1, 1)),
    )
    assert found(*rates, day=date(2020, 6, 30)) == ["VAT"]
    assert found(*rates, day=date(2020, 7, 1)) == ["VAT 2020"]
    assert found(*rates, day=date(2027, 1, 1)) == ["VAT to come"]


def test_a_class_pays_its_own_rate_else_the_standard_one() -> None:
    rates = (rate("DE", "19"), rate("DE", "7", tax_class="reduced"))
    assert found(*rates, tax_class=" Reduced ") == ["DE 7"]
    assert found(*rates, tax_class="P0000000") == ["DE 19"]
    assert found(rate("DK", "25"), tax_class="reduced") == ["DK 25"]


@pytest.mark.parametrize("untaxed", ["zero", "exempt", "Exempt"])
def test_what_is_zero_rated_or_exempt_pays_nothing_unless_the_table_says_so(untaxed: str) -> None:
    assert found(rate("GB", "20"), tax_class=untaxed) == []
    assert found(rate("GB", "20"), rate("GB", "0", tax_class="zero"), tax_class="zero") == ["GB 0"]


def test_a_country_without_a_rate_is_not_covered_but_a_state_without_one_is() -> None:
    assert not table((), "", "", DAY).covered
    oregon = table((rate("US", "7.25", state="CA"),), "OR", "97201", DAY)
    assert oregon.covered
    assert oregon.of("") == ()


def test_shipping_pays_the_rates_that_say_so() -> None:
    rates = (
        rate("US", "4", state="NY", shipping=True),
        rate("US", "4.5", state="NY", layer=2, title="City"),
    )
    assert [r.title for r in table(rates, "NY", "10001", DAY).of_shipping()] == ["US 4"]
