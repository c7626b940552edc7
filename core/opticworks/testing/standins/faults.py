"""What can go wrong between a shop and a vendor, on command."""

from __future__ import annotations

import re
import threading
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
