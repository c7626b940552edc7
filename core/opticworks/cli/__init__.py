"""The command line. Commands import what they need when they run, so that --help is quick."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import click

from opticworks import __version__
from opticworks.cli.context import Context, default_ini, ini_option
from opticworks.config import ConfigError

# Pyramid 2.1 needs it and setuptools < 82 has it; who runs a shop can do nothing about that.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)

#: The kernel's commands: name and where it is.
COMMANDS = {
    "run": "opticworks.cli.run:run",
    "migrate": "opticworks.cli.database:migrate",
    "revision": "opticworks.cli.database:revision",
    "demo": "opticworks.cli.database:demo",
    "worker": "opticworks.cli.worker:worker",
    "embedded": "opticworks.cli.servers:embedded",
    "plugin": "opticworks.cli.plugins:plugin",
    "staff": "opticworks.cli.staff:staff",
    "settings": "opticworks.cli.settings:settings",
    "stock": "opticworks.cli.stock:stock",
    "payments": "opticworks.cli.payments:payments",
    "webhooks": "opticworks.cli.webhooks:webhooks",
}


class Commands(click.Group):
    """The kernel's commands, imported when named, and those that enabled plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._ask_plugins(ctx)
        return [*COMMANDS, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(":")
            found: click.Command = getattr(import_module(module), attribute)
            return found
        self._ask_plugins(ctx)
        return super().get_command(ctx, cmd_name)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        name = name or cmd.name or ""
        if name in COMMANDS or name in self.commands:
            raise ConfigError(f"Two parts offer the command {name!r}. Disable one of them.")
        super().add_command(cmd, name)

    def _ask_plugins(self, ctx: click.Context) -> None:
        if ctx.meta.setdefault("opticworks.asked", False):
            return
        ctx.meta["opticworks.asked"] = True
        ini = ctx.params.get("ini") or default_ini()  # --help is read before --ini
        if ini is not None:
            from opticworks.cli.plugins import add_commands

            self.commands.clear()
            add_commands(self, ini)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@ini_option
@click.version_option(__version__, prog_name="OpticWorks")
@click.pass_context
def main(ctx: click.Context, ini: str | None) -> None:
    """Run and look after an OpticWorks shop."""
    ctx.obj = Context(ini)
