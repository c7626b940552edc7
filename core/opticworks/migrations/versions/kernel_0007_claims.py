"""Claims keep their story; allowances may be without a limit

Revision ID: kernel_0007
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0007"
down_revision = "kernel_0005_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("allowance", "granted", nullable=True)
    op.add_column("claim", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_claim_allowance", "claim", ["allowance", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_claim_allowance", table_name="claim")
    op.execute("DELETE FROM claim WHERE released_at IS NOT NULL")
    op.drop_column("claim", "released_at")
    op.execute("UPDATE allowance SET granted = 9223372036854775807 WHERE granted IS NULL")
    op.alter_column("allowance", "granted", nullable=False)
