"""What Resend said about a domain

Revision ID: resend_mail_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "resend_mail_0001"
down_revision = None
branch_labels = ("resend_mail",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resend_mail_domain",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("records", postgresql.JSONB(), nullable=False),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_resend_mail_domain")),
    )


def downgrade() -> None:
    op.drop_table("resend_mail_domain")
