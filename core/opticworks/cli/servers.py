"""`opticworks embedded`: the database and cache servers that need no installation."""

from __future__ import annotations

from pathlib import Path

import click

from opticworks.cli.context import say

var_option = click.option(
    "--var",
    envvar="OPTICWORKS_VAR",
    default="var",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for data, logs and secrets of this machine.",
)


@click.group()
def embedded() -> None:
    """Start, stop and show the embedded PostgreSQL and Valkey."""


@embedded.command()
@var_option
def start(var: Path) -> None:
    """Start both servers, unless they run or the environment names others."""
    from opticworks.embedded import ensure

    servers = ensure(var, say)
    click.echo(f"DATABASE_URL={_without_password(servers.database_url)}")
    click.echo(f"REDIS_URL={_without_password(servers.redis_url)}")


@embedded.command()
@var_option
def stop(var: Path) -> None:
    """Stop both servers; their data stays."""
    from opticworks.embedded import stop as stop_servers

    stopped = stop_servers(var)
    click.echo(f"Stopped {' and '.join(stopped)}." if stopped else "No embedded server runs.")


@embedded.command()
@var_option
def status(var: Path) -> None:
    """Show which servers are used and whether they answer."""
    from opticworks.embedded import status as status_of

    for server in status_of(var):
        if server.data is None:
            click.echo(f"{server.name}: the environment names {_without_password(server.url)}")
        elif server.running:
            click.echo(f"{server.name}: running (process {server.pid}), data in {server.data}")
        else:
            click.echo(f"{server.name}: not running, data in {server.data}")


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
