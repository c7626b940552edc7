"""Orders keep the language they were placed in

Revision ID: kernel_0034_language_of_orders
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0034_language_of_orders"
down_revision = "kernel_0033_ledgers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of older orders nobody knows: they are written to in the language of the shop.
    op.add_column("orders", sa.Column("locale", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("orders", "locale")
