"""Reviews, what was decided about them, whom to ask; processes remember what pages show

Revision ID: reviews_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "reviews_0001"
down_revision = None
branch_labels = ("reviews",)
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "reviews_review",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("options", sa.Text, server_default="", nullable=False),
        sa.Column("order_number", sa.Text, server_default="", nullable=False, index=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.Column("headline", sa.Text, server_default="", nullable=False),
        sa.Column("body", sa.Text, server_default="", nullable=False),
        sa.Column("verified", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("incentive", sa.Text, server_default="", nullable=False),
        sa.Column("status", sa.Text, server_default="waiting", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text, server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_reviews_review_stars")),
        sa.CheckConstraint(
            "status IN ('waiting', 'published', 'rejected')", name=op.f("ck_reviews_review_status")
        ),
        sa.CheckConstraint(
            "NOT verified OR order_number <> ''", name=op.f("ck_reviews_review_verified")
        ),
    )
    op.create_index("uq_reviews_review_author", "reviews_review", ["email", "product"], unique=True)
    op.create_index("ix_reviews_review_shown", "reviews_review", ["sku", "published_at", "id"])
    op.create_index("ix_reviews_review_status", "reviews_review", ["status", "id"])
    op.create_table(
        "reviews_decision",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "review_id",
            sa.BigInteger,
            sa.ForeignKey("reviews_review.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("note", sa.Text, server_default="", nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
    )
    op.create_table(
        "reviews_request",
        sa.Column("order_number", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, server_default="planned", nullable=False),
        sa.Column("reason", sa.Text, server_default="", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("reminded_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'asked', 'reminded', 'written', 'stopped')",
            name=op.f("ck_reviews_request_state"),
        ),
    )
    op.create_index(
        "ix_reviews_request_due",
        "reviews_request",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.execute(
        "CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON reviews_review "
        "FOR EACH STATEMENT EXECUTE FUNCTION note_change('reviews')"
    )
    op.execute("INSERT INTO change VALUES ('reviews', 0, nextval('change_number'))")


def downgrade() -> None:
    op.drop_table("reviews_request")
    op.drop_table("reviews_decision")
    op.drop_table("reviews_review")
    op.execute("DELETE FROM change WHERE scope = 'reviews'")
