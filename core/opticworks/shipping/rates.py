"""Asking every shipping provider for rates, outside transactions, within a deadline.

What a provider answers is kept in Redis for a quarter of an hour under a hash of the question;
without Redis each question is asked. Who has its rates at hand is simply called. A rate that
can't be right is dropped with a reason, and where no carrier answers, a provider of last resort
(table rates) stands in, which staff see.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict as dataclass_fields
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from opticworks import contracts as c
from opticworks.money import Money
from opticworks.shipping.packing import pack, pieces_of

log = logging.getLogger(__name__)

RATES_VALID_HOURS = 24
CACHED_SECONDS = 15 * 60
DEADLINE = 3.0  #: seconds that a customer is kept waiting for providers
#: Threads for each provider, so that one whose vendor hangs takes none from the others.
_pools: dict[str, ThreadPoolExecutor] = {}


class Cache(Protocol):
    """What is needed of a Redis client."""

    def mget(self, keys: list[str]) -> Any: ...
    def set(self, name: str, value: str, *, ex: int) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the providers offer, cheapest first, and what was wrong, in sentences for staff."""

    choices: tuple[c.ShippingChoice, ...]
    notes: tuple[str, ...] = ()


def request_for(
    lines: Sequence[c.QuoteLine], origin: c.Address, destination: c.Address, goods_value: Money
) -> c.RateRequest:
    """What is asked for everything that has to be shipped; not packed yet (`packed`)."""
    shipped = [line for line in lines if line.item.requires_shipping and not line.item.unavailable]
    return c.RateRequest(
        parcels=(),
        lines=tuple(
            c.ShippingLine(
                sku=line.sku,
                title=line.item.title,
                quantity=line.quantity,
                weight=line.item.weight,
                size=line.item.size,
                unit_price=line.unit_price,
                hs_code=line.item.hs_code,
                origin_country=line.item.origin_country,
            )
            for line in shipped
        ),
        goods_value=goods_value,
        origin=origin,
        destination=destination,
        deadline=DEADLINE,
    )


def packed(request: c.RateRequest, boxes: Sequence[c.Box]) -> c.RateRequest:
    """The request with the parcels that its lines go into."""
    return replace(request, parcels=tuple(pack(list(pieces_of(request.lines)), boxes)))


def key_of(request: c.RateRequest, settings: c.ShippingSettings | None = None) -> str:
    """A fingerprint of what the rates depend on; another key means they must be asked again."""
    ends = [
        [place.country, place.state, place.postal_code, place.city, place.line1]
        for place in (request.destination, request.origin)
    ]
    shop = settings and [settings.boxes, settings.free_from, settings.handling_fee]
    depends_on = [
        [(line.sku, line.quantity, line.weight, line.size) for line in request.lines],
        [request.goods_value.minor, request.goods_value.currency],
        ends,
        repr(shop),
    ]
    return hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:32]


# --- asking ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A question on its way to the providers, in threads of their own; who asked may do something
    else until it wants the answer."""

    providers: Mapping[str, c.ShippingProvider]
    request: c.RateRequest
    settings: c.ShippingSettings
    known: Mapping[str, list[Any]]  #: what is remembered, by provider
    asked: Mapping[Future[list[Any]], str]

    def answer(self) -> Answer:
        """Every provider's rates with the shop's own terms. A provider that fails has none, nor
        has one that is late, counted from now."""
        providers, request = self.providers, self.request
        notes: list[str] = []
        answers = {**self.known, **_collected(self.asked, providers, request, notes)}
        offered = {
            code: _choices(code, providers[code], answers[code], request, notes)
            for code in providers
            if code in answers
        }
        choices = _with_fallback(providers, offered, notes)
        # Before a customer has said where to, that carriers offer nothing is no news.
        place = request.destination
        level = logging.WARNING if place.postal_code or place.city else logging.DEBUG
        for note in notes:
            log.log(level, "%s", note)
        terms = _on_our_terms(choices, request, self.settings)
        return Answer(choices=terms, notes=tuple(notes))


def at_hand(providers: Mapping[str, c.ShippingProvider]) -> bool:
    """Whether nobody has to be waited for: then a question may be put within a transaction."""
    return all(map(_is_at_hand, providers.values()))


def _is_at_hand(provider: c.ShippingProvider) -> bool:
    return bool(getattr(provider, "at_hand", False))


def put(
    providers: Mapping[str, c.ShippingProvider],
    request: c.RateRequest,
    settings: c.ShippingSettings | None = None,
    *,
    cache: Cache | None = None,
    version: object = None,
) -> Question:
    """Begin to ask every provider that is not remembered.

    `version` is that of the settings: others are another question to the cache.
    """
    settings = settings or c.ShippingSettings()
    if not request.parcels:
        request = packed(request, settings.boxes)
    keys = {
        code: _cache_key(code, request, version)
        for code, provider in providers.items()
        if not _is_at_hand(provider)
    }
    known = _remembered(cache, keys)
    if known is None:  # who can't be read from is not waited for a second time
        known, cache = {}, None
    asked = {
        _begin(code, provider, request): code
        for code, provider in providers.items()
        if code not in known
    }
    if cache is not None:
        for future, code in asked.items():
            if code in keys:
                future.add_done_callback(partial(_remember, cache, keys[code]))
    return Question(providers, request, settings, known, asked)


def _begin(code: str, provider: c.ShippingProvider, request: c.RateRequest) -> Future[list[Any]]:
    if not _is_at_hand(provider):
        return _pool(code).submit(_ask_one, provider, request)
    done: Future[list[Any]] = Future()
    try:
        done.set_result(_ask_one(provider, request))
    except Exception as error:
        done.set_exception(error)
    return done


def _pool(code: str) -> ThreadPoolExecutor:
    if code not in _pools:
        _pools.setdefault(code, ThreadPoolExecutor(8, thread_name_prefix=f"rates-{code}"))
    return _pools[code]


def _ask_one(provider: c.ShippingProvider, request: c.RateRequest) -> list[Any]:
    return list(provider.rates(request))


def _remember(cache: Cache, key: str, asked: Future[list[Any]]) -> None:
    """Keep an answer, after those who wait for it have it: even a late one serves the next."""
    with suppress(Exception):  # an answer that can't be written down is only used once
        rates = asked.result()
        if rates:
            cache.set(key, json.dumps([rate_to_json(rate) for rate in rates]), ex=CACHED_SECONDS)


def _collected(
    asked: Mapping[Future[list[Any]], str],
    providers: Mapping[str, c.ShippingProvider],
    request: c.RateRequest,
    notes: list[str],
) -> dict[str, list[Any]]:
    """What comes before the deadline, by provider."""
    done, late = wait(asked, timeout=request.deadline)
    for future in late:
        future.cancel()
        title = providers[asked[future]].title
        notes.append(f"{title} gave no rates within {request.deadline:g} seconds.")
    found = {}
    for future in done:
        code = asked[future]
        try:
            found[code] = future.result()
        except Exception as error:
            notes.append(f"{providers[code].title} gave no rates: {error}")
    return found


def _choices(
    code: str,
    provider: c.ShippingProvider,
    rates: Iterable[Any],
    request: c.RateRequest,
    notes: list[str],
) -> list[c.ShippingChoice]:
    choices = []
    for rate in rates:
        wrong = unsound(rate, request.goods_value.currency)
        if wrong:
            notes.append(f"A rate of {provider.title} was dropped: {wrong}.")
        else:
            choices.append(_choice(code, rate))
    return choices


def unsound(rate: Any, currency: str) -> str:
    """Why a rate can't be right, in words; empty for a sound one. A wrong rate must never reach a
    total: a shop once charged "NaN"."""
    amount = getattr(rate, "amount", None)
    if not isinstance(rate, c.Rate) or not isinstance(amount, Money):
        return f"{str(amount)[:40]!r} is no amount of money"
    if amount.minor < 0:
        return f"{rate.title} costs less than nothing ({amount.to_decimal()} {amount.currency})"
    if amount.currency != currency:
        return f"{rate.title} is in {amount.currency}, not {currency}"
    if not rate.code or not rate.title:
        return f"a rate of {amount.to_decimal()} {amount.currency} has no name"
    return ""


def _with_fallback(
    providers: Mapping[str, c.ShippingProvider],
    offered: Mapping[str, list[c.ShippingChoice]],
    notes: list[str],
) -> list[c.ShippingChoice]:
    """What carriers offer; if they offer nothing, what the providers of last resort do."""
    last = {code for code, provider in providers.items() if getattr(provider, "fallback", False)}
    own = [choice for code in offered if code not in last for choice in offered[code]]
    instead = [choice for code in offered if code in last for choice in offered[code]]
    if own or not instead:
        return own
    carriers = [provider.title for code, provider in providers.items() if code not in last]
    if not carriers:
        return instead
    if not notes:
        notes.append(f"{', '.join(carriers)} offered nothing for this parcel.")
    why = " ".join(notes)
    titles = ", ".join(providers[code].title for code in offered if code in last)
    notes.append(f"{titles} stood in.")
    return [replace(choice, note=f"{why} {titles} stood in.") for choice in instead]


def _on_our_terms(
    choices: Iterable[c.ShippingChoice], request: c.RateRequest, settings: c.ShippingSettings
) -> tuple[c.ShippingChoice, ...]:
    """Handling fee and free shipping, cheapest first."""
    currency = request.goods_value.currency
    fee = Money.parse(settings.handling_fee, currency)
    found = [
        replace(choice, cost=choice.amount, amount=choice.amount + fee)
        if choice.amount.minor
        else replace(choice, cost=choice.amount)
        for choice in choices
    ]
    found.sort(key=lambda choice: (choice.amount.minor, choice.max_days or 99, choice.code))
    free_from = settings.free_from
    if found and free_from is not None and request.goods_value >= Money.parse(free_from, currency):
        found[0] = replace(found[0], amount=Money.zero(currency))
    return tuple(found)


# --- remembering ----------------------------------------------------------------------------------


def _cache_key(code: str, request: c.RateRequest, version: object) -> str:
    lines = [dataclass_fields(line) for line in request.lines]
    parcels = [dataclass_fields(parcel) for parcel in request.parcels]
    ends = [request.origin.model_dump(), request.destination.model_dump()]
    value = str(request.goods_value)
    question = json.dumps([code, repr(version), lines, parcels, ends, value], default=str)
    return "rates:" + hashlib.sha256(question.encode()).hexdigest()


def _remembered(cache: Cache | None, keys: Mapping[str, str]) -> dict[str, list[Any]] | None:
    """Answers of the last quarter of an hour, by provider; None if Redis is gone."""
    if cache is None or not keys:
        return {}
    try:
        texts = cache.mget(list(keys.values()))
        return {
            code: [rate_from_json(rate) for rate in json.loads(text)]
            for code, text in zip(keys, texts, strict=True)
            if text
        }
    except Exception as error:  # Redis holds only what may vanish
        log.info("Rates are asked anew, since none could be remembered: %s", error)
        return None


def rate_to_json(rate: c.Rate) -> dict[str, Any]:
    fields = {name: getattr(rate, name) for name in rate.__dataclass_fields__}
    return {
        **fields,
        "amount": rate.amount.minor,
        "currency": rate.amount.currency,
        "percentiles": {str(percent): days for percent, days in rate.percentiles.items()},
    }


def rate_from_json(data: Mapping[str, Any]) -> c.Rate:
    fields = dict(data)
    amount = Money(fields.pop("amount"), fields.pop("currency"))
    percentiles = {int(percent): days for percent, days in fields.pop("percentiles", {}).items()}
    return c.Rate(amount=amount, percentiles=percentiles, **fields)


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
        "cost": choice.cost.minor if choice.cost is not None else None,
        "note": choice.note,
    }


def from_json(data: Mapping[str, Any]) -> c.ShippingChoice:
    fields = dict(data)
    currency = fields.pop("currency")
    amount, cost = Money(fields.pop("amount"), currency), fields.pop("cost", None)
    known = Money(cost, currency) if cost is not None else None
    return c.ShippingChoice(amount=amount, cost=known, **fields)
