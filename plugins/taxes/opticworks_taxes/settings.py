"""How prices are entered and shown, by region, and how taxes are rounded."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from opticworks.contracts import N_, no_country

ANYWHERE = "*"


class Region(BaseModel):
    """Countries where prices are read and shown alike.

    `entered`: whether a price of the catalogue is with tax ("gross") or without ("net") here.
    `shown`: with tax ("incl") or without, the tax added at the address step ("excl"). `keeps`:
    what stays the same when the customer's rate is not that of the shop's own country.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    title: str = Field(title="Region", min_length=1, max_length=60)
    countries: tuple[str, ...] = Field(
        title="Countries",
        description="Codes of two letters, or * for every other country",
        min_length=1,
    )
    entered: Literal["gross", "net"] = Field(
        "net",
        title="Prices are entered",
        json_schema_extra={"choices": {"gross": "with tax", "net": "without tax"}},
    )
    shown: Literal["incl", "excl"] = Field(
        "excl",
        title="Prices are shown",
        json_schema_extra={"choices": {"incl": "with tax", "excl": "without tax, which is added"}},
    )
    keeps: Literal["gross", "net"] = Field(
        "gross",
        title="At another rate",
        description="Only where prices are entered with tax",
        json_schema_extra={
            "choices": {
                "gross": "the customer pays the same",
                "net": "the shop receives the same",
            }
        },
    )
    label: str = Field(
        "",
        title="Beside a price",
        description='Empty: "incl. tax" or "plus tax"',
        max_length=30,
    )
    shipping: Literal["standard", "goods"] = Field(
        "standard",
        title="Shipping is taxed",
        json_schema_extra={
            "choices": {"standard": "at the standard rate", "goods": "at the rates of the goods"}
        },
    )

    vat_ids: bool = Field(
        False,
        title="Businesses with a VAT ID of another country of the EU pay no VAT (reverse charge)",
        description="The checkout then asks for it, where the shop itself ships from the EU",
    )

    @field_validator("countries")
    @classmethod
    def _countries(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(value.strip().upper() for value in values)
        for code in codes:
            if not re.fullmatch(r"[A-Z]{2}|\*", code):
                raise PydanticCustomError("taxes", f"{code!r} is no country code like DE")
        if sentence := no_country(code for code in codes if code != ANYWHERE):
            raise PydanticCustomError("taxes", sentence)
        return codes

    @property
    def words(self) -> str:
        """What stands beside a price."""
        return self.label or (N_("incl. tax") if self.shown == "incl" else N_("plus tax"))


DEFAULT_REGIONS = (
    Region(title="United States and Canada", countries=("US", "CA"), label="plus tax"),
    Region(
        title="Everywhere else",
        countries=(ANYWHERE,),
        entered="gross",
        shown="incl",
        label=N_("incl. VAT"),
    ),
)


class TaxesSettings(BaseModel):
    """The rates themselves are a table of their own: Taxes in the admin's menu."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: tuple[Region, ...] = Field(DEFAULT_REGIONS, title="Regions", min_length=1)
    rounding: Literal["line", "total"] = Field(
        "line",
        title="Taxes are rounded",
        json_schema_extra={"choices": {"line": "on each line", "total": "once, on the total"}},
    )
    uncovered: Literal["flag", "refuse"] = Field(
        "flag",
        title="An order to a country without any rate",
        json_schema_extra={
            "choices": {"flag": "is taken without tax, and marked", "refuse": "is refused"}
        },
    )

    vies: bool = Field(
        False,
        title="Ask VIES about the VAT ID of each order without VAT",
        description="After the order, so that nobody waits for it. Staff are told of a number "
        "that is not registered; the answer stays with the order.",
    )
    vies_url: str = Field(
        "https://ec.europa.eu/taxation_customs/vies/rest-api",
        title="Address of VIES",
        json_schema_extra={"ini": True},
    )

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[Region, ...]) -> tuple[Region, ...]:
        seen: set[str] = set()
        for region in regions:
            for code in region.countries:
                if code in seen:
                    raise PydanticCustomError(
                        "taxes", f"{code} stands in two regions; leave it in one of them"
                    )
                seen.add(code)
        return regions

    def region_of(self, country: str) -> Region:
        """The region that names the country, else the one for every other, else the first."""
        for wanted in (country.upper(), ANYWHERE):
            for region in self.regions:
                if wanted in region.countries:
                    return region
        return self.regions[0]
