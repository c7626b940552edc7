"""The database: table base, engine, sessions, units of work."""

from opticworks.db.base import (
    NAMING_CONVENTION,
    Base,
    UTCDateTime,
    now_utc,
    plugin_base,
    timestamp,
)
from opticworks.db.session import (
    make_engine,
    make_reader,
    reading_session,
    reads_only,
    request_session,
    unit,
    write,
)
from opticworks.db.together import Write, later

__all__ = [
    "NAMING_CONVENTION",
    "Base",
    "UTCDateTime",
    "Write",
    "later",
    "make_engine",
    "make_reader",
    "now_utc",
    "plugin_base",
    "reading_session",
    "reads_only",
    "request_session",
    "timestamp",
    "unit",
    "write",
]
