"""A Redis that takes connections without a word is waited for once, and found again."""

from __future__ import annotations

import socket
import time

import pytest
import redis

from opticworks.web.fuse import Fuse


def client(port: int, fuse: Fuse) -> redis.Redis:
    return redis.Redis(port=port, socket_timeout=0.2, socket_connect_timeout=0.2, retry=fuse)


def test_a_silent_redis_is_waited_for_once_by_all_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = client(silent.getsockname()[1], Fuse(60))
        with pytest.raises(redis.RedisError):
            asked.get("a")
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(redis.ConnectionError, match="a moment ago"):
                asked.get("a")
        assert time.monotonic() - began < 8.0, "fifty silences would take ten seconds"
        asked.close()


def test_it_is_asked_again_and_a_stale_connection_is_made_anew(redis_client: redis.Redis) -> None:
    options = redis_client.connection_pool.connection_kwargs
    kept = {name: options[name] for name in ("path", "host", "port", "db") if name in options}
    name = "unix_socket_path" if "path" in kept else "host"
    address = {name: kept.pop("path", None) or kept.pop("host")}
    fuse = Fuse(0.05)
    asked = redis.Redis(**address, **kept, retry=fuse)
    assert asked.ping()
    mine = asked.client_id()
    fuse._until = time.monotonic() + 60
    with pytest.raises(redis.ConnectionError):
        asked.ping()
    fuse._until = time.monotonic()
    redis_client.client_kill_filter(_id=str(mine))
    assert asked.ping()
    asked.close()
