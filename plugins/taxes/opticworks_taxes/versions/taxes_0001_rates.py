"""The table of rates, and exemptions

Revision ID: taxes_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "taxes_0001"
down_revision = None
branch_labels = ("taxes",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taxes_rate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="", nullable=False),
        sa.Column("postal", sa.String(length=20), server_default="", nullable=False),
        sa.Column("tax_class", sa.String(length=40), server_default="standard", nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("rate", sa.Numeric(precision=9, scale=7), nullable=False),
        sa.Column("shipping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("layer", sa.Integer(), server_default="1", nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_taxes_rate_country")),
        sa.CheckConstraint("layer BETWEEN 1 AND 9", name=op.f("ck_taxes_rate_layer")),
        sa.CheckConstraint("rate >= 0 AND rate <= 1", name=op.f("ck_taxes_rate_rate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxes_rate")),
        sa.UniqueConstraint(
            "country",
            "state",
            "postal",
            "tax_class",
            "layer",
            "starts",
            name=op.f("uq_taxes_rate_country"),
        ),
    )
    op.create_table(
        "taxes_exemption",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("postal", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), server_default="exempt", nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('exempt', 'reverse_charge')", name=op.f("ck_taxes_exemption_kind")
        ),
        sa.CheckConstraint("ends IS NULL OR ends >= starts", name=op.f("ck_taxes_exemption_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxes_exemption")),
    )
    op.create_index("ix_taxes_exemption_email", "taxes_exemption", ["email"])


def downgrade() -> None:
    op.drop_table("taxes_exemption")
    op.drop_table("taxes_rate")
