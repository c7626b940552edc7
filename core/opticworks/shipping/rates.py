"""Asking every shipping provider for rates, outside transactions, within a deadline."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from opticworks import contracts as c
from opticworks.money import Money

log = logging.getLogger(__name__)

RATES_VALID_HOURS = 24
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="rates")


def request_for(
    lines: Sequence[c.QuoteLine], origin: c.Address, destination: c.Address, goods_value: Money
) -> c.RateRequest:
    """One parcel with everything that has to be shipped."""
    shipped = [line for line in lines if line.item.requires_shipping and not line.item.unavailable]
    return c.RateRequest(
        parcels=(c.Parcel(weight=sum(line.item.weight * line.quantity for line in shipped)),),
        lines=tuple(
            c.ShippingLine(
                sku=line.sku,
                title=line.item.title,
                quantity=line.quantity,
                weight=line.item.weight,
                unit_price=line.unit_price,
                hs_code=line.item.hs_code,
                origin_country=line.item.origin_country,
            )
            for line in shipped
        ),
        goods_value=goods_value,
        origin=origin,
        destination=destination,
    )


def key_of(request: c.RateRequest) -> str:
    """A fingerprint of what the rates depend on; another key means they must be asked again."""
    place = request.destination
    depends_on = [
        [(line.sku, line.quantity, line.weight) for line in request.lines],
        [request.goods_value.minor, request.goods_value.currency],
        [place.country, place.state, place.postal_code, place.city, place.line1],
    ]
    return hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:32]


def ask(
    providers: Mapping[str, c.ShippingProvider], request: c.RateRequest
) -> list[c.ShippingChoice]:
    """Every provider's rates, cheapest first. A provider that fails or is late has none.

    An amount that is negative, or of another currency, is refused here: a wrong rate must never
    reach a total.
    """
    futures = {_pool.submit(provider.rates, request): code for code, provider in providers.items()}
    done, late = wait(futures, timeout=request.deadline)
    for future in late:
        future.cancel()
        log.warning("Shipping provider %s gave no rates within the deadline", futures[future])
    choices = []
    for future in done:
        code = futures[future]
        try:
            rates = future.result()
        except Exception as error:
            log.warning("Shipping provider %s gave no rates: %s", code, error)
            continue
        choices += [_choice(code, rate) for rate in rates if _sound(code, rate, request)]
    return sorted(
        choices, key=lambda choice: (choice.amount.minor, choice.max_days or 99, choice.code)
    )


def _sound(code: str, rate: c.Rate, request: c.RateRequest) -> bool:
    good = rate.amount.minor >= 0 and rate.amount.currency == request.goods_value.currency
    if not good:
        log.error("Shipping provider %s answered the impossible rate %s", code, rate.amount)
    return good


def _choice(provider: str, rate: c.Rate) -> c.ShippingChoice:
    return c.ShippingChoice(
        code=f"{provider}:{rate.code}",
        title=rate.title,
        amount=rate.amount,
        provider=provider,
        carrier=rate.carrier,
        service=rate.service,
        min_days=rate.min_days,
        max_days=rate.max_days,
        ref=rate.ref,
    )


def to_json(choice: c.ShippingChoice) -> dict[str, Any]:
    return {
        "code": choice.code,
        "title": choice.title,
        "amount": choice.amount.minor,
        "currency": choice.amount.currency,
        "provider": choice.provider,
        "carrier": choice.carrier,
        "service": choice.service,
        "min_days": choice.min_days,
        "max_days": choice.max_days,
        "ref": choice.ref,
    }


def from_json(data: Mapping[str, Any]) -> c.ShippingChoice:
    fields = dict(data)
    amount = Money(fields.pop("amount"), fields.pop("currency"))
    return c.ShippingChoice(amount=amount, **fields)
