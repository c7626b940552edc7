"""The servers that every functional test stands on."""

import os

import psycopg
import redis

from opticworks.embedded import create_database, drop_database


def test_the_worker_has_a_postgresql_database_of_its_own(worker_database_url, worker_number):
    with psycopg.connect(worker_database_url.replace("+psycopg", "")) as connection:
        assert connection.info.dbname == f"opticworks_test_{os.getpid()}_{worker_number}"


def test_a_new_database_is_empty(embedded_servers):
    name = f"opticworks_empty_{os.getpid()}"
    url = create_database(embedded_servers, name)
    try:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            tables = connection.execute(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
            ).fetchone()
        assert tables == (0,)
    finally:
        drop_database(embedded_servers, name)


def test_the_worker_has_a_redis_database_of_its_own(worker_redis_url, worker_number):
    with redis.Redis.from_url(worker_redis_url) as client:
        assert client.ping()
        assert client.connection_pool.connection_kwargs["db"] == worker_number + 1
