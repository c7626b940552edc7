"""`opticworks catalog`: the catalogue from a shell, its way into and out of files, its index."""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from opticworks import kernel
from opticworks_catalog.exchange.dumping import dump
from opticworks_catalog.exchange.loading import Progress, Wish, load
from opticworks_catalog.exchange.report import Report
from opticworks_catalog.exchange.sheet import BadFile
from opticworks_catalog.finding import index
from opticworks_catalog.reading import read_listing
from opticworks_catalog.slots import rules_of
from opticworks_catalog.stock import stock_view

EVERYTHING = 1_000_000


@click.group()
def catalog() -> None:
    """Look at the products that the shop sells; import and export them."""


@catalog.command("list")
@click.pass_obj
def list_products(context: Any) -> None:
    """Every published product with its variants, their prices and what is left of them."""
    with context.shop() as shop, shop.unit() as db:
        ctx = shop.ctx(db)
        rules = rules_of(ctx)
        products, total = read_listing(db, ctx.currency, limit=EVERYTHING)
        levels = kernel.availability(db, {sku for product in products for sku in product.skus})
        width = max((len(variant.sku) for each in products for variant in each.variants), default=0)
        for product in products:
            click.echo(f"{product.handle}  {product.title}")
            for variant in product.variants:
                stock = stock_view(
                    variant, levels, low_stock=rules.low_stock, max_quantity=rules.max_quantity
                )
                price = variant.price.format(ctx.locale)
                click.echo(
                    f"    {variant.sku:<{width}} {price:>12}  {stock.sentence}  {variant.title}"
                )
        click.echo(f"{total} products" if total != 1 else "1 product")


@catalog.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; say what an import would do.")
@click.option(
    "--report",
    "report_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what became of every row to FILE, as CSV.",
)
@click.option("--encoding", default="", help="How the file is written, if it isn't found out.")
@click.option("--no-stock", is_flag=True, help="Leave the stock as it is.")
@click.option("--no-pictures", is_flag=True, help="Fetch no pictures now; keep their addresses.")
@click.pass_obj
def import_products(
    context: Any,
    file: Path,
    dry_run: bool,
    report_file: Path | None,
    encoding: str,
    no_stock: bool,
    no_pictures: bool,
) -> None:
    """Import products from FILE, in Shopify's product CSV format.

    A product is imported whole or not at all; importing a file again changes nothing. Exits with
    1 when a product was not imported.
    """
    wish = Wish(
        actor=_actor(),
        dry_run=dry_run,
        stock=not no_stock,
        pictures=not no_pictures,
        encoding=encoding,
    )
    with context.shop() as shop, _progress() as progress:
        try:
            report = load(shop, file.read_bytes(), wish, progress=progress)
        except BadFile as error:
            raise click.ClickException(f"{file} was not imported. {error}") from None
        currency = shop.settings["shop"].currency
    _say(report, currency)
    if report_file is not None:
        report_file.write_text(report.as_csv(), "utf-8", newline="")
        click.echo(f"What became of every row is in {report_file}.")
    if report.skipped:
        sys.exit(1)


def _actor() -> str:
    """Who runs the command, for the stock ledger."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return f"user {os.getuid()} (command line)"


def _say(report: Report, currency: str) -> None:
    for line in report.lines():
        click.echo(line)
    click.echo(f"Prices are in {currency}, the currency of the shop.")
    rows = "1 row" if report.rows == 1 else f"{report.rows} rows"
    products = "1 product" if report.products == 1 else f"{report.products} products"
    click.echo(f"{rows}, {products}. {report.summary}")
    if report.dry_run:
        click.echo("This was a try: nothing was written.")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each thing that an import does."""
    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in bars:
            for bar in bars.values():
                bar.render_finish()
            bars[what] = click.progressbar(
                length=total, label=f"{what:<8}", show_pos=True, file=sys.stderr
            )
        bars[what].update(done - bars[what].pos)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.render_finish()


@catalog.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def export_products(context: Any, file: Path | None) -> None:
    """Export every product to FILE, or to the terminal: the format that import reads."""
    with context.shop() as shop, shop.unit() as db:
        lines = dump(db, shop.config.base_url)
        if file is None:
            for line in lines:
                sys.stdout.buffer.write(line.encode())
            sys.stdout.buffer.flush()
            return
        # A file that is there is replaced only by a whole one.
        with tempfile.NamedTemporaryFile("wb", dir=file.parent, delete=False) as new:
            try:
                count = sum(bool(new.write(line.encode())) for line in lines) - 1
                os.replace(new.name, file)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
    click.echo(f"{file} has {count} row{'' if count == 1 else 's'}.")


@catalog.command("reindex")
@click.pass_obj
def reindex(context: Any) -> None:
    """Make the search index anew, in the language of the shop's locale.

    Changes keep the index right by themselves; this is for another locale, and for tables that
    something else has written to.
    """
    with context.shop() as shop, shop.unit("catalog.reindex") as db:
        language = index.language_of(shop.ctx(db).locale)
        count = index.reindex(db, language)
    click.echo(f"{count} products indexed ({language})")
