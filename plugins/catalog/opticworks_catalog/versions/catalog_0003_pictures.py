"""Images of products point at pictures that the kernel keeps

Revision ID: catalog_0003
"""

import sqlalchemy as sa
from alembic import op

revision = "catalog_0003"
down_revision = "catalog_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("catalog_image", sa.Column("picture", sa.String(length=64)))
    op.alter_column("catalog_image", "stem", server_default="")
    op.alter_column("catalog_image", "widths", server_default=sa.text("'{}'"))
    op.alter_column("catalog_image", "formats", server_default=sa.text("'{}'"))
    op.drop_constraint(op.f("ck_catalog_image_files"), "catalog_image")
    op.create_check_constraint(
        op.f("ck_catalog_image_files"),
        "catalog_image",
        "picture IS NOT NULL OR cardinality(widths) > 0 AND cardinality(formats) > 0",
    )
    op.create_check_constraint(
        op.f("ck_catalog_image_one_source"),
        "catalog_image",
        "(picture IS NOT NULL) = (stem = '')",
    )
    op.create_index("ix_catalog_image_picture", "catalog_image", ["picture"])
    op.create_index(
        "uq_catalog_image_picture_of_product",
        "catalog_image",
        ["product_id", "picture"],
        unique=True,
        postgresql_where=sa.text("picture IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM catalog_image WHERE picture IS NOT NULL")
    op.drop_index("uq_catalog_image_picture_of_product", table_name="catalog_image")
    op.drop_index("ix_catalog_image_picture", table_name="catalog_image")
    op.drop_constraint(op.f("ck_catalog_image_one_source"), "catalog_image")
    op.drop_constraint(op.f("ck_catalog_image_files"), "catalog_image")
    op.create_check_constraint(
        op.f("ck_catalog_image_files"),
        "catalog_image",
        "cardinality(widths) > 0 AND cardinality(formats) > 0",
    )
    op.alter_column("catalog_image", "formats", server_default=None)
    op.alter_column("catalog_image", "widths", server_default=None)
    op.alter_column("catalog_image", "stem", server_default=None)
    op.drop_column("catalog_image", "picture")
