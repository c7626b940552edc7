"""Engine and sessions: one per request through pyramid_tm, or a short unit of work of its own."""

from __future__ import annotations

import os
import select
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import psycopg
import psycopg._queries
import zope.sqlalchemy
from sqlalchemy import Engine, Insert, Table, create_engine, event, insert, inspect
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached

from opticworks.db.together import Write, WritingSession

# psycopg keeps the parsed form of statements up to 4 KB only, and ours that answer a page in one
# round trip are longer: a tenth of such a page went into finding the parameters again.
psycopg._queries.MAX_CACHED_STATEMENT_LENGTH = 32_768
_READS_ONLY = "opticworks.reads_only"
_EVENTS = "opticworks.transaction_events"
TRUSTED_SECONDS = 1.0  #: without use, after which a connection is asked whether it lives


class _Columns(Sequence[Any]):
    """What a cursor says of its columns, made when it is looked at."""

    def __init__(self, cursor: _Cursor, number: int) -> None:
        self._cursor, self._number = cursor, number

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: Any) -> Any:
        columns = super(_Cursor, self._cursor).description or ()
        return columns[index]


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that describes its columns to who wants to know. SQLAlchemy only asks whether there
    are any, of a statement that it knows; psycopg makes an object for each of them."""

    @property
    def description(self) -> Any:
        found = self.pgresult
        return _Columns(self, found.nfields) if found and found.nfields else super().description


#: How to reach a server. One that takes connections and says nothing must not hold all our threads.
_CONNECT = {"connect_timeout": 3, "cursor_factory": _Cursor}


def make_engine(url: str, **options: Any) -> Engine:
    """An engine for `url` (READ COMMITTED; rows are locked in sorted order where it matters).

    A database restart must cost one reconnect, not one error page: whoever takes a connection
    looks first whether it is still there (see `_look`).
    """
    options.setdefault("pool_size", 10)
    options.setdefault("max_overflow", 20)
    # The connection that was used last knows our statements best, here and in the server.
    options.setdefault("pool_use_lifo", True)
    # Values are customers' names and addresses, whole mails, keys: not for logs and tracebacks.
    options.setdefault("hide_parameters", True)
    options.setdefault("connect_args", _CONNECT)
    engine = create_engine(url, **options)
    event.listen(engine, "checkout", partial(_look, engine.dialect))
    event.listen(engine, "checkin", _note)
    # A server that loads the application and then forks (gunicorn under pserve) must not share
    # connections between processes: the child forgets them without closing the parent's.
    known = weakref.ref(engine)

    def forget() -> None:
        if (mine := known()) is not None:
            mine.dispose(close=False)

    os.register_at_fork(after_in_child=forget)
    return engine


def _look(dialect: Any, connection: Any, record: Any, proxy: Any) -> None:
    """Before a connection is used again. A server that went away closed its end, which the socket
    knows without asking; whoever has been idle for longer asks all the same."""
    used = record.info.get("used")
    if used is None or (time.monotonic() - used < TRUSTED_SECONDS and not _was_closed(connection)):
        return
    try:
        dialect.do_ping(connection)
    except Exception as error:
        raise DisconnectionError("The connection is dead; the pool makes another.") from error


def _was_closed(connection: Any) -> bool:
    """Whether the server has said anything unasked: that it is going, most likely."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _note(connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def make_reader(engine: Engine) -> Engine:
    """An engine for pages that only read, on the same server: every statement stands for itself
    (READ COMMITTED gives no more than that), and PostgreSQL refuses to write anything.

    That saves such a page the round trips of a transaction. Whoever finds its connection dead all
    the same runs again (web.transactions).
    """
    reader = make_engine(
        engine.url.render_as_string(hide_password=False),
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        connect_args={**_CONNECT, "options": "-c default_transaction_read_only=on"},
        execution_options=dict(engine.get_execution_options()),
    )

    return reader


def reading_session(reader: Engine) -> Session:
    """A session of `make_reader`'s engine, for one page."""
    return Session(reader, autoflush=False, expire_on_commit=False, info={_READS_ONLY: True})


def reads_only(session: Session) -> bool:
    """Whether nothing can be written through it, so that what was read once need not be asked
    again."""
    return _READS_ONLY in session.info


def request_session(engine: Engine, tm: Any) -> Session:
    """A session that commits and aborts with the request's transaction manager.

    `initial_state="changed"`: otherwise a deferred job, `text()` or a Core update alone would be
    rolled back silently, since zope.sqlalchemy only notices ORM flushes.
    """
    events = zope.sqlalchemy.ZopeTransactionEvents("changed", transaction_manager=tm)
    return RequestSession(engine, autoflush=True, expire_on_commit=False, info={_EVENTS: events})


class RequestSession(WritingSession):
    """A session of a transaction manager's. What zope.sqlalchemy has to hear of it is registered
    once for all of them: to do that for each costs a request a fifth of a millisecond."""

    def keep(self, write: Write, values: Mapping[str, Any]) -> None:
        _join(self)
        super().keep(write, values)


@event.listens_for(RequestSession, "after_begin")
@event.listens_for(RequestSession, "after_attach")
def _join(session: Session, *_: Any) -> None:
    session.info[_EVENTS].join_transaction(session)


@event.listens_for(RequestSession, "before_commit")
def _only_its_manager_commits(session: Session) -> None:
    session.info[_EVENTS].before_commit(session)


@cache
def _columns_of(table: Table) -> frozenset[str]:
    return frozenset(table.columns.keys())


@cache
def _insert_into(table: Table) -> Insert:
    return insert(table)


def write(db: Session, row: DeclarativeBase) -> None:
    """Insert a new row at once, and keep it in the session as if it had been read.

    What `add` and `flush` do, for half of their cost: for rows that every order writes. What the
    database itself fills in is read when it is asked for.
    """
    state: Any = inspect(row)
    table = state.mapper.local_table
    columns = _columns_of(table)
    values = {name: value for name, value in state.dict.items() if name in columns}
    written: Any = db.execute(_insert_into(table), values)
    for name, value in written.last_inserted_params().items():
        if name not in values:
            setattr(row, name, value)
    for column, value in zip(table.primary_key, written.inserted_primary_key, strict=True):
        setattr(row, column.key, value)
    make_transient_to_detached(row)
    db.add(row)


@contextmanager
def unit(engine: Engine) -> Iterator[Session]:
    """A short transaction of its own: commits when the block ends, rolls back when it raises."""
    with WritingSession(engine, expire_on_commit=False) as session, session.begin():
        yield session
