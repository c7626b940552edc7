"""Discounts of groups of goods, and those that one gets for buying something else

Revision ID: discounts_0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "discounts_0002"
down_revision = "discounts_0001"
branch_labels = None
depends_on = None

TABLE = "discounts_discount"
NUMBERS = ("buy_quantity", "get_quantity", "times")


def upgrade() -> None:
    for name in ("groups", "buy_skus", "buy_groups"):
        op.add_column(
            TABLE,
            sa.Column(
                name, postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
            ),
        )
    for name in NUMBERS:
        op.add_column(TABLE, sa.Column(name, sa.Integer(), nullable=True))
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, f"{name} > 0")
    _constraints(
        "kind IN ('percent', 'fixed', 'free_shipping', 'buy_get')",
        "CASE kind WHEN 'percent' THEN percent > 0 AND percent <= 100 "
        "WHEN 'buy_get' THEN percent > 0 AND percent <= 100 AND buy_quantity IS NOT NULL "
        "AND get_quantity IS NOT NULL WHEN 'fixed' THEN amount > 0 ELSE true END IS TRUE",
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM {TABLE} WHERE kind = 'buy_get'")
    _constraints(
        "kind IN ('percent', 'fixed', 'free_shipping')",
        "CASE kind WHEN 'percent' THEN percent > 0 AND percent <= 100 "
        "WHEN 'fixed' THEN amount > 0 ELSE true END IS TRUE",
    )
    for name in ("groups", "buy_skus", "buy_groups", *NUMBERS):
        op.drop_column(TABLE, name)


def _constraints(kind: str, value: str) -> None:
    for name, rule in (("kind", kind), ("value", value)):
        constraint = op.f(f"ck_{TABLE}_{name}")
        op.drop_constraint(constraint, TABLE)
        op.create_check_constraint(constraint, TABLE, rule)
