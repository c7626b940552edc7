"""The queue's tables. A kernel migration installs them, so `opticworks upgrade` is all it takes.

`schema.sql` is the schema of the Procrastinate release that the migration was written for, kept
here because a migration must not change with an installed library; a test compares it with the
installed one. When that changes, add a migration with the SQL of Procrastinate's own upgrade.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SQL = Path(__file__).with_name("schema.sql")

FAILURES = """
CREATE TABLE job_failure (
    job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
    error text NOT NULL,
    at timestamp with time zone NOT NULL
)
"""

EXTEND = """
ALTER TABLE job_failure ADD COLUMN traceback text NOT NULL DEFAULT '';
CREATE TABLE job_worker (
    worker_id bigint PRIMARY KEY REFERENCES procrastinate_workers (id) ON DELETE CASCADE,
    host text NOT NULL,
    pid integer NOT NULL,
    places integer NOT NULL,
    started_at timestamp with time zone NOT NULL DEFAULT now()
);
CREATE INDEX ix_job_put_away ON procrastinate_jobs (id)
    WHERE status IN ('failed', 'cancelled', 'aborted');
"""

TABLES = frozenset(
    {
        "procrastinate_jobs",
        "procrastinate_events",
        "procrastinate_periodic_defers",
        "procrastinate_workers",
        "job_failure",
        "job_worker",
    }
)
"""Tables without a model; a comparison of models and database leaves them out."""


def install(connection: Any) -> None:
    """Create the queue in the transaction of a SQLAlchemy connection."""
    with connection.connection.cursor() as cursor:  # several statements at once, as psycopg sends
        cursor.execute(SQL.read_text(encoding="utf-8"))
        cursor.execute(FAILURES)


def extend(connection: Any) -> None:
    """Tracebacks, and who the workers are (the migration after)."""
    with connection.connection.cursor() as cursor:
        cursor.execute(EXTEND)


def shrink(connection: Any) -> None:
    """Take back what `extend` did."""
    with connection.connection.cursor() as cursor:
        cursor.execute("DROP INDEX ix_job_put_away")
        cursor.execute("DROP TABLE job_worker")
        cursor.execute("ALTER TABLE job_failure DROP COLUMN traceback")


def remove(connection: Any) -> None:
    """Drop the queue with every job in it."""
    with connection.connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS job_worker")
        cursor.execute(
            "DROP TABLE job_failure, procrastinate_periodic_defers,"
            " procrastinate_events, procrastinate_jobs, procrastinate_workers CASCADE"
        )
        cursor.execute(
            "SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc"
            r" WHERE proname LIKE 'procrastinate\_%'"
            " AND pronamespace = current_schema()::regnamespace"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        for name in ("job_to_defer_v1", "job_status", "job_event_type"):
            cursor.execute(f"DROP TYPE procrastinate_{name}")
