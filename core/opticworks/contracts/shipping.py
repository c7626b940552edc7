"""Rates, parcels, labels and tracking, and the provider that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypedDict, runtime_checkable

from opticworks.contracts.places import Address
from opticworks.contracts.vendors import WebhookEvent
from opticworks.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A packed parcel: grams with its wrapping, outer size in millimetres (length, width, height).

    `box` names the box of the settings it is packed in; `lines` says how many of which SKU lie in
    it. Both are empty where nobody packed yet.
    """

    weight: int
    size: tuple[int, int, int] | None = None
    box: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingLine:
    """So many pieces of one SKU: of each the grams, the size in millimetres, its price, and what a
    customs form asks for."""

    sku: str
    title: str
    quantity: int
    weight: int
    unit_price: Money
    size: tuple[int, int, int] | None = None
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
    working days until delivery. `percentiles` says within how many days so many percent of
    parcels arrive ({50: 2, 90: 3}), where the vendor knows."""

    code: str
    title: str
    amount: Money
    carrier: str = ""
    service: str = ""
    min_days: int | None = None
    max_days: int | None = None
    ref: str = ""
    percentiles: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """What a parcel that crosses a border declares beside its lines."""

    contents: Literal["merchandise", "returned_goods", "gift", "sample", "documents", "other"] = (
        "merchandise"
    )
    signer: str = ""  #: the person who vouches for it; empty: the shop
    explanation: str = ""  #: in words, where `contents` is "other"


class BuyOptions(TypedDict, total=False):
    """What may be asked for with a label. A provider ignores what its vendor does not have."""

    insurance: int  #: minor units of the goods' currency
    signature: Literal["none", "signature", "adult"]
    label_format: Literal["PDF", "PNG", "ZPL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRequest:
    """A parcel about to be shipped; `reference` is its public id here. `lines` are what lies in
    it. With `is_return` the label leads from `destination` back to `origin`; `customs` is there
    when it crosses a border. `options` are those it will be bought with: some vendors ask more
    for a signature, so they have to know before they name rates."""

    reference: str
    order_number: str
    parcel: Parcel
    lines: tuple[ShippingLine, ...]
    origin: Address
    destination: Address
    email: str = ""
    customs: Customs | None = None
    is_return: bool = False
    options: BuyOptions = field(default_factory=BuyOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A bought label. `files` by format ("PDF", "PNG", "ZPL"): the bytes themselves, or the https
    address where they are; the kernel keeps a copy of its own."""

    ref: str
    carrier: str
    service: str
    tracking_number: str
    cost: Money
    tracking_url: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingUpdate:
    """One entry of a parcel's history, as its carrier reported it; `occurred_at` is UTC."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestState:
    """One form for many parcels, such as a SCAN form: `file` (a PDF's bytes, or the https address
    where it is) once it is ready, `message` why there is none."""

    ref: str
    state: Literal["working", "ready", "failed"]
    file: str | bytes = ""
    message: str = ""


@runtime_checkable
class ShippingProvider(Protocol):
    """One source of shipping rates, and of labels if `labels` is true.

    A shipment is prepared first, its `ref` is stored and committed, and only then bought, so
    that after a crash `fetch(ref)` tells whether it was: a vendor without idempotency keys sells
    twice otherwise.

    `track` answers the whole history each time. An event of `read_webhook` carries the `ref` of
    `prepare` (or our reference as its `attempt`): the kernel then asks `track` and `fetch`.

    A provider with a true attribute `fallback` is one of last resort: its rates are offered only
    where no other provider has any. One with a true attribute `at_hand` knows its rates without
    asking anybody or waiting for anything.
    """

    code: str
    title: str
    labels: bool

    def rates(self, request: RateRequest) -> tuple[Rate, ...]:
        """The options for these goods and that address, cheapest first; empty where it does not
        ship. Without parcels, which are not packed yet, it goes by the lines."""
        ...

    def prepare(self, shipment: ShipmentRequest) -> ShipmentState:
        """Make the shipment known to the vendor and answer its ref and rates; costs nothing.
        Without labels this and the methods below raise ProviderError, not retryable."""
        ...

    def buy(self, ref: str, rate: Rate, options: Mapping[str, Any], key: str) -> Label:
        """Buy the label of a prepared shipment, for one of its rates, with some of BuyOptions.
        Repeated, it answers the label that was bought, in another format if that is asked for."""
        ...

    def fetch(self, ref: str) -> ShipmentState:
        """What the vendor knows of a prepared shipment; moves nothing."""
        ...

    def void(self, ref: str, key: str) -> Literal["pending", "done", "failed"]:
        """Give an unused label back. `pending` is followed with `fetch` until it is one of the
        others; `failed` where nothing comes back."""
        ...

    def track(self, ref: str) -> tuple[TrackingUpdate, ...]:
        """The parcel's whole history in order of time; empty where no carrier has seen it."""
        ...

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Verify the raw body and answer its events. Raises BadSignature, NoWebhookSecret or
        NoWebhooks."""
        ...


@runtime_checkable
class ManifestProvider(ShippingProvider, Protocol):
    """A shipping provider that makes one form for many labelled parcels of a carrier.

    No parcel is ever on two forms. `find_manifest` tells on which one the parcels are, None if
    on none: a form whose answer was lost is found again before another one is asked for.
    `refs` are those of `prepare`.
    """

    def manifest(self, refs: Sequence[str], key: str) -> ManifestState:
        """Make the form. Raises ProviderError for a parcel without a label or on another form."""
        ...

    def find_manifest(self, refs: Sequence[str]) -> ManifestState | None:
        """The form that these parcels are on."""
        ...

    def fetch_manifest(self, ref: str) -> ManifestState:
        """How far a form is; its file once it is ready."""
        ...
