"""Resend's SDK for one account.

The SDK keeps its key, its address and its HTTP client in module variables. A shop may change its
key while threads send, so calls go through one HTTP client that looks the account up in a context
variable: what a call says of itself always belongs together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import resend
from resend.exceptions import ResendError

from opticworks.contracts import ProviderError
from opticworks_resend_mail.settings import API

T = TypeVar("T")

QUICK_TRIES = 4  #: within one call, for what Resend says is over in a moment
PATIENCE = 5.0  #: seconds that a call waits by itself; beyond, the job comes back later
BUSY = 0.25  #: seconds to wait for another request with the same key
QUOTA_REST = 3600.0  #: seconds until a used-up quota is tried again
UNVERIFIED = "domain"  #: in the message of a 403 about the sender


class Pace:
    """At most `rate` calls a second, in the order of asking, over all threads of the process."""

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.gap = 1 / rate
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Take the next free moment and wait for it."""
        with self._lock:
            now = self._clock()
            mine = max(now, self._next)
            self._next = mine + self.gap
        if mine > now:
            self._sleep(mine - now)

    def rest(self, seconds: float) -> None:
        """Nobody calls for that long: the vendor said so."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


@dataclass(frozen=True)
class Account:
    """Key, address and pace of one account; `ask` makes a call of the SDK with them."""

    key: str
    base: str
    timeout: float
    pace: Pace
    sleep: Callable[[float], None] = field(default=time.sleep)

    def ask(self, call: Callable[[], T]) -> T:
        """The SDK's answer, or a ProviderError without anything secret.

        A rate limit and a key in use are waited out here, as long as that takes seconds.
        """
        for attempt in range(1, QUICK_TRIES + 1):
            self.pace.wait()
            token = _account.set(self)
            try:
                return call()
            except ResendError as error:
                rest = _quick_rest(error)
                if rest is None or rest > PATIENCE or attempt == QUICK_TRIES:
                    raise _as_provider_error(error) from error
            finally:
                _account.reset(token)
            if rest == BUSY:
                self.sleep(rest)  # this key only; others may go on
            else:
                self.pace.rest(rest)
        raise AssertionError("The last try answers or raises.")


_account: ContextVar[Account] = ContextVar("resend_account")


class _Client(resend.RequestsClient):
    """The SDK's own client, told key, address and patience by the account that asks."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str], *args: Any, **given: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        account = _account.get()
        path = url.removeprefix(str(resend.api_url))
        mine = {**headers, "Authorization": f"Bearer {account.key}"}
        sender = resend.RequestsClient(timeout=account.timeout)  # type: ignore[arg-type]
        return sender.request(method, f"{account.base}{path}", mine, *args, **given)


resend.api_url = API  # whatever the environment says: the settings decide
resend.default_http_client = _Client()


def _header(error: ResendError, name: str) -> str:
    return next((v for k, v in (error.headers or {}).items() if k.lower() == name), "")


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _quick_rest(error: ResendError) -> float | None:
    """Seconds until a repeat makes sense; None if it doesn't soon."""
    if error.error_type == "concurrent_idempotent_requests":
        return BUSY
    if error.error_type == "rate_limit_exceeded":
        asked = _seconds(_header(error, "retry-after"))
        return asked if asked is not None else 1.0
    return None


def _as_provider_error(error: ResendError) -> ProviderError:
    status, kind, said = int(error.code), str(error.error_type), _said(error)
    if kind == "HttpClientError":
        return ProviderError("Resend can't be reached or does not answer.")
    if kind in ("daily_quota_exceeded", "monthly_quota_exceeded"):
        return ProviderError(
            "The account's quota at Resend is used up. Choose a larger plan, or wait.",
            retry_after=QUOTA_REST,
        )
    if status == 429 or kind == "concurrent_idempotent_requests":
        asked = _seconds(_header(error, "retry-after"))
        return ProviderError("Resend asks for a slower pace.", retry_after=asked)
    if kind == "invalid_idempotent_request":
        return ProviderError(
            "Resend has had another mail under this message's key, so this one was not sent.",
            retryable=False,
        )
    if status in (401, 403) and UNVERIFIED not in said.lower():
        return ProviderError(
            f"Resend refused the API key: {said}. Correct it in the plugin's settings."
        )
    if status == 403:
        return ProviderError(f"Resend refused the sender: {said}. Verify its domain at Resend.")
    if status >= 500:
        return ProviderError(f"Resend answered with an error ({status}).")
    return ProviderError(f"Resend refused the mail: {said}.", retryable=False)


def _said(error: ResendError) -> str:
    return " ".join(str(error).split())[:200].rstrip(". ")
