"""Processes remember what is sold for as long as nobody changes it

Revision ID: catalog_0008
"""

from alembic import op

revision = "catalog_0008"
down_revision = "catalog_0007"
branch_labels = None
depends_on = None

#: What pages and prices are made of.
TABLES = (
    "catalog_product",
    "catalog_option",
    "catalog_option_value",
    "catalog_variant",
    "catalog_variant_value",
    "catalog_component",
    "catalog_collection",
    "catalog_collection_product",
    "catalog_image",
    "catalog_image_value",
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_change('catalog')"
        )
    op.execute("INSERT INTO change VALUES ('catalog', 0, nextval('change_number'))")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER changed ON {table}")
    op.execute("DELETE FROM change WHERE scope = 'catalog'")
