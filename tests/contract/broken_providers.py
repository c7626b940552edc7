"""Providers that break the contracts on purpose; `test_suites.py` expects each of them to fail.

Every entry is a factory. The name says what is wrong with what it builds.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from opticworks.contracts import ProviderError
from opticworks.testing.contracts import fakes
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeImageStore,
    FakeMailer,
)

from .ways import Factory, answering, broken, changed, common, in_state, number, with_key

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


class TestImageStore(fakes.ImageStore):
    provider = broken(IMAGES)


class TestAddressVerifier(fakes.AddressVerifier):
    provider = broken(ADDRESSES)


class TestMailer(fakes.Mailer):
    provider = broken(MAILERS)
