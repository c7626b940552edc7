"""Asks the painter's process for a picture's work, within limits of time and number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from opticworks.media.recognise import BadPicture

SECONDS = {"check": 40.0, "render": 300.0, "master": 80.0}  #: on the clock, however busy it is
AT_ONCE = 2  #: painters of one process of ours; a third picture waits
UNREADABLE = "This picture can't be opened. Save it again as JPEG or PNG and add the new file."
TOO_SLOW = "This picture takes too long to open. Save it again as JPEG or PNG and add that."
_places = threading.BoundedSemaphore(AT_ONCE)

#: What the painter may know of our environment: nothing but where programs are.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")


class PainterFailed(Exception):
    """The painter died or could not write: no fault of the picture that is known."""


def ask(
    do: Literal["check", "render", "master"], source: Path, kind: str, folder: Path
) -> dict[str, Any]:
    """The painter's answer; its files are in `folder`. Raises BadPicture or PainterFailed."""
    task = {"do": do, "source": str(source), "kind": kind, "folder": str(folder)}
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    with _places:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", "opticworks.media.painter"],
                input=json.dumps(task).encode(),
                capture_output=True,
                timeout=SECONDS[do],
                env={**environment, "MALLOC_ARENA_MAX": "2"},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BadPicture(TOO_SLOW) from None
    if done.returncode == -signal.SIGXCPU:
        raise BadPicture(TOO_SLOW)
    if done.returncode < 0:  # a decoder that crashed, or that the system's memory ran out over
        raise BadPicture(UNREADABLE)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        raise PainterFailed(f"The painter ended with {done.returncode}. {last[0]}"[:500])
    answer: dict[str, Any] = json.loads(done.stdout)
    if problem := answer.get("problem"):
        raise BadPicture(problem)
    return answer
