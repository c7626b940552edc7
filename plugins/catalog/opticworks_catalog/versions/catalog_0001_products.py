"""Products, options, variants, bundles, collections and their pictures

Revision ID: catalog_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0001"
down_revision = None
branch_labels = ("catalog",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_collection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("handle", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seo_title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("seo_description", sa.String(length=400), server_default="", nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "handle ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_catalog_collection_handle")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published')", name=op.f("ck_catalog_collection_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_collection")),
        sa.UniqueConstraint("handle", name=op.f("uq_catalog_collection_handle")),
    )
    op.create_table(
        "catalog_product",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("handle", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("subtitle", sa.String(length=300), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "highlights",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("specs", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seo_title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("seo_description", sa.String(length=400), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "handle ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_catalog_product_handle")
        ),
        sa.CheckConstraint(
            "status = 'draft' OR published_at IS NOT NULL",
            name=op.f("ck_catalog_product_published_at_when_published"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published')", name=op.f("ck_catalog_product_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_product")),
        sa.UniqueConstraint("handle", name=op.f("uq_catalog_product_handle")),
    )
    op.create_index("ix_catalog_product_listing", "catalog_product", ["status", "position", "id"])
    op.create_table(
        "catalog_collection_product",
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["catalog_collection.id"],
            name=op.f("fk_catalog_collection_product_collection_id_catalog_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_collection_product_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "collection_id", "product_id", name=op.f("pk_catalog_collection_product")
        ),
    )
    op.create_index(
        "ix_catalog_collection_product_product_id", "catalog_collection_product", ["product_id"]
    )
    op.create_table(
        "catalog_image",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("collection_id", sa.BigInteger(), nullable=True),
        sa.Column("stem", sa.String(length=120), nullable=False),
        sa.Column("version", sa.String(length=16), server_default="", nullable=False),
        sa.Column("alt", sa.String(length=300), server_default="", nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("widths", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("formats", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "cardinality(widths) > 0 AND cardinality(formats) > 0",
            name=op.f("ck_catalog_image_files"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(product_id, collection_id) = 1", name=op.f("ck_catalog_image_one_owner")
        ),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_catalog_image_size")),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["catalog_collection.id"],
            name=op.f("fk_catalog_image_collection_id_catalog_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_image_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_image")),
    )
    op.create_index(
        "ix_catalog_image_collection_id", "catalog_image", ["collection_id", "position"]
    )
    op.create_index("ix_catalog_image_product_id", "catalog_image", ["product_id", "position"])
    op.create_table(
        "catalog_option",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_option_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_option")),
        sa.UniqueConstraint("product_id", "name", name="uq_catalog_option_name"),
    )
    op.create_table(
        "catalog_variant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.String(length=80), nullable=False),
        sa.Column("barcode", sa.String(length=40), server_default="", nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("compare_at", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("length", sa.Integer(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("hs_code", sa.String(length=20), server_default="", nullable=False),
        sa.Column("origin_country", sa.String(length=2), server_default="", nullable=False),
        sa.Column("tax_code", sa.String(length=40), server_default="", nullable=False),
        sa.Column("stock_policy", sa.String(length=20), server_default="deny", nullable=False),
        sa.Column(
            "requires_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.String(length=20), server_default="active", nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'archived')", name=op.f("ck_catalog_variant_status")
        ),
        sa.CheckConstraint(
            "stock_policy IN ('deny', 'backorder', 'untracked')",
            name=op.f("ck_catalog_variant_stock_policy"),
        ),
        sa.CheckConstraint(
            "(length IS NULL) = (width IS NULL) AND (width IS NULL) = (height IS NULL)",
            name=op.f("ck_catalog_variant_size_is_whole"),
        ),
        sa.CheckConstraint("compare_at > price", name=op.f("ck_catalog_variant_compare_at")),
        sa.CheckConstraint(
            "length > 0 AND width > 0 AND height > 0", name=op.f("ck_catalog_variant_size")
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_catalog_variant_price")),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_catalog_variant_weight")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_variant_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_variant")),
        sa.UniqueConstraint("sku", name=op.f("uq_catalog_variant_sku")),
    )
    op.create_index("ix_catalog_variant_product_id", "catalog_variant", ["product_id", "position"])
    op.create_table(
        "catalog_component",
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.String(length=80), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_catalog_component_quantity")),
        sa.ForeignKeyConstraint(
            ["sku"],
            ["catalog_variant.sku"],
            name=op.f("fk_catalog_component_sku_catalog_variant"),
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["catalog_variant.id"],
            name=op.f("fk_catalog_component_variant_id_catalog_variant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("variant_id", "sku", name=op.f("pk_catalog_component")),
    )
    op.create_index("ix_catalog_component_sku", "catalog_component", ["sku"])
    op.create_table(
        "catalog_option_value",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("option_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("swatch", sa.String(length=7), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "swatch ~ '^(#[0-9a-f]{6})?$'", name=op.f("ck_catalog_option_value_swatch")
        ),
        sa.ForeignKeyConstraint(
            ["option_id"],
            ["catalog_option.id"],
            name=op.f("fk_catalog_option_value_option_id_catalog_option"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_option_value")),
        sa.UniqueConstraint("option_id", "id", name="uq_catalog_option_value_option_id_id"),
        sa.UniqueConstraint("option_id", "value", name="uq_catalog_option_value_value"),
    )
    op.create_table(
        "catalog_image_value",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("value_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["catalog_image.id"],
            name=op.f("fk_catalog_image_value_image_id_catalog_image"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["value_id"],
            ["catalog_option_value.id"],
            name=op.f("fk_catalog_image_value_value_id_catalog_option_value"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("image_id", "value_id", name=op.f("pk_catalog_image_value")),
    )
    op.create_index("ix_catalog_image_value_value_id", "catalog_image_value", ["value_id"])
    op.create_table(
        "catalog_variant_value",
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("option_id", sa.BigInteger(), nullable=False),
        sa.Column("value_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["option_id", "value_id"],
            ["catalog_option_value.option_id", "catalog_option_value.id"],
            name=op.f("fk_catalog_variant_value_option_id_catalog_option_value"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["catalog_variant.id"],
            name=op.f("fk_catalog_variant_value_variant_id_catalog_variant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("variant_id", "option_id", name=op.f("pk_catalog_variant_value")),
    )
    op.create_index("ix_catalog_variant_value_value_id", "catalog_variant_value", ["value_id"])


def downgrade() -> None:
    op.drop_table("catalog_variant_value")
    op.drop_table("catalog_image_value")
    op.drop_table("catalog_option_value")
    op.drop_table("catalog_component")
    op.drop_table("catalog_variant")
    op.drop_table("catalog_option")
    op.drop_table("catalog_image")
    op.drop_table("catalog_collection_product")
    op.drop_table("catalog_product")
    op.drop_table("catalog_collection")
