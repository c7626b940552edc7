"""Alembic's environment for every branch; `opticworks.migrations` hands over the connection."""

from typing import Any, Literal

from alembic import context

from opticworks.db import UTCDateTime
from opticworks.migrations import include_object


def render_item(kind: str, thing: Any, autogen_context: Any) -> str | Literal[False]:
    """Write plain SQL types: a revision must still run when our own types have moved."""
    return "sa.DateTime(timezone=True)" if isinstance(thing, UTCDateTime) else False


branch = context.config.attributes["branch"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=branch.metadata,
    version_table=branch.version_table,
    include_object=include_object(branch),
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
