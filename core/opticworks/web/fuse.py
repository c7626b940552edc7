"""A Redis that does not answer is waited for once in a few seconds, not by everyone every time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry

T = TypeVar("T")

SECONDS = 3.0  #: how long it is left alone after it did not answer


class Fuse(Retry):
    """redis-py's way to repeat, for all connections of one client: a broken connection is made anew
    once, since a pooled one may be stale; after that, or after a silence, every call of the next
    seconds raises ConnectionError at once."""

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__(NoBackoff(), 1, supported_errors=(ConnectionError,))
        self._seconds = seconds
        self._until = 0.0  #: by the monotonic clock

    def __deepcopy__(self, memo: Any) -> Fuse:
        """redis-py copies it for each connection; they are to know of each other."""
        return self

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kw: Any) -> T:
        if time.monotonic() < self._until:
            raise ConnectionError("Redis did not answer a moment ago.")
        try:
            return super().call_with_retry(do, *args, **kw)
        except (ConnectionError, TimeoutError):
            self._until = time.monotonic() + self._seconds
            raise
