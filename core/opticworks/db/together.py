"""Writes whose answer nobody waits for, sent to the server as one statement.

An order writes a dozen rows, and each statement of its own costs three times what it does: in
SQLAlchemy, in psycopg, and on the way to PostgreSQL. So a session keeps such writes, as it keeps
changes of its rows, until something else is asked or it commits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, event, func, inspect, literal_column, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.expression import ClauseElement, ColumnElement, Insert, Select, Update
from sqlalchemy.sql.visitors import cloned_traverse

MOST = 8  #: writes in one statement


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """An INSERT or UPDATE of a table, all of whose values are parameters. `then` is what is done
    with the one row that it returns, an expression of its columns; with `certain` it answers how
    many rows it wrote, of which there must be one."""

    statement: Insert | Update
    then: Callable[[Any], ColumnElement[Any]] | None = None
    certain: bool = False


class WritingSession(Session):
    """A session that sends what is written `later` together with the rows that were changed."""

    _kept: list[tuple[Write, Mapping[str, Any]]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept = []

    def keep(self, write: Write, values: Mapping[str, Any]) -> None:
        """Remember it until the session flushes."""
        self._kept.append((write, values))

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        if self._kept:
            self._send()
        super().flush(objects)

    def _send(self) -> None:
        changes = _changes(self)
        if changes is None:  # what only SQLAlchemy knows how to order goes first
            super().flush()
        kept, self._kept = self._kept, []
        for batch in _batches([*(changes or ()), *kept]):
            values = {
                f"w{number}_{name}": value
                for number, (_, given) in enumerate(batch)
                for name, value in given.items()
            }
            done = self.connection().execute(_as_one(tuple(write for write, _ in batch)), values)
            answers = zip((write for write, _ in batch if write.then), done.one(), strict=False)
            if any(write.certain and number != 1 for write, number in answers):
                raise StaleDataError("A row that was changed is gone.")


@event.listens_for(WritingSession, "before_commit")
def _send_the_rest(session: WritingSession) -> None:
    if session._kept:  # a session without changed rows has nothing to flush, as SQLAlchemy knows it
        session._send()


@event.listens_for(WritingSession, "after_soft_rollback")
def _forget(session: WritingSession, *_: Any) -> None:
    """What was kept when a savepoint began was sent before it; the rest is undone with it."""
    session._kept.clear()


def later(db: Session, write: Write, values: Mapping[str, Any]) -> None:
    """Write that in the session's transaction, before anything else is asked through it."""
    if isinstance(db, WritingSession):
        db.keep(write, values)
    else:
        given = {f"w0_{name}": value for name, value in values.items()}
        db.execute(_as_one((write,)), given)


def _batches(
    writes: Sequence[tuple[Write, Mapping[str, Any]]],
) -> list[list[tuple[Write, Mapping[str, Any]]]]:
    """As few statements as possible. None changes rows of a table that it writes besides: its
    parts don't see each other's rows, and a second change of one is left out by PostgreSQL."""
    batches: list[list[tuple[Write, Mapping[str, Any]]]] = []
    tables: set[Any] = set()
    for write, values in writes:
        again = isinstance(write.statement, Update) and write.statement.table in tables
        if not batches or len(batches[-1]) == MOST or again:
            batches.append([])
            tables = set()
        batches[-1].append((write, values))
        tables.add(write.statement.table)
    return batches


def _changes(db: Session) -> list[tuple[Write, Mapping[str, Any]]] | None:
    """The rows of the session that were changed, which count as written then; None if there is
    more than values of columns to it."""
    if db.new or db.deleted:
        return None
    changed = []
    for row in sorted(db.dirty, key=lambda row: row.__tablename__):
        state: Any = inspect(row)
        table, before = state.mapper.local_table, state.committed_state
        values = {name: state.dict.get(name) for name in before}
        if not values.keys() <= _settable(table) or any(
            isinstance(value, ClauseElement) for value in values.values()
        ):
            return None
        columns = tuple(name for name in before if before[name] != values[name])
        changed.append((row, table, columns, {name: values[name] for name in columns}))
    writes: list[tuple[Write, Mapping[str, Any]]] = []
    for row, table, columns, values in changed:
        for name, value in values.items():
            set_committed_value(row, name, value)
        if columns:
            key = {f"of_{column.key}": getattr(row, column.key) for column in table.primary_key}
            writes.append((_change_of(table, columns), {**values, **key}))
    return writes


@cache
def _settable(table: Table) -> frozenset[str]:
    """The columns that only we change; none where the table has others."""
    if any(column.onupdate is not None for column in table.columns):
        return frozenset()
    return frozenset(column.key for column in table.columns if not column.primary_key)


@lru_cache(maxsize=256)
def _change_of(table: Table, columns: tuple[str, ...]) -> Write:
    row = [column == bindparam(f"of_{column.key}") for column in table.primary_key]
    statement = update(table).where(*row).values({name: bindparam(name) for name in columns})
    counted = statement.returning(*table.primary_key)
    return Write(counted, then=lambda changed: func.count(), certain=True)


@lru_cache(maxsize=256)
def _as_one(writes: tuple[Write, ...]) -> Select[Any]:
    """One statement that does all of them; the parameters of each begin with its number."""
    parts: list[Any] = []
    answers: list[ColumnElement[Any]] = []
    for number, write in enumerate(writes):
        part = _numbered(write.statement, f"w{number}_").cte(f"w{number}")
        parts.append(part)
        if write.then is not None:
            answers.append(select(write.then(part.c)).select_from(part).scalar_subquery())
    return select(*(answers or [literal_column("1")])).add_cte(*parts)


def _numbered(statement: Insert | Update, number: str) -> Any:
    def name(parameter: Any) -> None:
        if not parameter.unique:
            parameter.key = number + parameter.key

    return cloned_traverse(statement, {}, {"bindparam": name})
