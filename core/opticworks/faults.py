"""Named places where a test may kill the process, as a power cut would.

`fault("place.after_commit")` does nothing, until the environment variable OPTICWORKS_FAULT names
exactly that place: then the process gets SIGKILL, so that nothing is cleaned up and no `finally`
runs. "name:3" kills at the third time the place is reached. In production the variable is ignored.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def outside(name: str) -> Iterator[None]:
    """Around a call to a provider: fault points "<name>.before_provider" and
    "<name>.after_provider"."""
    fault(f"{name}.before_provider")
    yield
    fault(f"{name}.after_provider")
