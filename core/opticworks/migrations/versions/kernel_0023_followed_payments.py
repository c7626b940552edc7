"""When a payment that is not over is asked about again

Revision ID: kernel_0023_followed_payments
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0023_followed_payments"
down_revision = "kernel_0019_fulfilment"
branch_labels = None
depends_on = None

# What is under way already is looked at with the next sweep; an authorization when it lapses.
FILL = """
UPDATE payment SET look_at = CASE status WHEN 'pending' THEN now() ELSE expires_at END
WHERE (status = 'pending' AND expires_at IS NULL) OR status = 'authorized'
"""


def upgrade() -> None:
    op.add_column("payment", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(FILL)
    op.create_index(
        "ix_payment_look_at",
        "payment",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_payment_look_at", "payment")
    op.drop_column("payment", "look_at")
