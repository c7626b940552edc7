"""Where a page's time goes: `python -m bench.profile product` in one process, without a server.

Says how much CPU time a request costs this process, how many statements it sends, and which
functions take it. Needs what `python -m bench` has prepared.
"""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import statistics
import time
from pathlib import Path
from typing import Any

import click

from bench import stack, targets
from opticworks.testing.shops import counted

BATCH = 25  #: requests; the quickest batch is the one that others disturbed least


def _yardstick() -> None:
    """Work that is always the same: what others take from the processor, they take from it too."""
    names = {f"name {n}": n for n in range(60)}
    for _ in range(400):
        copy = dict(names)
        text = "".join([f"{key}={value};" for key, value in copy.items()])
        json.loads(json.dumps({"text": text, "names": copy}))


def _call(app: Any, path: str, host: str) -> bytes:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": host.rpartition(":")[2],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "HTTP_ACCEPT": "text/html",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    status: list[str] = []
    body = b"".join(app(environ, lambda text, headers, error=None: status.append(text)))
    if not status[0].startswith("200"):
        raise SystemExit(f"{path} answered {status[0]}")
    return body


@click.command()
@click.argument("page", default="product")
@click.option("--requests", default=2000)
@click.option("--sort", default="tottime")
@click.option("--lines", default=45)
@click.option("--save", default="")
@click.option("--statements", is_flag=True)
@click.option("--var", type=click.Path(path_type=Path), default=stack.VAR)
def main(
    page: str, requests: int, sort: str, lines: int, save: str, statements: bool, var: Path
) -> None:
    """Profile PAGE: home, listing or product."""
    with stack.prepared(var) as place:
        os.environ.update(place.environ)
        from opticworks.app import main as make
        from opticworks.boot import ini_settings

        app: Any = make({}, **ini_settings(place.ini))
        asked = targets.of(page)
        paths = [asked[n % len(asked)].path for n in range(requests)]
        for path in paths[:100]:
            _call(app, path, place.name)
        with counted() as sent:
            _call(app, paths[0], place.name)
        print(f"{len(sent)} statements")
        if statements:
            print(*sent, sep="\n\n")
        took, relative = [], []
        for start in range(0, len(paths), BATCH):
            begin = time.process_time()
            for path in paths[start : start + BATCH]:
                _call(app, path, place.name)
            between = time.process_time()
            _yardstick()
            took.append((between - begin) / BATCH * 1e3)
            relative.append((between - begin) / BATCH / (time.process_time() - between))
        print(
            f"{min(took):.3f} ms of CPU a request at best, {statistics.median(took):.3f} median, "
            f"{statistics.median(relative):.4f} yardsticks"
        )
        if lines:
            profiler = cProfile.Profile(time.thread_time)
            profiler.enable()
            for path in paths:
                _call(app, path, place.name)
            profiler.disable()
            stats = pstats.Stats(profiler)
            if save:
                stats.dump_stats(save)
            stats.sort_stats(sort).print_stats(lines)


if __name__ == "__main__":
    main()
