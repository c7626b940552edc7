"""A change of what processes remember leaves a number that there was never before

Revision ID: kernel_0016_changes
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0016_changes"
down_revision = "kernel_0017_shipping_webhooks"
branch_labels = None
depends_on = None

# Each connection has a row of its own, so that nobody waits for anybody. A connection that is new
# here removes the rows of those that are gone.
NOTE_CHANGE = """
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE change SET number = nextval('change_number')
    WHERE scope = TG_ARGV[0] AND pid = pg_backend_pid();
    IF NOT FOUND THEN
        INSERT INTO change (scope, pid, number)
        VALUES (TG_ARGV[0], pg_backend_pid(), nextval('change_number'));
        DELETE FROM change WHERE scope = TG_ARGV[0] AND pid IN (
            SELECT pid FROM change AS noted
            WHERE scope = TG_ARGV[0]
              AND NOT EXISTS (SELECT FROM pg_stat_activity AS alive WHERE alive.pid = noted.pid)
            FOR UPDATE SKIP LOCKED
        );
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE change_number")
    op.create_table(
        "change",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "pid", name=op.f("pk_change")),
    )
    op.execute(NOTE_CHANGE)


def downgrade() -> None:
    op.execute("DROP FUNCTION note_change()")
    op.drop_table("change")
    op.execute("DROP SEQUENCE change_number")
