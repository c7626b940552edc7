"""Jobs keep their traceback, workers say who they are

Revision ID: kernel_0020_job_board
"""

from alembic import op

from opticworks.jobs import schema

revision = "kernel_0020_job_board"
down_revision = "kernel_0023_followed_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema.extend(op.get_bind())


def downgrade() -> None:
    schema.shrink(op.get_bind())
