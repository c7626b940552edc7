"""Pages that staff edit: versions, a title for search engines, and former addresses

Revision ID: kernel_0011_pages
"""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0011_pages"
down_revision = "kernel_0010_pictures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("page", sa.Column("seo_title", sa.Text(), server_default="", nullable=False))
    op.add_column("page", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "page_former_slug",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("page_slug", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["page_slug"],
            ["page.slug"],
            name=op.f("fk_page_former_slug_page_slug_page"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_page_former_slug")),
    )
    op.create_index(op.f("ix_page_former_slug_page_slug"), "page_former_slug", ["page_slug"])


def downgrade() -> None:
    op.drop_table("page_former_slug")
    op.drop_column("page", "version")
    op.drop_column("page", "seo_title")
