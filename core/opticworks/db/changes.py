"""Remembering what was read from tables for as long as nobody changes them.

PostgreSQL notes every change of a table with the trigger `note_change(scope)` (see the migration
kernel_0016): whatever writes to it leaves a number that there was never before. One small
statement reads those numbers, and what was read from the tables of a scope under the same numbers
is what stands there now. What another process commits is seen by the next request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Text, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from opticworks.db.base import Base
from opticworks.db.session import reads_only

T = TypeVar("T")

MOST = 3000  #: things remembered of a scope; the oldest goes first
_STAMPS = "opticworks.stamps"
_HELD = "opticworks.stamps_held"
_THINGS = "opticworks.things_held"


class Change(Base):
    """The newest change of a scope's tables that each connection made, by the connection's
    process. A trigger writes it."""

    __tablename__ = "change"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    pid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)


_CHANGES = text(
    "SELECT scope, string_agg(number::text, ',' ORDER BY number) FROM change GROUP BY scope"
)
# Asked once in a connection's life: a test's database is made anew under the same name.
DATABASE = text("SELECT oid FROM pg_database WHERE datname = current_database()")


class Memory:
    """Everything that was read of a scope under one stamp. Another stamp begins anew."""

    def __init__(self, stamp: Hashable) -> None:
        self.stamp = stamp
        self.things: dict[Hashable, Any] = {}
        self._shared: dict[Hashable, Any] = {}

    def keep(self, key: Hashable, thing: Any) -> None:
        while len(self.things) >= MOST:
            self.things.pop(next(iter(self.things), None), None)
        self.things[key] = thing

    def shared(self, key: Hashable, thing: T) -> T:
        """The equal thing that was made before, so that one picture or product that many pages
        show takes its place once."""
        if len(self._shared) >= 4 * MOST:
            self._shared.clear()
        known: T = self._shared.setdefault(key, thing)
        return known


_memories: dict[str, Memory] = {}


def memory_of(db: Session, scope: str) -> Memory:
    """What is remembered of the scope as this session sees it now.

    Ask before reading what is to be remembered: what is read later is at least as new. The
    numbers are asked for once per session where nothing can be written, once within
    `only_reading`, and else every time: the caller may have changed something itself.
    """
    stamp = _stamps(db).get(scope)
    memory = _memories.get(scope)
    if memory is None or memory.stamp != stamp or stamp is None:
        memory = Memory(stamp)
        if stamp is not None:  # nobody has changed anything yet: nothing to tell states apart by
            _memories[scope] = memory
    return memory


def remembered(
    db: Session, scope: str, key: Hashable, read: Callable[[Memory], tuple[T, bool]]
) -> T:
    """What `read` answered under the same stamp, else what it answers now and whether that may be
    remembered."""
    memory = memory_of(db, scope)
    if key in memory.things:
        known: T = memory.things[key]
        return known
    thing, lasting = read(memory)
    if lasting:
        memory.keep(key, thing)
    return thing


@contextmanager
def only_reading(db: Session) -> Iterator[None]:
    """Within the block this session writes nothing that is remembered, nor stock, so that it need
    not ask again whether something changed, nor for what `held` keeps."""
    before = db.info.get(_HELD, 0)
    db.info[_HELD] = before + 1
    try:
        yield
    finally:
        db.info[_HELD] = before
        if not before:
            db.info.pop(_THINGS, None)
        if not before and not reads_only(db):
            db.info.pop(_STAMPS, None)


def held(db: Session) -> dict[Hashable, Any]:
    """What was read within the session's `only_reading`, to the end of that; else nothing."""
    things: dict[Hashable, Any] = db.info.setdefault(_THINGS, {}) if db.info.get(_HELD) else {}
    return things


def _stamps(db: Session) -> dict[str, Hashable]:
    known: dict[str, Hashable] | None = db.info.get(_STAMPS)
    if known is not None:
        return known
    if db.autoflush:
        db.flush()
    connection = db.connection()
    if (database := connection.info.get("opticworks.database")) is None:
        database = (connection.engine.url, connection.scalar(DATABASE))
        connection.info["opticworks.database"] = database
    found: dict[str, Hashable] = {
        scope: (database, numbers) for scope, numbers in connection.execute(_CHANGES)
    }
    if reads_only(db) or db.info.get(_HELD):
        db.info[_STAMPS] = found
    return found
