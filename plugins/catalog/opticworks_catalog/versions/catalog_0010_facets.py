"""Counts beside filters are made of numbers that variants carry

Revision ID: catalog_0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0010"
down_revision = "catalog_0009"
branch_labels = None
depends_on = None

KEY = ("name", "value", "swatch", "option_position", "position")

#: As `finding.index` keeps it from now on.
FACETS = """
    INSERT INTO catalog_facet (name, value, swatch, option_position, position)
    SELECT DISTINCT o.name, v.value, v.swatch, o.position, v.position
    FROM catalog_option_value v JOIN catalog_option o ON o.id = v.option_id
"""
OF_VARIANTS = """
    UPDATE catalog_variant variant SET facets = found.ids
    FROM (
        SELECT taken.variant_id, array_agg(f.id ORDER BY f.id) AS ids
        FROM catalog_variant_value taken
        JOIN catalog_option_value v ON v.id = taken.value_id
        JOIN catalog_option o ON o.id = v.option_id
        JOIN catalog_facet f ON (f.name, f.value, f.swatch, f.option_position, f.position)
            = (o.name, v.value, v.swatch, o.position, v.position)
        GROUP BY taken.variant_id
    ) AS found
    WHERE found.variant_id = variant.id
"""


def upgrade() -> None:
    op.create_table(
        "catalog_facet",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("swatch", sa.String(7), nullable=False),
        sa.Column("option_position", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_facet")),
        sa.UniqueConstraint(*KEY, name="uq_catalog_facet_name"),
    )
    op.add_column(
        "catalog_variant",
        sa.Column(
            "facets",
            postgresql.ARRAY(sa.Integer()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.execute(FACETS)
    op.execute(OF_VARIANTS)


def downgrade() -> None:
    op.drop_column("catalog_variant", "facets")
    op.drop_table("catalog_facet")
