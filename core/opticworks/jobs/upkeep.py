"""The queue's own housekeeping."""

from __future__ import annotations

from sqlalchemy import text

from opticworks.jobs.queue import Runtime, task

KEEP_DAYS = 7
BATCH = 5000


@task("jobs.prune", schedule="23 * * * *")
def prune(shop: Runtime) -> None:
    """Remove jobs that ended well some days ago. Dead ones stay until staff replay them."""
    statement = text(
        "DELETE FROM procrastinate_jobs WHERE id IN ("
        " SELECT j.id FROM procrastinate_jobs j"
        " WHERE j.status IN ('succeeded', 'cancelled', 'aborted') AND EXISTS ("
        "  SELECT FROM procrastinate_events e WHERE e.job_id = j.id"
        "  AND e.type IN ('succeeded', 'cancelled', 'aborted')"
        "  AND e.at < now() - make_interval(days => :days))"
        " LIMIT :batch)"
    )
    while True:
        with shop.unit() as db:
            removed = db.execute(statement, {"days": KEEP_DAYS, "batch": BATCH}).rowcount  # type: ignore[attr-defined]
        if removed < BATCH:
            return
