"""The kernel's own settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from opticworks.contracts.places import Address
from opticworks.money import Money, exponent


class ShopSettings(BaseModel):
    """The kernel's own settings, under the key "shop"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        "OpticWorks",
        title="Shop name",
        min_length=1,
        max_length=80,
        json_schema_extra={"section": "The shop"},
    )
    tagline: str = Field("", title="Tagline", max_length=160)
    description: str = Field(
        "",
        title="What the shop is, for search engines",
        max_length=300,
        json_schema_extra={"widget": "textarea", "rows": 3},
    )
    email: str = Field(
        "hello@example.com",
        title="Sender and contact address",
        json_schema_extra={"widget": "email"},
    )
    currency: str = Field(
        "USD",
        title="Currency",
        pattern=r"^[A-Z]{3}$",
        json_schema_extra={"section": "Money, language, time", "width": "half", "example": "USD"},
    )
    locale: str = Field(
        "en_US",
        title="Locale",
        description="How numbers, dates and money are written: en_US, de_DE …",
        json_schema_extra={"width": "half"},
    )
    timezone: str = Field("America/New_York", title="Time zone")
    countries: tuple[str, ...] = Field(
        ("US",),
        title="Countries shipped to",
        description="Codes of two letters, one per line.",
        json_schema_extra={"section": "Shipping"},
    )
    default_state: str = Field("CA", title="State preselected in the checkout", max_length=3)
    origin: Address = Field(
        Address(
            company="OpticWorks",
            line1="417 Montgomery St",
            city="San Francisco",
            state="CA",
            postal_code="94104",
            country="US",
        ),
        title="Where parcels leave from",
    )
    cart_days: int = Field(
        30,
        title="Days a cart is kept",
        ge=1,
        le=365,
        json_schema_extra={"section": "Carts and orders", "width": "half"},
    )
    hold_minutes: int = Field(
        15,
        title="Minutes stock is held while paying",
        ge=1,
        le=1440,
        json_schema_extra={"width": "half"},
    )
    order_link_days: int = Field(
        90, title="Days an order link works", ge=1, le=3650, json_schema_extra={"width": "half"}
    )
    low_stock: int = Field(
        5, title="Show 'n left' below", ge=0, le=100_000, json_schema_extra={"width": "half"}
    )
    max_quantity: int = Field(
        999, title="Most of one line", ge=1, le=1_000_000, json_schema_extra={"width": "half"}
    )

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        try:
            exponent(value)
        except ValueError:
            raise ValueError(f"{value} is no currency; write USD or EUR") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            sentence = f"{value} is no time zone; write one like Europe/Berlin"
            raise ValueError(sentence) from None
        return value

    @field_validator("locale")
    @classmethod
    def _locale(cls, value: str) -> str:
        try:
            Money(0, "USD").format(value)
        except Exception:  # Babel's own is not a ValueError
            sentence = f"{value} is no locale that is known; write one like en_US"
            raise ValueError(sentence) from None
        return value

    @field_validator("countries")
    @classmethod
    def _countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(len(code) == 2 and code.isupper() for code in value):
            sentence = "Write codes of two capital letters with commas, like US, CA"
            raise ValueError(sentence)
        return value
