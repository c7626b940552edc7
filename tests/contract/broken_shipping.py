"""Shipping providers that break the contract on purpose; `test_suites.py` expects each to fail.

Every entry is a factory. The name says what is wrong with what it builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opticworks.contracts import ProviderError, TrackingUpdate
from opticworks.money import Money
from opticworks.testing.contracts import fakes
from opticworks.testing.fakes import FakeShipping

from .ways import (
    Factory,
    answering,
    broken,
    changed,
    common,
    number,
    unreachable_as,
)

carrier = FakeShipping


def _rates(change: Callable[[Any], Any]) -> Factory:
    return answering(carrier, "rates", change)


def _each(**fields: Any) -> Callable[[Any], Any]:
    return lambda rates: tuple(replace(rate, **fields) for rate in rates)


def _rates_for_all(self: Any, request: Any) -> Any:
    return self.vendor.rates_for("US", 100, "USD")


def _buys_on_prepare(self: Any, shipment: Any) -> Any:
    state = FakeShipping.prepare(self, shipment)
    self.buy(state.ref, state.rates[0], {}, "early")
    return self.fetch(state.ref)


def _sells_each_time(self: Any, ref: str, rate: Any, options: Any, key: str) -> Any:
    self.vendor.shipments[ref].label = None
    return FakeShipping.buy(self, ref, rate, options, key)


def _voids_once(self: Any, ref: str, key: str) -> Any:
    answer = "failed" if self.vendor.shipments[ref].void else FakeShipping.void(self, ref, key)
    return answer


def _voids_in_secret(self: Any, ref: str, key: str) -> Any:
    return "pending"


def _never_heard_of(self: Any, ref: str) -> Any:
    try:
        return FakeShipping.track(self, ref)
    except ProviderError:
        return ()


def _needs_parcels(self: Any, request: Any) -> Any:
    return FakeShipping.rates(self, request) if request.parcels else ()


def _first_parcel_only(self: Any, request: Any) -> Any:
    if len(request.parcels) < 2:
        return FakeShipping.rates(self, request)
    return tuple(replace(r, amount=Money(1, "USD")) for r in FakeShipping.rates(self, request))


def _sells_any_rate(self: Any, ref: str, rate: Any, options: Any, key: str) -> Any:
    offered = self.vendor.shipments[ref].rates[0]
    return FakeShipping.buy(self, ref, replace(rate, ref=offered.ref), options, key)


def _one_format_for_ever(self: Any, ref: str, rate: Any, options: Any, key: str) -> Any:
    sold = self.vendor.shipments[ref].label
    return sold or FakeShipping.buy(self, ref, rate, options, key)


def _no_returns(self: Any, shipment: Any) -> Any:
    state = FakeShipping.prepare(self, shipment)
    return replace(state, rates=()) if shipment.is_return else state


def _stays_at_home(self: Any, shipment: Any) -> Any:
    state = FakeShipping.prepare(self, shipment)
    return replace(state, rates=()) if shipment.customs else state


def _buys_on_fetch(self: Any, ref: str) -> Any:
    state = FakeShipping.fetch(self, ref)
    if state.label is None:
        FakeShipping.buy(self, ref, state.rates[0], {}, "early")
    return state


def _gives_back_what_it_never_got(self: Any, ref: str, key: str) -> Any:
    self.vendor.shipments[ref].void = "done"
    return "done"


def _moving_history(self: Any, ref: str) -> Any:
    now = datetime.now(UTC)
    return tuple(replace(u, occurred_at=now) for u in FakeShipping.track(self, ref))


def _knows_the_future(self: Any, ref: str) -> Any:
    known = FakeShipping.track(self, ref)
    return known or (TrackingUpdate(status="delivered", occurred_at=datetime.now(UTC)),)


def _tells_its_secret(make: Factory) -> Factory:
    return unreachable_as(make, ProviderError(f"No answer for {make().vendor.secret}."))


def _trusts_without_a_secret(self: Any, body: bytes, headers: Mapping[str, str]) -> Any:
    return FakeShipping.read_webhook(self, body, headers) if self.vendor.secret else ()


def _forgets_its_forms(self: Any, refs: Any) -> Any:
    return None


def _forms_of_anything(self: Any, refs: Any, key: str) -> Any:
    form = self.vendor.new_id("form")
    self.vendor.forms[form] = tuple(refs)
    return self._form(form)


SHIPPING: dict[str, Factory] = {
    **common(carrier),
    "tells_its_secret": _tells_its_secret(carrier),
    "trusts_without_a_secret": changed(carrier, read_webhook=_trusts_without_a_secret),
    "rates_for_packed_parcels_only": changed(carrier, rates=_needs_parcels),
    "rates_of_the_first_parcel": changed(carrier, rates=_first_parcel_only),
    "sells_any_rate": changed(carrier, buy=_sells_any_rate),
    "one_format_for_ever": changed(carrier, buy=_one_format_for_ever),
    "no_returns": changed(carrier, prepare=_no_returns),
    "stays_at_home": changed(carrier, prepare=_stays_at_home),
    "buys_on_fetch": changed(carrier, fetch=_buys_on_fetch),
    "gives_back_what_it_never_got": changed(carrier, void=_gives_back_what_it_never_got),
    "moving_history": changed(carrier, track=_moving_history),
    "knows_the_future": changed(carrier, track=_knows_the_future),
    "labels_over_http": answering(
        carrier, "buy", lambda label: replace(label, files={"PDF": "http://labels.example/1"})
    ),
    "forgets_its_forms": changed(carrier, find_manifest=_forgets_its_forms),
    "forms_of_anything": changed(carrier, manifest=_forms_of_anything),
    "no_tracking": changed(carrier, track=None),
    "a_list_of_rates": _rates(list),
    "rates_of_one_code": _rates(_each(code="same")),
    "pays_the_buyer": _rates(_each(amount=Money(-1, "USD"))),
    "rates_in_euros": _rates(_each(amount=Money(700, "EUR"))),
    "dearest_first": _rates(lambda rates: rates[::-1]),
    "arrives_before_it_leaves": _rates(_each(min_days=5, max_days=2)),
    "prices_by_the_minute": _rates(
        lambda rates: tuple(replace(r, amount=Money(int(number()), "USD")) for r in rates)
    ),
    "ships_anything_anywhere": changed(carrier, rates=_rates_for_all),
    "labels_denied_but_sold": changed(carrier, labels=False),
    "buys_on_prepare": changed(carrier, prepare=_buys_on_prepare),
    "labels_without_files": answering(carrier, "buy", lambda label: replace(label, files={})),
    "surcharge": answering(
        carrier, "buy", lambda label: replace(label, cost=label.cost + Money(1, "USD"))
    ),
    "forgets_labels": answering(carrier, "fetch", lambda state: replace(state, label=None)),
    "sells_each_time": changed(carrier, buy=_sells_each_time),
    "tracks_the_unknown": changed(carrier, track=_never_heard_of),
    "voids_in_secret": changed(carrier, void=_voids_in_secret),
    "voids_once_only": changed(carrier, void=_voids_once),
    "latest_scan_first": answering(carrier, "track", lambda updates: updates[::-1]),
    "webhooks_about_nothing": answering(
        carrier, "read_webhook", lambda events: tuple(replace(e, ref="") for e in events)
    ),
}


class TestShipping(fakes.Shipping):
    provider = broken(SHIPPING)
