"""The servers that every functional test stands on."""

import psycopg
import redis


def test_the_worker_has_an_empty_postgresql_database_of_its_own(worker_database_url):
    address = worker_database_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    assert tables == (0,)


def test_the_worker_has_a_redis_database_of_its_own(worker_redis_url, worker_number):
    with redis.Redis.from_url(worker_redis_url) as client:
        assert client.ping()
        assert client.connection_pool.connection_kwargs["db"] == worker_number + 1
