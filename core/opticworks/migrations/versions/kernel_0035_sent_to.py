"""Parcels that left keep where they went

Revision ID: kernel_0035_sent_to
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0035_sent_to"
down_revision = "kernel_0034_language_of_orders"
branch_labels = None
depends_on = None

# Of one that left before, only that of an order whose address nobody has edited since is known.
FILL = """
UPDATE parcel SET sent_to = orders.address FROM orders
WHERE orders.id = parcel.order_id AND parcel.status IN ('shipped', 'delivered')
  AND orders.address_check -> 'original' IS NULL
"""


def upgrade() -> None:
    op.add_column("parcel", sa.Column("sent_to", postgresql.JSONB(astext_type=sa.Text())))
    op.execute(FILL)


def downgrade() -> None:
    op.drop_column("parcel", "sent_to")
