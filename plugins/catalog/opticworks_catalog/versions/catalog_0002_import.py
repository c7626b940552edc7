"""What a product file of another shop tells: vendor, type, tags, and what is only kept

Revision ID: catalog_0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0002"
down_revision = "catalog_0001"
branch_labels = None
depends_on = None

#: Columns that must hold what other shops allow: (table, column, before, after).
WIDER = (
    ("catalog_product", "handle", 120, 255),
    ("catalog_product", "title", 200, 255),
    ("catalog_product", "seo_title", 200, 255),
    ("catalog_option", "name", 60, 255),
    ("catalog_option_value", "value", 80, 255),
    ("catalog_variant", "sku", 80, 255),
    ("catalog_component", "sku", 80, 255),
)


def _replace_check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_catalog_product_{name}"), "catalog_product")
    op.create_check_constraint(op.f(f"ck_catalog_product_{name}"), "catalog_product", condition)


def upgrade() -> None:
    for table, column, before, after in WIDER:
        op.alter_column(
            table, column, existing_type=sa.String(length=before), type_=sa.String(length=after)
        )
    for name in ("vendor", "product_type"):
        op.add_column(
            "catalog_product",
            sa.Column(name, sa.String(length=255), server_default="", nullable=False),
        )
    op.add_column(
        "catalog_product",
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    for table in ("catalog_product", "catalog_variant"):
        op.add_column(
            table,
            sa.Column("extra", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        )
    _replace_check("status", "status IN ('draft', 'published', 'archived')")
    _replace_check(
        "published_at_when_published", "status <> 'published' OR published_at IS NOT NULL"
    )
    op.create_table(
        "catalog_image_source",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("alt", sa.String(length=300), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["catalog_image.id"],
            name=op.f("fk_catalog_image_source_image_id_catalog_image"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_image_source_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_image_source")),
        sa.UniqueConstraint("product_id", "address", name="uq_catalog_image_source_address"),
    )
    op.create_index("ix_catalog_image_source_image_id", "catalog_image_source", ["image_id"])


def downgrade() -> None:
    op.drop_table("catalog_image_source")
    op.execute("UPDATE catalog_product SET status = 'draft' WHERE status = 'archived'")
    _replace_check("status", "status IN ('draft', 'published')")
    _replace_check("published_at_when_published", "status = 'draft' OR published_at IS NOT NULL")
    for table in ("catalog_variant", "catalog_product"):
        op.drop_column(table, "extra")
    for name in ("tags", "product_type", "vendor"):
        op.drop_column("catalog_product", name)
    for table, column, before, after in WIDER:
        op.alter_column(
            table, column, existing_type=sa.String(length=after), type_=sa.String(length=before)
        )
