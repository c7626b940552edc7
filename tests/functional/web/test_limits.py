"""Throttles."""

import pytest
import redis

from opticworks.web.limits import Limits, LimitsDown


def test_tries_are_counted_by_key(redis_client):
    limits = Limits(redis_client)
    assert [limits.allow("2/minute", "sign-in", "a") for _ in range(3)] == [True, True, False]
    assert limits.allow("2/minute", "sign-in", "b")
    assert 0 < limits.wait("2/minute", "sign-in", "a") <= 120
    assert limits.wait("2/minute", "sign-in", "b") == 0


def test_success_clears_the_count(redis_client):
    limits = Limits(redis_client)
    assert limits.allow("1/minute", "sign-in", "a")
    limits.clear("1/minute", "sign-in", "a")
    assert limits.allow("1/minute", "sign-in", "a")


def test_a_dead_redis_lets_through_unless_told_otherwise(caplog):
    limits = Limits(redis.Redis(unix_socket_path="/nonexistent.sock"))
    assert limits.allow("1/minute", "search", "a")
    assert "search is not throttled" in caplog.text
    assert limits.wait("1/minute", "search") == 0
    with pytest.raises(LimitsDown):
        limits.allow("1/minute", "sign-in", "a", fail_closed=True)
