"""What was checked of the VAT IDs of orders

Revision ID: taxes_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "taxes_0002"
down_revision = "taxes_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taxes_vat_check",
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("vat_id", sa.String(length=20), nullable=False),
        sa.Column("checked", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vies_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid", sa.Boolean(), nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(vies_at IS NULL) = (valid IS NULL)", name=op.f("ck_taxes_vat_check_answer")
        ),
        sa.PrimaryKeyConstraint("order_number", name=op.f("pk_taxes_vat_check")),
    )


def downgrade() -> None:
    op.drop_table("taxes_vat_check")
