"""`opticworks migrate`, `opticworks revision` and `opticworks demo`."""

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
@click.argument("code")
@click.argument("message")
@click.pass_obj
def revision(context: Context, code: str, message: str) -> None:
    """Write a revision that brings the tables of plugin CODE to what its models say by now.

    The file lies in the folder that the plugin's hook `migrations` names. Read it before you
    commit it: Alembic takes a renamed column for one that goes and one that comes.
    """
    from opticworks import migrations

    with context.shop() as shop:
        migrations.revision(shop, code, message)  # Alembic says which file it wrote


@click.command()
@click.option(
    "--orders",
    default=0,
    type=click.IntRange(0, 500),
    help="Place so many paid orders of the last days, to be packed and sent.",
)
@click.pass_obj
def demo(context: Context, orders: int) -> None:
    """Load the demo catalogue and returns, once per database; never in production."""
    from opticworks import demo as demo_data

    with context.shop() as shop:
        loaded = demo_data.load(shop, say)
        loaded = demo_data.send_back(shop) or loaded
        placed = demo_data.place_orders(shop, orders) if orders else 0
    click.echo("The demo data is loaded." if loaded else "The demo data was loaded before.")
    if orders:
        click.echo(f"{placed} paid orders were placed.")
    if placed < orders:
        click.echo("There are no goods for more of them.")
