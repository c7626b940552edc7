"""Providers that break the contracts on purpose; `test_suites.py` expects each of them to fail.

Every entry is a factory. The name says what is wrong with what it builds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opticworks.contracts import ProviderError
from opticworks.money import Money
from opticworks.testing.contracts import fakes
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeImageStore,
    FakeMailer,
    FakeShipping,
)

from .ways import Factory, answering, broken, changed, common, in_state, number, with_key

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
    "refuses_all": answering(verifier, "verify", in_state("undeliverable")),
    "accepts_all": answering(verifier, "verify", in_state("verified")),
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


def _sends_many_each_time(self: Any, messages: Any, key: str) -> Any:
    return FakeMailer.send_many(self, messages, number())


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
    "drops_attachments": _sending(attachments=()),
    "sends_many_each_time": changed(mailer, send_many=_sends_many_each_time),
    "reports_about_nothing": answering(
        mailer, "read_webhook", lambda events: tuple(replace(e, ref="") for e in events)
    ),
}


# --- the suites, run on all of them -------------------------------------------------------------


class TestShipping(fakes.Shipping):
    provider = broken(SHIPPING)


class TestImageStore(fakes.ImageStore):
    provider = broken(IMAGES)


class TestAddressVerifier(fakes.AddressVerifier):
    provider = broken(ADDRESSES)


class TestMailer(fakes.Mailer):
    provider = broken(MAILERS)
