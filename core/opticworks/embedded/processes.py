"""Small facts about processes and files that both embedded servers need.

Nothing here trusts a pid alone: a number in a pid file may belong to a process that is dead, a
zombie, or to somebody else by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opticworks.embedded.errors import EmbeddedError

_PROC = Path("/proc")
# No PG*, LD_* or locale of the caller may change how a server behaves.
_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """The system user that runs a server."""

    uid: int
    gid: int
    name: str

    @property
    def is_me(self) -> bool:
        """True when the server runs as the calling user."""
        return self.uid == os.geteuid()

    def switch(self) -> dict[str, Any]:
        """The arguments that make `subprocess` drop to this user."""
        if self.is_me:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path) -> Account:
    """The user that owns `data`, or that shall own it.

    PostgreSQL refuses to run as root, so root drops to the owner of existing data and, the first
    time, to `nobody`.
    """
    uid = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if uid != 0:
        if owner not in (None, uid):
            raise EmbeddedError(
                f"{data} belongs to the user {_name(owner or 0)}. Start as that user or as root, "
                "or choose another folder with --var."
            )
        return Account(uid, os.getegid(), _name(uid))
    if owner:
        entry_gid = data.stat().st_gid
        return Account(owner, entry_gid, _name(owner))
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            "The embedded servers do not run as root, and this machine has no user `nobody` to "
            "drop to. Start as a normal user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid, nobody.pw_name)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def can_reach(account: Account, path: Path) -> bool:
    """Whether `account` may enter the folder `path` (or the nearest parent that exists)."""
    while not path.exists():
        path = path.parent
    command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(path)]
    return run(command, account, timeout=10).returncode == 0


def run(
    command: Sequence[str], account: Account, *, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a short command as `account` in a clean environment and collect what it said."""
    return subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        cwd="/",
        env=dict(_ENVIRONMENT),
        **account.switch(),
    )


def spawn(command: Sequence[str], account: Account, log: Path) -> int:
    """Start a server that outlives its starter and return its pid.

    It gets a session of its own, so that Ctrl-C in the terminal does not reach it, and none of our
    standard streams, so that `make run | tee` ends when we do.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=dict(_ENVIRONMENT),
            **account.switch(),
        )
    # The server is meant to outlive this object; `is_running` reaps it should it die before us.
    process.returncode = 0
    return int(process.pid)


def is_running(pid: int) -> bool:
    """Whether a live process, not a zombie, has this pid."""
    with contextlib.suppress(ChildProcessError, PermissionError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) not in ("Z", "X", "")


def _state(pid: int) -> str:
    if _PROC.is_dir():
        try:
            stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return ""
        return stat.rpartition(")")[2].split()[0]
    said = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout.strip()[:1]


def is_program(pid: int, name: str) -> bool:
    """Whether the live process `pid` runs a program whose command begins with `name`."""
    if not is_running(pid):
        return False
    if _PROC.is_dir():
        try:
            command = (_PROC / str(pid) / "comm").read_text(errors="replace")
        except OSError:
            return False
        return command.startswith(name)
    said = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return Path(said.stdout.strip()).name.startswith(name)


def processes_in(folder: Path, name: str) -> list[int]:
    """Pids of live processes called `name…` that work in `folder`.

    Both servers make their data their working folder, so this finds the children that a killed
    server left behind. Where there is no /proc the answer is empty.
    """
    found: list[int] = []
    target = str(folder.resolve())
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdigit():
            continue
        try:
            here = os.readlink(entry / "cwd")
        except OSError:
            continue
        if here == target and is_program(int(entry.name), name):
            found.append(int(entry.name))
    return found


def terminate(pid: int, how: signal.Signals, seconds: float) -> bool:
    """Send `how` and wait; after `seconds` send SIGKILL. False when the process survives both."""
    for number, patience in ((how, seconds), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_for(lambda: not is_running(pid), patience):
            return True
    return False


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` every few milliseconds until it holds; False after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return True


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an advisory lock on `path`, so that starters and stoppers take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Read-only is enough for flock, and works on a file that another user made.
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])
