"""PostgreSQL and Valkey for a machine that has neither.

A newcomer installs nothing: the programs come from wheels, run as ordinary processes under the
folder `var`, and listen on private sockets only. `DATABASE_URL` and `REDIS_URL` name servers of
one's own instead; those are neither started nor stopped here.

    servers = ensure(Path("var"))
    servers.database_url, servers.redis_url
    stop(Path("var"))
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opticworks.embedded import postgresql, valkey
from opticworks.embedded.errors import EmbeddedError
from opticworks.embedded.places import place
from opticworks.embedded.processes import exclusive

__all__ = [
    "EmbeddedError",
    "ServerStatus",
    "Servers",
    "create_database",
    "drop_database",
    "ensure",
    "make_var",
    "status",
    "stop",
]

DATABASE = "opticworks"
NAMES = ("postgresql", "valkey")


@dataclass(frozen=True)
class Servers:
    """Where the two servers are, and which of them this call of `ensure` started."""

    database_url: str
    redis_url: str
    started: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class ServerStatus:
    """One server as `opticworks embedded status` shows it."""

    name: str
    running: bool
    pid: int | None
    url: str
    data: Path | None


def _silent(line: str) -> None:
    """Say nothing."""


def ensure(
    var: Path,
    progress: Callable[[str], None] = _silent,
    *,
    durable: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Servers:
    """Bring both servers up if they are not, create the database, and say where they are.

    `var` is the folder for data and logs. `progress` receives one line per step that takes time.
    `durable=False` trades safety at a power cut for speed, for tests. Processes that call this at
    the same moment take turns. Raises EmbeddedError with a sentence that says what to do.
    """
    database_url, redis_url = _own(environ)
    started: set[str] = set()
    if database_url and redis_url:
        return Servers(database_url, redis_url)
    var = var.resolve()
    make_var(var)
    with exclusive(var / "embedded.lock"):
        if not database_url:
            where = place(var, "postgresql", progress)
            if postgresql.start(where, progress, durable=durable):
                started.add("postgresql")
            postgresql.create_database(postgresql.url(where, "postgres"), DATABASE)
            database_url = postgresql.url(where, DATABASE)
        if not redis_url:
            where = place(var, "valkey", progress)
            if valkey.start(where, progress, durable=durable):
                started.add("valkey")
            redis_url = valkey.url(where)
    return Servers(database_url, redis_url, frozenset(started))


def stop(var: Path, only: Collection[str] = NAMES) -> list[str]:
    """Stop the embedded servers of `var`, or `only` some; returns the names of those that ran."""
    var = var.resolve()
    if not var.is_dir():
        return []
    stopped = []
    with exclusive(var / "embedded.lock"):
        for name, server in (("valkey", valkey), ("postgresql", postgresql)):
            if name not in only:
                continue
            where = place(var, name, _silent)
            if server.stop(where):
                stopped.append(name)
            with contextlib.suppress(OSError):  # gone already, or the other one's socket is in it
                where.sockets.rmdir()
    return stopped


def status(var: Path, *, environ: Mapping[str, str] | None = None) -> list[ServerStatus]:
    """What runs for `var`: a server named by the environment counts as not embedded (no data)."""
    var = var.resolve()
    found = []
    database_url, redis_url = _own(environ)
    if database_url:
        found.append(ServerStatus("postgresql", True, None, database_url, None))
    else:
        where = place(var, "postgresql", _silent)
        found.append(
            ServerStatus(
                "postgresql",
                postgresql.answers(where),
                postgresql.pid(where),
                postgresql.url(where, DATABASE),
                where.data,
            )
        )
    if redis_url:
        found.append(ServerStatus("valkey", True, None, redis_url, None))
    else:
        where = place(var, "valkey", _silent)
        found.append(
            ServerStatus(
                "valkey", valkey.answers(where), valkey.pid(where), valkey.url(where), where.data
            )
        )
    return found


def create_database(servers: Servers, name: str, template: str = "template0") -> str:
    """Create the database `name` unless it exists, and return its address. It is a copy of the
    database `template`, which nobody may be using meanwhile."""
    postgresql.create_database(servers.database_url, name, template)
    return _with_database(servers.database_url, name)


def drop_database(servers: Servers, name: str) -> None:
    """Drop the database `name` if it exists, ending the sessions that use it."""
    postgresql.drop_database(servers.database_url, name)


def _own(environ: Mapping[str, str] | None) -> tuple[str, str]:
    """DATABASE_URL, spelt for psycopg 3, and REDIS_URL; empty where not set."""
    environ = os.environ if environ is None else environ
    database_url = environ.get("DATABASE_URL", "").strip()
    for prefix in ("postgres://", "postgresql://"):
        if database_url.startswith(prefix):
            database_url = "postgresql+psycopg://" + database_url.removeprefix(prefix)
    return database_url, environ.get("REDIS_URL", "").strip()


def _with_database(url: str, name: str) -> str:
    scheme, _, rest = url.partition("://")
    before, _, query = rest.partition("?")
    authority = before.partition("/")[0]
    return f"{scheme}://{authority}/{name}" + (f"?{query}" if query else "")


def make_var(var: Path) -> None:
    """Make the folder for data and logs, or say why that is not possible."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        (var / "log").mkdir(exist_ok=True)
    except PermissionError as error:
        raise EmbeddedError(
            f"{var} cannot be made or written to. Choose another folder with --var, or start as "
            "the user who owns it."
        ) from error
