"""What the stand-in's carriers ask: by weight, zone and service, always the same.

A made-up table. A parcel of 15.4 oz in zone 4 costs what EasyPost's test mode asked for it when
the exchanges in tests/data were recorded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MOST_OUNCES = 1120  #: 70 lb
UNSERVED = frozenset({"CU", "IR", "KP", "SY"})
SURCHARGES = {"SIGNATURE": 370, "ADULT_SIGNATURE": 690}
PERCENTILES = {50: 0, 75: 0, 85: 0, 90: 1, 95: 1, 97: 2, 99: 4}  #: days beyond the usual


@dataclass(frozen=True)
class Service:
    """Cents: a base, for each zone, and for each started half pound. `days` near, middle, far."""

    carrier: str
    name: str
    base: int
    zone: int
    half_pound: int
    days: tuple[int | None, int | None, int | None]
    abroad: bool = False


SERVICES = (
    Service("USPS", "GroundAdvantage", 379, 40, 34, (3, 4, 5)),
    Service("USPS", "Priority", 494, 42, 40, (2, 2, 3)),
    Service("USPS", "Express", 2675, 150, 70, (1, 1, 2)),
    Service("UPSDAP", "Ground", 690, 45, 30, (2, 4, 5)),
    Service("UPSDAP", "2ndDayAir", 1590, 160, 60, (2, 2, 2)),
    Service("UPSDAP", "NextDayAir", 3990, 220, 90, (1, 1, 1)),
    Service(
        "USPS",
        "FirstClassPackageInternationalService",
        1490,
        0,
        55,
        (None, None, None),
        abroad=True,
    ),
    Service("USPS", "PriorityMailInternational", 4195, 0, 120, (8, 8, 8), abroad=True),
    Service("DHLExpress", "ExpressWorldwideNonDoc", 5890, 0, 180, (3, 3, 3), abroad=True),
)
ACCOUNTS = {
    "USPS": "ca_b25657e9896e4d63ac8151ac346ac41e",
    "UPSDAP": "ca_00000000000000000000000000000ups",
    "DHLExpress": "ca_00000000000000000000000000000dhl",
}


@dataclass(frozen=True)
class Price:
    service: Service
    cents: int
    days: int | None

    @property
    def amount(self) -> str:
        return f"{Decimal(self.cents) / 100:.2f}"


def zone(origin: Mapping[str, Any], destination: Mapping[str, Any]) -> int | None:
    """The zone between two US addresses, by the distance of their ZIP prefixes."""
    codes = [str(place.get("zip") or "")[:3] for place in (origin, destination)]
    if not is_domestic(origin, destination) or not all(len(c) == 3 and c.isdigit() for c in codes):
        return None
    distance = abs(int(codes[0]) - int(codes[1]))
    return 1 + sum(distance > bound for bound in (4, 15, 30, 60, 150, 300, 500))


def is_domestic(origin: Mapping[str, Any], destination: Mapping[str, Any]) -> bool:
    return origin.get("country") == destination.get("country") == "US"


def refusal(destination: Mapping[str, Any], ounces: float) -> str:
    """Why no carrier takes the parcel; empty when one does."""
    if destination.get("country") in UNSERVED:
        return "shipping to this country is not available"
    if not 0 < ounces <= MOST_OUNCES:
        return "the package weight is out of range for this carrier"
    return ""


def prices(
    origin: Mapping[str, Any], destination: Mapping[str, Any], ounces: float, confirmation: str
) -> Iterator[Price]:
    """Every service that takes the parcel."""
    if refusal(destination, ounces):
        return
    domestic = is_domestic(origin, destination)
    number = zone(origin, destination) or 8
    far = 0 if number <= 4 else 1 if number <= 6 else 2
    for service in SERVICES:
        if service.abroad == domestic:
            continue
        cents = service.base + service.zone * number * domestic
        cents += service.half_pound * math.ceil(ounces / 8) + SURCHARGES.get(confirmation, 0)
        yield Price(service, cents, service.days[far])


def time_in_transit(days: int | None) -> dict[str, int] | None:
    """SmartRate's percentiles for a service that takes so many days."""
    if days is None:
        return None
    return {f"percentile_{percent}": days + late for percent, late in PERCENTILES.items()}
