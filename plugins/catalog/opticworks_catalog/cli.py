"""`opticworks catalog`: a look at the catalogue from a shell."""

from __future__ import annotations

from typing import Any

import click

from opticworks import kernel
from opticworks_catalog.reading import read_listing
from opticworks_catalog.slots import rules_of
from opticworks_catalog.stock import stock_view

EVERYTHING = 1_000_000


@click.group()
def catalog() -> None:
    """Look at the products that the shop sells."""


@catalog.command("list")
@click.pass_obj
def list_products(context: Any) -> None:
    """Every published product with its variants, their prices and what is left of them."""
    with context.shop() as shop, shop.unit() as db:
        ctx = shop.ctx(db)
        rules = rules_of(ctx)
        products, total = read_listing(db, ctx.currency, limit=EVERYTHING)
        levels = kernel.availability(db, {sku for product in products for sku in product.skus})
        for product in products:
            click.echo(f"{product.handle}  {product.title}")
            for variant in product.variants:
                stock = stock_view(
                    variant, levels, low_stock=rules.low_stock, max_quantity=rules.max_quantity
                )
                price = variant.price.format(ctx.locale)
                click.echo(f"    {variant.sku:<20} {price:>12}  {stock.sentence}  {variant.title}")
        click.echo(f"{total} products" if total != 1 else "1 product")
