"""The kernel's question about SKUs, answered in one statement, or from memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, select

from opticworks import kernel
from opticworks.contracts import Component, Ctx, Item, ItemGroup, said_in, say
from opticworks.money import Money
from opticworks.plugin import memory_of
from opticworks_catalog import statements
from opticworks_catalog.models import PUBLISHED, Collection
from opticworks_catalog.present import collection_path, product_path
from opticworks_catalog.reading import (
    SCOPE,
    Kept,
    complete,
    component_record,
    kept_ids,
    optional_picture,
)
from opticworks_catalog.records import ComponentRecord

MOST_REMEMBERED = 50  #: SKUs of one question: a cart's, not a whole list of staff's


def read_items(skus: Sequence[str], ctx: Ctx) -> dict[str, Item]:
    """Items by SKU, those that can't be bought included with the reason; unknown ones are
    missing."""
    if not skus:
        return {}
    memory = memory_of(ctx.db, SCOPE)
    language = said_in()  # an item says in words why it can't be bought
    known = {sku: memory.things.get(("item", sku, ctx.currency, language)) for sku in skus}
    found = {sku: item for sku, item in known.items() if item is not None}
    missing = [sku for sku in known if sku not in found]
    if missing:
        rows = ctx.db.execute(statements.goods(), {"skus": missing}).all()
        images = [row.image for row in rows]
        images += [part["image"] for row in rows for part in row.components]
        ids = kept_ids(images)
        kept = kernel.pictures(ctx.db, ids)
        lasting = len(missing) <= MOST_REMEMBERED and complete(ids, kept)
        for row in rows:
            found[row.sku] = item = _item(row, ctx.currency, kept)
            if lasting:
                memory.keep(("item", row.sku, ctx.currency, language), item)
    return found


MOST_FOUND = 500


def group_key(handle: str) -> str:
    """What rules call a collection."""
    return f"collection:{handle}"


def item_groups(ctx: Ctx) -> Iterator[ItemGroup]:
    """Every collection; one without a page can't be looked at."""
    rows = select(Collection.handle, Collection.title, Collection.status)
    for handle, title, status in ctx.db.execute(rows.order_by(Collection.position, Collection.id)):
        path = collection_path(handle) if status == PUBLISHED else ""
        yield ItemGroup(key=group_key(handle), title=title, path=path)


def find_skus(text: str, ctx: Ctx) -> list[str]:
    """SKUs of variants whose product's title, options or barcode contain the text."""
    if not text.strip():
        return []
    pattern = f"%{statements.escaped(text.strip())}%"
    return list(ctx.db.scalars(statements.skus_like(), {"pattern": pattern, "limit": MOST_FOUND}))


def _item(row: Row[Any], currency: str, kept: Kept) -> Item:
    parts = tuple(component_record(part, kept) for part in row.components)
    before = row.compare_at
    size = (row.length, row.width, row.height)
    return Item(
        sku=row.sku,
        title=row.title,
        unit_price=Money(row.price, row.currency),
        options=tuple((name, value) for name, value in row.options),
        compare_at_price=None if before is None else Money(before, row.currency),
        tax_code=row.tax_code,
        weight=row.weight,
        size=None if row.length is None else size,
        hs_code=row.hs_code,
        origin_country=row.origin_country,
        url=product_path(row.handle, row.sku),
        image=optional_picture(row.image, kept),
        stock_policy=row.stock_policy,
        requires_shipping=row.requires_shipping,
        unavailable=_unavailable(row, parts, currency),
        components=tuple(
            Component(
                sku=part["sku"],
                quantity=part["quantity"],
                unit_price=Money(part["price"], part["currency"]),
                tax_code=part["tax_code"],
                tracked=part["stock_policy"] != "untracked",
                title=part["title"],
                options=" / ".join(value for _, value in part["options"]),
                weight=part["weight"],
            )
            for part in row.components
        ),
        groups=tuple(group_key(handle) for handle in row.collections),
    )


def _unavailable(row: Row[Any], parts: Sequence[ComponentRecord], currency: str) -> str:
    """Why it can't be bought, as a sentence for the customer; empty when it can."""
    if not row.on_sale:
        return say("{name} is no longer sold.", name=row.title)
    if row.currency != currency:
        return say("{name} has no price in {currency}.", name=row.title, currency=currency)
    for part in parts:
        if not part.on_sale:
            return say(
                "{name} is not available, because {part} is no longer sold.",
                name=row.title,
                part=part.title,
            )
    return ""
