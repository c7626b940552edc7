"""Helpers of the suites: threads at once, samples, and the webhook cases that suites share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest

from opticworks.contracts import Address, BadSignature, Item, ProviderError, Quote, QuoteLine
from opticworks.money import Money

T = TypeVar("T")

ADDRESS = Address(
    first_name="Ada",
    last_name="Byron",
    line1="417 Montgomery St",
    city="San Francisco",
    state="CA",
    postal_code="94104",
    country="US",
    phone="+1 415 555 0100",
)


def at_once(call: Callable[[], T], threads: int = 8) -> list[T]:
    """The answers of that many threads that make the call at the same moment."""
    return all_at_once([call] * threads)


def all_at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The answers of threads that make these calls, one each, at the same moment."""
    barrier = Barrier(len(calls))

    def wait_and_call(call: Callable[[], T]) -> T:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait_and_call, calls))


def sample_quote(amount: Money) -> Quote:
    """A quote of one line that costs `amount`."""
    zero = Money.zero(amount.currency)
    line = QuoteLine(
        key="1",
        sku="RS1-PRO-WHT",
        item=Item(sku="RS1-PRO-WHT", title="RS-1 Presence Sensor", unit_price=amount, weight=145),
        quantity=1,
        unit_price=amount,
        subtotal=amount,
        discount=zero,
        tax=zero,
        tax_included=zero,
        total=amount,
    )
    return Quote(
        currency=amount.currency,
        lines=(line,),
        trace=(),
        shipping=None,
        refusals=(),
        objections=(),
        notices=(),
        subtotal=amount,
        discount_total=zero,
        shipping_total=zero,
        tax_total=zero,
        total=amount,
        requires_shipping=True,
        hash="0" * 64,
    )


def is_utc(moment: datetime) -> bool:
    """Whether the time is aware and stands in UTC."""
    return moment.utcoffset() == timedelta(0)


def check_identity(provider: Any) -> None:
    """A code that fits into addresses and tables, and a title for people."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", provider.code), provider.code
    assert provider.title.strip()


class ProviderContract:
    """Cases that all suites share, and how a suite reaches behind the provider.

    A provider that speaks to a vendor overrides `vendor_down`; one that has webhooks, `webhook`.
    """

    @pytest.fixture
    def provider(self) -> Any:
        raise NotImplementedError("Override the fixture `provider` in the subclass.")

    def vendor_down(self, provider: Any) -> AbstractContextManager[Any] | None:
        """A context in which nobody can reach the vendor; None where there is no vendor."""
        return None

    def ask(self, provider: Any) -> object:
        """Any call that has to reach the vendor."""
        raise NotImplementedError

    def webhook(self, provider: Any) -> tuple[bytes, dict[str, str]] | None:
        """Body and headers of a genuine webhook about something that happened just now; None
        where there are no webhooks."""
        return None

    def test_says_who_it_is(self, provider: Any) -> None:
        check_identity(provider)

    def test_a_vendor_out_of_reach_is_a_retryable_provider_error(self, provider: Any) -> None:
        down = self.vendor_down(provider)
        if down is None:
            pytest.skip("There is no vendor that could be out of reach.")
        with down, pytest.raises(ProviderError) as caught:
            self.ask(provider)
        assert caught.value.retryable
        assert str(caught.value).strip()


class WebhookContract(ProviderContract):
    """Cases of everything that has `read_webhook`. Who has no webhooks refuses all of them."""

    def test_refuses_an_unsigned_webhook(self, provider: Any) -> None:
        with pytest.raises(BadSignature):
            provider.read_webhook(b'{"id": "evt_1"}', {"Content-Type": "application/json"})

    def test_refuses_a_webhook_whose_body_was_changed(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        with pytest.raises(BadSignature):
            provider.read_webhook(body + b" ", headers)

    def test_refuses_a_webhook_whose_signature_was_changed(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        forged = {name: _flip_last_hex_digit(value) for name, value in headers.items()}
        with pytest.raises(BadSignature):
            provider.read_webhook(body, forged)

    def test_reads_a_genuine_webhook_whatever_the_case_of_its_headers(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        for change in (str, str.lower, str.upper):
            events = provider.read_webhook(body, {change(k): v for k, v in headers.items()})
            assert events
            assert all(event.id for event in events)
            assert all(event.occurred_at is None or is_utc(event.occurred_at) for event in events)

    def test_reads_a_repeated_webhook_as_the_same_event(self, provider: Any) -> None:
        body, headers = self._genuine(provider)
        first = [event.id for event in provider.read_webhook(body, headers)]
        again = [event.id for event in provider.read_webhook(body, headers)]
        assert first == again

    def _genuine(self, provider: Any) -> tuple[bytes, dict[str, str]]:
        genuine = self.webhook(provider)
        if genuine is None:
            pytest.skip("It has no webhooks.")
        return genuine


def _flip_last_hex_digit(value: str) -> str:
    """The header with its last character replaced, if that can be part of a signature."""
    if not re.search(r"[0-9a-fA-F+/=]{16,}$", value):
        return value
    return value[:-2] + ("0" if value[-2] != "0" else "1") + value[-1]
