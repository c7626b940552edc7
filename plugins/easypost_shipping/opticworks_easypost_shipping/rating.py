"""EasyPost's rates as ours: only those with a usable price, named for people."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from opticworks.contracts import Rate
from opticworks.money import Money, exponent
from opticworks_easypost_shipping.settings import EasyPostSettings

log = logging.getLogger(__name__)

MOST = Decimal(100_000)  #: no parcel costs more; whatever says so is a mistake
#: Carriers whose name at EasyPost is not the one that people know.
CARRIERS = {
    "UPSDAP": "UPS",
    "UPSMailInnovations": "UPS Mail Innovations",
    "FedExDefault": "FedEx",
    "FedExSmartPost": "FedEx SmartPost",
    "DHLExpress": "DHL Express",
    "DHLEcommerce": "DHL eCommerce",
    "CanadaPost": "Canada Post",
}
PERCENTILES = (50, 75, 85, 90, 95, 97, 99)
SMALL = {"AND": "and", "OF": "of", "USPS": "USPS", "UPS": "UPS", "AM": "AM", "PM": "PM"}


def rates(
    answered: Iterable[Any], settings: EasyPostSettings, currency: str = ""
) -> tuple[Rate, ...]:
    """The sound ones of a shipment's rates, cheapest first, each service once.

    What is dropped is logged with its reason, except what the settings leave out. `currency` is
    that of the goods; empty takes any.
    """
    found: dict[str, Rate] = {}
    for each in answered:
        if not _offered(each, settings):
            continue
        try:
            rate = _rate(each, currency)
        except ValueError as error:
            log.warning("Dropped EasyPost's rate %s: %s", _name(each), error)
            continue
        if rate.code not in found or rate.amount < found[rate.code].amount:
            found[rate.code] = rate
    return cheapest_first(found.values())


def cheapest_first(found: Iterable[Rate]) -> tuple[Rate, ...]:
    return tuple(sorted(found, key=lambda rate: (rate.amount, rate.max_days or 99, rate.code)))


def price(value: Any, currency: Any) -> Money:
    """A price as EasyPost writes it: text here, a number there. Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError(f"the price is {value!r}")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"the price is {value!r}") from None
    if not number.is_finite() or not 0 < number <= MOST:
        raise ValueError(f"the price is {value!r}")
    code = str(currency or "")
    units = number.scaleb(exponent(code)).quantize(Decimal(1), ROUND_HALF_UP)
    return Money(int(units), code)


def _rate(each: Any, currency: str) -> Rate:
    carrier, service = (str(each.get(name) or "").strip() for name in ("carrier", "service"))
    if not carrier or not service:
        raise ValueError("its carrier or service has no name")
    amount = price(each.get("rate"), each.get("currency"))
    if currency and amount.currency != currency:
        raise ValueError(f"it is in {amount.currency}, the goods are in {currency}")
    if amount.minor <= 0:
        raise ValueError(f"the price is {each.get('rate')!r}")
    days = _days(each.get("delivery_days")) or _days(each.get("est_delivery_days"))
    name = carrier_name(carrier)
    return Rate(
        code=re.sub(r"[^a-z0-9]+", "-", f"{carrier}-{service}".lower()).strip("-"),
        title=f"{name} {service_name(service, name)}",
        amount=amount,
        carrier=name,
        service=service,
        min_days=days,
        max_days=days,
        ref=str(each.get("id") or ""),
    )


def _days(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 90
    return value if good else None


def _name(each: Any) -> str:
    return f"{each.get('carrier')} {each.get('service')}"


def _offered(each: Any, settings: EasyPostSettings) -> bool:
    carrier = str(each.get("carrier") or "")
    names = {carrier.lower(), carrier_name(carrier).lower()}
    carriers = {name.lower() for name in settings.carriers}
    services = {name.lower() for name in settings.services}
    service = str(each.get("service") or "").lower()
    return (not carriers or bool(names & carriers)) and (not services or service in services)


def carrier_name(carrier: str) -> str:
    return CARRIERS.get(carrier, carrier)


def service_name(service: str, carrier: str) -> str:
    """A service's name in words, of names like GroundAdvantage, FEDEX_2_DAY, 2ndDayAir."""
    if "_" in service or service.isupper():
        words = [SMALL.get(word, word.capitalize()) for word in service.upper().split("_")]
    else:
        words = re.findall(r"\d+[a-z]*|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", service)
    if words and words[0].lower() == carrier.lower().split()[-1]:
        words = words[1:]
    return " ".join(words) or service


def with_percentiles(
    found: Sequence[Rate], smart: Iterable[Any], percentile: int
) -> tuple[Rate, ...]:
    """The rates with SmartRate's days beside them, and the promise of that percentile."""
    known: dict[str, Mapping[int, int]] = {}
    for rate in smart:
        times = rate.get("time_in_transit")
        if times is not None:
            given = {each: _days(times.get(f"percentile_{each}")) for each in PERCENTILES}
            known[str(rate.get("id"))] = {p: days for p, days in given.items() if days is not None}
    changed = []
    for rate in found:
        times = known.get(rate.ref, {})
        if percentile in times:
            soonest = min(times.get(50, times[percentile]), times[percentile])
            rate = replace(rate, min_days=soonest, max_days=times[percentile])
        changed.append(replace(rate, percentiles=times))
    return cheapest_first(changed)


def together(parcels: Sequence[Sequence[Rate]]) -> tuple[Rate, ...]:
    """One rate per service that takes every parcel: all prices, the slowest promise."""
    if len(parcels) == 1:
        return tuple(parcels[0])
    first, *others = ({rate.code: rate for rate in each} for each in parcels)
    whole = []
    for code, rate in first.items():
        if all(code in other for other in others):
            for other in others:
                rate = _sum(rate, other[code])
            whole.append(replace(rate, ref=""))
    return cheapest_first(whole)


def _sum(left: Rate, right: Rate) -> Rate:
    def slower(a: int | None, b: int | None) -> int | None:
        return None if a is None or b is None else max(a, b)

    shared = left.percentiles.keys() & right.percentiles.keys()
    return replace(
        left,
        amount=left.amount + right.amount,
        min_days=slower(left.min_days, right.min_days),
        max_days=slower(left.max_days, right.max_days),
        percentiles={each: max(left.percentiles[each], right.percentiles[each]) for each in shared},
    )
