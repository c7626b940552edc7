"""Deferring jobs and naming the tasks that run them.

Procrastinate keeps the queue in PostgreSQL. A job is deferred over the very connection of the
caller's session, so it exists exactly when the caller's transaction commits: there is no outbox
table and no relay. Jobs run at least once; handlers must be idempotent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

Handler = TypeVar("Handler", bound=Callable[..., Any])

TASK_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
DEFAULT_TRIES = 8


class Runtime(Protocol):
    """What a job needs of the running shop."""

    now: Callable[[], datetime]

    @property
    def engine(self) -> Engine: ...
    @property
    def config(self) -> Any: ...
    @property
    def hooks(self) -> Any: ...
    def unit(self) -> AbstractContextManager[Session]: ...


class Permanent(Exception):
    """Raised by a handler when trying again can't help: the job is dead at once."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failing job is tried, and how long it rests in between.

    The n-th failure rests `base * 2 ** (n - 1)` seconds, at most `cap`, and up to a part `jitter`
    of that longer, so that what failed together does not come back together.
    """

    tries: int = DEFAULT_TRIES
    base: float = 5.0
    cap: float = 3600.0
    jitter: float = 0.25

    def delay(self, failures: int) -> timedelta:
        """The rest after so many failures (1 or more)."""
        return timedelta(seconds=min(self.cap, self.base * 2.0 ** min(failures - 1, 30)))

    def rest(
        self, failures: int, error: BaseException | None = None, *, luck: float = 0.0
    ) -> timedelta | None:
        """How long to rest after so many failures, the last with `error`; None: the job is dead.

        At least as long as a provider asked to be left alone (`error.retry_after`, in seconds).
        `luck` (0 to 1) is how much of the jitter is added.
        """
        permanent = isinstance(error, Permanent) or getattr(error, "retryable", True) is False
        if permanent or failures >= self.tries:
            return None
        asked = getattr(error, "retry_after", None) or 0
        rest = max(self.delay(failures), timedelta(seconds=min(asked, self.cap)))
        return rest * (1 + self.jitter * luck)


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task: its handler is called as `handler(shop, **args)`, in a thread, outside any
    transaction. `schedule` are five cron fields in UTC, or empty."""

    name: str
    handler: Callable[..., Any]
    schedule: str
    retry: Retry


class Registry(dict[str, TaskSpec]):
    """Tasks by name; what the hook `tasks(jobs)` is given."""

    def task(
        self,
        name: str,
        schedule: str = "",
        retry: Retry | int = DEFAULT_TRIES,
    ) -> Callable[[Handler], Handler]:
        """Register a handler under a name of the form "<room or plugin>.<verb>".

        With a `schedule`, five cron fields in UTC, it also runs by itself, with no arguments.
        `retry` is the number of tries, or a `Retry` with its own rests. A name that is taken is an
        error.
        """

        def register(handler: Handler) -> Handler:
            if not TASK_NAME.fullmatch(name):
                raise ValueError(f'A task is named like "orders.expire", not {name!r}.')
            if name in self:
                raise ValueError(f"Two tasks are named {name!r}; rename one of them.")
            self[name] = TaskSpec(
                name=name,
                handler=handler,
                schedule=schedule,
                retry=Retry(tries=retry) if isinstance(retry, int) else retry,
            )
            return handler

        return register


tasks = Registry()
"""The kernel's own tasks, filled as its rooms are imported."""

task = tasks.task

# Knows no database of its own: every defer brings the connection of the caller's session.
_deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def registry_of(shop: Runtime) -> Registry:
    """The kernel's tasks and those of the shop's enabled plugins."""
    registry = Registry(tasks)
    shop.hooks.tasks(jobs=registry)
    return registry


def defer(
    db: Session,
    task: str,
    *,
    schedule_at: datetime | None = None,
    queueing_lock: str | None = None,
    priority: int = 0,
    **args: Any,
) -> int | None:
    """Put a job into the session's own transaction; it runs after that commits, at least once.

    `schedule_at` (timezone-aware) keeps it until then. While a job with the same `queueing_lock`
    waits, no second one is queued and None is returned instead of the new job's id. Among due
    jobs a higher `priority` runs first. Arguments must be JSON.
    """
    if schedule_at is not None and schedule_at.tzinfo is None:
        raise ValueError(f"A job of {task} is scheduled at a time without a zone: {schedule_at}.")
    try:
        json.dumps(args, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Arguments of the job {task} must be JSON: {error}.") from error
    if queueing_lock is None:
        return _insert(db, task, schedule_at, None, priority, args)
    try:
        # A duplicate is a unique violation, which spoils everything back to the savepoint.
        with db.begin_nested():
            return _insert(db, task, schedule_at, queueing_lock, priority, args)
    except AlreadyEnqueued:
        return None


def _insert(
    db: Session,
    task: str,
    schedule_at: datetime | None,
    queueing_lock: str | None,
    priority: int,
    args: Mapping[str, Any],
) -> int:
    connection = db.connection().connection.driver_connection
    deferrer = _deferrer.configure_task(
        task,
        schedule_at=schedule_at,
        queueing_lock=queueing_lock,
        priority=priority,
        connection=connection,
    )
    return deferrer.defer(**args)


def deferring(task: str, args: str) -> str:
    """An SQL expression that defers a job as `defer` does, for a statement that writes its fact in
    the same go. `args` is an expression for the JSON of its arguments."""
    row = f"ROW('default', '{task}', 0, NULL, NULL, {args}, NULL)"
    return f"procrastinate_defer_jobs_v1(ARRAY[{row}::procrastinate_job_to_defer_v1])"


def waiting(db: Session, task: str, **args: Any) -> bool:
    """Whether a job with these arguments is still to be done: it waits, rests or runs. One that
    died, or was never there, is not."""
    statement = text(
        "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = :task"
        " AND args @> CAST(:args AS jsonb) AND status IN ('todo', 'doing'))"
    )
    return bool(db.scalar(statement, {"task": task, "args": json.dumps(args)}))
