"""One Valkey, spoken to with the Redis protocol through a private socket and nothing else."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from opticworks.embedded.errors import EmbeddedError
from opticworks.embedded.places import Place, Progress, make_private, valkey_program
from opticworks.embedded.processes import (
    is_program,
    is_running,
    last_lines,
    processes_in,
    spawn,
    terminate,
    wait_for,
)

_STARTUP_SECONDS = 30.0  # reading a long journal takes its time


def socket(place: Place) -> Path:
    """The socket of this server."""
    return place.sockets / "valkey.sock"


def url(place: Place) -> str:
    """The address of this server for the redis client."""
    return f"unix://{socket(place)}"


def answers(place: Place) -> bool:
    """Whether the server of this very data folder answers now, its data read."""
    # The client's own retries would turn each "not yet" into seconds.
    client = redis.Redis(
        unix_socket_path=str(socket(place)), socket_timeout=2, retry=Retry(NoBackoff(), 0)
    )
    try:
        folder: object = client.config_get("dir")["dir"]
        return folder == str(place.data)
    except (redis.RedisError, OSError, KeyError):
        return False
    finally:
        client.close()


def pid(place: Place) -> int | None:
    """The pid of the live server of this data folder, or None."""
    with contextlib.suppress(OSError, ValueError):
        written = int((place.data / "valkey.pid").read_text())
        if is_program(written, "valkey-server"):
            return written
    return None


def start(place: Place, progress: Progress, *, durable: bool) -> bool:
    """Bring the server up; True when it was this call that started it.

    With `durable` every write is in a journal that is forced to disk each second.
    """
    if answers(place):
        return False
    program = valkey_program(place.account, progress)
    place.prepare()
    make_private(place.data, place.account)
    _clear_remains(place)
    progress("Starting Valkey.")
    settings = {
        "port": "0",
        "unixsocket": str(socket(place)),
        "unixsocketperm": "700",
        "dir": str(place.data),
        "pidfile": str(place.data / "valkey.pid"),
        "daemonize": "no",
        "loglevel": "warning",
        "databases": "64",
        "save": "",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
    }
    command = [str(program)]
    for name, value in settings.items():
        command += [f"--{name}", value]
    started = spawn(command, place.account, place.log)
    if not wait_for(lambda: not is_running(started) or answers(place), _STARTUP_SECONDS):
        terminate(started, signal.SIGTERM, 5)
    if not is_running(started):
        raise EmbeddedError(
            f"Valkey did not start. The end of its log, {place.log}:\n{last_lines(place.log)}"
        )
    return True


def _clear_remains(place: Place) -> None:
    server = pid(place)
    left = [server] if server is not None else processes_in(place.data, "valkey-server")
    for process in left:
        wait_for(lambda process=process: not is_running(process) or answers(place), 5)  # type: ignore[misc]
        if is_running(process):
            terminate(process, signal.SIGTERM, 5)
    (place.data / "valkey.pid").unlink(missing_ok=True)
    socket(place).unlink(missing_ok=True)


def stop(place: Place) -> bool:
    """Stop the server, its journal written; True when there was one to stop."""
    server = pid(place)
    if server is None:
        return False
    if not terminate(server, signal.SIGTERM, 15):
        raise EmbeddedError(f"Valkey (process {server}) does not stop; see {place.log}.")
    return True
