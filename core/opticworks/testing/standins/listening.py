"""A stand-in that really listens, inside the process of the tests."""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import Any

from waitress.server import create_server


class Switch:
    """One listening server for all tests; set `app` to have another account behind it."""

    app: Any = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


def listen(threads: int = 16) -> tuple[Switch, str]:
    """A switch that is served on a free port of 127.0.0.1, and its address."""
    switch = Switch()
    server = create_server(switch, host="127.0.0.1", port=0, threads=threads)
    threading.Thread(target=server.run, daemon=True).start()
    return switch, f"http://127.0.0.1:{server.effective_port}"


def control(url: str, verb: str, /, **given: Any) -> Any:
    """Turn a control of the stand-in at that address (`/_standin/<verb>`)."""
    request = urllib.request.Request(
        f"{url}/_standin/{verb}", json.dumps(given).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())
