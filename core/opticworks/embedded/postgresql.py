"""One PostgreSQL, reached through a private socket and nothing else."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from opticworks.embedded.errors import EmbeddedError
from opticworks.embedded.places import Place, Progress, make_private, postgresql_program
from opticworks.embedded.processes import (
    is_program,
    is_running,
    last_lines,
    processes_in,
    run,
    spawn,
    terminate,
    wait_for,
)

USER = "opticworks"
_MAJOR = "18"
_PORT = 5432  # names the socket's file; no TCP port is opened
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    # Without this every refused statement of a test suite would be written, data included.
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_STARTUP_SECONDS = 60.0  # long enough to recover after a crash on a slow disk


def url(place: Place, database: str) -> str:
    """The SQLAlchemy address of a database on this server."""
    query = urlencode({"host": str(place.sockets)})
    return f"postgresql+psycopg://{USER}@/{database}?{query}"


def connect(place: Place, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    """A connection of its own, outside any transaction."""
    return psycopg.connect(
        host=str(place.sockets),
        port=_PORT,
        user=USER,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
    )


def answers(place: Place) -> bool:
    """Whether the server of this very data folder accepts a real connection now."""
    try:
        with connect(place) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and row[0] == str(place.data)


def pid(place: Place) -> int | None:
    """The pid of the live server of this data folder, or None."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        written = int((place.data / "postmaster.pid").read_text().splitlines()[0])
        if is_program(written, "postgres"):
            return written
    return None


def start(place: Place, progress: Progress, *, durable: bool) -> bool:
    """Bring the server up; True when it was this call that started it.

    Raises EmbeddedError when it does not come up.
    """
    if answers(place):
        return False
    program = postgresql_program("postgres", place.account, progress)
    place.prepare()
    _create(place, progress, durable=durable)
    _clear_remains(place)
    progress("Starting PostgreSQL.")
    settings = dict(_SETTINGS, unix_socket_directories=str(place.sockets))
    if not durable:
        settings |= _NOT_DURABLE
    command = [str(program), "-D", str(place.data), "-p", str(_PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    started = spawn(command, place.account, place.log)
    _await(place, started)
    return True


def _await(place: Place, started: int) -> None:
    died = False

    def settled() -> bool:
        nonlocal died
        died = not is_running(started)
        return died or answers(place)

    if not wait_for(settled, _STARTUP_SECONDS):
        terminate(started, signal.SIGQUIT, 5)
        died = True
    if died:
        raise EmbeddedError(
            f"PostgreSQL did not start. The end of its log, {place.log}:\n{last_lines(place.log)}"
        )


def _create(place: Place, progress: Progress, *, durable: bool) -> None:
    """Make the data folder, all of it or nothing: initdb works beside it, a rename ends it."""
    marker = place.data / "PG_VERSION"
    if marker.exists():
        found = marker.read_text().strip()
        if found != _MAJOR:
            raise EmbeddedError(
                f"{place.data} was made by PostgreSQL {found} and the embedded one is {_MAJOR}. "
                "Dump it with the old version, or move the folder away to begin anew."
            )
        return
    progress("Creating the database cluster.")
    parent = place.data.parent
    parent.mkdir(parents=True, exist_ok=True)
    if place.data.exists():
        raise EmbeddedError(
            f"{place.data} exists but holds no database. Move it away, then start again."
        )
    for left in parent.glob(f".{place.data.name}-*"):
        shutil.rmtree(left)
    scratch = Path(tempfile.mkdtemp(prefix=f".{place.data.name}-", dir=parent))
    make_private(scratch, place.account)
    initdb = postgresql_program("initdb", place.account, progress)
    command = [str(initdb), "-D", str(scratch), "-U", USER, "--encoding=UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += ["--auth-local=trust", "--auth-host=reject"]
    if not durable:
        command.append("--no-sync")
    result = run(command, place.account, timeout=300)
    if result.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise EmbeddedError(f"The database could not be created:\n{result.stdout.strip()}")
    scratch.rename(place.data)


def _clear_remains(place: Place) -> None:
    """Remove what a killed server left: a hung process, children, pid and lock files."""
    server = pid(place)
    if server is not None:
        # It may be recovering, or be the last breath of one killed a moment ago.
        wait_for(lambda: not is_running(server) or answers(place), 5)
        if is_running(server):
            terminate(server, signal.SIGINT, 30)
    for orphan in processes_in(place.data, "postgres"):
        # Children notice the death of their server and leave; only stuck ones need help.
        if not wait_for(lambda orphan=orphan: not is_running(orphan), 5):  # type: ignore[misc]
            terminate(orphan, signal.SIGKILL, 5)
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    for name in (f".s.PGSQL.{_PORT}", f".s.PGSQL.{_PORT}.lock"):
        (place.sockets / name).unlink(missing_ok=True)


def stop(place: Place) -> bool:
    """Stop the server, rolling back what is open; True when there was one to stop."""
    server = pid(place)
    if server is None:
        return False
    # SIGINT is PostgreSQL's fast shutdown: it ends sessions and leaves clean files.
    if not terminate(server, signal.SIGINT, 30):
        raise EmbeddedError(f"PostgreSQL (process {server}) does not stop; see {place.log}.")
    return True


def create_database(address: str, name: str, template: str = "template0") -> None:
    """Create the database `name` on the server of `address` unless it exists, as a copy of
    `template`, which nobody may be using meanwhile."""
    with psycopg.connect(_plain(address), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            # Somebody may well be using template1, so template0 it is.
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(statement)


def drop_database(address: str, name: str) -> None:
    """Drop the database `name`, ending the sessions that still use it."""
    with psycopg.connect(_plain(address), autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(statement)


def _plain(address: str) -> str:
    return address.replace("postgresql+psycopg://", "postgresql://", 1)
