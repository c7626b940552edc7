"""The queue of jobs

Revision ID: kernel_0002
"""

from alembic import op

from opticworks.jobs import schema

revision = "kernel_0002"
down_revision = "kernel_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema.install(op.get_bind())


def downgrade() -> None:
    schema.remove(op.get_bind())
