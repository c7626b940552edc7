"""Where files lie, and the image store that a shop has without a plugin.

    var/media/originals/<xx>/<id>.<kind>      what was added, byte for byte; never served
    var/media/files/<xx>/<id>/<width>.<format>     what pages show, at /media/<id>/<width>.<format>
    var/media/work/...                        files in the making, gone when they are done

A file comes to its name whole: it is written beside and renamed. `<xx>` spreads the folders.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from opticworks.media import darkroom
from opticworks.media.recognise import kind_of

ID = re.compile(r"[a-z0-9][a-z0-9-]{3,63}")
FILE_NAME = re.compile(r"[1-9][0-9]{0,4}\.(?P<format>avif|webp|jpg|png)")
MIME_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
}


class NoFolder(RuntimeError):
    """The session belongs to no shop, so that nobody knows where its files lie."""


class Folder:
    """The media folder of a shop."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def original(self, id: str, kind: str) -> Path:
        return self.root / "originals" / _fan(id) / f"{id}.{kind.lower()}"

    def files(self, id: str) -> Path:
        return self.root / "files" / _fan(id) / id

    def find(self, id: str, name: str) -> tuple[Path, str] | None:
        """A served file and its MIME type; None for what isn't there. Neither part of an address
        is ever a way out of the folder."""
        match = FILE_NAME.fullmatch(name)
        if match is None or ID.fullmatch(id) is None:
            return None
        path = self.files(id) / name
        return (path, MIME_TYPES[match["format"]]) if path.is_file() else None

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder for files in the making, on the disk that they will stay on."""
        parent = self.root / "work"
        parent.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def take(self, made: Path, target: Path) -> None:
        """Move a whole file from a workplace to its name, safe from a failing machine."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.chmod(0o644)
        made.replace(target)

    def take_all(self, made: Path, id: str) -> None:
        for path in sorted(made.iterdir()):
            self.take(path, self.files(id) / path.name)

    def throw_away(self, id: str) -> None:
        """Every file of the picture; nothing happens if there is none."""
        shutil.rmtree(self.files(id), ignore_errors=True)
        for path in (self.root / "originals" / _fan(id)).glob(f"{id}.*"):
            path.unlink(missing_ok=True)


def _fan(id: str) -> str:
    return id[:2]


def folder_of(db: Session) -> Folder:
    """The media folder of the session's shop."""
    var = db.get_bind().get_execution_options().get("opticworks_var")
    if var is None:
        raise NoFolder("This database session knows no var folder; open it with shop.unit().")
    return folder_in(Path(var))


def forget_files_if_undone(db: Session, folder: Folder, id: str) -> None:
    """Should the transaction, or the savepoint in it, be rolled back: throw the files away too.

    A process that is killed in between leaves them behind, named by an id that nobody has.
    """
    within = db.get_nested_transaction() or db.get_transaction()

    @event.listens_for(db, "after_soft_rollback")
    def undone(session: Session, ended: SessionTransaction) -> None:
        step: SessionTransaction | None = within
        while step is not None:
            if step is ended:
                folder.throw_away(id)
                return
            step = step.parent


def folder_in(var: Path) -> Folder:
    return Folder(var / "media")


class LocalImages:
    """Keeps pictures on this machine's disk, in every width. The default ImageStore."""

    code = "local"
    title = "This server's disk"

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def put(self, content: bytes, content_type: str, key: str) -> str:
        """Make every width and format; the id is the key. Raises BadPicture."""
        with self.folder.workplace() as place:
            source = place / "source"
            source.write_bytes(content)
            return self.put_file(source, kind_of(content), key)

    def put_file(self, source: Path, kind: str, key: str) -> str:
        """As `put`, of a file that lies on the disk already."""
        id = local_id(key)
        with self.folder.workplace() as place:
            darkroom.ask("render", source, kind, place)
            self.folder.take_all(place, id)
        return id

    def url(self, id: str, width: int, format: str) -> str:
        return address(id, width, format)

    def delete(self, id: str) -> None:
        shutil.rmtree(self.folder.files(local_id(id)), ignore_errors=True)


def local_id(key: str) -> str:
    return key if ID.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:32]


def address(id: str, width: int, format: str) -> str:
    """The path of a file; what it holds never changes."""
    return f"/media/{id}/{width}.{format}"
