"""Child processes of `opticworks run`: started together, stopped together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

_PATIENCE = 10.0  # seconds between SIGTERM and SIGKILL


class Stopped(BaseException):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, SIGHUP); not an error."""


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], None]]:
    """Turn the first stop signal into `Stopped`; later ones are ignored while we clean up.

    Yields a check to call between steps: it raises `Stopped` again if somebody asked and the first
    one got lost, since Python drops what is raised in a finaliser or a weak reference's callback.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    def check() -> None:
        if asked:
            raise Stopped

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, ask) for each in caught}
    try:
        yield check
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@dataclass(frozen=True)
class Child:
    """One process and the name that messages call it by."""

    name: str
    process: subprocess.Popen[bytes]


class Children:
    """Processes that live and die together."""

    def __init__(self) -> None:
        self._all: list[Child] = []

    def start(self, name: str, module: Sequence[str], environ: Mapping[str, str]) -> None:
        """Run `python -m module…` with our own streams, out of reach of the terminal's Ctrl-C."""
        # Stand-ins don't come through our command line, which leaves this out for everybody else.
        quiet = ["-W", "ignore:pkg_resources is deprecated:UserWarning"]
        command = [sys.executable, *quiet, "-m", *module, "--parent", str(os.getpid())]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, env=dict(environ), start_new_session=True
        )
        self._all.append(Child(name, process))

    def dead(self) -> Child | None:
        """A child that has ended, or None."""
        return next((child for child in self._all if child.process.poll() is not None), None)

    def stop(self) -> None:
        """Ask every child to end, and end those that do not."""
        living = [child.process for child in self._all if child.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + _PATIENCE
        for process in living:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def die_with(parent: int) -> None:
    """Make this process end (as by SIGTERM) soon after `parent` is gone, even by kill -9."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
