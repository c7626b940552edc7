"""Providers that break the contracts on purpose; `test_suites.py` expects each of them to fail.

Every entry is a factory. The name says what is wrong with what it builds.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from opticworks.contracts import BadSignature, ProviderError
from opticworks.money import Money
from opticworks.testing.contracts import fakes
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeEvent,
    FakeImageStore,
    FakeMailer,
    FakeOfflinePayment,
    FakeOnlinePayment,
    FakeShipping,
)

Factory = Callable[[], Any]


# --- ways to break anything ---------------------------------------------------------------------


def changed(make: Factory, **attributes: Any) -> Factory:
    """A provider of a class of its own in which these attributes are replaced."""

    def build() -> Any:
        provider = make()
        kind = type(provider)
        provider.__class__ = type(f"Broken{kind.__name__}", (kind,), attributes)
        return provider

    return build


def answering(make: Factory, method: str, change: Callable[[Any], Any]) -> Factory:
    """A provider whose `method` gives its answer changed."""
    original = getattr(type(make()), method)

    def broken(self: Any, *args: Any) -> Any:
        return change(original(self, *args))

    return changed(make, **{method: broken})


def with_key(make: Factory, method: str, key: Callable[[], str]) -> Factory:
    """A provider that passes another key on than it was given."""
    original = getattr(type(make()), method)

    def broken(self: Any, *args: Any) -> Any:
        return original(self, *args[:-1], key())

    return changed(make, **{method: broken})


def unreachable_as(make: Factory, error: Exception) -> Factory:
    """A provider that lets that error out when its vendor is down."""

    def build() -> Any:
        provider = make()
        vendor, call = provider.vendor, provider.vendor.call

        @contextmanager
        def down() -> Any:
            def fail(*args: Any, **options: Any) -> Any:
                raise error

            vendor.call = fail
            yield
            vendor.call = call

        vendor.down = down
        return provider

    return build


def verifying(make: Factory, verify: Callable[..., FakeEvent]) -> Factory:
    """A provider that checks webhooks in its own way: `verify(original, body, headers)`."""

    def build() -> Any:
        provider = make()
        provider.vendor.verify = partial(verify, provider.vendor.verify)
        return provider

    return build


def _read_anything(original: Any, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
    data = json.loads(body)
    return FakeEvent(id=data["id"], kind="any", at=datetime.now(UTC), data=data.get("data", {}))


def _mind_the_case(original: Any, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
    if "Fake-Signature" not in headers:
        raise BadSignature("The header is missing.")
    return original(body, headers)


def _new_id_each_time(original: Any, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
    return replace(original(body, headers), id=str(next(_numbers)))


_numbers = itertools.count()


def number() -> str:
    return str(next(_numbers))


def common(make: Factory, webhooks: bool = True) -> dict[str, Factory]:
    """What may be wrong with a provider of any kind."""
    broken = {
        "code_no_address_takes": changed(make, code="Not a code!"),
        "no_title": changed(make, title=" "),
        "leaks_connection_errors": unreachable_as(make, ConnectionError("refused")),
        "gives_up_on_outages": unreachable_as(make, ProviderError("down", retryable=False)),
    }
    if webhooks:
        broken |= {
            "believes_any_webhook": verifying(make, _read_anything),
            "minds_the_case_of_headers": verifying(make, _mind_the_case),
            "new_event_ids": verifying(make, _new_id_each_time),
        }
    return broken


# --- payments -----------------------------------------------------------------------------------

online = FakeOnlinePayment
offline = FakeOfflinePayment


def _state(state: str) -> Callable[[Any], Any]:
    return lambda result: replace(result, state=state)


def _money(minor: int) -> Callable[[Any], Any]:
    return lambda result: replace(result, money=Money(minor, "USD"))


def _captures_anything(self: Any, ref: str, money: Money, key: str) -> Any:
    return replace(self.fetch(ref), state="captured", money=money)


def _refunds_anything(self: Any, ref: str, money: Money, key: str) -> Any:
    payment = self.vendor.payments[ref]
    payment.captured = 10**9
    return replace(FakeOnlinePayment.refund(self, ref, Money(1, "USD"), key), money=money)


def _cancels_captured(self: Any, ref: str, key: str) -> Any:
    self.vendor.payments[ref].state = "canceled"
    return self.fetch(ref)


def _cancels_once(self: Any, ref: str, key: str) -> Any:
    if self.vendor.payments[ref].state == "canceled":
        raise ProviderError("It is canceled already.", retryable=False)
    return FakeOnlinePayment.cancel(self, ref, key)


def _invents(self: Any, ref: str) -> Any:
    try:
        return FakeOnlinePayment.fetch(self, ref)
    except ProviderError:
        known = FakeOfflinePayment()._result("canceled", f"{ref}:0:USD")
        return replace(known, ref=ref)


ONLINE_PAYMENTS: dict[str, Factory] = {
    **common(online),
    "no_refunds": changed(online, refund=None),
    "a_list_of_offers": answering(online, "offers", list),
    "no_offers": answering(online, "offers", lambda offers: ()),
    "adds_a_fee": answering(online, "start", _money(13795)),
    "forgets_keys_of_start": with_key(online, "start", number),
    "one_key_for_all_starts": with_key(online, "start", lambda: "same"),
    "unstorable_data": answering(
        online, "start", lambda result: replace(result, data={"at": datetime.now(UTC)})
    ),
    "action_without_data": answering(online, "start", lambda result: replace(result, data={})),
    "naive_deadlines": answering(
        online, "start", lambda result: replace(result, expires_at=datetime(2030, 1, 1))
    ),
    "reminds_too_late": answering(
        online,
        "start",
        lambda result: replace(
            result,
            expires_at=datetime.now(UTC),
            remind_at=datetime.now(UTC) + timedelta(days=1),
        ),
    ),
    "later_without_a_deadline": answering(online, "start", _state("pending")),
    "fetches_another_amount": answering(online, "fetch", _money(1)),
    "invents_payments": changed(online, fetch=_invents),
    "never_learns_of_payment": answering(online, "fetch", _state("action")),
    "captures_a_cent_less": answering(online, "capture", _money(13494)),
    "forgets_keys_of_capture": with_key(online, "capture", number),
    "captures_anything": changed(online, capture=_captures_anything),
    "cancels_nothing": answering(online, "cancel", _state("action")),
    "cancels_once_only": changed(online, cancel=_cancels_once),
    "cancels_what_was_taken": changed(online, cancel=_cancels_captured),
    "refunds_another_amount": answering(online, "refund", _money(4999)),
    "forgets_keys_of_refund": with_key(online, "refund", number),
    "one_key_for_all_refunds": with_key(online, "refund", lambda: "same"),
    "refunds_anything": changed(online, refund=_refunds_anything),
    "drops_our_attempt": answering(
        online, "read_webhook", lambda events: tuple(replace(e, attempt="") for e in events)
    ),
}

OFFLINE_PAYMENTS: dict[str, Factory] = {
    "believes_webhooks": changed(offline, read_webhook=lambda self, body, headers: ()),
    "no_reference": answering(offline, "start", lambda r: replace(r, instructions=())),
    "held_for_ever": answering(
        offline, "start", lambda r: replace(r, expires_at=None, remind_at=None)
    ),
    "random_refs": answering(offline, "start", lambda r: replace(r, ref=number() + r.ref)),
    "pays_itself": answering(offline, "fetch", _state("captured")),
}


# --- shipping -----------------------------------------------------------------------------------

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


SHIPPING: dict[str, Factory] = {
    **common(carrier),
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


# --- images and addresses -----------------------------------------------------------------------

store = FakeImageStore


def _keeps_nothing(self: Any, content: bytes, content_type: str, key: str) -> str:
    return self.vendor.call("put", lambda: f"img_{key}")


def _deletes_once(self: Any, id: str) -> None:
    del self.kept[id]


IMAGES: dict[str, Factory] = {
    **common(store, webhooks=False),
    "no_delete": changed(store, delete=None),
    "keeps_nothing": changed(store, put=_keeps_nothing),
    "forgets_keys": with_key(store, "put", number),
    "one_key_for_all": with_key(store, "put", lambda: "same"),
    "plain_http": answering(store, "url", lambda url: url.replace("https", "http")),
    "one_size": changed(store, url=lambda self, id, width, format: f"https://i.example/{id}"),
    "restless_addresses": answering(store, "url", lambda url: f"{url}?{number()}"),
    "deletes_once_only": changed(store, delete=_deletes_once),
}

verifier = FakeAddressVerifier


def _suggesting(**fields: str) -> Factory:
    def change(verdict: Any) -> Any:
        if verdict.suggestion is None:
            return verdict
        return replace(verdict, suggestion=verdict.suggestion.model_copy(update=fields))

    return answering(verifier, "verify", change)


ADDRESSES: dict[str, Factory] = {
    **common(verifier, webhooks=False),
    "no_verify": changed(verifier, verify=None),
    "refuses_all": answering(verifier, "verify", _state("undeliverable")),
    "accepts_all": answering(verifier, "verify", _state("verified")),
    "loses_the_street": _suggesting(line1=""),
    "loses_the_person": _suggesting(first_name=""),
    "never_content": _suggesting(postal_code="94104-1234"),
    "mood": answering(verifier, "verify", lambda v: replace(v, messages=(number(),))),
}


# --- mail ---------------------------------------------------------------------------------------

mailer = FakeMailer


def _sending(**fields: Any) -> Factory:
    """A mailer that sends another message than it was given; a function makes the field."""

    def send(self: Any, message: Any, key: str) -> str:
        new = {name: f(message) if callable(f) else f for name, f in fields.items()}
        return FakeMailer.send(self, replace(message, **new), key)

    return changed(mailer, send=send)


def _sends_nothing(self: Any, message: Any, key: str) -> str:
    return self.vendor.call("send", lambda: f"mail_{key}", key)


def _sends_the_rest_as_headers(self: Any, message: Any, key: str) -> str:
    first, *rest = message.subject.splitlines()
    headers = {**message.headers, **dict(line.split(": ", 1) for line in rest)}
    return FakeMailer.send(self, replace(message, subject=first, headers=headers), key)


def _sends_to_all(self: Any, message: Any, key: str) -> str:
    last = message.to.splitlines()[-1].removeprefix("Bcc: ")
    return FakeMailer.send(self, replace(message, to=last), key)


def _answers_anybody(self: Any, message: Any, key: str) -> str:
    last = message.reply_to.splitlines()[-1].removeprefix("Bcc: ")
    return FakeMailer.send(self, replace(message, reply_to=last), key)


def _hopes(self: Any, message: Any, key: str) -> str:
    try:
        return FakeMailer.send(self, message, key)
    except ProviderError as error:
        raise ProviderError(str(error)) from error


def _not_in_threads(self: Any, message: Any, key: str) -> str:
    self.latest = message
    time.sleep(0.05)
    return FakeMailer.send(self, self.latest, key)


MAILERS: dict[str, Factory] = {
    **common(mailer),
    "no_webhooks": changed(mailer, read_webhook=None),
    "perhaps_keyed": changed(mailer, keyed=None),
    "sends_nothing": changed(mailer, send=_sends_nothing),
    "forgets_keys": with_key(mailer, "send", number),
    "one_key_for_all": with_key(mailer, "send", lambda: "same"),
    "no_ref": answering(mailer, "send", lambda ref: ""),
    "another_ref_each_time": answering(mailer, "send", lambda ref: number()),
    "a_message_id_each_time": _sending(message_id=lambda message: f"<{number()}@x.example>"),
    "drops_headers": _sending(headers={}),
    "plain_only": _sending(html=""),
    "ascii_only": _sending(subject=lambda m: m.subject.encode("ascii", "replace").decode()),
    "header_injection": changed(mailer, send=_sends_the_rest_as_headers),
    "recipient_injection": changed(mailer, send=_sends_to_all),
    "reply_to_injection": changed(mailer, send=_answers_anybody),
    "tries_the_refused_for_ever": changed(mailer, send=_hopes),
    "mixes_up_threads": changed(mailer, send=_not_in_threads),
}


# --- the suites, run on all of them -------------------------------------------------------------


def broken(providers: dict[str, Factory]) -> Any:
    """A fixture `provider` that is each of them in turn; the test's id ends with its name."""

    @pytest.fixture(params=[pytest.param(make, id=f"<{name}>") for name, make in providers.items()])
    def provider(self: Any, request: pytest.FixtureRequest) -> Any:
        return request.param()

    return provider


class TestOnlinePayment(fakes.OnlinePayment):
    provider = broken(ONLINE_PAYMENTS)


class TestOfflinePayment(fakes.OfflinePayment):
    provider = broken(OFFLINE_PAYMENTS)


class TestShipping(fakes.Shipping):
    provider = broken(SHIPPING)


class TestImageStore(fakes.ImageStore):
    provider = broken(IMAGES)


class TestAddressVerifier(fakes.AddressVerifier):
    provider = broken(ADDRESSES)


class TestMailer(fakes.Mailer):
    provider = broken(MAILERS)
