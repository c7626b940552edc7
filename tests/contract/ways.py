"""Ways to break a provider on purpose, and the fixture that runs a suite on the broken ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from opticworks.contracts import BadSignature, ProviderError
from opticworks.testing.fakes import FakeEvent

Factory = Callable[[], Any]


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


def in_state(state: str) -> Callable[[Any], Any]:
    """What makes an answer say another state than it should."""
    return lambda result: replace(result, state=state)


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


def broken(providers: dict[str, Factory]) -> Any:
    """A fixture `provider` that is each of them in turn; the test's id ends with its name."""

    @pytest.fixture(params=[pytest.param(make, id=f"<{name}>") for name, make in providers.items()])
    def provider(self: Any, request: pytest.FixtureRequest) -> Any:
        return request.param()

    return provider
