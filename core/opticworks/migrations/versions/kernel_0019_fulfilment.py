"""Documents with their numbers, manifests of parcels, a limit on what a batch's labels cost

Revision ID: kernel_0019_fulfilment
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0019_fulfilment"
down_revision = "kernel_0018_returns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "document_series",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_document_series")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("issued_at", moment, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_document_kind")),
        sa.ForeignKeyConstraint(
            ["order_number"], ["orders.number"], name=op.f("fk_document_order_number_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint("series", "position", name=op.f("uq_document_series_position")),
        sa.UniqueConstraint(
            "kind", "order_number", "about", name=op.f("uq_document_kind_order_number_about")
        ),
    )
    op.create_index(op.f("ix_document_order_number"), "document", ["order_number"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON document "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "manifest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "status IN ('asking', 'working', 'ready', 'failed')", name=op.f("ck_manifest_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifest")),
    )
    op.add_column("parcel", sa.Column("manifest_id", sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_parcel_manifest_id_manifest"), "parcel", "manifest", ["manifest_id"], ["id"]
    )
    op.create_index(op.f("ix_parcel_manifest_id"), "parcel", ["manifest_id"])
    op.add_column("label_batch", sa.Column("most", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("label_batch", "most")
    op.drop_index(op.f("ix_parcel_manifest_id"), table_name="parcel")
    op.drop_column("parcel", "manifest_id")
    op.drop_table("manifest")
    op.drop_table("document")
    op.drop_table("document_series")
