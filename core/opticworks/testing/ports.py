"""Ports for servers that have to be told theirs."""

from __future__ import annotations

import os
import random
import socket

FIRST, EACH = 20_000, 1_000  #: below those that systems give to outgoing connections


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on.

    Whoever asks the system for one and lets it go may find it given to somebody else's connection
    by the time that their server starts. These ports are given to nobody who does not name them,
    and each worker of xdist has some of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker % 10 * EACH
    for port in random.sample(range(first, first + EACH), EACH):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("There is no free port.")
