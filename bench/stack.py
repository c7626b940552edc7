"""The production stack on this machine: PostgreSQL, Valkey and production.ini's own web server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import seed
from opticworks import embedded, migrations
from opticworks.app import open_shop
from opticworks.boot import boot, ini_settings

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"
SECRET = "bench-only-9f2K_qLx7-Zp4Rt8Vw3Yc6Hn1Jm5"
START = 60.0  #: seconds

#: What production.ini leaves to the shop's owner: an account to pay into.
SETTINGS = """\
plugin.manual_payments.account_holder = Bench Shop Ltd
plugin.manual_payments.bank = Bank of Benches
plugin.manual_payments.iban = DE89370400440532013000
"""


@dataclass(frozen=True)
class Stack:
    """Where everything is, with the process that serves and the process of PostgreSQL."""

    host: str
    port: int
    ini: Path
    environ: Mapping[str, str]
    database_url: str
    redis_url: str
    postgres: int

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@contextlib.contextmanager
def prepared(var: Path = VAR, port: int = 6598) -> Iterator[Stack]:
    """Both servers up, tables made, catalogue seeded; they are stopped at the end."""
    own = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    servers = embedded.ensure(var, lambda line: print(line, flush=True), environ=own)
    try:
        found = {one.name: one.pid for one in embedded.status(var, environ=own)}
        ini = var / "production.ini"
        ini.write_text(_ini(port))
        environ = {
            **own,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "OPTICWORKS_SECRET": SECRET,
            "OPTICWORKS_BASE_URL": f"http://127.0.0.1:{port}",
            "OPTICWORKS_VAR": str(var),
        }
        _fill(ini, environ)
        pid = found["postgresql"]
        assert pid is not None
        yield Stack("127.0.0.1", port, ini, environ, servers.database_url, servers.redis_url, pid)
    finally:
        embedded.stop(var)


def _ini(port: int) -> str:
    """production.ini with a port of our own and the owner's settings, without mail: there is no
    mail server to speak to."""
    text = (ROOT / "production.ini").read_text()
    for old, new in (
        ("port = 6543\n", f"port = {port}\n"),
        ("    smtp_mail\n", ""),
        ("opticworks.theme = default\n", f"opticworks.theme = default\n{SETTINGS}"),
    ):
        if old not in text:
            raise SystemExit(f"production.ini has no line {old.strip()!r}; correct bench/stack.py.")
        text = text.replace(old, new)
    return text


def _fill(ini: Path, environ: Mapping[str, str]) -> None:
    before = dict(os.environ)
    os.environ.update(environ)
    try:
        shop = boot(ini)
        migrations.upgrade(shop, lambda line: None)
        shop.close()
        shop = open_shop(ini_settings(ini))
        print("Seeding the catalogue", flush=True)
        seed.seed(shop)
        shop.close()
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def with_cards(stack: Stack) -> Iterator[Stack]:
    """The same shop with the Stripe plugin, and its stand-in as a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = stack.ini.read_text()
    plugins = "opticworks.plugins =\n"
    if plugins not in text:
        raise SystemExit("production.ini names its plugins elsewhere; correct bench/stack.py.")
    ini = stack.ini.with_name("cards.ini")
    ini.write_text(
        text.replace(plugins, f"opticworks.allow_standins = true\n{plugins}    stripe_payments\n")
    )
    standin = f"http://127.0.0.1:{port}"
    cards = replace(stack, ini=ini, environ={**stack.environ, "OPTICWORKS_STANDIN_STRIPE": standin})
    module = "opticworks_stripe_payments.standin"
    command = [sys.executable, "-m", module, "--port", str(port), "--eager"]
    where = replace(stack, port=port)
    with running(command, where, log=ini.with_name("standin.log"), path="/stripe.js"):
        yield cards


@contextlib.contextmanager
def serving(stack: Stack, *, log: Path, app: str = "") -> Iterator[int]:
    """`pserve production.ini` until the block ends, with another `app` ("module:factory") on the
    same server if asked; gives its process id."""
    ini, path = stack.ini, "/health"
    if app:
        text = ini.read_text()
        ini = ini.with_name("other.ini")
        ini.write_text(text.replace("use = egg:opticworks\n", f"use = call:{app}\n", 1))
        path = "/bare"
    command = [sys.executable, "-m", "pyramid.scripts.pserve", str(ini)]
    with running(command, stack, log=log, path=path) as pid:
        yield pid


@contextlib.contextmanager
def running(command: list[str], stack: Stack, *, log: Path, path: str) -> Iterator[int]:
    """A server started by `command` that answers at `path`; stopped when the block ends."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            env=dict(stack.environ),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, f"http://{stack.name}{path}", log)
        yield process.pid
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            time.sleep(1)  # the other processes of the server come up too
            return
        time.sleep(0.1)
    raise SystemExit(f"The server did not start. Its log ({log}) says:\n{log.read_text()[-2000:]}")
