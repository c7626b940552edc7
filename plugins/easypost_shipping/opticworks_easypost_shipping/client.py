"""EasyPost's SDK with time limits, its errors as ProviderError, repeats only where they are safe.

EasyPost has no idempotency keys. What only reads is asked a second time after a failure; what
acts is never repeated here: its caller looks first what became of it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import easypost.errors
import requests
from easypost.easypost_client import EasyPostClient
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from opticworks.contracts import ProviderError, on_this_machine
from opticworks_easypost_shipping.settings import EasyPostSettings

T = TypeVar("T")
P = ParamSpec("P")
log = logging.getLogger(__name__)
errors: Any = easypost.errors

CONNECT = 3.0  #: seconds to reach EasyPost
PATIENCE = 30.0  #: seconds for an answer, where nobody waits at a page
MOST_BYTES = 5_000_000
#: Refusals that tell nothing about what became of the request.
UNCERTAIN = (
    "SHIPMENT.POSTAGE.TIMED_OUT",
    "SHIPMENT.POSTAGE.NO_RESPONSE",
    "SHIPMENT.PURCHASE.IN_PROGRESS",
)


class Api:
    """One account at EasyPost. Thread-safe; connections are kept."""

    def __init__(self, settings: EasyPostSettings) -> None:
        self._settings = settings
        self._clients: dict[float, EasyPostClient] = {}
        self._lock = threading.Lock()

    def client(self, seconds: float = PATIENCE) -> EasyPostClient:
        """The SDK with that limit for an answer."""
        with self._lock:
            if seconds not in self._clients:
                self._clients[seconds] = self._build(seconds)
            return self._clients[seconds]

    def _build(self, seconds: float) -> EasyPostClient:
        base = self._settings.api_base
        limits: Any = (min(CONNECT, seconds), seconds)
        key = self._settings.api_key.get_secret_value()
        made = EasyPostClient(key, api_base=base, timeout=limits)
        # The SDK's own adapter tries to connect four times, each as long as the limit.
        retry = Retry(total=1, connect=1, read=0, redirect=0, status=0, other=0)
        adapter = HTTPAdapter(max_retries=retry, pool_maxsize=16)
        made._requests_session.mount(base.removesuffix("/v2"), adapter)
        return made

    def read(self, call: Callable[[EasyPostClient], T], seconds: float = PATIENCE) -> T:
        """A call that changes nothing, made once more if the first did not get through."""
        try:
            return self.act(call, seconds)
        except ProviderError as error:
            if not error.retryable:
                raise
            log.info("Asking EasyPost a second time: %s", error)
        return self.act(call, seconds)

    def act(self, call: Callable[[EasyPostClient], T], seconds: float = PATIENCE) -> T:
        """One call. Raises ProviderError, in whose text nothing is secret."""
        try:
            return call(self.client(seconds))
        except (errors.UnauthorizedError, errors.ForbiddenError) as error:
            raise ProviderError(
                "EasyPost refused the API key. Check it in the settings."
            ) from error
        except errors.PaymentError as error:
            self._refuse("EasyPost could not charge the account", error)
        except (
            errors.BadRequestError,
            errors.NotFoundError,
            errors.MethodNotAllowedError,
            errors.InvalidRequestError,
        ) as error:
            if error.code in UNCERTAIN:
                raise ProviderError("EasyPost does not know yet whether it worked.") from error
            self._refuse("EasyPost refused", error)
        except errors.JsonError as error:
            raise ProviderError("EasyPost's answer makes no sense.") from error
        except errors.ApiError as error:
            late = isinstance(error, errors.TimeoutError)
            status = error.http_status or ("time-out" if late else "no connection")
            raise ProviderError(f"EasyPost does not answer ({status}).") from error
        except Exception as error:  # the SDK lets others out, such as AttributeError
            raise ProviderError(f"EasyPost does not answer: {type(error).__name__}.") from error

    def _refuse(self, lead: str, error: Any) -> NoReturn:
        said = "; ".join(_sentences(error)) or str(error.code or "no reason given")
        key = self._settings.api_key.get_secret_value()
        text = re.sub(r"\s+", " ", said.replace(key, "…") if key else said)[:300]
        raise ProviderError(f"{lead}: {text}", retryable=False) from error

    def file(self, url: str) -> str | bytes:
        """A file of EasyPost's as it goes into a Label: its address, or from a stand-in, whose
        address nobody else may fetch, its content."""
        if not self._settings.is_standin or not on_this_machine(url):
            return url
        try:
            answer = requests.get(url, timeout=(CONNECT, PATIENCE), stream=True)
            answer.raise_for_status()
            content = answer.raw.read(MOST_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise ProviderError("The label's file can't be fetched.") from error
        if len(content) > MOST_BYTES:
            raise ProviderError("The label's file is too large.", retryable=False)
        return bytes(content)


def understood(call: Callable[P, T]) -> Callable[P, T]:
    """The call, with an answer of EasyPost's that lacks what it always has as a ProviderError: what
    it did is then looked up like that of an answer that was lost."""

    @wraps(call)
    def asked(*args: P.args, **more: P.kwargs) -> T:
        try:
            return call(*args, **more)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            log.exception("An answer of EasyPost's makes no sense")
            raise ProviderError("EasyPost's answer makes no sense.") from error

    return asked


def _sentences(error: Any) -> list[str]:
    """What an answer says is wrong: its message, and each of its errors, text or object."""
    found = [error.message] if error.message else []
    for each in error.errors or ():
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict) and each.get("message"):
            field = f"{each['field']} " if each.get("field") else ""
            found.append(f"{field}{each['message']}")
    return [str(each).strip().rstrip(".") for each in found if str(each).strip()]
