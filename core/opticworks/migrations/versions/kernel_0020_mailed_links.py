"""Single-use links sent by mail; messages whose text is not kept

Revision ID: kernel_0020_mailed_links
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0020_mailed_links"
down_revision = "kernel_0020_job_board"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailed_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
        sa.UniqueConstraint("public_id", name=op.f("uq_mailed_link_public_id")),
    )
    op.create_index("ix_mailed_link_purpose_subject", "mailed_link", ["purpose", "subject"])
    op.add_column(
        "message",
        sa.Column("confidential", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("message", "confidential")
    op.drop_table("mailed_link")
