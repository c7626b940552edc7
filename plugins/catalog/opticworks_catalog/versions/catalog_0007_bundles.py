"""Bundles priced by their parts; imports by staff; a picture that is taken away is forgotten

Revision ID: catalog_0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0007"
down_revision = "catalog_0006"
branch_labels = None
depends_on = None

STATES = "state IN ('trying', 'tried', 'importing', 'imported', 'refused')"


def _source_of_image(ondelete: str) -> None:
    name = op.f("fk_catalog_image_source_image_id_catalog_image")
    op.drop_constraint(name, "catalog_image_source")
    op.create_foreign_key(
        name, "catalog_image_source", "catalog_image", ["image_id"], ["id"], ondelete=ondelete
    )


def upgrade() -> None:
    op.add_column("catalog_variant", sa.Column("percent_off", sa.Numeric(5, 2), nullable=True))
    op.create_check_constraint(
        op.f("ck_catalog_variant_percent_off"),
        "catalog_variant",
        "percent_off >= 0 AND percent_off <= 100",
    )
    _source_of_image("CASCADE")
    now = sa.text("now()")
    op.create_table(
        "catalog_import",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("with_stock", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("with_pictures", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("state", sa.String(length=20), server_default="trying", nullable=False),
        sa.Column("doing", sa.String(length=40), server_default="", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_catalog_import_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_import")),
    )
    op.create_index("ix_catalog_import_created_at", "catalog_import", ["created_at"])


def downgrade() -> None:
    op.drop_table("catalog_import")
    _source_of_image("SET NULL")
    op.drop_constraint(op.f("ck_catalog_variant_percent_off"), "catalog_variant")
    op.drop_column("catalog_variant", "percent_off")
