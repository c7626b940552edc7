"""The kernel's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from opticworks.contracts.language import N_
from opticworks.contracts.places import Address, no_country
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
        pattern=r"^[^@\s]+@[^@\s]+$",
        json_schema_extra={"widget": "email", "example": "shop@example.com"},
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
    away_minutes: int = Field(
        60,
        title="Minutes while paying on another page",
        description="With ways to pay that lead away and back, such as Klarna or PayPal.",
        ge=1,
        le=1440,
        json_schema_extra={"width": "half"},
    )
    capture: Literal["at_once", "authorize"] = Field(
        "at_once",
        title="Take the money",
        description="Ways to pay that can't wait take it at once in any case. An authorization "
        "lapses after about a week.",
        json_schema_extra={
            "choices": {
                "at_once": "At once, when the order is placed",
                "authorize": "Authorize first, take it when the first parcel leaves",
            }
        },
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

    mailer: str = Field(
        "",
        title="Mail leaves through",
        description="Holds for the next mail. Offered are the plugins that are enabled and set up.",
        pattern=r"^[a-z0-9_]*$",
        max_length=40,
        json_schema_extra={"section": "Mail"},
    )

    alerts: str = Field(
        "",
        title="Alerts to staff go to",
        description="E-mail addresses with commas between them; empty: to nobody.",
        pattern=r"^\s*([^@\s,]+@[^@\s,]+\s*(,\s*[^@\s,]+@[^@\s,]+\s*)*)?$",
        max_length=500,
        json_schema_extra={"example": "ada@example.com, bo@example.com"},
    )
    alert_stock: bool = Field(True, title="When something runs low")
    alert_orders: bool = Field(False, title="For every new order")
    digest: bool = Field(False, title="Every morning: what came in, and what waits")
    digest_hour: int = Field(
        7,
        title="From which hour on",
        description="0 to 23, in the shop's time zone.",
        ge=0,
        le=23,
        json_schema_extra={"width": "half"},
    )

    @property
    def alert_addresses(self) -> tuple[str, ...]:
        """Who of the staff gets alerts."""
        return tuple(part.strip() for part in self.alerts.split(",") if part.strip())

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

    def written_in(self, locale: str) -> ShopSettings:
        """The settings with another locale, for what is written to somebody who reads that; as
        they are for one that is empty or unknown."""
        if locale == self.locale or not _is_locale(locale):
            return self
        return self.model_copy(update={"locale": locale})

    @field_validator("locale")
    @classmethod
    def _locale(cls, value: str) -> str:
        if not _is_locale(value):
            sentence = f"{value} is no locale that is known; write one like en_US"
            raise ValueError(sentence)
        return value

    @field_validator("countries")
    @classmethod
    def _countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(len(code) == 2 and code.isupper() for code in value):
            sentence = "Write codes of two capital letters with commas, like US, CA"
            raise ValueError(sentence)
        if sentence := no_country(value):
            raise ValueError(sentence)
        return value


def _is_locale(value: str) -> bool:
    try:
        return bool(value and Money(0, "USD").format(value))
    except Exception:  # Babel's own is not a ValueError
        return False


class Box(BaseModel):
    """A box that the shop packs with: inner size in millimetres, weights in grams."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(title="Name", min_length=1, max_length=60)
    length: int = Field(title="Length (mm)", gt=0, le=5_000, json_schema_extra={"width": "half"})
    width: int = Field(title="Width (mm)", gt=0, le=5_000, json_schema_extra={"width": "half"})
    height: int = Field(title="Height (mm)", gt=0, le=5_000, json_schema_extra={"width": "half"})
    weight: int = Field(
        0, title="Empty weight (g)", ge=0, le=100_000, json_schema_extra={"width": "half"}
    )
    max_weight: int = Field(
        20_000, title="Holds up to (g)", gt=0, le=1_000_000, json_schema_extra={"width": "half"}
    )

    @property
    def size(self) -> tuple[int, int, int]:
        return (self.length, self.width, self.height)


class ShippingSettings(BaseModel):
    """How the shop packs and ships, under the key "shipping". Amounts are in its currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boxes: tuple[Box, ...] = Field(
        (),
        title="Boxes",
        description="What an order is packed into. Without boxes it is one parcel by weight.",
        json_schema_extra={"section": "Packing"},
    )
    free_from: Decimal | None = Field(
        None,
        title="Free shipping from goods worth",
        description="The cheapest way of shipping costs nothing from this value on. Empty: never.",
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        json_schema_extra={"section": "What customers pay", "width": "half"},
    )
    handling_fee: Decimal = Field(
        Decimal(0),
        title="Handling fee",
        description="Added to every price of shipping that is not free.",
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        json_schema_extra={"width": "half"},
    )
    suggest_addresses: bool = Field(
        True,
        title="Suggest corrections of addresses at checkout",
        description="Asked of the first plugin that checks addresses. It never stops a sale.",
    )
    label_format: Literal["PDF", "PNG", "ZPL"] = Field(
        "PDF",
        title="Format of labels",
        json_schema_extra={
            "section": "Labels",
            "width": "half",
            "choices": {"PDF": "PDF", "PNG": "PNG", "ZPL": "ZPL, for label printers"},
        },
    )
    signature: Literal["none", "signature", "adult"] = Field(
        "none",
        title="Signature on delivery",
        json_schema_extra={
            "width": "half",
            "choices": {
                "none": "No signature",
                "signature": "Signature of anybody there",
                "adult": "Signature of an adult",
            },
        },
    )
    customs_signer: str = Field("", title="Who signs customs declarations", max_length=80)
    automatic_labels: bool = Field(
        False,
        title="Buy labels by themselves",
        description="An order that is paid, or whose money is authorized, gets its label without "
        "anybody's doing.",
        json_schema_extra={"section": "Labels by themselves"},
    )
    most_cost: Decimal = Field(
        Decimal(25),
        title="Ask staff above a cost of",
        description="For all parcels of an order together.",
        ge=0,
        le=100_000,
        allow_inf_nan=False,
        json_schema_extra={"width": "half"},
    )
    rule: Literal["ordered", "cheapest", "fastest", "within", "preferred"] = Field(
        "ordered",
        title="Which rate",
        description="Preferred carriers that offer nothing leave it to the cheapest of the others.",
        json_schema_extra={
            "width": "half",
            "choices": {
                "ordered": "What the customer chose",
                "cheapest": "The cheapest",
                "fastest": "The fastest",
                "within": "The cheapest within so many days",
                "preferred": "The cheapest of preferred carriers",
            },
        },
    )
    within_days: int = Field(
        3, title="Within so many days", ge=1, le=60, json_schema_extra={"width": "half"}
    )
    carriers: tuple[str, ...] = Field(
        (), title="Preferred carriers", description="One per line.", max_length=20
    )

    @field_validator("boxes")
    @classmethod
    def _named_once(cls, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        names = [box.name.casefold() for box in boxes]
        twice = next((box.name for box in boxes if names.count(box.name.casefold()) > 1), None)
        if twice is not None:
            sentence = f"Two boxes are called {twice}; give one another name"
            raise ValueError(sentence)
        return boxes


#: Where consumers may withdraw from a contract made at a distance: the EU and the rest of the EEA.
WITHDRAWAL_COUNTRIES = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)


class ReturnSettings(BaseModel):
    """What customers may send back and until when, under the key "returns"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        True,
        title="Customers may ask for a return",
        description="From the page of their order, guests too.",
        json_schema_extra={"section": "Returns"},
    )
    days: int = Field(
        30,
        title="Days after delivery",
        ge=1,
        le=3650,
        json_schema_extra={"width": "half"},
    )
    transit_days: int = Field(
        10,
        title="Days a parcel takes, if nobody reports its delivery",
        ge=0,
        le=120,
        json_schema_extra={"width": "half"},
    )
    instructions: str = Field(
        N_(
            "Pack the items well, in their own box if you still have it, and put a note with the "
            "number of the return inside."
        ),
        title="What customers are told to do",
        description="Shown with an approved return and in its mail.",
        max_length=2000,
        json_schema_extra={"widget": "textarea", "rows": 4},
    )
    alert: bool = Field(
        True,
        title="Mail staff about each request and withdrawal",
        description="To the addresses under The shop, Alerts.",
    )
    credit_prefix: str = Field(
        "CN-",
        title="Numbers of credit notes begin with",
        description="One is written for each refund, of a return or not, numbered without a gap.",
        pattern=r"^[A-Za-z0-9/._-]{1,12}$",
        max_length=12,
        json_schema_extra={"width": "half"},
    )
    withdrawal_days: int = Field(
        14,
        title="Days after delivery",
        description="The law's least is 14 in the EU.",
        ge=1,
        le=3650,
        json_schema_extra={"section": "Withdrawal from the contract", "width": "half"},
    )
    withdrawal_countries: tuple[str, ...] = Field(
        WITHDRAWAL_COUNTRIES,
        title="Countries whose consumers may withdraw",
        description="Codes of two letters, one per line; by where an order is sent. Orders with "
        "a VAT ID are a company's and not asked.",
    )

    @field_validator("withdrawal_countries")
    @classmethod
    def _codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(len(code) == 2 and code.isascii() and code.isupper() for code in value):
            sentence = "Write codes of two capital letters, like DE, one per line"
            raise ValueError(sentence)
        if sentence := no_country(value):
            raise ValueError(sentence)
        return value


class DocumentSettings(BaseModel):
    """What is printed and sent as a PDF, under the key "documents"."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    paper: Literal["letter", "a4"] = Field(
        "letter",
        title="Paper",
        json_schema_extra={
            "section": "Paper",
            "width": "half",
            "choices": {"letter": "Letter, 8.5 × 11 inches", "a4": "A4"},
        },
    )
    slip_paper: Literal["sheet", "4x6", "a6"] = Field(
        "sheet",
        title="Packing slips on",
        json_schema_extra={
            "width": "half",
            "choices": {
                "sheet": "The paper above",
                "4x6": "Labels, 4 × 6 inches",
                "a6": "Labels, A6",
            },
        },
    )
    slip_note: str = Field(
        "",
        title="Under every packing slip",
        description="How to return something, whom to ask, a word of thanks.",
        max_length=600,
        json_schema_extra={"widget": "textarea", "rows": 3},
    )
    invoices: bool = Field(
        True,
        title="Write an invoice for each paid order",
        description="Numbered without a gap, and never changed afterwards.",
        json_schema_extra={"section": "Invoices"},
    )
    attach_invoice: bool = Field(
        False,
        title="Attach it to the mail that says an order is paid",
        description="The confirmation, if it was paid while ordering.",
    )
    prefix: str = Field(
        "INV-",
        title="Invoice numbers begin with",
        description="Numbers of another beginning are counted from 1.",
        pattern=r"^[A-Za-z0-9/._-]{0,12}$",
        max_length=12,
        json_schema_extra={"width": "half"},
    )
    seller: str = Field(
        "",
        title="Who writes the invoice",
        description="Name and address, a line each. Empty: the shop and where parcels leave from.",
        max_length=600,
        json_schema_extra={"widget": "textarea", "rows": 5},
    )
    tax_ids: str = Field(
        "",
        title="Tax numbers of the shop",
        description="A line each, as they are printed: VAT ID DE123456789.",
        max_length=300,
        json_schema_extra={"widget": "textarea", "rows": 2},
    )
    footer: str = Field(
        "",
        title="Under every invoice",
        description="Bank, register, managing directors: whatever your law wants.",
        max_length=600,
        json_schema_extra={"widget": "textarea", "rows": 3},
    )


#: The kernel's own settings by their key.
KERNEL_SETTINGS: Mapping[str, type[BaseModel]] = {
    "shop": ShopSettings,
    "shipping": ShippingSettings,
    "returns": ReturnSettings,
    "documents": DocumentSettings,
}
