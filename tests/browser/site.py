"""A whole shop behind a real server, on a port and a database of its own."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from webtest.http import StopableWSGIServer

from opticworks import demo, migrations
from opticworks.app import make_app
from opticworks.boot import boot
from opticworks.config import Config, PluginLine
from opticworks.jobs.testing import drain
from opticworks.kernel import availability
from opticworks.staff import service as staff

PLUGINS = ("catalog", "manual_payments", "table_rates", "smtp_mail")
SENSOR = "/products/rs-1-sensor"
SKU = "RS1-PRO-WHT"  #: the variant that SENSOR shows first
PASSWORD = "correct horse battery"
STAFF = "clerk@example.org"


class Slow:
    """Makes the server slow where a test says so."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app
        self.seconds: dict[str, float] = {}  #: by path

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        time.sleep(self.seconds.get(environ["PATH_INFO"], 0))
        return self.app(environ, start_response)


class Site:
    """The shop, its server, and what a test asks about what happened behind the pages."""

    def __init__(self, database_url: str, redis_url: str, var: Path) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.shop = boot(
            Config(
                mode="test",
                database_url=database_url,
                redis_url=redis_url,
                base_url=self.url,
                secret="a secret that only browser tests know, 0123456789",
                var=var,
                plugins=tuple(PluginLine(code) for code in PLUGINS),
            )
        )
        migrations.upgrade(self.shop)
        self.shop.redis.flushdb()
        demo.load(self.shop)
        with self.shop.unit() as db:
            staff.create_staff(db, STAFF, PASSWORD, name="Clara Clerk", actor="test")
        self._slow = Slow(make_app(self.shop))
        self._server = StopableWSGIServer(self._slow, _sock=listener, bind_socket=False, threads=8)
        self._thread = threading.Thread(target=self._server.run, name="site")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self.shop.close()

    @contextmanager
    def slow(self, path: str, seconds: float) -> Iterator[None]:
        """Every answer to `path` takes that much longer meanwhile."""
        self._slow.seconds[path] = seconds
        try:
            yield
        finally:
            del self._slow.seconds[path]

    @contextmanager
    def dearer(self, sku: str, by: int) -> Iterator[None]:
        """The variant costs `by` cents more meanwhile."""
        self._add_to_price(sku, by)
        try:
            yield
        finally:
            self._add_to_price(sku, -by)

    def _add_to_price(self, sku: str, cents: int) -> None:
        with self.shop.unit() as db:
            db.execute(
                text("UPDATE catalog_variant SET price = price + :cents WHERE sku = :sku"),
                {"cents": cents, "sku": sku},
            )

    def orders(self, email: str) -> list[Any]:
        """Orders of that address, oldest first: number, status, total in cents, and so on."""
        with self.shop.unit() as db:
            return list(
                db.execute(
                    text("SELECT * FROM orders WHERE email = :email ORDER BY id"), {"email": email}
                )
            )

    def free(self, sku: str) -> int:
        """How many of a SKU can be sold."""
        with self.shop.unit() as db:
            return availability(db, [sku])[sku].free

    def work(self) -> None:
        """Run the jobs that wait, as the worker process would: mails arrive at /dev/mail."""
        drain(self.shop)


def database_of(redis_url: str, number: int) -> str:
    """The address of another of that Redis server's databases."""
    return re.sub(r"\d+$", str(number), redis_url)
