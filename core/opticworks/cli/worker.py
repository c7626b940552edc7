"""`opticworks worker`: the process that runs background jobs."""

from __future__ import annotations

import click

from opticworks.cli.context import Context
from opticworks.cli.processes import die_with


@click.command()
@click.option("--concurrency", default=4, show_default=True, help="Jobs at a time.")
@click.option("--parent", type=int, hidden=True, help="End when this process is gone.")
@click.pass_obj
def worker(context: Context, concurrency: int, parent: int | None) -> None:
    """Run background jobs (mails, webhooks, expiries) until told to stop."""
    from pyramid.paster import setup_logging

    from opticworks.jobs.worker import run

    if parent is not None:
        die_with(parent)
    setup_logging(context.ini)
    with context.shop() as shop:
        run(shop, concurrency=concurrency)
