"""A plugin's tables, from its models to the database, as docs/plugins.md tells it."""

from __future__ import annotations

import pytest
from sqlalchemy import Text, text
from sqlalchemy.orm import Mapped, mapped_column

from opticworks import migrations
from opticworks.config import ConfigError
from opticworks.contracts import MigrationBranch
from opticworks.plugin import plugin_base
from opticworks.testing.fakes import fake_plugin


@pytest.fixture
def points(make_shop, tmp_path):
    """A shop with a plugin of one table and no revision, and the table's model."""
    base = plugin_base("points")

    class Balance(base):
        __tablename__ = "points_balance"
        email: Mapped[str] = mapped_column(Text, primary_key=True)
        points: Mapped[int]

    branch = MigrationBranch(path=str(tmp_path / "versions"), metadata=base.metadata)
    shop = make_shop(extra={"points": fake_plugin("points", migrations=lambda: branch)})
    yield shop, Balance
    with shop.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS points_balance, points_alembic_version"))


def test_a_revision_is_written_from_the_models_and_makes_their_tables(points, tmp_path):
    shop, Balance = points
    written = migrations.revision(shop, "points", "Balances")
    assert written.parent == tmp_path / "versions"
    migrations.upgrade(shop)
    assert migrations.drift(shop, "points") == []

    Balance.__table__.append_column(
        mapped_column("note", Text, server_default="", nullable=False).column
    )
    second = migrations.revision(shop, "points", "A note")
    assert "op.add_column('points_balance'" in second.read_text()
    with pytest.raises(ConfigError, match="Run `opticworks migrate` first"):
        migrations.revision(shop, "points", "Too early")


def test_no_revision_is_written_of_a_plugin_without_tables(points):
    with pytest.raises(ConfigError, match="No enabled plugin 'pints' has tables"):
        migrations.revision(points[0], "pints", "Misspelt")
