"""Throttles: how often something may be tried, counted in Redis.

A dead Redis lets requests through and is logged, except where the caller says `fail_closed`:
guessing passwords must not become free because a cache died.
"""

from __future__ import annotations

import logging
import math
import time
from functools import lru_cache
from typing import Any

import redis
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from pyramid.config import Configurator

log = logging.getLogger(__name__)
_parse = lru_cache(maxsize=64)(parse)


LOOPBACK = ("127.0.0.1", "::1", "")


def client_address(request: Any) -> str:
    """Where the request comes from, for throttling. Behind a server on the same machine it is
    the address that this server saw, the last one of X-Forwarded-For."""
    address = request.remote_addr or ""
    if address in LOOPBACK:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return forwarded or address
    return str(address)


class LimitsDown(Exception):
    """Attempts can't be counted at the moment, and this one must be."""


class Limits:
    """`limits.allow("5/minute", "sign-in", address)`: count one try and say whether it may be."""

    def __init__(self, client: redis.Redis) -> None:
        # A pool of its own settings is not needed: the shop's client already has its timeouts.
        self._client = client
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    def _strategy(self) -> SlidingWindowCounterRateLimiter:
        if self._limiter is None:
            storage = RedisStorage(
                "redis://", connection_pool=self._client.connection_pool, key_prefix="limits"
            )
            self._limiter = SlidingWindowCounterRateLimiter(storage)
        return self._limiter

    def allow(self, rate: str, *key: str, fail_closed: bool = False) -> bool:
        """Count one try under `key`; False when `rate` ("10/minute") is used up."""
        try:
            return bool(self._strategy().hit(_parse(rate), *key))
        except redis.RedisError as error:
            if fail_closed:
                raise LimitsDown("Attempts can't be counted: Redis does not answer.") from error
            log.warning("Redis does not answer; %s is not throttled", key[0] if key else rate)
            return True

    def wait(self, rate: str, *key: str) -> int:
        """Seconds until another try under `key` may be allowed (0 if it may now)."""
        item: RateLimitItem = _parse(rate)
        try:
            stats = self._strategy().get_window_stats(item, *key)
        except redis.RedisError:
            return 0
        return 0 if stats.remaining else max(1, math.ceil(stats.reset_time - time.time()))

    def clear(self, rate: str, *key: str) -> None:
        """Forget the tries under `key` (after one that succeeded)."""
        try:
            self._strategy().clear(_parse(rate), *key)
        except redis.RedisError:
            log.warning("Redis does not answer; the tries of %s stay counted", key[0])


def includeme(config: Configurator) -> None:
    limits = config.registry.limits = Limits(config.registry.shop.redis)

    def of_request(request: Any) -> Limits:
        return limits

    config.add_request_method(of_request, "limits", property=True)
