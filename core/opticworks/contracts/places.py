"""Postal addresses, and who verifies them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

#: How wide a field is in the admin's forms.
HALF: JsonDict = {"width": "half"}
#: Where the postal code is written behind the city; elsewhere it leads.
CODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "JP", "NZ", "SG", "US"})
#: ISO 3166-1, and Kosovo as everybody writes it.
COUNTRIES = frozenset(
    code
    for run in (
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO",
        "BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ",
        "DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP",
        "GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG",
        "KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML",
        "MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE",
        "PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL",
        "SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM",
        "US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW",
    )
    for code in run.split()
)
#: What people write for a country whose code is another.
MISTAKEN = {"UK": "GB", "EN": "GB", "EL": "GR"}


def no_country(codes: Iterable[str]) -> str:
    """What is wrong with the first of the codes that is no country's, as a sentence without its
    full stop; "" when all are."""
    for code in codes:
        if code not in COUNTRIES:
            hint = f"; you may mean {MISTAKEN[code]}" if code in MISTAKEN else ""
            return f"{code} is no country's code of two letters{hint}"
    return ""


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
    """What a verifier knows of an address: it is right, it is so but for what `suggestion` says
    better, no post gets there, or nothing is known. `messages` are its own sentences."""

    state: Literal["verified", "corrected", "undeliverable", "unknown"]
    suggestion: Address | None = None
    messages: tuple[str, ...] = ()


@runtime_checkable
class AddressVerifier(Protocol):
    """Knows whether an address exists, and a better way to write it."""

    code: str
    title: str

    def verify(self, address: Address) -> AddressVerdict:
        """What is known of the address. Raises ProviderError when the vendor can't be reached."""
        ...
