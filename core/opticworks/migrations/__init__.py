"""Migrations: the kernel's branch and one for each plugin, each with a version table of its own.

A plugin's history never mentions another's, so a plugin that is gone leaves its tables and its
version table behind and hinders nobody (docs/adr/0002). One advisory lock lets several processes
start at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from opticworks.config import ConfigError
from opticworks.db import Base
from opticworks.shop import Shop

HERE = Path(__file__).parent
LOCK = 6_543_001  #: pg_advisory_xact_lock key; any constant of our own


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of revisions. `prefix` is what its tables begin with; empty for the kernel."""

    label: str
    versions: Path
    metadata: Any
    prefix: str = ""

    @property
    def version_table(self) -> str:
        return f"{self.prefix}alembic_version"


def branches(shop: Shop) -> list[Branch]:
    """The kernel's branch, then the enabled plugins' in the order of their requirements."""
    import opticworks.models  # noqa: F401 - registers every kernel table

    result = [Branch("kernel", HERE / "versions", Base.metadata)]
    done: set[str] = set()
    waiting = list(shop.plugins.enabled)
    while waiting:
        for plugin in waiting:
            requires = plugin.info.requires if plugin.info else ()
            if all(code in done for code in requires):
                break
        else:
            raise ConfigError("Plugins require each other in a circle. Remove one requirement.")
        waiting.remove(plugin)
        done.add(plugin.code)
        answer = shop.plugins.ask(plugin, "migrations")
        if answer is not None:
            result.append(
                Branch(plugin.code, Path(answer.path), answer.metadata, f"{plugin.code}_")
            )
    return result


def _alembic(branch: Branch, connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(branch.versions))
    config.attributes.update(connection=connection, branch=branch)
    return config


def upgrade(shop: Shop, progress: Callable[[str], None] = lambda line: None) -> None:
    """Bring the kernel's and every enabled plugin's tables to their newest revision.

    All or nothing; safe to run from several processes. Raises ConfigError with a sentence when
    the database is newer than the code.
    """
    with shop.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        for branch in branches(shop):
            before = current(connection, branch)
            head = ScriptDirectory.from_config(_alembic(branch)).get_current_head()
            if before == head:
                continue
            progress(f"Migrating {branch.label}: {before or 'empty'} to {head}")
            try:
                command.upgrade(_alembic(branch, connection), "head")
            except CommandError as error:
                raise ConfigError(
                    f"The tables of {branch.label} can't be migrated: {error}. Most often the "
                    "database was used by a newer version; install that version again."
                ) from error
    shop.reload_settings()


def current(connection: Connection, branch: Branch) -> str | None:
    """The revision the database is at, None when the branch has no tables yet."""
    context = MigrationContext.configure(connection, opts={"version_table": branch.version_table})
    return context.get_current_revision()


def pending(shop: Shop) -> list[str]:
    """Labels of branches whose tables are not at the newest revision."""
    with shop.engine.connect() as connection:
        return [
            branch.label
            for branch in branches(shop)
            if current(connection, branch)
            != ScriptDirectory.from_config(_alembic(branch)).get_current_head()
        ]


def drift(shop: Shop, label: str) -> list[Any]:
    """Differences between a branch's models and the migrated tables; empty when they agree."""
    branch = _branch(shop, label)
    with shop.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": branch.version_table,
                "include_object": include_object(branch),
                "compare_type": True,
            },
        )
        return list(compare_metadata(context, branch.metadata))


def include_object(branch: Branch) -> Callable[..., bool]:
    """Alembic's filter: only the branch's own tables, known by prefix or by its metadata."""

    def include(thing: Any, name: str, kind: str, reflected: bool, compare_to: Any) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", "")
        if branch.prefix:
            return table.startswith(branch.prefix) and table != branch.version_table
        return table in branch.metadata.tables

    return include


def revision(shop: Shop, label: str, message: str) -> Path:
    """Write a revision of that branch from the difference between its models and its tables.

    Raises ConfigError with a sentence when there is nothing to compare.
    """
    branch = _branch(shop, label)
    branch.versions.mkdir(exist_ok=True)
    with shop.engine.begin() as connection:
        config = _alembic(branch, connection)
        try:
            script = command.revision(config, message=message, autogenerate=True)
        except CommandError as error:
            raise ConfigError(
                f"No revision of {label} can be written: {error} Run `opticworks migrate` first."
            ) from error
    assert isinstance(script, Script)  # one message writes one
    return Path(script.path)


def _branch(shop: Shop, label: str) -> Branch:
    """The branch of that label. Raises ConfigError with a sentence when there is none."""
    for branch in branches(shop):
        if branch.label == label:
            return branch
    raise ConfigError(f"No enabled plugin {label!r} has tables: it needs the hook `migrations`.")
