"""Rates, parcels, labels and tracking, and the provider that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from opticworks.contracts.places import Address
from opticworks.contracts.vendors import WebhookEvent
from opticworks.money import Money


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
