"""A stand-in as a process of its own, beside the shop that uses it."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waitress import serve


def parser(description: str | None, port: int) -> argparse.ArgumentParser:
    """The arguments that every stand-in takes (see the hook `standins`)."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--port", type=int, default=port)
    made.add_argument("--state", type=Path, help="a file that keeps the account's objects")
    made.add_argument("--webhooks", default="", help="the address to report events to")
    made.add_argument("--secret", action="append", default=[], help="a signing secret")
    made.add_argument("--parent", type=int, help="end when this process is gone")
    return made


def run(options: argparse.Namespace, build: Callable[[argparse.Namespace], Any], name: str) -> None:
    """Serve what `build` makes on 127.0.0.1, until it is told to stop or its parent is gone."""
    if options.parent is not None:
        threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    serve(build(options), host="127.0.0.1", port=options.port, threads=8, ident=name)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
