"""`opticworks plugin`, and the commands that plugins bring along."""

from __future__ import annotations

import logging

import click

from opticworks.cli.context import Context
from opticworks.config import parse_plugin_lines

log = logging.getLogger(__name__)


@click.group()
def plugin() -> None:
    """See which plugins were found and what they do."""


@plugin.command("list")
@click.pass_obj
def list_plugins(context: Context) -> None:
    """Every installed or named plugin: version, state, hooks, paths and problems."""
    with context.shop() as shop:
        for found in shop.plugins:
            version = found.version or "-"
            click.echo(
                f"{found.code}  {version}  {found.state.value}  {found.distribution}".rstrip()
            )
            if found.info is not None and found.title != found.code:
                click.echo(f"    title     {found.title}")
            if found.hooks:
                click.echo(f"    hooks     {', '.join(found.hooks)}")
            if found.info is not None and found.info.paths:
                click.echo(f"    paths     {', '.join(found.info.paths)}")
            for problem in found.problems:
                click.echo(f"    problem   {problem}")
        for warning in shop.warnings:
            click.echo(f"Note: {warning}", err=True)


def add_commands(group: click.Group, ini: str) -> None:
    """Let the plugins that `ini` enables add theirs; one that fails is logged and left out.

    No database is needed for that, so `--help` works on a machine where nothing runs yet.
    """
    from opticworks.boot import ini_settings
    from opticworks.plugins import Plugins

    plugins = Plugins()
    plugins.discover(parse_plugin_lines(ini_settings(ini).get("opticworks.plugins", "")))
    for found in plugins.enabled:
        if "commands" not in found.hooks:
            continue
        try:
            plugins.ask(found, "commands", cli=group)
        except Exception:
            log.exception("The commands of the plugin %s are left out", found.code)
