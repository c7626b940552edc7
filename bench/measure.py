"""One measurement: visitors against a server, its figures, and what it cost whom."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import client, usage
from bench.client import Flow


@dataclass(frozen=True)
class Result:
    """Figures of one page (or of orders) at one number of clients.

    `rate` is the median of the repeats, a second; `p50` and `p99` are milliseconds of one
    request (of the whole order's six for orders) and `cpu` milliseconds of CPU time for each
    answer by "web", "database" and "client". `spread` is (most - least) / median of the repeats.
    """

    what: str
    clients: int
    rate: float
    p50: float
    p99: float
    spread: float
    cpu: Mapping[str, float]
    kilobytes: float
    answers: int
    parts: Mapping[str, float] = field(default_factory=dict)  #: p50 of an order's requests

    def json(self) -> dict[str, Any]:
        return asdict(self)


def measure(
    what: str,
    address: tuple[str, int],
    make: Callable[[int], Flow],
    clients: int,
    *,
    counted: str,
    seconds: float,
    repeats: int,
    pids: Mapping[str, int],
) -> Result:
    """Run `clients` visitors (`make(number)`) `repeats` times. Answers named `counted` count."""
    runs = [_once(address, make, clients, counted, seconds, pids, turn) for turn in range(repeats)]
    rates = [run[0].rate(counted) for run in runs]
    middle = runs[sorted(range(repeats), key=lambda turn: rates[turn])[repeats // 2]]
    tally, cpu = middle
    answers = len(tally.times[counted])
    names = [name for name in tally.times if name != counted]
    orders = bool(names)
    quantiles = [
        sum(tally.quantile(name, share) for name in tally.times)
        if orders
        else tally.quantile(counted, share)
        for share in (0.5, 0.99)
    ]
    return Result(
        what=what,
        clients=clients,
        rate=median(rates),
        p50=quantiles[0] * 1e3,
        p99=quantiles[1] * 1e3,
        spread=(max(rates) - min(rates)) / median(rates),
        cpu={name: spent / answers * 1e3 for name, spent in cpu.items()},
        kilobytes=tally.bytes / answers / 1e3,
        answers=sum(len(run[0].times[counted]) for run in runs),
        parts={n: tally.quantile(n, 0.5) * 1e3 for n in tally.times} if orders else {},
    )


def _once(
    address: tuple[str, int],
    make: Callable[[int], Flow],
    clients: int,
    counted: str,
    seconds: float,
    pids: Mapping[str, int],
    turn: int,
) -> tuple[client.Tally, dict[str, float]]:
    spent: dict[str, float] = {}

    def note(sign: int) -> None:
        own = resource.getrusage(resource.RUSAGE_SELF)
        for name, value in (
            *((name, usage.cpu(pid)) for name, pid in pids.items()),
            ("client", own.ru_utime + own.ru_stime),
        ):
            spent[name] = spent.get(name, 0.0) + sign * value

    flows: Sequence[Flow] = [make(1000 * turn + number) for number in range(clients)]
    tally = client.run(
        address,
        flows,
        seconds=seconds,
        warm=1.0,
        started=lambda: note(-1),
        ended=lambda: note(1),
    )
    if not tally.times[counted]:
        raise client.BadAnswer(f"Nothing was answered in {seconds} seconds.")
    return tally, spent


def load() -> float:
    """How many processes wanted to run during the last minute, on average."""
    return os.getloadavg()[0]
