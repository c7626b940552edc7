"""Running jobs in a test: in this process, one after the other, always in the same order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text

from opticworks.jobs.queue import Registry, Runtime, registry_of
from opticworks.jobs.worker import perform

_TAKE = text(
    "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = ("
    " SELECT id FROM procrastinate_jobs WHERE status = 'todo'"
    " AND (scheduled_at IS NULL OR scheduled_at <= :now)"
    " ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING id, task_name, args, attempts"
)
_FINISH = text("SELECT procrastinate_finish_job_v1(:id, :status, false)")
_RETRY = text("SELECT procrastinate_retry_job_v2(:id, :at, NULL, NULL, NULL)")


def drain(
    shop: Runtime,
    now: datetime | None = None,
    *,
    errors: bool = True,
    limit: int = 1000,
    registry: Registry | None = None,
) -> list[str]:
    """Run every due job to the end, those included that jobs defer; returns the names, in order.

    `now` makes jobs due that are scheduled up to then, and is what the shop's clock shows while
    they run. What a handler raises is raised here once the job's failure is stored; with
    `errors=False` it isn't, and the job rests or dies as it would under a worker (a resting job
    is due only when `now` says so). `registry` replaces the shop's tasks.
    """
    if registry is None:
        registry = registry_of(shop)
    clock = shop.now
    if now is not None:
        shop.now = lambda: now
    try:
        return _drain(shop, registry, errors, limit)
    finally:
        shop.now = clock


def _drain(shop: Runtime, registry: Registry, errors: bool, limit: int) -> list[str]:
    ran: list[str] = []
    while True:
        until = shop.now()
        with shop.unit() as db:
            job = db.execute(_TAKE, {"now": until}).mappings().first()
        if job is None:
            return ran
        if len(ran) >= limit:
            raise AssertionError(f"More than {limit} jobs ran; the last were {ran[-5:]}.")
        if job["task_name"] not in registry:
            raise LookupError(f"No task is named {job['task_name']!r}; is its module imported?")
        spec = registry[job["task_name"]]
        ran.append(spec.name)
        outcome: dict[str, Any] = {"id": job["id"], "status": "succeeded"}
        raised: Exception | None = None
        try:
            perform(shop, spec, job["id"], job["args"])
        except Exception as error:
            raised = error
            rest = spec.retry.rest(job["attempts"] + 1, error)
            outcome["status"] = "failed"
            outcome["at"] = until + rest if rest else None
        with shop.unit() as db:
            if outcome.get("at"):
                db.execute(_RETRY, {"id": outcome["id"], "at": outcome["at"]})
            else:
                db.execute(_FINISH, {"id": outcome["id"], "status": outcome["status"]})
        if raised is not None and errors:
            raise raised


def run_task(shop: Runtime, name: str, **args: Any) -> None:
    """Run a task's handler once, as its schedule would."""
    registry_of(shop)[name].handler(shop, **args)


def waiting(shop: Runtime) -> list[tuple[str, dict[str, Any]]]:
    """The jobs that wait, due or not, in the order in which they were deferred."""
    with shop.unit() as db:
        rows = db.execute(
            text("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        )
        return [(row.task_name, row.args) for row in rows]
