"""The jobs behind pictures: making their files, and throwing away those nobody shows any more."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from opticworks.contracts import ImageStore
from opticworks.faults import outside
from opticworks.jobs import Permanent, Retry, task
from opticworks.media import darkroom
from opticworks.media.models import StoredPicture
from opticworks.media.recognise import BadPicture
from opticworks.media.service import forget
from opticworks.media.sizes import FORMATS, widths_of
from opticworks.media.store import MIME_TYPES, Folder, LocalImages, folder_in

log = logging.getLogger(__name__)

KEPT_DAYS = 7  #: that a picture stays after it was last seen in use
STRAY_SECONDS = 86_400  #: after which nobody works on a file in the making any more
BATCH = 500
PUT_RETRY = Retry(tries=12, base=10, cap=3600)


def store_of(shop: Any) -> ImageStore:
    """Where new pictures go: the first image store of the ini's order, or the local disk."""
    local = LocalImages(folder_in(shop.config.var))
    return next(iter(shop.providers.image_stores().values()), local)


@task("media.make", retry=PUT_RETRY)
def make(shop: Any, picture: str) -> None:
    """Make the picture's files and note their addresses. Again changes nothing."""
    with shop.unit() as db:
        row = db.scalar(select(StoredPicture).where(StoredPicture.public_id == picture))
    if row is None or row.doomed_at is not None or row.ready_at is not None:
        return
    store = store_of(shop)
    try:
        with outside("picture_put"):
            ref = _put(store, folder_in(shop.config.var), row)
    except (BadPicture, FileNotFoundError) as error:
        # It was opened before, so this takes a person: the page goes on with the first file.
        raise Permanent(f"Picture {picture} can't be made into its widths: {error}") from error
    files = {
        format: {
            str(width): store.url(ref, width, format) for width in widths_of(row.width, row.height)
        }
        for format in FORMATS
    }
    plain, width = row.first["format"], row.first["width"]
    files[plain] = {str(width): store.url(ref, width, plain)}
    with shop.unit("picture_made") as db:
        db.execute(
            update(StoredPicture)
            .where(StoredPicture.id == row.id, StoredPicture.doomed_at.is_(None))
            .values(store=store.code, ref=ref, files=files, ready_at=shop.now())
        )


def _put(store: ImageStore, folder: Folder, row: StoredPicture) -> str:
    original = folder.original(row.public_id, row.kind)
    if isinstance(store, LocalImages):
        return store.put_file(original, row.kind, row.public_id)
    # Another's machine gets clean pixels, never the file as it came: it may say where it was taken.
    with folder.workplace() as place:
        made = darkroom.ask("master", original, row.kind, place)
        clean = place / f"master.{made['format']}"
        return store.put(clean.read_bytes(), MIME_TYPES[made["format"]], row.public_id)


@task("media.sweep", schedule="37 4 * * *")
def sweep(shop: Any) -> None:
    """Throw away pictures that nobody has shown for a week.

    Whoever keeps pictures says in `pictures_used` which of them it shows; orders keep theirs for
    ever. A picture brought by a plugin that doesn't run is left alone: it may come back.
    """
    for rows in _batches(shop):
        used = _used(shop, [row.public_id for row in rows])
        with shop.unit("sweep_noted") as db:
            _note(db, rows, used, shop.now())
    running = [plugin.code for plugin in shop.plugins.enabled]
    with shop.unit("sweep_doomed") as db:
        db.execute(
            update(StoredPicture)
            .where(
                StoredPicture.unused_since < shop.now() - timedelta(days=KEPT_DAYS),
                StoredPicture.doomed_at.is_(None),
                StoredPicture.owners.contained_by(running),
            )
            .values(digest=None, doomed_at=shop.now())
        )
    _throw_away(shop)
    _empty_workplaces(folder_in(shop.config.var))


def _batches(shop: Any) -> Iterator[list[StoredPicture]]:
    after = 0
    while True:
        with shop.unit() as db:
            rows = db.scalars(
                select(StoredPicture)
                .where(StoredPicture.id > after, StoredPicture.doomed_at.is_(None))
                .order_by(StoredPicture.id)
                .limit(BATCH)
            ).all()
        if not rows:
            return
        yield list(rows)
        after = rows[-1].id


def _used(shop: Any, ids: list[str]) -> set[str]:
    """Ids in use. An exception ends the sweep: what a plugin can't answer for stays."""
    with shop.unit() as db:
        answers = shop.hooks.pictures_used(ids=tuple(ids), ctx=shop.ctx(db))
        return {id for answer in answers for id in answer or ()}


def _note(db: Any, rows: list[StoredPicture], used: set[str], now: Any) -> None:
    seen = [row.id for row in rows if row.public_id in used and row.unused_since is not None]
    unseen = [row.id for row in rows if row.public_id not in used and row.unused_since is None]
    for ids, moment in ((seen, None), (unseen, now)):
        if ids:
            db.execute(
                update(StoredPicture).where(StoredPicture.id.in_(ids)).values(unused_since=moment)
            )


def _throw_away(shop: Any) -> None:
    """Files first, then the row: killed in between, the next sweep finds the row again."""
    with shop.unit() as db:
        rows = db.scalars(select(StoredPicture).where(StoredPicture.doomed_at.is_not(None))).all()
    local = LocalImages(folder_in(shop.config.var))
    stores = {local.code: local, **shop.providers.image_stores()}
    for row in rows:
        store = stores.get(row.store or local.code)
        if store is None:
            log.warning("Picture %s stays until its store %r is back", row.public_id, row.store)
            continue
        if store is not local:
            with outside("picture_delete"):
                store.delete(row.ref)
        local.folder.throw_away(row.public_id)
        forget(row.public_id)
        with shop.unit("picture_gone") as db:
            db.execute(delete(StoredPicture).where(StoredPicture.id == row.id))


def _empty_workplaces(folder: Folder) -> None:
    """Remove what a process that was killed left in the making."""
    for path in (folder.root / "work").glob("*"):
        with suppress(FileNotFoundError):  # it was finished meanwhile
            if time.time() - path.stat().st_mtime > STRAY_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
