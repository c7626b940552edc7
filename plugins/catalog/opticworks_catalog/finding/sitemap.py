"""The catalogue's pages for search engines: listings and products that are shown now."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from opticworks import kernel
from opticworks.contracts import Ctx, SitemapEntry
from opticworks_catalog import statements
from opticworks_catalog.images import picture
from opticworks_catalog.models import (
    PUBLISHED,
    Collection,
    CollectionProduct,
    Product,
)
from opticworks_catalog.present import collection_path, product_path
from opticworks_catalog.reading import kept_ids

BATCH = 1000


def entries(ctx: Ctx) -> Iterator[SitemapEntry]:
    """Listings, then every product; a listing changes when a product in it does."""
    values = {"currency": ctx.currency}
    newest = select(func.max(Product.updated_at)).where(statements.sellable())
    yield SitemapEntry(path="/products", updated_at=ctx.db.scalar(newest, values))
    collections = (
        select(
            Collection.handle,
            func.greatest(Collection.updated_at, func.max(Product.updated_at)).label("changed"),
        )
        .outerjoin(CollectionProduct, CollectionProduct.collection_id == Collection.id)
        .outerjoin(Product, Product.id == CollectionProduct.product_id)
        .where(Collection.status == PUBLISHED)
        .group_by(Collection.id)
        .order_by(Collection.position, Collection.id)
    )
    for row in ctx.db.execute(collections).all():
        yield SitemapEntry(path=collection_path(row.handle), updated_at=row.changed)
    yield from _products(ctx)


def _products(ctx: Ctx) -> Iterator[SitemapEntry]:
    after = 0
    while True:
        rows = ctx.db.execute(
            select(
                Product.id,
                Product.handle,
                Product.updated_at,
                statements.product_images().label("images"),
            )
            .where(statements.sellable(), Product.id > after)
            .order_by(Product.id)
            .limit(BATCH),
            {"currency": ctx.currency},
        ).all()
        kept = kernel.pictures(ctx.db, kept_ids(one["image"] for row in rows for one in row.images))
        for row in rows:
            pictures = (picture(one["image"], kept) for one in row.images)
            yield SitemapEntry(
                path=product_path(row.handle),
                updated_at=row.updated_at,
                images=tuple(one.src for one in pictures if one is not None),
            )
        if len(rows) < BATCH:
            return
        after = rows[-1].id
