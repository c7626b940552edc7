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
@click.option(
    "--orders",
    default=0,
    type=click.IntRange(0, 500),
    help="Place so many paid orders, to be packed and sent.",
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
        click.echo(f"{placed} paid orders wait to be sent.")
