"""What becomes of a message, files that go with it, who wants no marketing, and staff's wording

Revision ID: kernel_0015_deliveries
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0015_deliveries"
down_revision = "kernel_0012_attempts"
branch_labels = None
depends_on = None

BEFORE = "'queued', 'sending', 'sent', 'failed', 'suppressed'"
NOW = "'queued', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'failed', 'suppressed'"


def _text(name: str, default: str = "") -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _moment(name: str = "at") -> sa.Column:
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=sa.func.now(), nullable=False)


def _status(allowed: str) -> None:
    op.drop_constraint(op.f("ck_message_status"), "message")
    op.create_check_constraint(op.f("ck_message_status"), "message", f"status IN ({allowed})")


def upgrade() -> None:
    _status(NOW)
    op.add_column("message", _text("mailer"))
    op.add_column(
        "message", sa.Column("marketing", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column("message", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "message_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _text("detail"),
        _text("mailer"),
        sa.Column("source", sa.Text(), nullable=True),
        _moment(),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_event_message_id_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_event")),
        sa.UniqueConstraint("mailer", "source", name=op.f("uq_message_event_mailer_source")),
    )
    op.create_index("ix_message_event_message_id", "message_event", ["message_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON message_event "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "message_attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_message_attachment_message_id_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_attachment")),
    )
    op.create_index("ix_message_attachment_message_id", "message_attachment", ["message_id"])
    op.create_table(
        "message_wording",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_message_wording")),
    )
    op.add_column("suppression", _text("scope", "all"))
    op.drop_constraint(op.f("pk_suppression"), "suppression")
    op.create_primary_key(op.f("pk_suppression"), "suppression", ["address", "scope"])


def downgrade() -> None:
    op.execute("DELETE FROM suppression WHERE scope <> 'all'")
    op.drop_constraint(op.f("pk_suppression"), "suppression")
    op.drop_column("suppression", "scope")
    op.create_primary_key(op.f("pk_suppression"), "suppression", ["address"])
    for table in ("message_wording", "message_attachment", "message_event"):
        op.drop_table(table)
    for column in ("send_at", "marketing", "mailer"):
        op.drop_column("message", column)
    op.execute(
        "UPDATE message SET status = 'sent' WHERE status IN ('delivered', 'bounced', 'complained')"
    )
    _status(BEFORE)
