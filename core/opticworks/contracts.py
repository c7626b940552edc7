"""Frozen data that crosses the line between kernel and plugins, and the provider protocols.

Imports nothing of the project but `money`, so that a plugin's tests need no kernel. Everything
here is immutable: plugins answer with it, the kernel writes. Times are timezone-aware UTC,
weights are grams, sizes millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from opticworks.money import Money, exponent, total

# --- discovery --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Something staff may be allowed to do; `code` is prefixed with the plugin's code."""

    code: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What a plugin says of itself.

    `kernel` is a PEP 440 range of kernel versions; `requires` are codes of plugins that must be
    enabled too; `settings` is a pydantic model whose defaults make a working plugin; `paths` are
    the address prefixes it owns besides `/<code>/` and `/admin/<code>/`.
    """

    code: str
    title: str
    version: str
    category: Literal["goods", "payment", "shipping", "notification", "media", "pricing", "other"]
    description: str = ""
    kernel: str = ""
    requires: tuple[str, ...] = ()
    settings: type[BaseModel] | None = None
    permissions: tuple[Permission, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationBranch:
    """A plugin's Alembic branch: its label is the plugin's code, `path` holds the revisions."""

    path: str
    metadata: Any  #: the sqlalchemy MetaData of the plugin's tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a task runs by itself: five cron fields, in UTC."""

    cron: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A local server that stands in for a vendor: `python -m <module> <arguments>`.

    In the arguments "{port}" is the port it must listen on (127.0.0.1), "{shop}" the shop's
    address, "{var}" the folder for what it keeps. It gets `--parent <pid>` too and ends when
    that process is gone. Its address is `settings["standins"][code]`.
    """

    code: str
    title: str
    module: str
    arguments: tuple[str, ...] = ("--port", "{port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ctx:
    """What every hook that works on data is given.

    `settings` maps a plugin's code to its validated settings ("shop" is the kernel's own);
    `db` is the caller's SQLAlchemy session: read the plugin's own tables with it, never commit.
    """

    settings: Mapping[str, Any]
    now: datetime
    currency: str
    locale: str
    db: Any
    mode: Literal["development", "test", "production"] = "production"
    #: how a page that knows no address shows prices: as in the shop's first country
    display: PriceDisplay = field(default_factory=lambda: PriceDisplay())


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """An entry of the admin's menu. Positions go in tens; `permission` hides it from others."""

    label: str
    path: str
    position: int
    permission: str
    icon: str = "circle"
    count: int | None = None  #: work waiting there


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFragment:
    """What a plugin puts into a named slot: a template (themes may replace it) and its data."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    position: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SitemapEntry:
    """A page for search engines: its canonical path, when what it shows last changed (None when
    that isn't known), and the addresses of its pictures (paths, or absolute)."""

    path: str
    updated_at: datetime | None = None
    images: tuple[str, ...] = ()


# --- goods ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image with the widths it exists in. `srcset` maps a MIME type to a srcset string; `id`
    is the kernel's, empty for an image that the kernel doesn't keep."""

    src: str
    width: int
    height: int
    alt: str
    srcset: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Part of a bundle: so many of that SKU in one bundle. `unit_price` is what the part costs
    alone: it weighs the part's share of the bundle's money; `tax_code` is the part's own. A part
    that is not `tracked` keeps no count and never runs out."""

    sku: str
    quantity: int
    unit_price: Money | None = None
    tax_code: str = ""
    tracked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What may be sold under one SKU, as a goods plugin answers for it.

    `unavailable` is empty, or a plain sentence why it can't be bought (unpublished, discontinued).
    `stock_policy`: "deny" sells what is free, "backorder" sells below zero down to the allowance
    set with the stock, "untracked" keeps no count.
    """

    sku: str
    title: str
    unit_price: Money
    options: tuple[tuple[str, str], ...] = ()
    compare_at_price: Money | None = None
    tax_code: str = ""
    weight: int = 0
    size: tuple[int, int, int] | None = None
    hs_code: str = ""
    origin_country: str = ""
    url: str = ""
    image: Picture | None = None
    stock_policy: Literal["deny", "backorder", "untracked"] = "deny"
    requires_shipping: bool = True
    unavailable: str = ""
    components: tuple[Component, ...] = ()

    @property
    def option_text(self) -> str:
        """The chosen options as a person says them: "Pro / Graphite"."""
        return " / ".join(value for _, value in self.options)

    def shares(self, amount: Money) -> tuple[Money, ...]:
        """`amount` of a line of this bundle spread over its parts, to the cent (largest
        remainder): by what they cost alone, or by their number where that isn't known. Empty
        for what is no bundle."""
        if not self.components:
            return ()
        prices = [part.unit_price for part in self.components if part.unit_price is not None]
        if len(prices) == len(self.components) and any(prices):
            weights = [
                price.minor * part.quantity
                for price, part in zip(prices, self.components, strict=True)
            ]
        else:
            weights = [part.quantity for part in self.components]
        return amount.split(weights)


#: How wide a field is in the admin's forms.
HALF: JsonDict = {"width": "half"}


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
    phone: str = Field("", title="Phone", max_length=40)

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


# --- prices -----------------------------------------------------------------------------------

Stage = Literal["unit", "product", "order", "shipping", "shipping_discount", "tax"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """A use of something limited that comes with an adjustment (a coupon, a gift balance).

    With a `limit` the allowance is made when it is first claimed and never gives more than that
    in all; without one it is what was granted beforehand.
    """

    allowance: str  #: the allowance's key, prefixed with the plugin's code
    amount: int = 1
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One step of a quote's calculation.

    `target` is "order", "shipping" or "line:<key>"; `amount` is signed; `included` marks a tax
    that the price already contains, which therefore adds nothing to the total. `rate` is the
    fraction behind the amount, if there is one; `source` names the plugin (and its rule) that
    said so; `code` is the code on the cart that it answers, if it is one. A tax of nothing is a
    remark that stays with the order (an exemption and its proof, a place without a rate): the
    only tax whose target may be "order".
    """

    stage: Stage
    target: str
    kind: str
    label: str
    amount: Money
    rate: Decimal | None = None
    included: bool = False
    source: str = "kernel"
    claims: tuple[ClaimRequest, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A code that gives nothing, why, and what is missing for it.

    One that `waits` stays on the cart and counts as soon as what is missing is there.
    """

    code: str
    sentence: str
    missing: str = ""
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """A code on the cart: what it does, or why it does nothing.

    "applied" takes `amount` off (zero while shipping is not known yet), "waiting" gives nothing
    now, "refused" nothing at all.
    """

    code: str
    state: Literal["applied", "waiting", "refused"]
    label: str = ""
    amount: Money | None = None
    sentence: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a quote may not be placed, as a sentence for the customer; `target` as in Adjustment."""

    sentence: str
    target: str = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that changed since the customer last looked: a price, an availability."""

    kind: Literal["price", "unavailable", "quantity", "shipping"]
    target: str
    sentence: str
    before: Money | None = None
    after: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A line of a draft or a quote. `subtotal` = unit price x quantity; `total` = subtotal +
    discount (negative or zero) + tax, where a tax that the price includes adds nothing."""

    key: str
    sku: str
    item: Item
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    tax_included: Money
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingChoice:
    """The chosen rate, as stored on the cart when it was fetched."""

    code: str
    title: str
    amount: Money
    provider: str
    carrier: str = ""
    service: str = ""
    min_days: int | None = None
    max_days: int | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDisplay:
    """How prices are shown at a place, and how what was entered becomes what is shown there.

    `label` stands beside a price ("incl. VAT", "plus tax"), or is empty where there is no tax.
    `factors` multiply an entered price, by tax code in lower case ("" for any other);
    `shipping` multiplies the price of shipping.
    """

    label: str = ""
    includes_tax: bool = False
    factors: Mapping[str, Fraction] = field(default_factory=dict)
    shipping: Fraction = Fraction(1)

    def shown(self, price: Money, tax_code: str = "") -> Money:
        """The price as it is shown and charged here, rounded half up."""
        standard = self.factors.get("", Fraction(1))
        factor = self.factors.get(tax_code.strip().lower(), standard)
        return _times(price, factor)

    def shown_rate(self, rate: ShippingChoice) -> ShippingChoice:
        """The shipping option with its price as it is shown and charged here."""
        return replace(rate, amount=_times(rate.amount, self.shipping))

    def unit_price(self, item: Item) -> Money:
        """The item's price here; a bundle's as the sum of what its parts make of it."""
        return self._of(item, item.unit_price)

    def item(self, item: Item) -> Item:
        """The item with its prices as they are shown here."""
        if not self.factors:
            return item
        before = item.compare_at_price
        return replace(
            item,
            unit_price=self.unit_price(item),
            compare_at_price=None if before is None else self._of(item, before),
        )

    def _of(self, item: Item, price: Money) -> Money:
        codes = {part.tax_code for part in item.components}
        if item.tax_code or len(codes) < 2:
            return self.shown(price, item.tax_code or next(iter(codes), ""))
        shares = zip(item.shares(price), item.components, strict=True)
        return total((self.shown(share, part.tax_code) for share, part in shares), price.currency)


def _times(price: Money, factor: Fraction) -> Money:
    if factor == 1:
        return price
    return Money(floor(price.minor * factor + Fraction(1, 2)), price.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A cart on its way to a quote: what `discounts` and `taxes` are asked about.

    `rates` are the shipping options there are, cheapest first, once one is chosen. `agreed_at` is
    when the customer was shown the quote that is being placed: what ended since then still
    holds. `open_order` is the number of the cart's own order that awaits its payment; what that
    one has claimed is not used up for this cart.
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    adjustments: tuple[Adjustment, ...]
    shipping: ShippingChoice | None
    codes: tuple[str, ...]
    email: str
    address: Address | None
    rates: tuple[ShippingChoice, ...] = ()
    agreed_at: datetime | None = None
    open_order: str = ""

    @property
    def shipping_total(self) -> Money:
        """What shipping costs by now: its price with its discounts."""
        steps = (a.amount for a in self.adjustments if a.target == "shipping" and not a.included)
        return total(steps, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A cart priced at one instant: frozen, with a trace of every step, and its hash.

    `total` = sum of line totals + `shipping_total` = sum of the trace's amounts that are not
    included. `hash` covers everything the customer agrees to; it is what a form posts back.
    Prices are as `display` shows them; taxes are `estimated` while no address is known.
    """

    currency: str
    lines: tuple[QuoteLine, ...]
    trace: tuple[Adjustment, ...]
    shipping: ShippingChoice | None
    refusals: tuple[Refusal, ...]
    objections: tuple[Objection, ...]
    notices: tuple[Notice, ...]
    subtotal: Money
    discount_total: Money
    shipping_total: Money
    tax_total: Money
    total: Money
    requires_shipping: bool
    hash: str
    codes: tuple[CodeState, ...] = ()
    display: PriceDisplay = field(default_factory=PriceDisplay)
    estimated: bool = False

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def weight(self) -> int:
        """Grams of everything that has to be shipped."""
        return sum(
            line.item.weight * line.quantity for line in self.lines if line.item.requires_shipping
        )


# --- payments ---------------------------------------------------------------------------------


class ProviderError(Exception):
    """The provider can't be asked or answered nonsense; `retryable` if trying again may help.

    The message is for staff and logs and holds no secret.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class BadSignature(Exception):
    """A webhook that its sender did not sign, or signed too long ago."""


class NoWebhooks(BadSignature):
    """This provider has no webhooks, so whatever comes is not from its vendor."""


class NoWebhookSecret(BadSignature):
    """Nothing can be verified: no signing secret is set. The message says which, for staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOffer:
    """A way to pay, as shown in the checkout. `template` renders the provider's own fields."""

    title: str
    description: str = ""
    icon: str = ""
    template: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIntent:
    """What is to be paid. `attempt` is our id for this try: it goes into the vendor's metadata."""

    attempt: str
    order_number: str
    amount: Money
    email: str
    description: str
    return_url: str
    address: Address | None = None
    data: Mapping[str, str] = field(default_factory=dict)  #: what the provider's fields posted


PaymentState = Literal["action", "pending", "authorized", "captured", "failed", "canceled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A fact the buyer needs to pay ("IBAN", "DE02…"); `copy` offers a copy button."""

    label: str
    value: str
    copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentResult:
    """A provider's answer. `action`: the browser has to do something: go to `data["redirect_url"]`,
    or what the provider's own script makes of `data`;
    `pending`: accepted, money comes later, goods are held until `expires_at`;
    `message` is for the buyer when it failed."""

    state: PaymentState
    ref: str
    money: Money
    data: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    instructions: tuple[Instruction, ...] = ()
    expires_at: datetime | None = None
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    state: Literal["pending", "done", "failed"]
    ref: str
    money: Money
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One verified fact from a vendor. `id` is the vendor's event id (for deduplication);
    `attempt` our attempt id from the vendor's metadata if it is there, `ref` the vendor's."""

    id: str
    kind: str
    ref: str = ""
    attempt: str = ""
    occurred_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class PaymentProvider(Protocol):
    """One way of taking money. No session: it runs outside transactions, in any thread.

    Every call with a `key` acts once per key, however often it is repeated. Raises ProviderError
    when the vendor can't be reached, so that the caller retries with the same key.
    """

    code: str
    title: str

    def offers(self, quote: Quote) -> tuple[PaymentOffer, ...]: ...
    def start(self, intent: PaymentIntent, key: str) -> PaymentResult: ...
    def fetch(self, ref: str) -> PaymentResult: ...
    def capture(self, ref: str, money: Money, key: str) -> PaymentResult: ...
    def cancel(self, ref: str, key: str) -> PaymentResult: ...
    def refund(self, ref: str, money: Money, key: str) -> RefundResult: ...
    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]: ...


# --- shipping ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    weight: int
    size: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingLine:
    sku: str
    title: str
    quantity: int
    weight: int
    unit_price: Money
    hs_code: str = ""
    origin_country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRequest:
    """`deadline` is the number of seconds a provider may take before a fallback is used."""

    parcels: tuple[Parcel, ...]
    lines: tuple[ShippingLine, ...]
    goods_value: Money
    origin: Address
    destination: Address
    deadline: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A shipping option. `code` is stable and unique within the provider's answer; days are
    working days until delivery."""

    code: str
    title: str
    amount: Money
    carrier: str = ""
    service: str = ""
    min_days: int | None = None
    max_days: int | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRequest:
    """A parcel about to be shipped; `reference` is our shipment's public id."""

    reference: str
    order_number: str
    parcel: Parcel
    lines: tuple[ShippingLine, ...]
    origin: Address
    destination: Address
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    ref: str
    carrier: str
    service: str
    tracking_number: str
    cost: Money
    tracking_url: str = ""
    files: Mapping[str, str] = field(default_factory=dict)  #: format ("PDF") to address


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingUpdate:
    status: Literal[
        "unknown",
        "pre_transit",
        "in_transit",
        "out_for_delivery",
        "available_for_pickup",
        "delivered",
        "return_to_sender",
        "failure",
        "canceled",
    ]
    occurred_at: datetime
    description: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentState:
    """What the vendor knows of a prepared shipment; `label` once it was bought."""

    ref: str
    rates: tuple[Rate, ...] = ()
    label: Label | None = None
    void: Literal["", "pending", "done", "failed"] = ""


@runtime_checkable
class ShippingProvider(Protocol):
    """One source of shipping rates, and of labels if `labels` is true.

    A shipment is prepared first, its `ref` is stored and committed, and only then bought, so
    that after a crash `fetch(ref)` tells whether it was: a vendor without idempotency keys sells
    twice otherwise.
    """

    code: str
    title: str
    labels: bool

    def rates(self, request: RateRequest) -> tuple[Rate, ...]: ...
    def prepare(self, shipment: ShipmentRequest) -> ShipmentState: ...
    def buy(self, ref: str, rate: Rate, options: Mapping[str, Any], key: str) -> Label: ...
    def fetch(self, ref: str) -> ShipmentState: ...
    def void(self, ref: str, key: str) -> Literal["pending", "done", "failed"]: ...
    def track(self, ref: str) -> tuple[TrackingUpdate, ...]: ...
    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]: ...


# --- notifications ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """A message that a fact deserves. The kernel renders `template` (themes may replace it) with
    `data`, the order and the shop, stores it once per (event, kind, recipient), and sends it."""

    kind: str
    to: str
    subject: str
    template: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A rendered mail; `message_id` is the same on every try (RFC 5322, with the brackets)."""

    message_id: str
    sender: str
    to: str
    subject: str
    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    id: str
    ref: str
    state: Literal["delivered", "bounced", "complained"]
    recipient: str = ""
    detail: str = ""
    occurred_at: datetime | None = None


@runtime_checkable
class Mailer(Protocol):
    """Sends rendered messages. `keyed` is true when the vendor itself sends once per key;
    otherwise the kernel can only promise the same Message-ID on a repeat."""

    code: str
    title: str
    keyed: bool

    def send(self, message: OutgoingMessage, key: str) -> str: ...
    def read_webhook(
        self, body: bytes, headers: Mapping[str, str]
    ) -> tuple[DeliveryEvent, ...]: ...


# --- addresses and images ---------------------------------------------------------------------


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


@runtime_checkable
class ImageStore(Protocol):
    """Keeps pictures and gives their addresses in any of the widths and formats asked for.

    `put` is given a clean picture (upright, sRGB, no metadata) and answers the store's own id;
    once per key. `url` asks nobody: it is a path or an https address that stays the same, for
    the formats avif, webp, jpg and png. `delete` of what is gone already is no error.
    """

    code: str
    title: str

    def put(self, content: bytes, content_type: str, key: str) -> str: ...
    def url(self, id: str, width: int, format: str) -> str: ...
    def delete(self, id: str) -> None: ...


# --- orders as plugins and templates see them --------------------------------------------------

PaymentStatus = Literal["unpaid", "pending", "authorized", "paid", "refunded", "part_refunded"]
FulfilmentStatus = Literal["unfulfilled", "part_shipped", "shipped", "part_delivered", "delivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    sku: str
    title: str
    options: str
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    url: str = ""
    image: Picture | None = None
    shipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    provider: str
    title: str
    status: str
    amount: Money
    instructions: tuple[Instruction, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentView:
    id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    status: str
    shipped_at: datetime | None
    lines: tuple[tuple[str, str, int], ...] = ()  #: (sku, title, quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as it stands: its frozen quote and what has happened to it since."""

    number: str
    url: str  #: absolute address of the customer's order page
    email: str
    status: Literal["awaiting_payment", "confirmed", "completed", "canceled"]
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    placed_at: datetime
    currency: str
    lines: tuple[OrderLineView, ...]
    trace: tuple[Adjustment, ...]
    address: Address
    shipping_title: str
    subtotal: Money
    discount_total: Money
    shipping_total: Money
    tax_total: Money
    total: Money
    payment: PaymentView | None = None
    shipments: tuple[ShipmentView, ...] = ()
    cancel_reason: str = ""


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


CommandGroup = Any  #: a click.Group; the commands hook adds to it
TaskHandler = Callable[..., Any]
Lines = Sequence[QuoteLine]
