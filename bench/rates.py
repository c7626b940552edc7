"""`python -m bench.rates`: how long the checkout waits for live rates.

The shop in production mode, with EasyPost's stand-in answering each question in 300 ms. Guests
who type a new address each time make the shop ask the vendor; those who go back and forth between
two addresses are answered from what it remembers.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from bench import client, stack, targets
from bench.client import Answer, Ask, BadAnswer, Flow
from bench.measure import load
from bench.visits import ADDRESS, Target, field_of, get, post
from opticworks.testing.standins import control

VENDOR = 0.3  #: seconds until the stand-in answers
AIM = 0.35  #: seconds that 95 of 100 rates at checkout stay below
MANY = 10_000_000


def moving(host: str, target: Target, visitor: int, addresses: int) -> Flow:
    """A guest with one thing in the cart who lives at so many addresses in turn, for ever."""
    added = {"sku": target.sku, "quantity": "1"}
    answer = yield Ask("add", post(host, "/cart/lines", added, "", htmx=True))
    jar = answer.cookies()
    answer = yield Ask("checkout", get(host, "/checkout", _written(jar)))
    jar |= answer.cookies()
    names = ("csrf_token", "cart", "quote", "total")
    form = {**ADDRESS, **{name: field_of(answer, name) for name in names}}
    turn = 0
    while True:
        turn += 1
        form["address"] = f"{turn % addresses + 1} Analytical Way, Door {visitor}"
        sent = post(host, "/checkout/update", form, _written(jar), htmx=True)
        answer = yield Ask("rates", sent)
        _offered(answer)
        form |= {name: field_of(answer, name) for name in ("quote", "total")}


def _written(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def _offered(answer: Answer) -> None:
    """Raises BadAnswer unless the vendor's rates are offered: no table stands in for them."""
    if answer.status != 200 or b'value="easypost:' not in answer.body:
        raise BadAnswer(f"{answer.status}, and no rate of EasyPost's: {answer.body[:300]!r}")


@contextlib.contextmanager
def vendor(var: Path) -> Iterator[str]:
    """The stand-in as a process of its own, slow as a vendor far away; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module = ["opticworks_easypost_shipping.standin", "--port", str(port)]
    log = (var / "easypost.log").open("w")
    process = subprocess.Popen([sys.executable, "-m", *module], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                control(url, "faults", match="POST", how="slow", seconds=VENDOR, times=MANY)
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _with_vendor(place: stack.Stack, url: str) -> stack.Stack:
    """The stack with EasyPost enabled, on the stand-in at that address."""
    text = place.ini.read_text()
    text = text.replace("    table_rates\n", "    easypost_shipping\n    table_rates\n", 1)
    text = text.replace("[app:main]\n", "[app:main]\nopticworks.allow_standins = true\n", 1)
    ini = place.ini.with_name("rates.ini")
    ini.write_text(text)
    environ = {**place.environ, "OPTICWORKS_STANDIN_EASYPOST": url}
    return replace(place, ini=ini, environ=environ)


@click.command()
@click.option("--guests", default="1,4", show_default=True, help="Guests at once.")
@click.option("--seconds", default=15.0, show_default=True, help="Length of one run.")
@click.option("--port", default=6597, show_default=True)
@click.option("--var", type=click.Path(path_type=Path), default=stack.VAR, help="Data folder.")
def main(guests: str, seconds: float, port: int, var: Path) -> None:
    """Measure rates at checkout with a vendor that takes 300 ms."""
    if load() > 0.5:
        click.echo(f"The machine is busy (load average {load():.1f}): expect lower figures.")
    goods = targets.of("product")
    missed = False
    with stack.prepared(var, port) as prepared, vendor(var) as url:
        place = _with_vendor(prepared, url)
        with stack.serving(place, log=var / "rates.log"):
            click.echo("| rates | guests | answers | p50 ms | p95 ms |\n|---|--:|--:|--:|--:|")
            for what, addresses in (("asked anew", MANY), ("remembered", 2)):
                for count in map(int, guests.split(",")):
                    # Doors of a process of its own: what an earlier run asked is remembered.
                    doors = [os.getpid() * 1000 + count * 10 + each for each in range(count)]
                    flows = [moving(place.name, goods[d % 99], d, addresses) for d in doors]
                    tally = client.run(place.address, flows, seconds=seconds)
                    p50, p95 = (tally.quantile("rates", share) for share in (0.5, 0.95))
                    answers = len(tally.times["rates"])
                    click.echo(
                        f"| {what} | {count} | {answers} | {p50 * 1e3:.0f} | {p95 * 1e3:.0f} |"
                    )
                    missed |= p95 >= AIM
    click.echo(f"95 of 100 stay {'NOT ' if missed else ''}under {AIM * 1e3:.0f} ms everywhere.")


if __name__ == "__main__":
    main()
