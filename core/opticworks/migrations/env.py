"""Alembic's environment for every branch; `opticworks.migrations` hands over the connection."""

from alembic import context

from opticworks.migrations import include_object

branch = context.config.attributes["branch"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=branch.metadata,
    version_table=branch.version_table,
    include_object=include_object(branch),
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
