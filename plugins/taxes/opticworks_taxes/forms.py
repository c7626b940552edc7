"""What staff may enter: a rate, an exemption, a question to the table."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from opticworks.contracts import no_country
from opticworks_taxes.models import Exemption, Rate
from opticworks_taxes.rules import STANDARD, class_of, postal_code

HUNDRED = Decimal(100)
KINDS: dict[str, str] = {
    "exempt": "Exempt (certificate)",
    "reverse_charge": "Reverse charge (VAT ID)",
}


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("taxes", sentence)


def _country(text: str) -> str:
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise _refuse("Use the country's two letters, like US or DE")
    if sentence := no_country([code]):
        raise _refuse(sentence)
    return code


def _state(text: str) -> str:
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z0-9]{0,3}", code):
        raise _refuse("Use the state's code, like CA or ON")
    return code


def _postal(text: str) -> str:
    code = postal_code(text)
    if not re.fullmatch(r"[A-Z0-9]{0,12}", code):
        raise _refuse("Use letters and digits only")
    return code


def _class(text: str) -> str:
    code = class_of(text)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,39}", code):
        raise _refuse("Use a word like standard, reduced or books")
    return code


Country = Annotated[str, AfterValidator(_country)]
State = Annotated[str, AfterValidator(_state)]
Postal = Annotated[str, AfterValidator(_postal)]
TaxClass = Annotated[str, AfterValidator(_class)]


class RateEntry(BaseModel):
    """A rate as it is typed: in percent."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    country: Country = Field(
        title="Country", description="Two letters, like US", json_schema_extra={"width": "third"}
    )
    state: State = Field(
        "",
        title="State",
        description="Empty: the whole country",
        json_schema_extra={"width": "third"},
    )
    postal: Postal = Field(
        "",
        title="Postal code begins with",
        description="Empty: every postal code",
        json_schema_extra={"width": "third"},
    )
    title: str = Field(
        title="Name",
        description="As the customer reads it, like VAT or California sales tax",
        min_length=1,
        max_length=60,
    )
    percent: Decimal = Field(
        title="Rate",
        ge=0,
        le=100,
        max_digits=8,
        decimal_places=5,
        allow_inf_nan=False,
        json_schema_extra={"suffix": "%", "width": "third"},
    )
    tax_class: TaxClass = Field(
        STANDARD,
        title="Tax class of the goods",
        description="The tax code of a variant; standard is for whatever has no rate of its own",
        json_schema_extra={"width": "third"},
    )
    starts: date = Field(
        title="From",
        description="A newer rate of the same place takes over on its day",
        json_schema_extra={"width": "third"},
    )
    shipping: bool = Field(False, title="Shipping is taxed too")
    layer: int = Field(
        1,
        title="Layer",
        description="Rates of different layers add up: 1 for the state, 2 for the county",
        ge=1,
        le=9,
        json_schema_extra={"width": "third"},
    )

    @property
    def key(self) -> tuple[str, str, str, str, int, date]:
        """Two rates of one key would contradict each other."""
        return (self.country, self.state, self.postal, self.tax_class, self.layer, self.starts)

    @classmethod
    def of(cls, row: Rate) -> RateEntry:
        return cls(
            country=row.country,
            state=row.state,
            postal=row.postal,
            title=row.title,
            percent=percent_of(row.rate),
            tax_class=row.tax_class,
            starts=row.starts,
            shipping=row.shipping,
            layer=row.layer,
        )

    def write(self, row: Rate, actor: str = "") -> None:
        """Put the entry into its row. Who did it stands in the audit."""
        for name in ("country", "state", "postal", "title", "tax_class", "starts", "shipping"):
            setattr(row, name, getattr(self, name))
        row.layer = self.layer
        row.rate = self.percent / HUNDRED


class ExemptionEntry(BaseModel):
    """Who pays no tax, for goods sent where, and what proves it."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    email: str = Field(
        title="Customer's e-mail address",
        pattern=r"^[^@\s]+@[^@\s]+$",
        max_length=200,
        json_schema_extra={"widget": "email", "example": "buyer@example.org"},
    )
    country: Country = Field(
        title="Goods are sent to", description="Country", json_schema_extra={"width": "half"}
    )
    postal: Annotated[Postal, Field(min_length=1)] = Field(
        title="Postal code",
        description="Only orders to this postal code are exempt",
        json_schema_extra={"width": "half"},
    )
    kind: Literal["exempt", "reverse_charge"] = Field(
        "exempt", title="Why", json_schema_extra={"choices": {**KINDS}}
    )
    reference: str = Field(
        title="Certificate number or VAT ID",
        description="The customer reads it on the order",
        min_length=2,
        max_length=60,
    )
    evidence: str = Field(
        "",
        title="What you checked",
        description="For example the answer of VIES and its date, or where the certificate lies",
        max_length=2000,
        json_schema_extra={"widget": "textarea"},
    )
    starts: date = Field(title="From", json_schema_extra={"width": "half"})
    ends: date | None = Field(
        None, title="Until", description="Empty: no end", json_schema_extra={"width": "half"}
    )

    @model_validator(mode="after")
    def _days(self) -> ExemptionEntry:
        if self.ends is not None and self.ends < self.starts:
            raise _refuse("It ends before it starts")
        return self

    @classmethod
    def of(cls, row: Exemption) -> ExemptionEntry:
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})

    def write(self, row: Exemption, actor: str) -> None:
        for name in type(self).model_fields:
            setattr(row, name, getattr(self, name))
        row.email = self.email.lower()
        row.actor = actor


def percent_of(rate: Decimal) -> Decimal:
    """A fraction as percent, without zeros at its end."""
    return Decimal(f"{(rate * HUNDRED).normalize():f}")
