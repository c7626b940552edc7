"""Postal addresses, and who verifies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

#: How wide a field is in the admin's forms.
HALF: JsonDict = {"width": "half"}
#: Where the postal code is written behind the city; elsewhere it leads.
CODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "JP", "NZ", "SG", "US"})


class Address(BaseModel):
    """A postal address as the buyer wrote it. `state` and `country` are ISO 3166 codes."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, extra="forbid")

    first_name: str = Field("", title="First name", max_length=100, json_schema_extra=HALF)
    last_name: str = Field("", title="Last name", max_length=100, json_schema_extra=HALF)
    company: str = Field("", title="Company", max_length=100)
    line1: str = Field("", title="Street and number", max_length=200)
    line2: str = Field("", title="Apartment, suite", max_length=200)
    city: str = Field("", title="City", max_length=100, json_schema_extra=HALF)
    state: str = Field("", title="State", max_length=10, json_schema_extra=HALF)
    postal_code: str = Field("", title="Postal code", max_length=20, json_schema_extra=HALF)
    country: str = Field("US", title="Country", min_length=2, max_length=2, json_schema_extra=HALF)
    phone: str = Field("", title="Phone", max_length=40, json_schema_extra=HALF)
    vat_id: str = Field("", title="VAT ID", max_length=40, json_schema_extra=HALF)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def town(self) -> str:
        """The line with the city, as its country writes it: "Austin, TX 78701", "50667 Köln"."""
        city = ", ".join(part for part in (self.city, self.state) if part)
        parts = (city, self.postal_code) if self.country in CODE_LAST else (self.postal_code, city)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressVerdict:
    state: Literal["verified", "corrected", "undeliverable", "unknown"]
    suggestion: Address | None = None
    messages: tuple[str, ...] = ()


@runtime_checkable
class AddressVerifier(Protocol):
    code: str
    title: str

    def verify(self, address: Address) -> AddressVerdict: ...
