"""`opticworks stock`."""

from __future__ import annotations

import sys

import click

from opticworks.cli.context import Context

COUNTERS = {
    "on_hand": "{stored} are counted on the shelf, but its ledger says {ledger}",
    "held": "{stored} are counted as kept for orders, but its ledger says {ledger}",
    "holds": "orders keep {stored}, but its ledger says {ledger}",
}


@click.group()
def stock() -> None:
    """Look after what is on the shelf."""


@stock.command()
@click.pass_obj
def verify(context: Context) -> None:
    """Prove every stock counter by its ledger; exit with 1 and what drifts if one is wrong."""
    from sqlalchemy import func, select

    from opticworks.stock import service
    from opticworks.stock.models import StockItem

    with context.shop() as shop, shop.unit() as db:
        drifts = service.verify(db)
        count = db.scalar(select(func.count()).select_from(StockItem))
    for drift in drifts:
        sentence = COUNTERS[drift.counter].format(stored=drift.stored, ledger=drift.ledger)
        click.echo(f"{drift.sku}: {sentence}.")
    if drifts:
        sys.exit(1)
    click.echo(f"The stock of {count} SKUs is what its ledger says.")
