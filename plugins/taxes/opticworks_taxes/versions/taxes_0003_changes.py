"""Processes remember the table of rates for as long as nobody changes it

Revision ID: taxes_0003
"""

from alembic import op

revision = "taxes_0003"
down_revision = "taxes_0002"
branch_labels = None
depends_on = None

TABLES = ("taxes_rate", "taxes_exemption")


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_change('taxes')"
        )
    op.execute("INSERT INTO change VALUES ('taxes', 0, nextval('change_number'))")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER changed ON {table}")
    op.execute("DELETE FROM change WHERE scope = 'taxes'")
