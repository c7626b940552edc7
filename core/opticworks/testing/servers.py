"""pytest plugin: one embedded PostgreSQL and Valkey for a whole test run, xdist workers included.

The first test that asks starts them in a folder of their own; the controlling process stops them
and removes the folder at the end. `DATABASE_URL` and `REDIS_URL` name servers to use instead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from opticworks.embedded import Servers, create_database, drop_database, ensure, stop
from opticworks.embedded.processes import is_running

_VARIABLE = "OPTICWORKS_TEST_SERVERS"
_PREFIX = f"opticworks-test-{os.getuid()}-"


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder; xdist's workers find it in the environment that they inherit."""
    if _is_worker(config):
        return
    _sweep()
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    # As root the servers run as another user, who has to pass through.
    Path(folder).chmod(0o711)
    os.environ[_VARIABLE] = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the tests started."""
    if _is_worker(config) or _VARIABLE not in os.environ:
        return
    _remove(Path(os.environ.pop(_VARIABLE)))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _remove(folder: Path) -> None:
    stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Stop and remove what an earlier run left behind when it was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not is_running(int(owner)):
            _remove(folder)


@pytest.fixture(scope="session")
def embedded_servers() -> Servers:
    """The servers of this run. They forget everything at a power cut, and are fast instead."""
    return ensure(Path(os.environ[_VARIABLE]), durable=False)


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0, 1, … for xdist's workers gw0, gw1, …; 0 without xdist."""
    given = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(given.removeprefix("gw"))


@pytest.fixture(scope="session")
def worker_database_url(embedded_servers: Servers, worker_number: int) -> Iterator[str]:
    """The address of an empty database that belongs to this worker alone."""
    name = f"opticworks_test_{os.getpid()}_{worker_number}"
    yield create_database(embedded_servers, name)
    drop_database(embedded_servers, name)


@pytest.fixture(scope="session")
def worker_redis_url(embedded_servers: Servers, worker_number: int) -> str:
    """The address of a Redis database that belongs to this worker alone.

    A server of one's own has 16 of them, unless it is told otherwise; the first stays untouched.
    """
    url = embedded_servers.redis_url
    number = worker_number + 1
    if url.startswith("unix://"):
        return f"{url}{'&' if '?' in url else '?'}db={number}"
    base = url.partition("?")[0].rstrip("/")
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{number}"
