"""Writing the record, and reading it by subject."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks.audit.models import AuditEntry


def record(db: Session, actor: str, action: str, subject: str, **data: Any) -> None:
    """Note that `actor` did `action` to `subject`, in the transaction that does it.

    `data` is JSON; a key with the value None is left out. Never pass a secret.
    """
    kept = {key: value for key, value in data.items() if value is not None}
    db.add(AuditEntry(actor=actor, action=action, subject=subject, data=kept))


def of_subject(db: Session, subject: str, limit: int = 200) -> list[AuditEntry]:
    """What was done to the subject, oldest first."""
    newest = db.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject == subject)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return list(reversed(newest.all()))
