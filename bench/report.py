"""The result as Markdown for people and JSON for comparing runs."""

from __future__ import annotations

import importlib.metadata as md
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Result

#: What others did on this class of machine (2 cores shared with the load client), a second.
OTHERS = {
    "product": {"Medusa 2.21": 10.0, "django-oscar 4.2": 67.0},
    "listing": {"django-oscar 4.2": 4.0},
    "order": {"Medusa 2.21": 0.9, "django-oscar 4.2": 11.0},
}
COLUMNS = (
    *("what", "clients", "per second", "p50 ms", "p99 ms", "spread", "× bare", "× Redis"),
    *("× TPC-B", "CPU ms each: web, database, client", "kB"),
)
PARTS = ("pyramid", "sqlalchemy", "psycopg", "chameleon", "gunicorn", "granian")

#: (resident, proportional) bytes of each of the server's processes, by what it had answered.
Memory = Mapping[str, Sequence[tuple[int, int]]]


def machine() -> dict[str, Any]:
    """When and on what this was measured."""
    versions = {}
    for part in PARTS:
        try:
            versions[part] = md.version(part)
        except md.PackageNotFoundError:
            continue
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "versions": versions,
    }


def markdown(
    about: dict[str, Any], results: Sequence[Result], tpcb: float | None, memory: Memory
) -> str:
    """The whole report."""
    bare = max((one.rate for one in results if one.what == "bare"), default=None)
    page = max((one.rate for one in results if one.what == "redis"), default=None)
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"# Measured on {about['date'][:10]}",
        "",
        f"Commit {about['commit']}, Python {about['python']}, {versions}.",
        f"{about['cores']} cores shared with the load client.",
        f"Load average at the start: {about['load_at_start']:.2f}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|" + "--:|" * (len(COLUMNS) - 1),
    ]
    for one in results:
        cpu = ", ".join(f"{one.cpu.get(name, 0):.2f}" for name in ("web", "database", "client"))
        lines.append(
            f"| {one.what} | {one.clients} | {one.rate:,.1f} | {one.p50:.1f} | {one.p99:.1f} "
            f"| {one.spread:.0%} | {_ratio(one.rate, bare)} | {_ratio(one.rate, page)} "
            f"| {_ratio(one.rate, tpcb)} | {cpu} | {one.kilobytes:.1f} |"
        )
    if tpcb is not None:
        lines += ["", f"pgbench's TPC-B on the same PostgreSQL: {tpcb:,.0f} a second."]
    for what, processes in memory.items():
        sizes = ", ".join(f"{rss / 2**20:.0f} ({pss / 2**20:.0f})" for rss, pss in processes)
        said = f"MB of the server's processes after {what}, resident and in brackets their share"
        lines += ["", f"{said}: {sizes}."]
    lines += _by_card(results) + _beside_others(results)
    for one in results:
        if one.parts:
            parts = ", ".join(f"{name} {value:.1f}" for name, value in one.parts.items())
            lines += ["", f"Requests of {one.what} at {one.clients} clients, p50 in ms: {parts}."]
    return "\n".join([*lines, ""])


def _ratio(rate: float, base: float | None) -> str:
    return f"{rate / base:.3f}" if base else "–"


def _by_card(results: Sequence[Result]) -> list[str]:
    """Orders by card on the stand-in beside orders by transfer, at each number of clients."""
    transfer = {one.clients: one.rate for one in results if one.what == "order"}
    found = [
        f"{one.rate:.1f} to {transfer[one.clients]:.1f} ({one.rate / transfer[one.clients]:.2f}) "
        f"at {one.clients}"
        for one in results
        if one.what == "order by card" and transfer.get(one.clients)
    ]
    said = "Orders a second, Stripe's plugin on its stand-in to manual payments, by clients: "
    return ["", f"{said}{'; '.join(found)}."] if found else []


def _beside_others(results: Sequence[Result]) -> list[str]:
    lines = []
    for what, others in OTHERS.items():
        best = max((one.rate for one in results if one.what == what), default=None)
        for name, rate in others.items():
            if best is not None:
                lines.append(
                    f"- {what}: {best:,.1f} a second, {best / rate:.1f} times {name} ({rate:g})"
                )
    return ["", "On this class of machine:", "", *lines] if lines else []


def write(
    folder: Path,
    about: dict[str, Any],
    results: Sequence[Result],
    tpcb: float | None,
    memory: Memory,
) -> Path:
    """Write both files; gives the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = about["date"].replace(":", "").replace("+0000", "Z")
    data = {**about, "tpcb": tpcb, "memory": memory, "results": [one.json() for one in results]}
    (folder / f"{stem}.json").write_text(json.dumps(data, indent=1) + "\n")
    path = folder / f"{stem}.md"
    path.write_text(markdown(about, results, tpcb, memory))
    return path
