"""Processes remember that no discount comes by itself for as long as that is so

Revision ID: discounts_0003
"""

from alembic import op

revision = "discounts_0003"
down_revision = "discounts_0002"
branch_labels = None
depends_on = None

TABLES = ("discounts_discount",)


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_change('discounts')"
        )
    op.execute("INSERT INTO change VALUES ('discounts', 0, nextval('change_number'))")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER changed ON {table}")
    op.execute("DELETE FROM change WHERE scope = 'discounts'")
