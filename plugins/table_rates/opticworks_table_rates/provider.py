"""Shipping rates read from the table in the settings: no vendor, no network, no labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from opticworks.contracts import (
    Label,
    NoWebhooks,
    ProviderError,
    Rate,
    RateRequest,
    ShipmentRequest,
    ShipmentState,
    TrackingUpdate,
    WebhookEvent,
)
from opticworks.money import Money
from opticworks_table_rates.settings import Service, TableRatesSettings

CODE = "table_rates"


class TableRates:
    """Rates by weight, goods value and destination. Labels are made by hand."""

    code = CODE
    title = "Table rates"
    labels = False
    at_hand = True

    def __init__(self, settings: TableRatesSettings) -> None:
        self.fallback = settings.offered == "fallback"
        self._services = settings.services

    def rates(self, request: RateRequest) -> tuple[Rate, ...]:
        """The options for that address, cheapest first; empty where the shop doesn't ship."""
        weight = _weight(request)
        destination = request.destination
        rates = [
            _rate(service, amount)
            for service in self._services
            if service.serves(destination.country, destination.state)
            and (amount := _price(service, weight, request.goods_value)) is not None
        ]
        return tuple(sorted(rates, key=lambda rate: (rate.amount, rate.max_days or 0, rate.code)))

    def prepare(self, shipment: ShipmentRequest) -> ShipmentState:
        _by_hand()

    def buy(self, ref: str, rate: Rate, options: Mapping[str, Any], key: str) -> Label:
        _by_hand()

    def fetch(self, ref: str) -> ShipmentState:
        _by_hand()

    def void(self, ref: str, key: str) -> Literal["pending", "done", "failed"]:
        _by_hand()

    def track(self, ref: str) -> tuple[TrackingUpdate, ...]:
        _by_hand()

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[WebhookEvent, ...]:
        """Always NoWebhooks: a table sends nothing."""
        raise NoWebhooks("Table rates have no webhooks.")


def _by_hand() -> NoReturn:
    raise ProviderError(
        "Table rates sell no labels. Make the label with the carrier and enter its tracking "
        "number by hand.",
        retryable=False,
    )


def _weight(request: RateRequest) -> int:
    """Grams of the parcels, which include their wrapping; of the lines when none is packed yet."""
    if request.parcels:
        return sum(parcel.weight for parcel in request.parcels)
    return sum(line.weight * line.quantity for line in request.lines)


def _price(service: Service, weight: int, goods_value: Money) -> Money | None:
    """What the service costs for that weight; None when it is too heavy for it."""
    currency = goods_value.currency
    fitting = [bracket for bracket in service.brackets if weight <= bracket.max_weight]
    if not fitting:
        return None
    if service.free_from is not None and goods_value >= Money.parse(service.free_from, currency):
        return Money.zero(currency)
    return Money.parse(fitting[0].price, currency)


def _rate(service: Service, amount: Money) -> Rate:
    return Rate(
        code=service.code,
        title=service.title,
        amount=amount,
        carrier=service.carrier,
        service=service.title,
        min_days=service.min_days,
        max_days=service.max_days,
    )
