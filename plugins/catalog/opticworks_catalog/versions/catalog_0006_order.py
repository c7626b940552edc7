"""The first products of a collection are found without reading all of it

Revision ID: catalog_0006
"""

from alembic import op

revision = "catalog_0006"
down_revision = "catalog_0004"
branch_labels = None
depends_on = None

NAME = "ix_catalog_collection_product_order"


def upgrade() -> None:
    op.create_index(NAME, "catalog_collection_product", ["collection_id", "position", "product_id"])


def downgrade() -> None:
    op.drop_index(NAME, "catalog_collection_product")
