"""What can go wrong between a shop and a vendor, on command."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

HOW = ("timeout", "lost", "error", "slow", "garbled")


@dataclass
class Fault:
    """What goes wrong with calls whose "METHOD path" fits `match`, `times` over.

    "timeout" acts and then stays silent for `seconds`; "lost" stays silent without acting;
    "error" answers `status` without acting; "slow" waits `seconds`, then acts and answers;
    "garbled" acts and answers with whatever fits `find` replaced by `put`. Raises ValueError.
    """

    match: str = ".*"
    how: str = "error"
    status: int = 500
    seconds: float = 0.0
    times: int = 1
    find: str = ""
    put: str = ""

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise ValueError(f"There is no fault {self.how!r}, only {', '.join(HOW)}.")
        for pattern in (self.match, self.find):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}.") from None


class Faults:
    """The faults that were asked for, each used up call by call."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._quiet = threading.Condition()
        self._running = 0

    def add(self, fault: Fault) -> int:
        """How many faults there are with it."""
        with self._lock:
            self._faults.append(fault)
            return len(self._faults)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this call meets, which is then used once."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.match, f"{method} {path}"):
                    fault.times -= 1
                    return fault
        return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a call is answered."""
        with self._quiet:
            self._running += 1
        try:
            yield
        finally:
            with self._quiet:
                self._running -= 1
                self._quiet.notify_all()

    def wait(self, seconds: float) -> None:
        """Say nothing for so long, or until somebody has waited enough, see `settle`."""
        self._heard.wait(seconds)

    def settle(self, seconds: float = 10.0) -> None:
        """Come to rest: what was asked for has happened, silences are broken off, and no call runs.
        Faults that nobody met within `seconds` are forgotten."""
        end = time.monotonic() + seconds
        while any(fault.times > 0 for fault in self._faults) and time.monotonic() < end:
            time.sleep(0.01)
        self.clear()
        self._heard.set()
        with self._quiet:
            assert self._quiet.wait_for(lambda: self._running == 0, seconds), "A call still runs."
        self._heard.clear()
