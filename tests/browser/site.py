"""A whole shop behind a real server, on a port and a database of its own."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import webtest
from sqlalchemy import text
from webtest.http import StopableWSGIServer

from opticworks import demo, migrations
from opticworks.app import make_app
from opticworks.boot import boot, ini_settings
from opticworks.config import read_config
from opticworks.jobs.testing import drain
from opticworks.kernel import availability
from opticworks.staff import service as staff

INI = Path(__file__).parents[2] / "development.ini"
SENSOR = "/products/rs-1-sensor"
SKU = "RS1-PRO-WHT"  #: the variant that SENSOR shows first
PASSWORD = "correct horse battery"
STAFF = "clerk@example.org"
ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "address": "12 Analytical Way",
    "city": "San Francisco",
    "postalCode": "94104",
}


class Slow:
    """Makes the server slow where a test says so."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app
        self.seconds: dict[str, float] = {}  #: by path
        self.bodies: list[bytes] | None = None  #: what came with every request, if it is kept

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.bodies is not None:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            line = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')} "
            self.bodies.append(line.encode() + body + repr(sorted(environ.items())).encode())
        time.sleep(self.seconds.get(environ["PATH_INFO"], 0))
        return self.app(environ, start_response)


class Site:
    """The shop, its server, and what a test asks about what happened behind the pages."""

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        var: Path,
        more: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environ = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "OPTICWORKS_VAR": str(var),
            "OPTICWORKS_BASE_URL": self.url,
            **(more or {}),
        }
        config = read_config(ini_settings(INI), environ)  # what `make run` serves
        self.shop = boot(replace(config, mode="test"), extra_plugins=extra or {})
        migrations.upgrade(self.shop)
        self.shop.redis.flushdb()
        demo.load(self.shop)
        with self.shop.unit() as db:
            staff.create_staff(db, STAFF, PASSWORD, name="Clara Clerk", actor="test")
        self._staff_state: Any = None
        self._slow = Slow(make_app(self.shop))
        self._server = StopableWSGIServer(self._slow, _sock=listener, bind_socket=False, threads=8)
        self._thread = threading.Thread(target=self._server.run, name="site")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self.shop.close()

    @contextmanager
    def overheard(self) -> Iterator[list[bytes]]:
        """Every request that comes in meanwhile, with its whole body."""
        self._slow.bodies = heard = []
        try:
            yield heard
        finally:
            self._slow.bodies = None

    def kept(self, needle: str) -> list[str]:
        """Tables of the database in which a row has that text anywhere."""
        tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        with self.shop.unit() as db:
            return [
                table
                for table in db.scalars(text(tables)).all()
                if db.scalar(
                    text(f"SELECT EXISTS (SELECT FROM {table} t WHERE t::text LIKE :n)"),
                    {"n": f"%{needle}%"},
                )
            ]

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

    def buy(self, email: str, sku: str = SKU) -> str:
        """Place an order as a browser without scripts would, only faster; its number."""
        shopper = webtest.TestApp(
            self._slow,
            extra_environ={"HTTP_HOST": self.url.removeprefix("http://"), "HTTP_ORIGIN": self.url},
        )
        shopper.post("/cart/lines", {"sku": sku, "quantity": "1"})
        form = shopper.get("/checkout").forms["checkout"]
        for name, value in {"email": email, **ADA}.items():
            form[name] = value
        form.submit("action", value="place", status=303)
        return str(self.orders(email)[-1].number)

    def staff_state(self, visit: Callable[..., Any]) -> Any:
        """The cookies of staff; signing in costs a password's hash, so it is done once."""
        if self._staff_state is None:
            page = visit()
            page.goto("/admin/sign-in")
            page.get_by_label("E-mail address").fill(STAFF)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/admin")
            self._staff_state = page.context.storage_state()
        return self._staff_state

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

    def pictures_of(self, handle: str) -> str:
        """The admin's address of a product's pictures."""
        find = text("SELECT id FROM catalog_product WHERE handle = :handle")
        with self.shop.unit() as db:
            return f"/admin/catalog/products/{db.scalar(find, {'handle': handle})}/pictures"

    def work(self) -> None:
        """Run the jobs that wait, as the worker process would: mails arrive at /dev/mail."""
        drain(self.shop)


def database_of(redis_url: str, number: int) -> str:
    """The address of another of that Redis server's databases."""
    return re.sub(r"\d+$", str(number), redis_url)
