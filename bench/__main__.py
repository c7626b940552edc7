"""`python -m bench`: seed, start, measure, report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from bench import baselines, client, report, stack, targets, usage, visits
from bench.measure import Result, load, measure

PAGES = ("home", "listing", "product")
CARD = "order by card"  #: measured beside "order": Stripe's plugin on its stand-in
WARM_CLIENTS, WARM_SECONDS = 8, 8.0  #: before each page and before orders; nothing is counted
ALL = ("bare", "redis", "pgbench", *PAGES, "order")


@click.command()
@click.option("--only", default=",".join(ALL), show_default=True, help="What to measure.")
@click.option("--quick", is_flag=True, help="A minute: one short run of each, fewer clients.")
@click.option("--clients", default="1,8,32", show_default=True, help="Clients for pages.")
@click.option("--buyers", default="1,4,8", show_default=True, help="Clients for orders.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of one run.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each.")
@click.option("--port", default=6599, show_default=True)
@click.option("--var", type=click.Path(path_type=Path), default=stack.VAR, help="Data folder.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report.")
def main(
    only: str,
    quick: bool,
    clients: str,
    buyers: str,
    seconds: float,
    repeats: int,
    port: int,
    var: Path,
    out: Path | None,
) -> None:
    """Measure the shop in production mode on this machine, beside what the machine can do."""
    wanted = only.split(",")
    if unknown := set(wanted) - set(ALL):
        raise click.UsageError(f"There is no {', '.join(unknown)}; there is {', '.join(ALL)}.")
    counts, orders = _numbers(clients), _numbers(buyers)
    if quick:
        counts, orders, seconds, repeats = [8], [4], 3.0, 1
    about = report.machine()
    if load() > 0.5:
        click.echo(f"The machine is busy (load average {load():.1f}): expect lower figures.")
    results: list[Result] = []
    tpcb = None
    memory: dict[str, list[tuple[int, int]]] = {}
    with stack.prepared(var, port) as place:
        if "pgbench" in wanted:
            tpcb = baselines.pgbench(place.database_url, 8, 5 if quick else 10)
            click.echo(f"pgbench TPC-B: {tpcb:,.0f}/s" if tpcb else "pgbench is not installed")
        warm = 2.0 if quick else WARM_SECONDS
        run = partial(_measure, place=place, seconds=seconds, repeats=repeats, warm=warm)
        if baseline := [name for name in ("bare", "redis") if name in wanted]:
            baselines.fill(place.redis_url)
            with stack.serving(place, log=var / "bare.log", app="bench.baselines:app") as pid:
                results += run(baseline, counts, pid=pid)
        if shop := [name for name in (*PAGES, "order") if name in wanted]:
            with stack.serving(place, log=var / "web.log") as pid:
                pages = [name for name in shop if name != "order"]
                results += run(pages, counts, pid=pid)
                if "order" in shop:
                    results += run(["order"], orders, pid=pid)
                memory[", ".join(shop)] = usage.memory(pid)
            if "order" in shop:
                with (
                    stack.with_cards(place) as cards,
                    stack.serving(cards, log=var / "cards.log") as pid,
                ):
                    results += run([CARD], orders, place=cards, pid=pid)
                    memory[CARD] = usage.memory(pid)
    path = report.write(out or var / "results", about, results, tpcb, memory)
    click.echo(path.read_text())
    click.echo(f"Written to {path}")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _measure(
    names: Sequence[str],
    counts: list[int],
    *,
    place: stack.Stack,
    pid: int,
    seconds: float,
    repeats: int,
    warm: float,
) -> Iterator[Result]:
    for name in names:
        # A shop that runs has shown its products before, in each of its processes.
        visitor = _visitor(name, place.name)
        client.run(place.address, [visitor(seed) for seed in range(WARM_CLIENTS)], seconds=warm)
        for count in counts:
            result = measure(
                name,
                place.address,
                visitor,
                count,
                counted="thanks" if name in ("order", CARD) else name,
                seconds=seconds,
                repeats=repeats,
                pids={"web": pid, "database": place.postgres},
            )
            cpu = ", ".join(f"{who} {spent:.2f}" for who, spent in result.cpu.items())
            click.echo(
                f"{name:13} {count:3} clients {result.rate:9.1f}/s  p50 {result.p50:7.1f} ms  "
                f"p99 {result.p99:7.1f} ms  CPU ms: {cpu}"
            )
            yield result


def _visitor(name: str, host: str) -> visits.Visits:
    if name == CARD:
        return lambda seed: visits.buy(host, targets.of("product"), seed, payment="stripe")
    if name == "order":
        return lambda seed: visits.buy(host, targets.of("product"), seed)
    if name in PAGES:
        return lambda seed: visits.look(host, name, targets.of(name), seed)
    return lambda seed: baselines.ask(host, name, seed)


if __name__ == "__main__":
    main()
