"""Pictures

Revision ID: kernel_0010_pictures
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "kernel_0010_pictures"
down_revision = "kernel_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picture",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("first", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("store", sa.Text(), server_default="", nullable=False),
        sa.Column("ref", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "owners", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.Column("unused_since", sa.DateTime(timezone=True)),
        sa.Column("doomed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_picture_size")),
        sa.CheckConstraint(
            "(digest IS NULL) = (doomed_at IS NOT NULL)", name=op.f("ck_picture_doomed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
        sa.UniqueConstraint("public_id", name=op.f("uq_picture_public_id")),
        sa.UniqueConstraint("digest", name=op.f("uq_picture_digest")),
    )
    op.create_index(
        "ix_picture_doomed_at",
        "picture",
        ["doomed_at"],
        postgresql_where=sa.text("doomed_at IS NOT NULL"),
    )
    op.create_index("ix_order_line_picture", "order_line", [sa.text("(item -> 'image' ->> 'id')")])


def downgrade() -> None:
    op.drop_index("ix_order_line_picture", table_name="order_line")
    op.drop_table("picture")
