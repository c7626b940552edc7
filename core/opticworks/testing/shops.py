"""pytest plugin: shops on the worker's own database, browsers without a browser, counting.

def test_something(make_shop):
    shop = make_shop(plugins=("table_rates",), extra={"goods": FakeGoods(...)})
    page = Browser(shop).get("/cart")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import webtest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from opticworks import demo, migrations
from opticworks import shop as shop_module
from opticworks.app import make_app
from opticworks.boot import boot
from opticworks.config import Config, PluginLine
from opticworks.db.changes import DATABASE
from opticworks.plugins import installed
from opticworks.shipping import rates
from opticworks.shop import Shop

rates.DEADLINE = 60.0  # on a busy machine a thread may not come to its turn in three seconds

BASE_URL = "http://localhost"
SECRET = "a secret that only tests know, 0123456789"

_TABLES = text(
    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' "
    "AND tablename NOT LIKE '%alembic_version' AND tablename NOT LIKE 'procrastinate_%' "
    "UNION SELECT unnest(ARRAY['procrastinate_jobs', 'procrastinate_periodic_defers'])"
)

# Only a superuser may copy rows in any order, past foreign keys and triggers.
_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
_GUARDS = text(
    "SELECT tgrelid::regclass, quote_ident(tgname) FROM pg_trigger"
    " WHERE tgfoid = to_regproc('refuse_change') AND NOT tgisinternal"
)


_migrated: set[tuple[str, tuple[str, ...]]] = set()  #: what this process has migrated already


class Browser(webtest.TestApp):
    """A TestApp that sends what a browser sends: the page's own Origin with every POST."""

    def __init__(self, shop: Shop, **kwargs: Any) -> None:
        self.shop = shop
        super().__init__(make_app(shop), **kwargs)

    def do_request(self, req: Any, status: Any = None, expect_errors: Any = None) -> Any:
        if req.method not in ("GET", "HEAD") and "Origin" not in req.headers:
            req.headers["Origin"] = req.host_url
        return super().do_request(req, status, expect_errors)


def spoilt(token: str, at: int = -1) -> str:
    """A token, cookie or address with another character there: one that is really another, which
    a fixed one is not if it stood there already."""
    letters = list(token)
    letters[at] = "A" if letters[at] != "A" else "B"
    return "".join(letters)


def clear(shop: Shop) -> None:
    """Empty every table of the shop's database and its Redis."""
    with shop.engine.begin() as connection:
        names = connection.scalars(_TABLES).all()
        # Truncating costs the same for an empty table: look first.
        full = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names
        )
        used = connection.scalars(text(full)).all()
        if used:
            with unguarded(connection):
                connection.execute(text(f"TRUNCATE {', '.join(used)} CASCADE"))
    shop.redis.flushdb()
    shop.forget()


@contextmanager
def unguarded(connection: Connection | Session) -> Iterator[None]:
    """Take the guards off the tables whose rows are never changed or removed, for as long as a
    test empties or rewrites them. No one else gets at these tables before the transaction ends.
    """
    if connection.scalar(_SUPERUSER):
        # One word where switching each guard off and on would cost every test 50 ms.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield
        connection.execute(text("SET LOCAL session_replication_role = origin"))
    else:
        guards = connection.execute(_GUARDS).all()
        _switch(connection, guards, "DISABLE")
        yield
        _switch(connection, guards, "ENABLE")


def _switch(connection: Connection | Session, guards: Sequence[Any], state: str) -> None:
    changes = (f"ALTER TABLE {table} {state} TRIGGER {guard}" for table, guard in guards)
    connection.execute(text("; ".join(changes)))


_COLUMNS = text(
    "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
    " FROM information_schema.columns"
    " WHERE table_schema = 'public' AND quote_ident(table_name) = :name AND is_generated = 'NEVER'"
)
_demos: dict[tuple[str, ...], str] = {}  #: statements that bring demo data back


def load_demo(shop: Shop) -> None:
    """`demo.load` into a shop that `make_shop` has just made, without its work: the first time
    its rows are laid aside, later they are copied from there, ids and moments included."""
    codes = (plugin.code for plugin in shop.plugins.enabled)
    known = (str(shop.engine.url), repr(shop.config.plugin_settings), *codes)
    if known in _demos:
        with shop.engine.begin() as connection:
            connection.execute(text(_demos[known]))
        shop.forget()
        return
    demo.load(shop)
    with shop.engine.begin() as connection:
        if connection.scalar(_SUPERUSER):
            _demos[known] = _lay_aside(connection, f"demo_{len(_demos)}")


def _lay_aside(connection: Connection, schema: str) -> str:
    """Copy every row to tables of another schema; the statements that copy them back."""
    connection.execute(text(f"CREATE SCHEMA {schema}"))
    back = ["SET LOCAL session_replication_role = replica"]
    for name in connection.scalars(_TABLES).all():
        if not connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name})")):
            continue
        columns = connection.scalar(_COLUMNS, {"name": name})
        connection.execute(text(f"CREATE TABLE {schema}.{name} AS SELECT {columns} FROM {name}"))
        back.append(
            f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM {schema}.{name}"
        )
    # What processes remember of one test must not answer for the next.
    back.append("UPDATE change SET number = nextval('change_number')")
    return "; ".join(back)


@pytest.fixture
def make_shop(
    worker_database_url: str, worker_redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., Shop]]:
    """A function that boots a migrated, empty shop with the plugins and fakes it is told."""
    made: list[Shop] = []

    def make(
        plugins: tuple[str, ...] = (),
        extra: Mapping[str, Any] | None = None,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        mode: str = "test",
        **config: Any,
    ) -> Shop:
        missing = sorted(set(plugins) - installed().keys())
        if missing:
            pytest.skip(f"needs the plugin {missing[0]!r}, whose package is not installed")
        shop = boot(
            Config(
                mode=mode,  # type: ignore[arg-type]
                database_url=worker_database_url,
                redis_url=worker_redis_url,
                base_url=config.pop("base_url", BASE_URL),
                secret=config.pop("secret", SECRET),
                var=tmp_path,
                plugins=tuple(PluginLine(code) for code in plugins),
                plugin_settings=settings or {},
                # No theme: the kernel's own plain pages.
                theme=config.pop("theme", ""),
                **config,
            ),
            extra_plugins=extra,
        )
        made.append(shop)
        schema = (worker_database_url, plugins)
        if schema not in _migrated:
            migrations.upgrade(shop)
            _migrated.add(schema)
        clear(shop)
        return shop

    yield make
    for shop in made:
        # The next shop is put together from what is stored, before its tables are emptied.
        with shop.engine.begin() as connection:
            if connection.scalar(text("SELECT to_regclass('setting')")) is not None:
                connection.execute(text("DELETE FROM setting"))
        shop.close()


class _Standing:
    """A clock that stands still, before everything that was remembered."""

    def monotonic(self) -> float:
        return 0.0


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement sent to PostgreSQL meanwhile, in order, whoever sends it.

    Counted at the driver, so that deferred jobs and Core statements count too; the pool's empty
    ping does not, nor what a connection asks once in its life. Nothing that a process remembers
    for some seconds grows old meanwhile: what is read again then says how long the test took.
    """
    statements: list[str] = []
    execute, many = psycopg.Cursor.execute, psycopg.Cursor.executemany

    def noting(original: Any) -> Any:
        def wrapper(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            sql = query if isinstance(query, str) else str(query)
            if sql.strip(" ;") and sql != DATABASE.text:
                statements.append(sql)
            return original(cursor, query, *args, **kwargs)

        return wrapper

    clock, shop_module.time = shop_module.time, _Standing()  # type: ignore[assignment,attr-defined]
    psycopg.Cursor.execute = noting(execute)  # type: ignore[method-assign]
    psycopg.Cursor.executemany = noting(many)  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        shop_module.time = clock  # type: ignore[attr-defined]
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
        psycopg.Cursor.executemany = many  # type: ignore[method-assign]
