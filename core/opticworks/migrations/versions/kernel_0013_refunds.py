"""Refunds in two phases, never more than was captured; disputes

Revision ID: kernel_0013_refunds
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0013_refunds"
down_revision = "kernel_0016_changes"
branch_labels = None
depends_on = None

# The payment's row is locked first, so that of two refunds at once the second sees the first.
CHECK_REFUND = """
CREATE FUNCTION check_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    captured bigint;
    others bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.key, NEW.request, NEW.payment_id, NEW.amount, NEW.created_at) IS DISTINCT FROM
           (OLD.key, OLD.request, OLD.payment_id, OLD.amount, OLD.created_at) THEN
            RAISE EXCEPTION 'What refund % pays back is never changed.', OLD.key
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF OLD.status = 'failed' AND NEW.status <> 'failed' THEN
            RAISE EXCEPTION 'Refund % failed; another one takes its place.', OLD.key
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM 1 FROM payment WHERE id = NEW.payment_id FOR UPDATE;
    SELECT COALESCE(sum(amount), 0) INTO captured FROM payment_event
        WHERE payment_id = NEW.payment_id AND kind = 'captured';
    SELECT COALESCE(sum(amount), 0) INTO others FROM refund
        WHERE payment_id = NEW.payment_id AND status <> 'failed';
    IF NEW.status <> 'failed' AND others + NEW.amount > captured THEN
        RAISE EXCEPTION 'A refund of % is more than the % left of payment %.',
            NEW.amount, captured - others, NEW.payment_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

# What was paid back before refunds had rows of their own.
FILL = """
INSERT INTO refund (key, request, payment_id, amount, status, reason, note, lines, ref, message,
                    actor, unseen, created_at, settled_at)
    SELECT gen_random_uuid(), gen_random_uuid(), payment_id, -amount, 'done', '', '', '{}', '',
           note, actor, false, at, at
    FROM payment_event WHERE kind = 'refunded' AND amount < 0
"""


def upgrade() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("request", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("unseen", sa.Boolean(), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount_positive")),
        sa.CheckConstraint(
            "status IN ('intended', 'pending', 'done', 'failed')", name=op.f("ck_refund_status")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("key", name=op.f("uq_refund_key")),
    )
    op.create_index("uq_refund_request", "refund", ["request", "payment_id"], unique=True)
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"])
    op.create_index(
        "uq_refund_payment_ref",
        "refund",
        ["payment_id", "ref"],
        unique=True,
        postgresql_where=sa.text("ref <> ''"),
    )
    op.create_index(
        "ix_refund_check_at",
        "refund",
        ["check_at"],
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_refund_unseen", "refund", ["payment_id"], postgresql_where=sa.text("unseen")
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('needs_response', 'under_review', 'won', 'lost')",
            name=op.f("ck_dispute_status"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index("uq_dispute_payment_ref", "dispute", ["payment_id", "ref"], unique=True)
    op.create_index(
        "ix_dispute_open",
        "dispute",
        ["due_by"],
        postgresql_where=sa.text("status IN ('needs_response', 'under_review')"),
    )
    op.execute(FILL)
    op.execute(CHECK_REFUND)
    op.execute(
        "CREATE TRIGGER within_captured BEFORE INSERT OR UPDATE ON refund "
        "FOR EACH ROW EXECUTE FUNCTION check_refund()"
    )
    for table in ("refund", "dispute"):
        op.execute(
            f"CREATE TRIGGER never_removed BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("dispute")
    op.drop_table("refund")
    op.execute("DROP FUNCTION check_refund()")
