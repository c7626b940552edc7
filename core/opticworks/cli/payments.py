"""`opticworks payments`: whether orders, the ledger and the providers agree about the money."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click

from opticworks.cli.context import Context
from opticworks.cli.webhooks import Since

DAYS = 30


@click.group()
def payments() -> None:
    """Look after the money that came in."""


@payments.command()
@click.option(
    "--since", type=Since(), help=f"From then on (UTC): 7d, 2026-11-22. [default: {DAYS}d]"
)
@click.pass_obj
def reconcile(context: Context, since: datetime | None) -> None:
    """Compare orders, the ledger and the providers; exit with 1 and every difference if there is
    one."""
    from opticworks.checkout.reconcile import compare

    with context.shop() as shop:
        found = compare(shop, since or datetime.now(UTC) - timedelta(days=DAYS))
    for difference in found:
        click.echo(difference.sentence)
    if found:
        count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
        click.echo(f"{count}. Repair them in the admin: /admin/payments/reconcile", err=True)
        sys.exit(1)
    click.echo("Orders, the ledger and the providers agree.")
