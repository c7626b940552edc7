"""Returns, withdrawals, return labels

Revision ID: kernel_0018_returns
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0018_returns"
down_revision = "kernel_0013_refunds"
branch_labels = None
depends_on = None

# The order's line is locked first, so that of two returns at once the second sees the first.
CHECK_LINE = """
CREATE FUNCTION check_return_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bought bigint;
    left_house bigint;
    spoken_for bigint;
    asked bigint;
BEGIN
    SELECT quantity INTO bought FROM order_line WHERE id = NEW.order_line_id FOR NO KEY UPDATE;
    SELECT COALESCE(sum(l.quantity), 0) INTO left_house
        FROM parcel_line l JOIN parcel p ON p.id = l.parcel_id
        WHERE l.order_line_id = NEW.order_line_id AND p.status IN ('shipped', 'delivered');
    SELECT COALESCE(sum(COALESCE(l.received, l.quantity - l.unsent)), 0),
           COALESCE(sum(COALESCE(l.received, l.quantity - l.unsent) + l.unsent), 0)
        INTO spoken_for, asked
        FROM goods_return_line l JOIN goods_return r ON r.id = l.return_id
        WHERE l.order_line_id = NEW.order_line_id AND l.return_id <> NEW.return_id
          AND r.state NOT IN ('declined', 'canceled');
    spoken_for := spoken_for + COALESCE(NEW.received, NEW.quantity - NEW.unsent);
    asked := asked + COALESCE(NEW.received, NEW.quantity - NEW.unsent) + NEW.unsent;
    IF spoken_for > left_house OR asked > bought THEN
        RAISE EXCEPTION 'Line %: % units sent, % of % bought would come back.',
            NEW.order_line_id, left_house, asked, bought
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

CHECK_STATE = """
CREATE FUNCTION check_return_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.number, NEW.order_id, NEW.kind, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.number, OLD.order_id, OLD.kind, OLD.created_at) THEN
        RAISE EXCEPTION 'Whose return % is never changes.', OLD.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('requested', 'approved'), ('requested', 'declined'), ('requested', 'canceled'),
        ('approved', 'in_transit'), ('approved', 'received'), ('approved', 'canceled'),
        ('approved', 'refunded'), ('approved', 'closed'),
        ('in_transit', 'received'), ('in_transit', 'closed'),
        ('received', 'refunded'), ('received', 'closed')) THEN
        RAISE EXCEPTION 'Return % is % and does not become %.', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

WRITTEN_ONCE = ("goods_return_event", "withdrawal", "return_label_file")
TABLES = (
    *("return_label_file", "return_label", "withdrawal"),
    *("goods_return_event", "goods_return_line", "goods_return"),
)


def _now(name: str) -> sa.Column:
    moment = sa.DateTime(timezone=True)
    return sa.Column(name, moment, server_default=sa.text("now()"), nullable=False)


def _of_return(**more: bool) -> sa.Column:
    return sa.Column("return_id", sa.Uuid(), nullable=False, **more)


def _belongs(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_return_id_goods_return")
    return sa.ForeignKeyConstraint(["return_id"], ["goods_return.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "goods_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("carried_out_at", sa.DateTime(timezone=True), nullable=True),
        _now("created_at"),
        sa.CheckConstraint("kind IN ('return', 'withdrawal')", name=op.f("ck_goods_return_kind")),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'declined', 'canceled', 'in_transit', 'received', "
            "'refunded', 'closed')",
            name=op.f("ck_goods_return_state"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_goods_return_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_return")),
        sa.UniqueConstraint("number", name=op.f("uq_goods_return_number")),
    )
    op.create_index(op.f("ix_goods_return_order_id"), "goods_return", ["order_id"])
    op.create_index("ix_goods_return_state", "goods_return", ["state", "created_at"])
    op.create_index("ix_goods_return_created_at", "goods_return", ["created_at", "id"])
    op.create_index(
        "uq_goods_return_requested",
        "goods_return",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_table(
        "goods_return_line",
        _of_return(),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unsent", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("restock", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_goods_return_line_quantity_positive")),
        sa.CheckConstraint(
            "unsent >= 0 AND unsent <= quantity", name=op.f("ck_goods_return_line_unsent_within")
        ),
        sa.CheckConstraint(
            "received >= 0 AND received <= quantity - unsent",
            name=op.f("ck_goods_return_line_received_within"),
        ),
        sa.CheckConstraint(
            "condition IN ('', 'new', 'opened', 'used', 'damaged', 'incomplete')",
            name=op.f("ck_goods_return_line_condition"),
        ),
        _belongs("goods_return_line"),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["order_line.id"],
            name=op.f("fk_goods_return_line_order_line_id_order_line"),
        ),
        sa.PrimaryKeyConstraint("return_id", "order_line_id", name=op.f("pk_goods_return_line")),
    )
    op.create_index(
        op.f("ix_goods_return_line_order_line_id"), "goods_return_line", ["order_line_id"]
    )
    op.create_table(
        "goods_return_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _of_return(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _now("at"),
        _belongs("goods_return_event"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_return_event")),
    )
    op.create_index(op.f("ix_goods_return_event_return_id"), "goods_return_event", ["return_id"])
    op.create_table(
        "withdrawal",
        _of_return(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("everything", sa.Boolean(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        _belongs("withdrawal"),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_withdrawal")),
    )
    _labels()
    _guards()


def _labels() -> None:
    op.create_table(
        "return_label",
        _of_return(),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("status", "provider", "ref", "contents")
        ),
        sa.Column("rates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("carrier", "service", "tracking_number", "tracking_url", "tracking")
        ),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("addresses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('prepared', 'buying', 'bought')", name=op.f("ck_return_label_status")
        ),
        _belongs("return_label"),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_return_label")),
    )
    op.create_index(op.f("ix_return_label_tracking_number"), "return_label", ["tracking_number"])
    op.create_index(
        "uq_return_label_ref",
        "return_label",
        ["provider", "ref"],
        unique=True,
        postgresql_where=sa.text("ref <> ''"),
    )
    op.create_table(
        "return_label_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _of_return(),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _now("at"),
        _belongs("return_label_file"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_label_file")),
        sa.UniqueConstraint(
            "return_id",
            "format",
            "digest",
            name=op.f("uq_return_label_file_return_id_format_digest"),
        ),
    )
    op.create_index(op.f("ix_return_label_file_return_id"), "return_label_file", ["return_id"])


def _guards() -> None:
    op.execute(CHECK_LINE)
    op.execute(CHECK_STATE)
    op.execute(
        "CREATE TRIGGER within_sent BEFORE INSERT OR UPDATE ON goods_return_line "
        "FOR EACH ROW EXECUTE FUNCTION check_return_line()"
    )
    op.execute(
        "CREATE TRIGGER forward BEFORE UPDATE ON goods_return "
        "FOR EACH ROW EXECUTE FUNCTION check_return_state()"
    )
    for table in WRITTEN_ONCE:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in ("goods_return", "goods_return_line"):
        op.execute(
            f"CREATE TRIGGER never_removed BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION check_return_line()")
    op.execute("DROP FUNCTION check_return_state()")
