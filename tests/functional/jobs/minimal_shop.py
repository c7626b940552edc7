"""The least that jobs need of a shop, and tasks to watch: what `opticworks.jobs` depends on."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pluggy
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from opticworks import hookspecs
from opticworks.contracts import ProviderError
from opticworks.jobs import Permanent, Retry, defer


class WatchedTasks:
    """A plugin whose tasks write what they did into the table `note`."""

    @hookspecs.hookimpl
    def tasks(self, jobs: Any) -> None:
        jobs.task("watched.note")(note)
        jobs.task("watched.keyed")(keyed)
        jobs.task("watched.chain")(chain)
        jobs.task("watched.fail", retry=Retry(tries=3, base=10))(fail)
        jobs.task("watched.refuse")(refuse)
        jobs.task("watched.provider")(provider)
        jobs.task("watched.flaky", retry=Retry(tries=5, base=0.05))(flaky)
        jobs.task("watched.slow")(slow)
        jobs.task("watched.poison", retry=2)(poison)
        if os.environ.get("WATCHED_SCHEDULE"):
            jobs.task("watched.tick", schedule=os.environ["WATCHED_SCHEDULE"])(tick)


class MinimalShop:
    def __init__(self, url: Any, mode: str = "test") -> None:
        self.engine = create_engine(url)
        self.config = SimpleNamespace(mode=mode)
        self.now = lambda: datetime.now(UTC)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        manager.register(WatchedTasks())
        self.hooks = manager.hook

    @contextmanager
    def unit(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    def notes(self) -> list[str]:
        with self.unit() as db:
            return list(db.scalars(text("SELECT word FROM note ORDER BY id")))


def write(shop: MinimalShop, word: str) -> None:
    with shop.unit() as db:
        db.execute(text("INSERT INTO note (word) VALUES (:word)"), {"word": word})


def note(shop: MinimalShop, word: str) -> None:
    write(shop, word)


def keyed(shop: MinimalShop, key: str) -> None:
    """Act on a vendor that acts once per key, then be slow enough to be killed in between."""
    with shop.unit() as db:
        db.execute(text("INSERT INTO ran (key) VALUES (:key)"), {"key": key})
    with shop.unit() as db:
        done = text("INSERT INTO effect (key) VALUES (:key) ON CONFLICT DO NOTHING")
        db.execute(done, {"key": key})


def chain(shop: MinimalShop, left: int) -> None:
    with shop.unit() as db:
        db.execute(text("INSERT INTO note (word) VALUES (:word)"), {"word": f"chain {left}"})
        if left:
            defer(db, "watched.chain", left=left - 1)


def fail(shop: MinimalShop) -> None:
    write(shop, "tried")
    raise RuntimeError("the thing is broken")


def refuse(shop: MinimalShop) -> None:
    raise Permanent("nobody lives there")


def provider(shop: MinimalShop, retryable: bool) -> None:
    raise ProviderError("the vendor said no", retryable=retryable)


def flaky(shop: MinimalShop, works_at: int) -> None:
    write(shop, "tried")
    if shop.notes().count("tried") < works_at:
        raise RuntimeError("not yet")


def slow(shop: MinimalShop) -> None:
    """Run until the note "go on" is written."""
    write(shop, "begun")
    while "go on" not in shop.notes():
        time.sleep(0.05)
    write(shop, "finished")


def poison(shop: MinimalShop) -> None:
    write(shop, "poisoned")
    os.kill(os.getpid(), signal.SIGKILL)


def tick(shop: MinimalShop) -> None:
    write(shop, "tick")


if __name__ == "__main__":
    import logging

    from opticworks.jobs.worker import Pace, run

    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    run(
        MinimalShop(sys.argv[1], mode=sys.argv[2]),
        concurrency=int(sys.argv[3]) if len(sys.argv) > 3 else 2,
        pace=Pace(heartbeat=0.2, stalled_after=2.0, rescue=0.3, poll=0.2),
        # Else the kernel's own would join the test's jobs at some minutes of the hour.
        scheduled=bool(os.environ.get("WATCHED_SCHEDULE")),
    )
