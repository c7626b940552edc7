"""Where an order's time goes: `python -m bench.order_profile`, in one process without a server.

Says for each of its six requests how many statements it sends, how much CPU time this process
takes, and how many functions it calls, which no other work on the machine changes.
"""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from bench import stack, targets, visits
from bench.client import Answer
from opticworks.testing.shops import counted


def _send(app: Any, data: bytes) -> Answer:
    """Give a request's bytes to the application."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "6598",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        said[:] = [int(status[:3]), "\r\n".join(f"{k}: {v}" for k, v in headers).encode()]

    content = b"".join(app(environ, start))
    return Answer(said[0], b"HTTP/1.1\r\n" + said[1], content)


@click.command()
@click.option("--orders", default=60)
@click.option("--statements", help="Print the statements of this request.")
@click.option("--functions", default=0, help="Print so many functions that take the time.")
@click.option("--sort", default="tottime")
@click.option("--var", type=click.Path(path_type=Path), default=stack.VAR)
def main(orders: int, statements: str | None, functions: int, sort: str, var: Path) -> None:
    """Place orders one after the other and say what each request costs."""
    with stack.prepared(var) as place:
        os.environ.update(place.environ)
        from opticworks.app import main as make
        from opticworks.boot import ini_settings

        app: Any = make({}, **ini_settings(place.ini))
        flow = visits.buy(place.name, targets.of("product"), 1)
        took: dict[str, list[float]] = defaultdict(list)
        sent: dict[str, list[str]] = {}
        called: dict[str, list[int]] = defaultdict(list)
        ask = next(flow)
        for turn in range(6 * orders):
            with counted() as said:
                begin = time.process_time()
                answer = _send(app, ask.data)
                spent = time.process_time() - begin
            if turn >= 6 * orders // 3:
                took[ask.name].append(spent * 1e3)
                sent[ask.name] = list(said)
            ask = flow.send(answer)
        for _ in range(6 * (orders // 3 + 1)):  # apart, since counting takes time
            profiler = cProfile.Profile()
            answer = profiler.runcall(_send, app, ask.data)
            called[ask.name].append(sum(part.callcount for part in profiler.getstats()))
            ask = flow.send(answer)
        for name, times in took.items():
            click.echo(
                f"{name:8} {len(sent[name]):3} statements  {statistics.median(times):6.2f} ms of "
                f"CPU, {min(times):6.2f} at best  {statistics.median(called[name]):7,.0f} calls"
            )
            if name == statements:
                click.echo("\n\n".join(sent[name]))
        click.echo(
            f"order    {sum(map(len, sent.values())):3} statements  "
            f"{sum(statistics.median(t) for t in took.values()):6.2f} ms of CPU, "
            f"{sum(min(t) for t in took.values()):6.2f} at best  "
            f"{sum(statistics.median(each) for each in called.values()):7,.0f} calls"
        )
        if functions:
            profiler = cProfile.Profile(time.thread_time)
            for _ in range(6 * orders):
                answer = profiler.runcall(_send, app, ask.data)
                ask = flow.send(answer)
            pstats.Stats(profiler).sort_stats(sort).print_stats(functions)


if __name__ == "__main__":
    main()
