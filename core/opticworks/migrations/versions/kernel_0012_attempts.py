"""Several attempts to pay one order; what a payment event speaks of; when money is taken

Revision ID: kernel_0012_attempts
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0012_attempts"
down_revision = "kernel_0014_shipping"
branch_labels = None
depends_on = None

# What older rows spoke of, though the ledger is otherwise never rewritten.
FILL_ABOUT = """
UPDATE payment_event SET about = CASE WHEN payment_event.amount <> 0
        THEN abs(payment_event.amount) ELSE payment.amount END
    FROM payment
    WHERE payment.id = payment_id
        AND kind IN ('authorized', 'refund_intended', 'refunded')
"""


def upgrade() -> None:
    op.add_column(
        "payment", sa.Column("capture", sa.Text(), server_default="automatic", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_payment_capture"), "payment", "capture IN ('automatic', 'manual')"
    )
    op.add_column("payment", sa.Column("returned", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE payment SET expires_at = NULL WHERE status = 'captured'")
    op.drop_index(op.f("ix_payment_expires_at"), table_name="payment")
    op.create_index(
        "ix_payment_waiting",
        "payment",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.add_column(
        "payment_event", sa.Column("about", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_payment_event_attention",
        "payment_event",
        ["payment_id"],
        postgresql_where=sa.text("kind IN ('mismatch', 'surplus', 'attended')"),
    )
    op.execute("ALTER TABLE payment_event DISABLE TRIGGER USER")
    op.execute(FILL_ABOUT)
    op.execute("ALTER TABLE payment_event ENABLE TRIGGER USER")


def downgrade() -> None:
    op.drop_index("ix_payment_event_attention", table_name="payment_event")
    op.drop_column("payment_event", "about")
    op.drop_index("ix_payment_waiting", table_name="payment")
    op.create_index(op.f("ix_payment_expires_at"), "payment", ["expires_at"])
    op.drop_column("payment", "returned")
    op.drop_constraint(op.f("ck_payment_capture"), "payment")
    op.drop_column("payment", "capture")
