"""The queue as staff see it: what waits, runs, failed and is scheduled, who works; and what they
may do about it: run again, run now, cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from opticworks.jobs.queue import Registry

MOST = 1000  #: counting stops here; a list that long is not read to its end anyway
LATE = timedelta(minutes=5)  #: a due job that waits longer is somebody's trouble

#: What a job's state means in the table. Literals, so that the partial indexes serve.
STATES = {
    "waiting": "j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())",
    "running": "j.status = 'doing'",
    "scheduled": "j.status = 'todo' AND j.scheduled_at > now()",
    "failed": "j.status = 'failed'",
    "done": "j.status = 'succeeded'",
    "cancelled": "j.status IN ('cancelled', 'aborted')",
}

_STATE = (
    "CASE WHEN j.status = 'todo' AND j.scheduled_at > now() THEN 'scheduled'"
    " WHEN j.status = 'todo' THEN 'waiting' WHEN j.status = 'doing' THEN 'running'"
    " WHEN j.status = 'failed' THEN 'failed' WHEN j.status = 'succeeded' THEN 'done'"
    " ELSE 'cancelled' END"
)
_ROWS = (
    f"SELECT j.id, j.task_name AS task, j.args, {_STATE} AS state, j.attempts AS tries,"
    " j.scheduled_at, j.abort_requested AS given_up, coalesce(f.error, '') AS error,"
    " coalesce(f.traceback, '') AS traceback, coalesce(e.at, f.at) AS at,"
    " coalesce(w.host, '') AS host"
    " FROM procrastinate_jobs j LEFT JOIN job_failure f ON f.job_id = j.id"
    " LEFT JOIN job_worker w ON w.worker_id = j.worker_id AND j.status = 'doing'"
    " LEFT JOIN LATERAL (SELECT max(at) AS at FROM procrastinate_events"
    "  WHERE job_id = j.id AND type <> 'scheduled') e ON true"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job. `at` is when its state changed last, `tries` how often it ended so far, `given_up`
    that it is not tried again when it fails, `host` where it runs."""

    id: int
    task: str
    args: Mapping[str, Any]
    state: str
    tries: int
    scheduled_at: datetime | None
    given_up: bool
    error: str
    traceback: str
    at: datetime | None
    host: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs: of a state, a task, with an id or a text in their arguments. Empty: any."""

    state: str = ""
    task: str = ""
    text: str = ""
    ids: tuple[int, ...] | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """An SQL condition over `j` and its parameters."""
        parts, params = ["true"], dict[str, Any]()
        if self.state in STATES:
            parts.append(f"({STATES[self.state]})")
        if self.task:
            parts.append("j.task_name = :task")
            params["task"] = self.task
        if self.ids is not None:
            parts.append("j.id = ANY(:ids)")
            params["ids"] = list(self.ids)
        if self.text:
            parts.append(
                "(j.id::text = :text OR position(lower(:text) IN lower(j.args::text)) > 0)"
            )
            params["text"] = self.text
        return " AND ".join(parts), params


def find(db: Session, which: Filter, *, before: int = 0, limit: int = 50) -> list[JobRow]:
    """Jobs, the newest first; those before an id if that is given."""
    where, params = which.where()
    if before:
        where, params = f"{where} AND j.id < :before", params | {"before": before}
    rows = db.execute(
        text(f"{_ROWS} WHERE {where} ORDER BY j.id DESC LIMIT :limit"), params | {"limit": limit}
    )
    return [JobRow(**row) for row in rows.mappings()]


def get(db: Session, job_id: int) -> JobRow | None:
    found = find(db, Filter(ids=(job_id,)), limit=1)
    return found[0] if found else None


def history(db: Session, job_id: int) -> list[tuple[str, datetime]]:
    """What happened to a job, the oldest first: (kind, when)."""
    rows = db.execute(
        text(
            "SELECT type::text AS kind, at FROM procrastinate_events"
            " WHERE job_id = :id AND type <> 'scheduled' ORDER BY id"
        ),
        {"id": job_id},
    )
    return [(row.kind, row.at) for row in rows]


def counts(db: Session, which: Filter) -> dict[str, int]:
    """How many there are of each state, each counted up to MOST, whatever state `which` names."""
    where, params = Filter(task=which.task, text=which.text).where()
    parts = (
        f"(SELECT count(*) FROM (SELECT FROM procrastinate_jobs j WHERE {state} AND {where}"
        f" LIMIT {MOST}) x) AS {name}"
        for name, state in STATES.items()
    )
    return dict(db.execute(text(f"SELECT {', '.join(parts)}"), params).one()._mapping)


def late(db: Session) -> int:
    """How many jobs were due minutes ago and still wait: no worker runs, or too few."""
    statement = text(
        "SELECT count(*) FROM (SELECT FROM procrastinate_jobs j WHERE j.status = 'todo'"
        " AND (CASE WHEN j.scheduled_at IS NULL THEN (SELECT max(e.at) FROM procrastinate_events e"
        "  WHERE e.job_id = j.id) ELSE j.scheduled_at END) < now() - :late LIMIT :most) x"
    )
    return db.scalar(statement, {"late": LATE, "most": MOST}) or 0


def task_names(db: Session, registry: Registry) -> list[str]:
    """The tasks there are, and those of dead jobs whose plugin is gone."""
    gone = db.scalars(
        text("SELECT DISTINCT task_name FROM procrastinate_jobs WHERE status='failed'")
    )
    return sorted({*registry, *gone})


def run_again(db: Session, ids: Sequence[int]) -> list[int]:
    """Queue these dead, cancelled or scheduled jobs to run at once, with all their tries.

    Returns which of them it was done for. One whose queueing lock another job holds stays as it
    is: what it would do is done by that one.
    """
    free = text(
        "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL,"
        " worker_id = NULL, abort_requested = false WHERE id = ANY(:ids)"
        " AND (status IN ('failed', 'cancelled', 'aborted')"
        "  OR status = 'todo' AND scheduled_at > now())"
        " AND (queueing_lock IS NULL OR status = 'todo') RETURNING id"
    )
    done = list(db.scalars(free, {"ids": list(ids)}))
    locked = text(
        "SELECT id FROM procrastinate_jobs WHERE id = ANY(:ids) AND queueing_lock IS NOT NULL"
        " AND status IN ('failed', 'cancelled', 'aborted') ORDER BY id"
    )
    one = text(
        "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL,"
        " worker_id = NULL, abort_requested = false WHERE id = :id RETURNING id"
    )
    for job_id in list(db.scalars(locked, {"ids": list(ids)})):
        try:
            with db.begin_nested():
                done += db.scalars(one, {"id": job_id})
        except IntegrityError:
            continue
    return done


def replay(db: Session, job_id: int) -> bool:
    """Queue a dead job again, with all its tries; False if it isn't dead or already queued."""
    return bool(run_again(db, [job_id]))


def cancel(db: Session, ids: Sequence[int]) -> list[int]:
    """Call these jobs off; returns which.

    What waits is never run, what failed is put away. What runs goes on, since a thread can't be
    stopped halfway, but is not tried again if it fails.
    """
    put_away = text(
        "UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = ANY(:ids)"
        " AND status IN ('todo', 'failed') RETURNING id"
    )
    give_up = text(
        "UPDATE procrastinate_jobs SET abort_requested = true WHERE id = ANY(:ids)"
        " AND status = 'doing' AND NOT abort_requested RETURNING id"
    )
    params = {"ids": list(ids)}
    return [*db.scalars(put_away, params), *db.scalars(give_up, params)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A worker process that was seen. `seen` is its last heartbeat, `alive` that this is recent."""

    id: int
    host: str
    pid: int
    places: int
    running: int
    started_at: datetime | None
    seen: datetime
    alive: bool


def workers(db: Session, stalled_after: float) -> list[WorkerRow]:
    """The workers that have not said goodbye, the longest known first."""
    rows = db.execute(
        text(
            "SELECT p.id, coalesce(w.host, '') AS host, coalesce(w.pid, 0) AS pid,"
            " coalesce(w.places, 0) AS places, w.started_at, p.last_heartbeat AS seen,"
            " p.last_heartbeat > now() - make_interval(secs => :stalled) AS alive,"
            " (SELECT count(*) FROM procrastinate_jobs j"
            "  WHERE j.worker_id = p.id AND j.status = 'doing') AS running"
            " FROM procrastinate_workers p LEFT JOIN job_worker w ON w.worker_id = p.id"
            " ORDER BY p.id"
        ),
        {"stalled": stalled_after},
    )
    return [WorkerRow(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A task that runs by itself: when it ran last and how that ended, when it runs next."""

    task: str
    cron: str
    last: datetime | None
    state: str
    next: datetime


def schedules(db: Session, registry: Registry, now: datetime) -> list[ScheduleRow]:
    """Every scheduled task, the next first. Times are the schedule's, not the worker's."""
    rows = db.execute(
        text(
            "SELECT DISTINCT ON (d.task_name) d.task_name, d.defer_timestamp, j.id,"
            f" {_STATE} AS state FROM procrastinate_periodic_defers d"
            " LEFT JOIN procrastinate_jobs j ON j.id = d.job_id"
            " ORDER BY d.task_name, d.defer_timestamp DESC"
        )
    )
    last = {row.task_name: row for row in rows}
    found = []
    for spec in registry.values():
        if not spec.schedule:
            continue
        row = last.get(spec.name)
        found.append(
            ScheduleRow(
                task=spec.name,
                cron=spec.schedule,
                last=datetime.fromtimestamp(row.defer_timestamp, UTC) if row else None,
                state=row.state if row and row.id else "",
                next=croniter(spec.schedule, now.astimezone(UTC)).get_next(datetime),
            )
        )
    return sorted(found, key=lambda each: (each.next, each.task))
