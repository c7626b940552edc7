"""The table of rates as the shop's owner writes it, checked so that no row is ambiguous."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from opticworks.contracts import no_country

MAX_PRICE = Decimal(1_000_000)
ANYWHERE = "*"


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("table_rates", sentence)


def _codes(values: tuple[str, ...], pattern: str, what: str) -> tuple[str, ...]:
    codes = tuple(value.strip().upper() for value in values)
    for code in codes:
        if not re.fullmatch(pattern, code):
            raise _refuse(f"{code!r} is no {what}")
    return codes


class Bracket(BaseModel):
    """Up to `max_weight` grams of goods cost `price`, in the shop's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_weight: int = Field(title="Up to (g)", gt=0, le=1_000_000)
    price: Decimal = Field(title="Price", ge=0, le=MAX_PRICE, allow_inf_nan=False)


class Service(BaseModel):
    """One shipping option: where it goes, how long it takes, what it costs by weight."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    code: str = Field(title="Code", pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    title: str = Field(title="Title", min_length=1, max_length=80)
    carrier: str = Field(default="", title="Carrier", max_length=40)
    min_days: int = Field(title="Working days, at least", ge=0, le=365)
    max_days: int = Field(title="Working days, at most", ge=0, le=365)
    countries: tuple[str, ...] = Field(title="Countries", min_length=1)
    states: tuple[str, ...] = Field(default=(), title="Only these states")
    excluded_states: tuple[str, ...] = Field(default=(), title="Not these states")
    brackets: tuple[Bracket, ...] = Field(title="Prices by weight", min_length=1)
    free_from: Decimal | None = Field(
        default=None, title="Free from goods worth", ge=0, le=MAX_PRICE, allow_inf_nan=False
    )

    @field_validator("countries")
    @classmethod
    def _countries(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        codes = _codes(values, r"[A-Z]{2}|\*", 'country code of two letters, or "*" for any')
        if sentence := no_country(code for code in codes if code != ANYWHERE):
            raise _refuse(sentence)
        return codes

    @field_validator("states", "excluded_states")
    @classmethod
    def _states(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return _codes(values, r"[A-Z0-9]{1,3}", "state code like CA")

    @model_validator(mode="after")
    def _consistent(self) -> Service:
        if self.max_days < self.min_days:
            raise _refuse(f"Service {self.code}: max_days is smaller than min_days")
        if self.states and self.excluded_states:
            raise _refuse(f"Service {self.code}: use states or excluded_states, not both")
        one_country = len(self.countries) == 1 and self.countries[0] != ANYWHERE
        if (self.states or self.excluded_states) and not one_country:
            raise _refuse(f"Service {self.code}: states make sense with exactly one country")
        weights = [bracket.max_weight for bracket in self.brackets]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise _refuse(f"Service {self.code}: order the brackets by max_weight, lightest first")
        return self

    def serves(self, country: str, state: str) -> bool:
        """Whether it goes to that address."""
        if ANYWHERE not in self.countries and country.upper() not in self.countries:
            return False
        state = state.upper()
        return state not in self.excluded_states and (not self.states or state in self.states)

    def prices(self) -> tuple[Decimal, ...]:
        """Every amount written in this service."""
        free = () if self.free_from is None else (self.free_from,)
        return (*(bracket.price for bracket in self.brackets), *free)


def _bracket(max_weight: int, price: str) -> Bracket:
    return Bracket(max_weight=max_weight, price=Decimal(price))


DEFAULT_SERVICES = (
    Service(
        code="us-standard",
        title="Standard",
        carrier="USPS",
        min_days=3,
        max_days=5,
        countries=("US",),
        brackets=(_bracket(500, "5.95"), _bracket(2_000, "8.95"), _bracket(10_000, "14.95")),
        free_from=Decimal("150.00"),
    ),
    Service(
        code="us-express",
        title="Express",
        carrier="UPS",
        min_days=1,
        max_days=2,
        countries=("US",),
        brackets=(_bracket(500, "16.95"), _bracket(2_000, "22.95"), _bracket(10_000, "39.95")),
    ),
)


class TableRatesSettings(BaseModel):
    """The shipping options of the shop. Prices are in its currency, weights in grams."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    services: tuple[Service, ...] = Field(default=DEFAULT_SERVICES, title="Shipping options")
    offered: Literal["fallback", "always"] = Field(
        default="fallback",
        title="When these are offered",
        description="fallback: where no carrier's plugin has a rate. always: beside theirs.",
    )

    @field_validator("services")
    @classmethod
    def _unique(cls, services: tuple[Service, ...]) -> tuple[Service, ...]:
        counts = Counter(service.code for service in services)
        twice = [code for code, count in counts.items() if count > 1]
        if twice:
            raise _refuse(f"Two services have the code {twice[0]!r}, give one another code")
        return services
