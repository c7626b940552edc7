"""Table bases, column types and the naming convention that migrations rely on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, MetaData, func
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# Without names Alembic can't find a constraint again to drop it.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def now_utc() -> datetime:
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment, always UTC; a naive one is refused before it reaches the table."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone. Times are stored as aware UTC.")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of the kernel's tables."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar = {datetime: UTCDateTime()}


def plugin_base(code: str) -> type[DeclarativeBase]:
    """A table base for a plugin: metadata of its own, every table prefixed with its code."""

    class PluginBase(DeclarativeBase):
        __abstract__ = True
        metadata = MetaData(naming_convention=NAMING_CONVENTION)
        type_annotation_map: ClassVar = {datetime: UTCDateTime()}

        def __init_subclass__(cls, **kwargs: Any) -> None:
            name = getattr(cls, "__tablename__", None)
            if name is not None and not name.startswith(f"{code}_"):
                raise TypeError(f"Table {name!r} of plugin {code!r} must begin with '{code}_'.")
            super().__init_subclass__(**kwargs)

    return PluginBase


def timestamp() -> Mapped[datetime]:
    """A column filled by the database with the moment of the row's transaction."""
    return mapped_column(UTCDateTime(), server_default=func.now())
