"""Return labels are given back, and bought anew; what is about to be given back is written first

Revision ID: kernel_0031_return_label_voids
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0031_return_label_voids"
down_revision = "kernel_0020_mailed_links"
branch_labels = None
depends_on = None

STATUSES = "status IN ('prepared', 'buying', 'bought', 'voided')"
FORMER_STATUSES = "status IN ('prepared', 'buying', 'bought')"
VOIDS = "void IN ('', 'asking', 'pending', 'done', 'failed')"
FORMER_VOIDS = "void IN ('', 'pending', 'done', 'failed')"


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    _check("parcel", "void", VOIDS)
    op.drop_constraint(
        op.f("fk_return_label_file_return_id_goods_return"),
        "return_label_file",
        type_="foreignkey",
    )
    # The labels of before keep their return's id: it is what their vendors know them by.
    op.add_column("return_label", sa.Column("id", sa.Uuid(), nullable=True))
    op.execute("UPDATE return_label SET id = return_id")
    op.alter_column("return_label", "id", nullable=False)
    op.drop_constraint(op.f("pk_return_label"), "return_label", type_="primary")
    op.create_primary_key(op.f("pk_return_label"), "return_label", ["id"])
    op.create_index(op.f("ix_return_label_return_id"), "return_label", ["return_id"])
    op.create_index(
        "uq_return_label_live",
        "return_label",
        ["return_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'voided'"),
    )
    _check("return_label", "status", STATUSES)
    _columns()
    op.alter_column("return_label_file", "return_id", new_column_name="label_id")
    for former, name in (
        (
            "uq_return_label_file_return_id_format_digest",
            "uq_return_label_file_label_id_format_digest",
        ),
        ("ix_return_label_file_return_id", "ix_return_label_file_label_id"),
    ):
        op.execute(f"ALTER INDEX {former} RENAME TO {name}")
    op.create_foreign_key(
        op.f("fk_return_label_file_label_id_return_label"),
        "return_label_file",
        "return_label",
        ["label_id"],
        ["id"],
    )


def _columns() -> None:
    for column in (
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("void", sa.Text(), server_default="", nullable=False),
        sa.Column("void_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    ):
        op.add_column("return_label", column)
    for name in ("options", "void", "void_tries"):
        op.alter_column("return_label", name, server_default=None)
    op.create_check_constraint(op.f("ck_return_label_void"), "return_label", VOIDS)
    op.create_index(
        "ix_return_label_look_at",
        "return_label",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Labels that were given back have no place in the former tables and go, with their files."""
    op.execute("UPDATE parcel SET void = '' WHERE void = 'asking'")
    _check("parcel", "void", FORMER_VOIDS)
    op.drop_constraint(
        op.f("fk_return_label_file_label_id_return_label"),
        "return_label_file",
        type_="foreignkey",
    )
    op.execute("ALTER TABLE return_label_file DISABLE TRIGGER append_only")
    op.execute(
        "DELETE FROM return_label_file f USING return_label l "
        "WHERE l.id = f.label_id AND l.status = 'voided'"
    )
    op.execute("DELETE FROM return_label WHERE status = 'voided'")
    op.execute(
        "UPDATE return_label_file f SET label_id = l.return_id FROM return_label l "
        "WHERE l.id = f.label_id AND l.id <> l.return_id"
    )
    op.execute("ALTER TABLE return_label_file ENABLE TRIGGER append_only")
    op.execute(
        "ALTER INDEX uq_return_label_file_label_id_format_digest "
        "RENAME TO uq_return_label_file_return_id_format_digest"
    )
    op.execute("ALTER INDEX ix_return_label_file_label_id RENAME TO ix_return_label_file_return_id")
    op.alter_column("return_label_file", "label_id", new_column_name="return_id")
    op.create_foreign_key(
        op.f("fk_return_label_file_return_id_goods_return"),
        "return_label_file",
        "goods_return",
        ["return_id"],
        ["id"],
    )
    op.drop_index("ix_return_label_look_at", "return_label")
    op.drop_constraint(op.f("ck_return_label_void"), "return_label", type_="check")
    _check("return_label", "status", FORMER_STATUSES)
    op.drop_index("uq_return_label_live", "return_label")
    op.drop_index(op.f("ix_return_label_return_id"), "return_label")
    op.drop_constraint(op.f("pk_return_label"), "return_label", type_="primary")
    op.create_primary_key(op.f("pk_return_label"), "return_label", ["return_id"])
    for name in ("id", "options", "void", "void_tries", "voided_at", "look_at", "created_at"):
        op.drop_column("return_label", name)
