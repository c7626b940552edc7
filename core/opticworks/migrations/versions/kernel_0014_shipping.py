"""Shipments of several parcels, labels and their files, what staff must see to, verified addresses

A shipment of before was one parcel: it keeps its id as that parcel's.

Revision ID: kernel_0014_shipping
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0014_shipping"
down_revision = "kernel_0011_pages"
branch_labels = None
depends_on = None

STATUSES = "'draft', 'prepared', 'buying', 'bought', 'shipped', 'delivered', 'voided', 'dropped'"
MOVED = ("provider", "ref", "status", "carrier", "service", "tracking_number", "tracking_url")


def upgrade() -> None:
    _parcels()
    op.execute(
        "INSERT INTO parcel (id, shipment_id, order_id, position, carrier, service,"
        " tracking_number, tracking_url, provider, ref, label, shipped_at, created_at, status,"
        " contents, tracking, box, weight, currency, void)"
        " SELECT id, id, order_id, 1, carrier, service, tracking_number, tracking_url, provider,"
        " ref, label, COALESCE(shipped_at, created_at), created_at, 'shipped', '', '', '', 0, '',"
        " '' FROM shipment"
    )
    op.rename_table("shipment_line", "parcel_line")
    op.alter_column("parcel_line", "shipment_id", new_column_name="parcel_id")
    op.alter_column("tracking_event", "shipment_id", new_column_name="parcel_id")
    for table in ("parcel_line", "tracking_event"):
        old = "shipment_line" if table == "parcel_line" else table
        op.drop_constraint(f"fk_{old}_shipment_id_shipment", table, type_="foreignkey")
        op.create_foreign_key(
            f"fk_{table}_parcel_id_parcel", table, "parcel", ["parcel_id"], ["id"]
        )
    for table, old, new in (
        ("parcel_line", "pk_shipment_line", "pk_parcel_line"),
        ("parcel_line", "ck_shipment_line_quantity_positive", "ck_parcel_line_quantity_positive"),
        (
            "parcel_line",
            "fk_shipment_line_order_line_id_order_line",
            "fk_parcel_line_order_line_id_order_line",
        ),
        (
            "tracking_event",
            "uq_tracking_event_shipment_id_status_occurred_at",
            "uq_tracking_event_parcel_id_status_occurred_at",
        ),
    ):
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.execute("ALTER INDEX ix_tracking_event_shipment_id RENAME TO ix_tracking_event_parcel_id")
    op.drop_index("ix_shipment_tracking_number", table_name="shipment")
    for column in (*MOVED, "label", "shipped_at"):
        op.drop_column("shipment", column)
    op.add_column("shipment", sa.Column("actor", sa.Text(), server_default="", nullable=False))
    _beside()
    op.add_column("cart", sa.Column("address_check", postgresql.JSONB()))
    op.add_column("orders", sa.Column("address_check", postgresql.JSONB()))


def _parcels() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "parcel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tracking", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("size", postgresql.JSONB()),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("rates", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("rated_at", moment),
        sa.Column("rate", postgresql.JSONB()),
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("tracking_url", sa.Text(), nullable=False),
        sa.Column("cost", sa.BigInteger()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("label", postgresql.JSONB()),
        sa.Column("bought_at", moment),
        sa.Column("void", sa.Text(), nullable=False),
        sa.Column("void_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("voided_at", moment),
        sa.Column("shipped_at", moment),
        sa.Column("out_for_delivery_at", moment),
        sa.Column("delivered_at", moment),
        sa.Column("look_at", moment),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_parcel_status")),
        sa.CheckConstraint(
            "void IN ('', 'pending', 'done', 'failed')", name=op.f("ck_parcel_void")
        ),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_parcel_weight")),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_parcel_shipment_id_shipment")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_parcel_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
    )
    for column in ("shipment_id", "order_id", "tracking_number"):
        op.create_index(op.f(f"ix_parcel_{column}"), "parcel", [column])
    op.create_index(
        "uq_parcel_ref",
        "parcel",
        ["provider", "ref"],
        unique=True,
        postgresql_where=sa.text("ref <> ''"),
    )
    op.create_index(
        "ix_parcel_look_at",
        "parcel",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )


def _beside() -> None:
    """Label files, what staff must see to, and batches."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "label_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", moment, server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_label_file_parcel_id_parcel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_file")),
        sa.UniqueConstraint(
            *("parcel_id", "format", "digest"),
            name=op.f("uq_label_file_parcel_id_format_digest"),
        ),
    )
    op.create_index(op.f("ix_label_file_parcel_id"), "label_file", ["parcel_id"])
    op.create_table(
        "shipping_problem",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("opened_at", moment, server_default=sa.func.now(), nullable=False),
        sa.Column("closed_at", moment),
        sa.Column("closed_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipping_problem_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_problem")),
    )
    op.create_index(op.f("ix_shipping_problem_order_id"), "shipping_problem", ["order_id"])
    op.create_index(
        "uq_shipping_problem_open",
        "shipping_problem",
        ["order_id", "kind", "about"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "label_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_batch")),
    )
    op.create_table(
        "label_batch_order",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'done', 'failed')", name=op.f("ck_label_batch_order_status")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["label_batch.id"], name=op.f("fk_label_batch_order_batch_id_label_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_label_batch_order")),
    )


def downgrade() -> None:
    """Back to one parcel per shipment; what was never sent, and voided labels, are given up."""
    op.drop_column("orders", "address_check")
    op.drop_column("cart", "address_check")
    for table in ("label_batch_order", "label_batch", "shipping_problem", "label_file"):
        op.drop_table(table)
    for column in MOVED:
        op.add_column("shipment", sa.Column(column, sa.Text(), server_default="", nullable=False))
        op.alter_column("shipment", column, server_default=None)
    op.add_column("shipment", sa.Column("label", postgresql.JSONB()))
    op.add_column("shipment", sa.Column("shipped_at", sa.DateTime(timezone=True)))
    op.execute("ALTER TABLE parcel DROP CONSTRAINT fk_parcel_shipment_id_shipment")
    for table in ("parcel_line", "tracking_event"):
        op.drop_constraint(f"fk_{table}_parcel_id_parcel", table, type_="foreignkey")
    op.execute("ALTER TABLE tracking_event DISABLE TRIGGER append_only")
    left = "(SELECT id FROM parcel WHERE shipped_at IS NOT NULL)"
    for table in ("parcel_line", "tracking_event"):
        op.execute(f"DELETE FROM {table} WHERE parcel_id NOT IN {left}")
    op.execute("ALTER TABLE tracking_event ENABLE TRIGGER append_only")
    op.execute("DELETE FROM shipment")
    op.execute(
        "INSERT INTO shipment (id, order_id, carrier, service, tracking_number, tracking_url,"
        " provider, ref, label, shipped_at, created_at, status)"
        " SELECT id, order_id, carrier, service, tracking_number, tracking_url, provider, ref,"
        " label, shipped_at, created_at, COALESCE(NULLIF(tracking, ''), 'shipped')"
        " FROM parcel WHERE shipped_at IS NOT NULL"
    )
    op.drop_table("parcel")
    op.drop_column("shipment", "actor")
    op.alter_column("parcel_line", "parcel_id", new_column_name="shipment_id")
    op.alter_column("tracking_event", "parcel_id", new_column_name="shipment_id")
    op.rename_table("parcel_line", "shipment_line")
    for table, old, new in (
        ("shipment_line", "pk_parcel_line", "pk_shipment_line"),
        (
            "shipment_line",
            "ck_parcel_line_quantity_positive",
            "ck_shipment_line_quantity_positive",
        ),
        (
            "shipment_line",
            "fk_parcel_line_order_line_id_order_line",
            "fk_shipment_line_order_line_id_order_line",
        ),
        (
            "tracking_event",
            "uq_tracking_event_parcel_id_status_occurred_at",
            "uq_tracking_event_shipment_id_status_occurred_at",
        ),
    ):
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.execute("ALTER INDEX ix_tracking_event_parcel_id RENAME TO ix_tracking_event_shipment_id")
    for table in ("shipment_line", "tracking_event"):
        op.create_foreign_key(
            f"fk_{table}_shipment_id_shipment", table, "shipment", ["shipment_id"], ["id"]
        )
    op.create_index(op.f("ix_shipment_tracking_number"), "shipment", ["tracking_number"])
