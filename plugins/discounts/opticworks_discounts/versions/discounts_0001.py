"""Discounts and their codes

Revision ID: discounts_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "discounts_0001"
down_revision = None
branch_labels = ("discounts",)
depends_on = None


def texts(name: str, default: str = "{}") -> sa.Column:
    return sa.Column(
        name, postgresql.ARRAY(sa.Text()), server_default=sa.text(f"'{default}'"), nullable=False
    )


def moment(name: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    op.create_table(
        "discounts_discount",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(5, 2), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), server_default="0", nullable=False),
        texts("skus"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total_limit", sa.Integer(), nullable=True),
        sa.Column("customer_limit", sa.Integer(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        texts("combines", "{product,order,shipping}"),
        texts("methods"),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        texts("countries"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        moment("created_at"),
        sa.CheckConstraint(
            "kind IN ('percent', 'fixed', 'free_shipping')", name=op.f("ck_discounts_discount_kind")
        ),
        sa.CheckConstraint(
            "method IN ('code', 'batch', 'automatic')", name=op.f("ck_discounts_discount_method")
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'percent' THEN percent > 0 AND percent <= 100 "
            "WHEN 'fixed' THEN amount > 0 ELSE true END IS TRUE",
            name=op.f("ck_discounts_discount_value"),
        ),
        sa.CheckConstraint("minimum >= 0", name=op.f("ck_discounts_discount_minimum")),
        sa.CheckConstraint("total_limit > 0", name=op.f("ck_discounts_discount_total_limit")),
        sa.CheckConstraint("customer_limit > 0", name=op.f("ck_discounts_discount_customer_limit")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_discounts_discount_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discounts_discount")),
    )
    op.create_index(
        "ix_discounts_discount_automatic",
        "discounts_discount",
        ["id"],
        postgresql_where=sa.text("method = 'automatic' AND active"),
    )
    op.create_table(
        "discounts_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("discount_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        moment("created_at"),
        sa.ForeignKeyConstraint(
            ["discount_id"],
            ["discounts_discount.id"],
            name=op.f("fk_discounts_code_discount_id_discounts_discount"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discounts_code")),
        sa.UniqueConstraint("key", name=op.f("uq_discounts_code_key")),
    )
    op.create_index(op.f("ix_discounts_code_discount_id"), "discounts_code", ["discount_id"])


def downgrade() -> None:
    op.drop_table("discounts_code")
    op.drop_table("discounts_discount")
