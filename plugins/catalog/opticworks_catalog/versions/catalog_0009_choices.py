"""Values of an option may bring parts into a bundle

Revision ID: catalog_0009
"""

import sqlalchemy as sa
from alembic import op

revision = "catalog_0009"
down_revision = "catalog_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_choice",
        sa.Column("value_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.String(255), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("surcharge", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("value_id", name=op.f("pk_catalog_choice")),
        sa.ForeignKeyConstraint(
            ["value_id"],
            ["catalog_option_value.id"],
            name=op.f("fk_catalog_choice_value_id_catalog_option_value"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["catalog_variant.sku"],
            name=op.f("fk_catalog_choice_sku_catalog_variant"),
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_catalog_choice_quantity")),
        sa.CheckConstraint("surcharge >= 0", name=op.f("ck_catalog_choice_surcharge")),
    )
    op.create_index("ix_catalog_choice_sku", "catalog_choice", ["sku"])


def downgrade() -> None:
    op.drop_table("catalog_choice")
