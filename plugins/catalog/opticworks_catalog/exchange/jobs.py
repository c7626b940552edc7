"""Imports that staff start on a page: tried, then imported, by a job that may be cut off."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from opticworks.plugin import defer, job_waits
from opticworks_catalog.models import Import

TASK = "catalog.import"
RUNNING = ("trying", "importing")
EVERY = 0.5  #: seconds between two notes of how far an import is


def start(db: Session, row: Import) -> None:
    """Have the job do what the row's state says."""
    db.flush()
    defer(db, TASK, import_id=row.id)


def stopped(db: Session, row: Import) -> bool:
    """Whether nobody will go on with it: its job died, however often it was tried."""
    return row.state in RUNNING and not job_waits(db, TASK, import_id=row.id)


def run(shop: Any, import_id: int) -> None:
    """Try or import the file, and keep the report. Doing it again does what is left to do."""
    # The worker runs this. A web process, which only starts it, needs nothing of it.
    from opticworks_catalog.exchange.loading import Wish, load
    from opticworks_catalog.exchange.sheet import BadFile

    with shop.unit() as db:
        row = db.get(Import, import_id)
        if row is None or row.content is None or row.state not in RUNNING:
            return
        content, trying = row.content, row.state == "trying"
        wish = Wish(
            actor=row.actor, dry_run=trying, stock=row.with_stock, pictures=row.with_pictures
        )
        if trying:  # a page waits for it: pictures are fetched by the import itself
            wish = Wish(actor=row.actor, dry_run=True, stock=row.with_stock, pictures=False)
    try:
        report = load(shop, content, wish, progress=_Notes(shop, import_id))
    except BadFile as error:
        _finish(shop, import_id, state="refused", refusal=str(error), content=None)
        return
    if trying:
        _finish(shop, import_id, state="tried", report=report.as_json())
    else:
        _finish(shop, import_id, state="imported", report=report.as_json(), content=None)


def _finish(shop: Any, import_id: int, **values: Any) -> None:
    with shop.unit("catalog_import_finish") as db:
        db.execute(
            update(Import)
            .where(Import.id == import_id)
            .values(**values, finished_at=datetime.now(UTC), doing="", done=0, total=0)
        )


class _Notes:
    """Keeps how far it is where the page reads it, now and then."""

    def __init__(self, shop: Any, import_id: int) -> None:
        self.shop, self.import_id, self.last = shop, import_id, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self.last < EVERY and done < total:
            return
        self.last = time.monotonic()
        with self.shop.unit() as db:
            db.execute(
                update(Import)
                .where(Import.id == self.import_id)
                .values(doing=what, done=done, total=total)
            )
