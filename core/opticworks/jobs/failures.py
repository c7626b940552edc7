"""What went wrong with jobs, kept for staff; the dead ones, and running them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from opticworks.jobs.queue import Runtime
from opticworks.jobs.redact import redact, secrets_of, trace

MOST_ERROR = 1000  #: characters of the sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """A dead job, for staff to look at and replay. `error` names what went wrong last."""

    id: int
    task: str
    args: Mapping[str, Any]
    tries: int
    error: str
    at: datetime | None


def failed(db: Session, limit: int = 100) -> list[FailedJob]:
    """The dead jobs, newest first."""
    rows = db.execute(
        text(
            "SELECT j.id, j.task_name AS task, j.args, j.attempts AS tries,"
            " coalesce(f.error, '') AS error, f.at"
            " FROM procrastinate_jobs j LEFT JOIN job_failure f ON f.job_id = j.id"
            " WHERE j.status = 'failed' ORDER BY j.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [FailedJob(**row) for row in rows.mappings()]


def record_failure(shop: Runtime, job_id: int, error: BaseException) -> None:
    """Keep what went wrong with a job and where, without secrets, so that staff can see it."""
    note_failure(shop, job_id, f"{type(error).__name__}: {error}", trace(error))


def note_failure(shop: Runtime, job_id: int, sentence: str, traceback: str = "") -> None:
    """Keep a sentence about a job that failed, and the traceback if there is one."""
    secrets = secrets_of(shop)
    with shop.unit() as db:
        db.execute(
            text(
                "INSERT INTO job_failure (job_id, error, traceback, at)"
                " VALUES (:id, :error, :traceback, now()) ON CONFLICT (job_id) DO UPDATE"
                " SET error = excluded.error, traceback = excluded.traceback, at = excluded.at"
            ),
            {
                "id": job_id,
                "error": redact(sentence, secrets)[:MOST_ERROR].replace("\x00", ""),
                "traceback": redact(traceback, secrets).replace("\x00", ""),
            },
        )
