"""Adding pictures and reading them. What is added is checked before anything is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from opticworks.contracts import Picture
from opticworks.faults import fault
from opticworks.jobs import defer
from opticworks.media import darkroom
from opticworks.media.models import StoredPicture
from opticworks.media.recognise import kind_of
from opticworks.media.store import MIME_TYPES, address, folder_of, forget_files_if_undone

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_REMEMBERED = 2000

# A picture that is ready never changes, so a process need not ask for it again.
_ready: dict[str, Picture] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRef:
    """A picture that was added. `width` and `height` are its own; `ready` once all its files are
    made: until then pages show its first one."""

    id: str
    width: int
    height: int
    ready: bool


def add_picture(
    db: Session, content: bytes, *, name: str = "", alt: str = "", owner: str = ""
) -> PictureRef:
    """Keep a picture, and have it made into the widths of pages once this commits.

    The same bytes are the same picture. `name` is the file's, `alt` what it shows in words when
    nothing else is said. `owner` is the code of the plugin that will answer for it in the hook
    `pictures_used`: while that plugin doesn't run, nobody throws the picture away. Raises
    BadPicture with a sentence for what isn't a picture that may be shown; nothing is kept then.
    """
    kind = kind_of(content)
    digest = hashlib.sha256(content).hexdigest()
    folder = folder_of(db)
    known = _known(db, digest)
    if known is not None and folder.original(known.public_id, known.kind).is_file():
        return _used_again(db, known, owner)
    with folder.workplace() as place:
        source, made = place / "source", place / "made"
        source.write_bytes(content)
        made.mkdir()
        found = darkroom.ask("check", source, kind, made)
        if known is None:
            row = StoredPicture(
                public_id=_new_id(),
                digest=digest,
                kind=kind,
                size=len(content),
                name=_one_line(name, 200),
                alt=_one_line(alt, 300),
                width=found["width"],
                height=found["height"],
                first=found["first"],
                files={},
                owners=[owner] if owner else [],
            )
            if (earlier := _first_to_insert(db, row)) is not None:
                return _used_again(db, earlier, owner)
            forget_files_if_undone(db, folder, row.public_id)
        else:  # its folder was lost: the same picture gets its files anew
            row = known
            row.files, row.ready_at, row.unused_since = {}, None, None
            forget(row.public_id)
        folder.take_all(made, row.public_id)
        fault("picture.between_files")
        folder.take(source, folder.original(row.public_id, kind))
    db.flush()
    defer(db, "media.make", picture=row.public_id)
    return _ref(row)


def _known(db: Session, digest: str) -> StoredPicture | None:
    """The picture of those bytes, kept from the sweep until the transaction ends."""
    statement = select(StoredPicture).where(StoredPicture.digest == digest)
    return db.scalar(statement.with_for_update(key_share=True))


def _first_to_insert(db: Session, row: StoredPicture) -> StoredPicture | None:
    """Add the row; or the one that somebody else added meanwhile, of the same bytes."""
    try:
        with db.begin_nested():
            db.add(row)
            db.flush()
    except IntegrityError:
        if (earlier := _known(db, row.digest or "")) is None:
            raise
        return earlier
    return None


def _used_again(db: Session, row: StoredPicture, owner: str) -> PictureRef:
    row.unused_since = None
    if owner and owner not in row.owners:
        row.owners = [*row.owners, owner]
    db.flush()
    return _ref(row)


def _ref(row: StoredPicture) -> PictureRef:
    return PictureRef(
        id=row.public_id, width=row.width, height=row.height, ready=row.ready_at is not None
    )


def _new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def _one_line(text: str, longest: int) -> str:
    return " ".join(text.replace("\0", "").split())[:longest]


def pictures(db: Session, ids: Collection[str]) -> dict[str, Picture]:
    """The pictures of those ids, as pages show them now; unknown ids are missing."""
    wanted = dict.fromkeys(ids)
    found = {id: _ready[id] for id in wanted if id in _ready}
    missing = [id for id in wanted if id not in found]
    if missing:
        rows = db.scalars(
            select(StoredPicture).where(
                StoredPicture.public_id.in_(missing), StoredPicture.doomed_at.is_(None)
            )
        )
        for row in rows:
            found[row.public_id] = as_picture(row)
            if row.ready_at is not None:
                _remember(found[row.public_id])
    return found


def _remember(picture: Picture) -> None:
    while len(_ready) >= _REMEMBERED:
        _ready.pop(next(iter(_ready)), None)
    _ready[picture.id] = picture


def forget(id: str) -> None:
    """Read the picture again when it is next asked for, in this process."""
    _ready.pop(id, None)


def as_picture(row: StoredPicture) -> Picture:
    """With every width that is made; with the first file alone until then."""
    first: dict[str, Any] = row.first
    plain = row.files.get(first["format"], {})
    return Picture(
        id=row.public_id,
        src=plain.get(str(first["width"]), address(row.public_id, first["width"], first["format"])),
        width=row.width,
        height=row.height,
        alt=row.alt,
        srcset={
            MIME_TYPES[format]: ", ".join(
                f"{url} {width}w"
                for width, url in sorted(row.files[format].items(), key=lambda one: int(one[0]))
            )
            for format in ("avif", "webp")
            if format in row.files
        },
    )
