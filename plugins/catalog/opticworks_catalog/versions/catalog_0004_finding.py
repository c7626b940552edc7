"""The search index, and handles that were

Revision ID: catalog_0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0004"
down_revision = "catalog_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_search",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_search_product_id_catalog_product"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_catalog_search")),
    )
    op.create_index(
        "ix_catalog_search_document", "catalog_search", ["document"], postgresql_using="gin"
    )
    op.create_index("ix_catalog_search_codes", "catalog_search", ["codes"], postgresql_using="gin")
    op.create_table(
        "catalog_search_word",
        sa.Column("word", sa.String(length=60), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_catalog_search_word")),
    )
    op.create_index(
        "ix_catalog_search_word_grams", "catalog_search_word", ["grams"], postgresql_using="gin"
    )
    op.create_table(
        "catalog_former_handle",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("handle", sa.String(length=255), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("collection_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('product', 'collection')", name=op.f("ck_catalog_former_handle_kind")
        ),
        sa.CheckConstraint(
            "num_nonnulls(product_id, collection_id) <= 1",
            name=op.f("ck_catalog_former_handle_one_target"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog_product.id"],
            name=op.f("fk_catalog_former_handle_product_id_catalog_product"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["catalog_collection.id"],
            name=op.f("fk_catalog_former_handle_collection_id_catalog_collection"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("kind", "handle", name=op.f("pk_catalog_former_handle")),
    )
    for column in ("product_id", "collection_id"):
        op.create_index(f"ix_catalog_former_handle_{column}", "catalog_former_handle", [column])


def downgrade() -> None:
    op.drop_table("catalog_former_handle")
    op.drop_table("catalog_search_word")
    op.drop_table("catalog_search")
