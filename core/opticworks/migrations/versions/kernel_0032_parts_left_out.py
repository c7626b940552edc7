"""Parcels say which parts of a bundle they go without

Revision ID: kernel_0032_parts_left_out
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0032_parts_left_out"
down_revision = "kernel_0031_return_label_voids"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "parcel_line",
        sa.Column("without", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("parcel_line", "without")
