"""Table rates: the contract, the table's rules, and settings that leave nothing to guess."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import opticworks_table_rates as plugin
from opticworks.contracts import Address, Parcel, RateRequest, ShippingLine, ShopSettings
from opticworks.money import Money
from opticworks.testing import ShippingProviderContract
from opticworks.testing.contracts.shipping import LINE, ORIGIN
from opticworks_table_rates.provider import TableRates
from opticworks_table_rates.settings import DEFAULT_SERVICES, TableRatesSettings

SERVICE: dict[str, Any] = {
    "code": "post",
    "title": "Post",
    "min_days": 2,
    "max_days": 4,
    "countries": ["US"],
    "brackets": [{"max_weight": 1000, "price": "5.00"}],
}


class TestTableRates(ShippingProviderContract):
    unserved = "FR"
    too_heavy = 10_001

    @pytest.fixture
    def provider(self) -> TableRates:
        return TableRates(TableRatesSettings())


def table(**fields: Any) -> TableRates:
    return TableRates(TableRatesSettings.model_validate({"services": [{**SERVICE, **fields}]}))


def ask(
    rates: TableRates,
    *,
    weight: int = 300,
    value: int = 4900,
    country: str = "US",
    state: str = "CA",
    currency: str = "USD",
    lines: tuple[ShippingLine, ...] = (LINE,),
    packed: bool = True,
) -> dict[str, int]:
    """Prices in minor units by code, in the order answered."""
    request = RateRequest(
        parcels=(Parcel(weight=weight),) if packed else (),
        lines=lines,
        goods_value=Money(value, currency),
        origin=ORIGIN,
        destination=Address(country=country, state=state),
    )
    return {rate.code: rate.amount.minor for rate in rates.rates(request)}


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "prices"),
    [
        (0, {"us-standard": 595, "us-express": 1695}),
        (500, {"us-standard": 595, "us-express": 1695}),
        (501, {"us-standard": 895, "us-express": 2295}),
        (2000, {"us-standard": 895, "us-express": 2295}),
        (10_000, {"us-standard": 1495, "us-express": 3995}),
        (10_001, {}),
    ],
)
def test_the_first_bracket_that_holds_the_weight_counts(
    weight: int, prices: dict[str, int]
) -> None:
    assert ask(TableRates(TableRatesSettings()), weight=weight) == prices


@pytest.mark.parametrize(("value", "price"), [(14_999, 595), (15_000, 0), (90_000, 0)])
def test_goods_of_that_value_travel_free(value: int, price: int) -> None:
    assert ask(TableRates(TableRatesSettings()), value=value)["us-standard"] == price


def test_what_is_too_heavy_does_not_travel_free_either() -> None:
    assert ask(table(free_from="1.00"), weight=1001) == {}


def test_a_service_for_anywhere_serves_any_country() -> None:
    assert ask(table(countries=["*"]), country="JP", state="") == {"post": 500}


def test_only_the_states_named_are_served() -> None:
    rates = table(states=["ca", "NV"])
    assert ask(rates, state="CA") == {"post": 500}
    assert ask(rates, state="AK") == {}
    assert ask(rates, state="") == {}


def test_all_but_the_excluded_states_are_served() -> None:
    rates = table(excluded_states=["AK", "HI"])
    assert ask(rates, state="CA") == {"post": 500}
    assert ask(rates, state="HI") == {}


def test_before_packing_the_lines_are_weighed() -> None:
    assert ask(table(), packed=False, lines=(LINE,) * 3) == {"post": 500}  # 870 g
    assert ask(table(), packed=False, lines=(LINE,) * 4) == {}  # 1160 g


def test_prices_are_in_the_currency_of_the_goods() -> None:
    assert ask(table(brackets=[{"max_weight": 1000, "price": "500"}]), currency="JPY") == {
        "post": 500
    }


@given(
    weight=st.integers(0, 50_000),
    value=st.integers(0, 10**9),
    state=st.sampled_from(["", "CA", "AK"]),
)
def test_a_rate_is_never_negative_and_the_cheapest_comes_first(
    weight: int, value: int, state: str
) -> None:
    prices = list(
        ask(TableRates(TableRatesSettings()), weight=weight, value=value, state=state).values()
    )
    assert prices == sorted(prices)
    assert all(price >= 0 for price in prices)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"brackets": []}, "at least 1 item"),
        ({"brackets": [{"max_weight": 500, "price": "NaN"}]}, "finite number"),
        ({"brackets": [{"max_weight": 500, "price": "-1"}]}, "greater than or equal to 0"),
        ({"brackets": [{"max_weight": 500, "price": "cheap"}]}, "valid decimal"),
        ({"brackets": [{"max_weight": 0, "price": "1"}]}, "greater than 0"),
        (
            {"brackets": [{"max_weight": 9, "price": "1"}, {"max_weight": 9, "price": "2"}]},
            "Service post: order the brackets by max_weight, lightest first",
        ),
        ({"max_days": 1}, "Service post: max_days is smaller than min_days"),
        ({"countries": ["USA"]}, "'USA' is no country code of two letters"),
        ({"countries": []}, "at least 1 item"),
        ({"states": ["California"]}, "'CALIFORNIA' is no state code"),
        ({"states": ["CA"], "excluded_states": ["HI"]}, "use states or excluded_states, not both"),
        ({"states": ["CA"], "countries": ["US", "CA"]}, "exactly one country"),
        ({"states": ["CA"], "countries": ["*"]}, "exactly one country"),
        ({"code": "Post!"}, "should match pattern"),
        ({"free_from": "inf"}, "finite number"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_an_ambiguous_table_is_refused_with_a_sentence(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        table(**fields)


def test_two_services_of_one_code_are_refused() -> None:
    with pytest.raises(ValidationError, match="Two services have the code 'post'"):
        TableRatesSettings.model_validate({"services": [SERVICE, SERVICE]})


def test_the_table_survives_the_way_through_json() -> None:
    settings = TableRatesSettings()
    assert TableRatesSettings.model_validate(json.loads(settings.model_dump_json())) == settings


def problems(settings: TableRatesSettings, currency: str = "USD") -> list[str]:
    shop = ShopSettings(currency=currency)
    return list(plugin.problems({"table_rates": settings, "shop": shop, "mode": "production"}))


def test_the_default_table_has_no_problems() -> None:
    assert problems(TableRatesSettings()) == []


def test_an_empty_table_is_a_problem() -> None:
    assert problems(TableRatesSettings(services=())) == [
        "There is no shipping option in the table: add a service."
    ]


def test_prices_finer_than_the_currency_are_a_problem() -> None:
    found = problems(TableRatesSettings(services=DEFAULT_SERVICES[:1]), "JPY")
    assert found[0] == (
        "The price 5.95 of service 'us-standard' can't be used: "
        "5.95 has more decimals than JPY has."
    )
    assert len(found) == 3  # 150.00 yen are whole yen


def test_free_from_zero_is_always_free() -> None:
    assert ask(table(free_from=Decimal(0)), value=0) == {"post": 0}
