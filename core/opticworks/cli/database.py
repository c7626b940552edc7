"""`opticworks migrate` and `opticworks demo`."""

from __future__ import annotations

import click

from opticworks.cli.context import Context, say


@click.command()
@click.pass_obj
def migrate(context: Context) -> None:
    """Bring the tables of the kernel and of every enabled plugin up to date."""
    from opticworks import migrations

    with context.shop() as shop:
        migrations.upgrade(shop, say)
    click.echo("The tables are up to date.")


@click.command()
@click.pass_obj
def demo(context: Context) -> None:
    """Load the demo catalogue, once per database; never in production."""
    from opticworks import demo as demo_data

    with context.shop() as shop:
        loaded = demo_data.load(shop, say)
    click.echo("The demo data is loaded." if loaded else "The demo data was loaded before.")
