"""Webhooks of carriers

Revision ID: kernel_0017_shipping_webhooks
"""

from alembic import op

revision = "kernel_0017_shipping_webhooks"
down_revision = "kernel_0015_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_webhook_family"), "webhook", type_="check")
    op.create_check_constraint(
        op.f("ck_webhook_family"), "webhook", "family IN ('payment', 'mail', 'shipping')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM webhook WHERE family = 'shipping'")
    op.drop_constraint(op.f("ck_webhook_family"), "webhook", type_="check")
    op.create_check_constraint(
        op.f("ck_webhook_family"), "webhook", "family IN ('payment', 'mail')"
    )
