"""What the catalogue puts into the shop's pages: its menu, products on the home page, a way on
from a page that isn't there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opticworks import kernel
from opticworks.contracts import Ctx, SlotFragment
from opticworks_catalog.pages import CollectionLink
from opticworks_catalog.present import Rules, card, collection_link, collection_path
from opticworks_catalog.reading import read_collections, read_listing
from opticworks_catalog.records import ProductRecord
from opticworks_catalog.settings import CatalogSettings


def fragments(name: str, context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    """The fragments for that slot; none for a slot that isn't ours to fill."""
    make = {
        "header.navigation": _navigation,
        "header.search": _search,
        "home.featured": _featured,
        "error.next": _goods_link,
    }.get(name)
    return make(context, ctx) if make else ()


def rules_of(ctx: Ctx, products: Iterable[ProductRecord] = ()) -> Rules:
    """What decides how these products are shown; their ratings are asked for at once."""
    shop = ctx.settings["shop"]
    return Rules(
        locale=ctx.locale,
        low_stock=shop.low_stock,
        max_quantity=shop.max_quantity,
        display=ctx.display,
        ratings=ctx.ratings(sku for one in products for sku in one.own_skus),
    )


def _navigation(context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    links = tuple(
        CollectionLink(handle=one.handle, title=one.title, url=collection_path(one.handle))
        for one in read_collections(ctx.db)
    )
    current = context.get("current", "")
    if current != "/products" and all(current != link.url for link in links):
        current = ""  # so that all pages which it doesn't name share one navigation
    data = {"collections": links, "current": current}
    yield SlotFragment(template="catalog/navigation.pt", data=data, position=10, pure=True)


def _search(context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    yield SlotFragment(template="catalog/search_field.pt", position=10, pure=True)


def _goods_link(context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    yield SlotFragment(template="catalog/goods_link.pt", position=10, pure=True)


def _featured(context: Mapping[str, Any], ctx: Ctx) -> Iterable[SlotFragment]:
    settings: CatalogSettings = ctx.settings["catalog"]
    products, _ = read_listing(
        ctx.db,
        ctx.currency,
        collection=settings.featured_collection,
        limit=settings.featured_count,
    )
    levels = kernel.availability(ctx.db, {sku for product in products for sku in product.skus})
    rules = rules_of(ctx, products)
    data = {
        "cards": tuple(card(product, levels, rules) for product in products),
        "collections": tuple(collection_link(one) for one in read_collections(ctx.db)),
        "display": ctx.display,
    }
    yield SlotFragment(template="catalog/featured.pt", data=data, position=10, pure=True)
