"""`pserve production.ini`, as whoever installs a shop meets it: real processes, real refusals."""

import gzip
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pyramid.paster import get_app

from opticworks.embedded import create_database, drop_database
from opticworks.embedded.processes import wait_for
from opticworks.testing.counter import ADA
from opticworks.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET = "uN7-aZ4_kQ9.wE2:rT6+yU1/oP3=sD8fG"
#: The most that a web worker may have in memory, in the MB of the bench: 131 and a small margin.
#: With a thousand products it has 19 more, and is to stay at 150.
WORKER_BYTES = 136 * 2**20
NAMES = ("DATABASE_URL", "REDIS_URL", "OPTICWORKS_SECRET", "OPTICWORKS_BASE_URL")


class Place:
    """A folder with a copy of production.ini that listens on a free port."""

    def __init__(self, folder):
        self.port = free_port()
        self.ini = folder / "production.ini"
        text = (ROOT / "production.ini").read_text()
        assert "port = 6543\n" in text
        self.ini.write_text(text.replace("port = 6543\n", f"port = {self.port}\n"))
        self.environ = {k: v for k, v in os.environ.items() if k not in NAMES}
        self.environ["HOME"] = str(folder)

    def edit(self, old, new):
        text = self.ini.read_text()
        assert old in text
        self.ini.write_text(text.replace(old, new))

    def command(self, *arguments, text=None):
        """An `opticworks` command on this shop."""
        return subprocess.run(
            [sys.executable, "-m", "opticworks.cli", "--ini", str(self.ini), *arguments],
            env=self.environ,
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
        )

    def refused_here(self, monkeypatch):
        """What `refused` says, without a process for it."""
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in self.environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            get_app(str(self.ini))
        return str(ended.value)

    def refused(self):
        """What pserve says when it does not start."""
        done = subprocess.run(
            [sys.executable, "-m", "pyramid.scripts.pserve", str(self.ini)],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode not in (0, None), said
        assert "Traceback" not in said
        return said

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as answer:
            return answer.status, answer.read().decode()

    def serves(self):
        """Start pserve, wait for an answer of /health, and return the process and its output."""
        log = self.ini.with_name("log").open("w+")
        process = subprocess.Popen(
            [sys.executable, "-m", "pyramid.scripts.pserve", str(self.ini)],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

        def settled():
            try:
                return process.poll() is not None or self.get("/health")[0] == 200
            except OSError:
                return False

        reached = wait_for(settled, 240)
        log.seek(0)
        assert reached, log.read()
        assert process.poll() is None, log.read()
        log.close()
        return process


@pytest.fixture
def bare(tmp_path):
    """A shop whose environment has nothing yet."""
    return Place(tmp_path)


def configured(place, database_url, redis_url):
    """The same shop with everything set."""
    place.edit(
        "    smtp_mail\n", ""
    )  # it wants a mail server, which is not what these tests are about
    place.edit(
        "opticworks.theme = default\n",
        "opticworks.theme = default\n"
        "plugin.manual_payments.account_holder = Test Shop Ltd\n"
        "plugin.manual_payments.bank = Bank of Tests\n"
        "plugin.manual_payments.iban = DE89370400440532013000\n",
    )
    place.environ |= {
        "DATABASE_URL": database_url.replace("+psycopg", ""),
        "REDIS_URL": redis_url,
        "OPTICWORKS_SECRET": SECRET,
        "OPTICWORKS_BASE_URL": "https://shop.invalid",
    }
    return place


@pytest.fixture
def database(embedded_servers, worker_number):
    """database(template) creates a database: an empty one, or a copy."""
    made = []

    def create(*template):
        made.append(f"opticworks_production_{os.getpid()}_{worker_number}_{time.time_ns()}")
        return create_database(embedded_servers, made[-1], *template)

    yield create
    for name in made:
        drop_database(embedded_servers, name)


@pytest.fixture
def place(bare, database, worker_redis_url):
    """A shop with everything set and an empty database."""
    return configured(bare, database(), worker_redis_url)


@pytest.fixture(scope="module")
def migrated(embedded_servers, worker_number, worker_redis_url, tmp_path_factory):
    """The name of a database that `opticworks migrate` has made ready, to be copied."""
    name = f"opticworks_production_{os.getpid()}_{worker_number}"
    url = create_database(embedded_servers, name)
    done = configured(Place(tmp_path_factory.mktemp("ready")), url, worker_redis_url).command(
        "migrate"
    )
    assert done.returncode == 0, done.stderr
    yield name
    drop_database(embedded_servers, name)


@pytest.fixture
def ready(bare, database, migrated, worker_redis_url):
    """A shop with everything set, its tables up to date."""
    return configured(bare, database(migrated), worker_redis_url)


def test_without_its_secrets_it_names_each_that_is_missing(bare):
    said = bare.refused()
    for name in NAMES:
        assert re.search(rf"^\s+- {name}: \S", said, re.MULTILINE)


@pytest.mark.parametrize("missing", NAMES)
def test_it_names_only_what_is_missing(place, missing, monkeypatch):
    del place.environ[missing]
    said = place.refused_here(monkeypatch)
    assert [name for name in NAMES if f"- {name}:" in said] == [missing]
    assert SECRET not in said


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("OPTICWORKS_SECRET", "tiny-7", "too short"),
        ("OPTICWORKS_SECRET", "a" * 40, "too simple"),
        ("OPTICWORKS_SECRET", "sample-" + SECRET, "sample value"),
        ("OPTICWORKS_BASE_URL", "http://shop.invalid", "https://"),
    ],
)
def test_an_unsafe_value_is_refused_with_the_reason_and_not_shown(
    place, name, value, reason, monkeypatch
):
    place.environ[name] = value
    said = place.refused_here(monkeypatch)
    assert f"- {name}:" in said
    assert reason in said
    if name == "OPTICWORKS_SECRET":
        assert value not in said


def test_the_ini_holds_no_secret_and_no_address_of_a_server():
    lines = (ROOT / "production.ini").read_text().splitlines()
    live = [line for line in lines if line.strip() and not line.startswith("#")]
    assert not [line for line in live if re.search(r"secret|password|://|key\s*=", line, re.I)]
    assert "opticworks.mode = production" in live


def test_tables_that_are_not_up_to_date_are_named_with_the_command_to_run(place):
    said = place.refused()
    assert "kernel" in said
    assert "opticworks --ini production.ini migrate" in said


def look_around(place):
    """Ask for pages of all kinds, some dozens of times, as somebody who orders each time."""
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    visitor.addheaders = [("Origin", "https://shop.invalid"), ("Accept-Encoding", "gzip")]
    start = f"http://127.0.0.1:{place.port}"

    def at(path, data=None):
        with visitor.open(start + path, data, timeout=120) as answer:
            return answer.read()

    (product, *_) = set(
        re.findall(r"/products/[a-z0-9-]+", gzip.decompress(at("/products")).decode())
    )
    sku = re.search(r'name="sku" value="([^"]+)"', gzip.decompress(at(product)).decode())[1]
    for _ in range(6):
        for path in ("/", "/products", product, "/search?q=shirt", "/sitemap.xml"):
            assert at(path)
        assert at("/cart/lines", urlencode({"sku": sku, "quantity": 1}).encode())
        for path in ("/cart", "/cart/badge", "/checkout", "/admin/sign-in"):
            assert at(path)
        assert b"12 Analytical Way" in order(at)


def order(at):
    """Buy what lies in the cart, as a guest; the page that says thanks."""

    def chosen(name, page):
        return re.search(rf'name="{name}"[^>]* value="([^"]*)"[^>]* checked=', page)[1]

    def read(page):
        hidden = re.findall(r'name="(csrf_token|cart|quote|total)"[^>]* value="([^"]*)"', page)
        return {**dict(hidden), "shipping": chosen("shipping", page)}

    page = at("/checkout").decode()
    form = {**ADA, **read(page), "payment": chosen("payment", page)}
    form |= read(at("/checkout/update", urlencode(form).encode()).decode())
    return at("/checkout", urlencode({**form, "action": "place"}).encode())


def test_it_serves_from_two_small_processes_and_stops_when_asked(place):
    goods = ROOT / "plugins" / "catalog" / "tests" / "files" / "apparel.csv"
    for command in (("migrate",), ("catalog", "import", "--no-pictures", str(goods))):
        done = place.command(*command)
        assert done.returncode == 0, done.stderr
    process = place.serves()
    try:
        assert '"database": "connected"' in place.get("/health")[1].replace('":"', '": "')
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 120  # the second may come up after the first has answered
        while len(children.read_text().split()) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(children.read_text().split()) == 2
        for _ in range(20):  # both workers read the database, each on connections of its own
            assert place.get("/health")[0] == 200
        look_around(place)
        for worker in children.read_text().split():
            status = Path(f"/proc/{worker}/status").read_text()
            assert int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024 <= WORKER_BYTES
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_demo_account_keeps_it_from_starting(ready):
    text = ready.ini.read_text()
    ready.edit("opticworks.mode = production", "opticworks.mode = development")
    program = (
        "import sys; from opticworks.boot import boot; from opticworks.staff import demo;"
        "print(demo.ensure(boot(sys.argv[1])).email)"
    )
    made = subprocess.run(
        [sys.executable, "-c", program, str(ready.ini)],
        env=ready.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    ready.ini.write_text(text)
    assert f"demo account {made.stdout.strip()}" in ready.refused()


def test_demo_data_is_never_loaded(ready):
    done = ready.command("demo")
    assert done.returncode == 1
    assert "never loaded in production" in done.stderr


def test_a_plugin_that_cannot_run_stops_the_start_unless_its_line_says_optional(ready):
    ready.edit("    table_rates\n", "    table_rates\n    not_installed\n")
    said = ready.refused()
    assert "not_installed" in said
    assert "optional" in said
    ready.edit("    not_installed\n", "    not_installed optional\n")
    process = ready.serves()
    process.terminate()
    assert process.wait(60) == 0


def test_the_first_member_of_staff_is_added_by_command_with_a_password_never_shown(ready):
    secret = "correct horse battery staple 7"
    done = ready.command("staff", "add", "anna@shop.example.net", "--password-stdin", text=secret)
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr
    assert "anna@shop.example.net" in ready.command("staff", "list").stdout
