"""The catalogue from a shell."""

from __future__ import annotations

from contextlib import contextmanager

import click
from click.testing import CliRunner

from opticworks_catalog import commands


class Context:
    """The command line's context around a shop that is open already."""

    def __init__(self, shop):
        self._shop = shop

    @contextmanager
    def shop(self):
        yield self._shop


def test_hook_commands(shop):
    group = click.Group("opticworks")
    commands(cli=group)
    result = CliRunner().invoke(group, ["catalog", "list"], obj=Context(shop))
    assert result.exit_code == 0, result.output
    assert "rs-1-sensor  RS-1 Presence Sensor" in result.output
    line = next(line for line in result.output.splitlines() if "CBL-3M-GRA" in line)
    assert line.split() == ["CBL-3M-GRA", "$18.00", "Sold", "out", "3", "m", "/", "Graphite"]
    assert result.output.endswith("8 products\n")


def test_the_search_index_is_made_anew(shop):
    group = click.Group("opticworks")
    commands(cli=group)
    result = CliRunner().invoke(group, ["catalog", "reindex"], obj=Context(shop))
    assert result.output == "8 products indexed (english)\n"
