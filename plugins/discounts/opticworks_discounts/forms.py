"""What staff type of a discount, checked where it is typed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from opticworks import kernel
from opticworks_discounts.models import (
    AUTOMATIC,
    BATCH,
    BUY_GET,
    CODE,
    FIXED,
    FREE_SHIPPING,
    PERCENT,
    Discount,
)

METHODS = {
    CODE: "One code",
    BATCH: "Many codes, each for one order",
    AUTOMATIC: "By itself, without a code",
}
KINDS = {
    PERCENT: "A percentage",
    FIXED: "An amount",
    FREE_SHIPPING: "Free shipping",
    BUY_GET: "Buy some, get others cheaper",
}
#: Fields of one kind only; of any other they are empty.
OF_BUY_GET = ("buy_quantity", "buy_skus", "buy_groups", "get_quantity", "times")
NAMES_HINT = (
    "SKUs, one per line; RS1-* is for all that begin with RS1-; the address of a product's page is "
    "for all of it."
)
WORKS_ON = {
    "product": "Discounts on products",
    "order": "Discounts on the order",
    "shipping": "Free shipping",
}
GOODS = "kind=percent,fixed,buy_get"  #: what is taken off goods
MOST_MONEY = 10**12


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("discounts", sentence)


def _extra(**more: Any) -> dict[str, Any]:
    return more


class DiscountEntry(BaseModel):
    """A discount as it is typed. `method` is decided once, when it is made."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, validate_default=True
    )

    title: str = Field(
        title="Name",
        description="For staff; where a discount comes by itself customers read it too.",
        min_length=1,
        max_length=80,
        json_schema_extra=_extra(section="Discount"),
    )
    method: Literal["code", "batch", "automatic"] = Field(
        "code",
        title="How customers get it",
        json_schema_extra=_extra(choices=METHODS, width="half"),
    )
    code: str = Field(
        "",
        title="Code",
        description="Large and small letters, spaces and dashes make no difference.",
        max_length=60,
        json_schema_extra=_extra(width="half", when="method=code"),
    )
    active: bool = Field(True, title="Turned on")
    kind: Literal["percent", "fixed", "free_shipping", "buy_get"] = Field(
        "percent",
        title="What it takes off",
        json_schema_extra=_extra(choices=KINDS, width="third", section="What it takes off"),
    )
    percent: Decimal | None = Field(
        None,
        title="Percent",
        description="For a percentage, and for what one gets: 100 is free.",
        gt=0,
        le=100,
        max_digits=5,
        decimal_places=2,
        json_schema_extra=_extra(width="third", suffix="%", when="kind=percent,buy_get"),
    )
    amount: int | None = Field(
        None,
        title="Amount",
        description="For an amount, once per order.",
        gt=0,
        le=MOST_MONEY,
        json_schema_extra=_extra(widget="money", width="third", when="kind=fixed"),
    )
    skus: tuple[str, ...] = Field(
        (),
        title="Only for these products",
        description=f"{NAMES_HINT} Nothing here and below: the whole order.",
        max_length=500,
        json_schema_extra=_extra(when=GOODS),
    )
    groups: tuple[str, ...] = Field(
        (),
        title="Only in these collections",
        description="One of them is enough.",
        max_length=100,
        json_schema_extra=_extra(when=GOODS),
    )
    buy_quantity: int | None = Field(
        None,
        title="Buy",
        description="How many.",
        ge=1,
        le=1000,
        json_schema_extra=_extra(
            width="third", section="For buy some, get others cheaper", when="kind=buy_get"
        ),
    )
    get_quantity: int | None = Field(
        None,
        title="Get",
        description="How many get cheaper: the cheapest.",
        ge=1,
        le=1000,
        json_schema_extra=_extra(width="third", when="kind=buy_get"),
    )
    times: int | None = Field(
        None,
        title="At most, times an order",
        description="Empty: as often as it fits.",
        ge=1,
        le=1000,
        json_schema_extra=_extra(width="third", when="kind=buy_get"),
    )
    buy_skus: tuple[str, ...] = Field(
        (),
        title="Buy of these products",
        description=f"{NAMES_HINT} Nothing here and below: of the same that one gets.",
        max_length=500,
        json_schema_extra=_extra(when="kind=buy_get"),
    )
    buy_groups: tuple[str, ...] = Field(
        (),
        title="Buy from these collections",
        description="One is enough.",
        max_length=100,
        json_schema_extra=_extra(when="kind=buy_get"),
    )
    minimum: int = Field(
        0,
        title="Minimum spend",
        description="Of the goods, after other discounts. 0: none.",
        ge=0,
        le=MOST_MONEY,
        json_schema_extra=_extra(widget="money", width="third", section="When it counts"),
    )
    starts_at: datetime | None = Field(
        None, title="From", description="Empty: at once.", json_schema_extra=_extra(width="third")
    )
    ends_at: datetime | None = Field(
        None, title="Until", description="Empty: for ever.", json_schema_extra=_extra(width="third")
    )
    total_limit: int | None = Field(
        None,
        title="Uses in all",
        description="Empty: any number.",
        ge=1,
        le=10**8,
        json_schema_extra=_extra(width="half"),
    )
    customer_limit: int | None = Field(
        None,
        title="Uses per customer",
        description="A customer is an e-mail address. Empty: any number.",
        ge=1,
        le=10**6,
        json_schema_extra=_extra(width="half"),
    )
    exclusive: bool = Field(
        False,
        title="Exclusive: it counts alone and beats every other discount",
        json_schema_extra=_extra(section="Beside other discounts"),
    )
    combines: tuple[Literal["product", "order", "shipping"], ...] = Field(
        ("product", "order", "shipping"),
        title="May stand beside",
        description="Both have to allow it. Of one kind only the best for the customer counts.",
        json_schema_extra=_extra(choices=WORKS_ON),
    )
    methods: tuple[str, ...] = Field(
        (),
        title="Only these deliveries",
        description="Codes of shipping options, one per line, like us-standard. "
        "The cheapest of them is free. Empty: the cheapest of all.",
        json_schema_extra=_extra(section="For free shipping", when="kind=free_shipping"),
    )
    cap: int | None = Field(
        None,
        title="At most",
        description="What the customer saves at most. Empty: all of it.",
        gt=0,
        le=MOST_MONEY,
        json_schema_extra=_extra(widget="money", width="half", when="kind=free_shipping"),
    )
    countries: tuple[str, ...] = Field(
        (),
        title="Only parcels to",
        description="None chosen: everywhere.",
        json_schema_extra=_extra(when="kind=free_shipping"),
    )

    @field_validator("code")
    @classmethod
    def _code(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("method") == CODE and not kernel.fold_code(value):
            raise _refuse("Enter a code of letters and digits, like SUMMER10")
        return kernel.clean_code(value)

    @field_validator("percent")
    @classmethod
    def _percent(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if info.data.get("kind") not in (PERCENT, BUY_GET):
            return None
        if value is None:
            raise _refuse("Enter how many percent it takes off")
        return value

    @field_validator("amount")
    @classmethod
    def _amount(cls, value: int | None, info: ValidationInfo) -> int | None:
        if info.data.get("kind") != FIXED:
            return None
        if value is None:
            raise _refuse("Enter what it takes off")
        return value

    @field_validator("buy_quantity", "get_quantity")
    @classmethod
    def _number(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and info.data.get("kind") == BUY_GET:
            raise _refuse("Enter how many")
        return value

    @field_validator(*OF_BUY_GET)
    @classmethod
    def _only_there(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("kind") == BUY_GET:
            return value
        return () if isinstance(value, tuple) else None

    @field_validator("skus", "buy_skus")
    @classmethod
    def _addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """An address as it is copied from the browser is as good as its path."""
        return tuple(
            urlsplit(value).path if value.startswith(("/", "http://", "https://")) else value
            for value in values
        )

    @field_validator("skus", "buy_skus", "methods")
    @classmethod
    def _lines(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(value) > 100 for value in values):
            raise _refuse("Write one per line, each of at most 100 characters")
        return tuple(dict.fromkeys(value for value in values if value))

    @field_validator("skus", "groups")
    @classmethod
    def _skus(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if values and info.data.get("kind") == FREE_SHIPPING:
            raise _refuse("Free shipping is for whole orders; leave the products empty")
        return values

    @field_validator("ends_at")
    @classmethod
    def _period(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("starts_at")
        if value is not None and start is not None and value <= start:
            raise _refuse("It has to end after it begins")
        return value

    @classmethod
    def of(cls, discount: Discount, code: str) -> dict[str, Any]:
        """What the form is filled with."""
        fields = set(cls.model_fields) - {"code"}
        values = {name: getattr(discount, name) for name in fields}
        return {**values, "code": code}

    def write(self, discount: Discount, currency: str) -> None:
        """Take what was typed over; its amounts are in the currency it was typed in."""
        for name in set(type(self).model_fields) - {"code"}:
            value = getattr(self, name)
            setattr(discount, name, list(value) if isinstance(value, tuple) else value)
        discount.currency = currency


class BatchEntry(BaseModel):
    """How many random codes to make, and the word they begin with."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    count: int = Field(
        100, title="How many", ge=1, le=10_000, json_schema_extra=_extra(width="half")
    )
    prefix: str = Field(
        "",
        title="They begin with",
        description="A word of up to 12 letters and digits, or nothing.",
        max_length=12,
        pattern=r"^[A-Za-z0-9]*$",
        json_schema_extra=_extra(width="half", example="SUMMER"),
    )
