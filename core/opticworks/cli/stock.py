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
    """Prove every counter of stock, and of uses of discounts, by its ledger; exit with 1 and what
    drifts if one is wrong."""
    from sqlalchemy import func, select

    from opticworks.stock import claims, service
    from opticworks.stock.models import Allowance, StockItem

    with context.shop() as shop, shop.unit() as db:
        drifts = service.verify(db)
        miscounts = claims.verify(db)
        count = db.scalar(select(func.count()).select_from(StockItem))
        allowances = db.scalar(select(func.count()).select_from(Allowance))
    for drift in drifts:
        sentence = COUNTERS[drift.counter].format(stored=drift.stored, ledger=drift.ledger)
        click.echo(f"{drift.sku}: {sentence}.")
    for miscount in miscounts:
        click.echo(
            f"{miscount.key}: {miscount.used} uses are counted, but orders claim "
            f"{miscount.claimed}."
        )
    if drifts or miscounts:
        sys.exit(1)
    click.echo(f"The stock of {count} SKUs is what its ledger says.")
    if allowances:
        click.echo(f"The uses of {allowances} limited things are what orders claim.")
