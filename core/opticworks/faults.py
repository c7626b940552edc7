"""Named places where a test may kill the process, as a power cut would.

`fault("place.after_commit")` does nothing, until the environment variable OPTICWORKS_FAULT names
exactly that place: then the process gets SIGKILL, so that nothing is cleaned up and no `finally`
runs. "name:3" kills at the third time the place is reached. In production the variable is ignored.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "OPTICWORKS_FAULT"

_armed = ""
_left = 0


def arm(mode: str) -> None:
    """Read the variable once, at start; never armed in production."""
    global _armed, _left
    name, _, count = os.environ.get(VARIABLE, "").partition(":")
    _armed = "" if mode == "production" else name
    _left = int(count or 1)


def fault(name: str) -> None:
    """A fault point. Costs one comparison when it isn't armed."""
    global _left
    if _armed != name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
