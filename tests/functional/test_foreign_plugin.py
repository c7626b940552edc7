"""A plugin from outside the project: found when it is installed, gone when it is not.

Its package is copied away from the repository and installed by pip into an environment of its own,
which sees the project's packages and nothing of the copy but what pip put there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import time
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
import redis

from opticworks.embedded import Servers, create_database, drop_database
from opticworks.testing.ports import free_port

SOURCE = Path(__file__).parent.parent / "fixtures" / "acme_pay"
SKU = "RS1-LITE-WHT"
STAFF, PASSWORD = "jo@shop.example", "a long walk to the lighthouse"


class Scratch:
    """A virtual environment with pip that sees the project's installed packages, and a shop."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = {**os.environ, **environ, "OPTICWORKS_VAR": str(folder / "var")}
        # Many short commands: compile each module once.
        self.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        self.environ["PIP_NO_INDEX"] = self.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        venv.create(folder / "env", with_pip=True)
        site = Path(
            sysconfig.get_path("purelib", vars={"base": str(folder / "env")}, scheme="venv")
        )
        self.python = str(folder / "env" / "bin" / "python")
        # Python before 3.12 puts an old setuptools there, which would hide the project's own.
        self.run("-m", "pip", "uninstall", "--yes", "--quiet", "setuptools")
        # addsitedir, since the project itself is installed by .pth files, which a path alone
        # would not read.
        site.joinpath("project.pth").write_text(
            f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
        )

    def run(self, *arguments: str, typed: str = "") -> str:
        """Output of a Python command in the environment, which has to succeed."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def opticworks(self, *arguments: str, typed: str = "") -> str:
        return self.run("-m", "opticworks.cli", "--ini", "shop.ini", *arguments, typed=typed)

    def name_plugins(self, *lines: str) -> None:
        """Write the shop's ini file with these lines in its list of plugins."""
        listed = "".join(f"    {line}\n" for line in lines)
        self.folder.joinpath("shop.ini").write_text(
            "[app:main]\nuse = egg:opticworks\nopticworks.mode = development\n"
            f"opticworks.plugins =\n{listed}\n"
            "[server:main]\nuse = egg:waitress#main\nthreads = 4\n\n"
            "[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys =\n"
            "[logger_root]\nlevel = WARNING\nhandlers = console\n"
            "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\n"
        )

    def states(self) -> dict[str, str]:
        """What `opticworks plugin list` says: the state of each plugin by code."""
        rows = re.findall(r"^(\S+)  \S+  (\w+)", self.opticworks("plugin", "list"), re.MULTILINE)
        return dict(rows)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The shop's address while a freshly started web process serves it."""
        port = free_port()
        log = self.folder / "web.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.python, "-m", "opticworks.cli.web", "shop.ini", "--port", str(port)],
                cwd=self.folder,
                env={**self.environ, "PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            address = f"http://127.0.0.1:{port}"
            _await(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=30):
                return
        except OSError:  # it is not there yet, or takes its time
            time.sleep(0.1)
    raise AssertionError(f"The web process did not answer: {log.read_text()[-3000:]}")


class Browser:
    """Someone who goes through the shop at an address, with cookies and forms."""

    def __init__(self, address: str) -> None:
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, path: str) -> str:
        return self._open(urllib.request.Request(self.address + path))

    def post(self, path: str, **fields: str) -> str:
        """Send a form from a page of the shop's own; the page that one is led to."""
        form = urllib.parse.urlencode(fields).encode()
        headers = {"Origin": self.address}
        return self._open(urllib.request.Request(self.address + path, form, headers))

    def _open(self, request: urllib.request.Request) -> str:
        with self._opener.open(request, timeout=120) as answer:
            return answer.read().decode()


def checkout(address: str) -> str:
    """The checkout's page of a visitor who has put one sensor into the cart."""
    visitor = Browser(address)
    visitor.post("/cart/lines", sku=SKU, quantity="1")
    return visitor.get("/checkout")


def plugins_page(address: str) -> str:
    """The admin's Plugins page, as staff who sign in see it."""
    staff = Browser(address)
    hidden = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', staff.get("/admin/sign-in")
    )
    staff.post("/admin/sign-in", **dict(hidden), email=STAFF, password=PASSWORD)
    return staff.get("/admin/plugins")


def offered(page: str) -> set[str]:
    """Codes of the payment methods that the checkout offers."""
    fields = re.findall(r"<input[^>]*name=\"payment\"[^>]*>", page)
    return {code for field in fields for code in re.findall(r'value="(\w+)"', field)}


@pytest.fixture
def scratch(
    tmp_path: Path, embedded_servers: Servers, worker_number: int, worker_redis_url: str
) -> Iterator[Scratch]:
    """A scratch environment, and an empty database that nobody else uses."""
    redis.Redis.from_url(worker_redis_url).flushdb()
    name = f"opticworks_foreign_{os.getpid()}_{worker_number}"
    url = create_database(embedded_servers, name)
    yield Scratch(tmp_path, {"DATABASE_URL": url, "REDIS_URL": worker_redis_url})
    drop_database(embedded_servers, name)


@pytest.mark.timeout(900)  # a dozen processes, one after the other
def test_a_foreign_plugin_comes_and_goes_with_its_package(scratch: Scratch, tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "acme")
    own = ("catalog", "manual_payments", "table_rates")
    scratch.name_plugins(*own)
    scratch.opticworks("migrate")
    scratch.opticworks("demo")
    scratch.opticworks("staff", "add", STAFF, "--password-stdin", typed=f"{PASSWORD}\n")
    assert "acme_pay" not in scratch.states()

    scratch.run("-m", "pip", "install", "--no-deps", "--no-build-isolation", str(tmp_path / "acme"))
    assert scratch.states()["acme_pay"] == "disabled"

    scratch.name_plugins("acme_pay", *own)
    states = scratch.states()
    assert [states[code] for code in ("acme_pay", *own)] == ["enabled"] * 4
    with scratch.serving() as address:
        page, plugins = checkout(address), plugins_page(address)
    assert "Acme Pay" in plugins
    assert "acme-pay" in plugins
    assert offered(page) == {"acme_pay", "bank_transfer"}
    assert "Pay with your Acme account." in page

    scratch.run("-m", "pip", "uninstall", "--yes", "acme-pay")
    assert scratch.states()["acme_pay"] == "missing"
    with scratch.serving() as address:
        assert offered(checkout(address)) == {"bank_transfer"}
        assert "Acme Pay" not in plugins_page(address)
