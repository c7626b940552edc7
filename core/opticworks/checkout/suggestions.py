"""What a discount suggests to add: only what can be bought now."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.pricing import service as pricing
from opticworks.shop import Shop
from opticworks.stock import service as stock

log = logging.getLogger(__name__)
MOST = 3  #: items, or pages, that one suggestion offers
LOOKED_AT = 20  #: SKUs of it that are asked about


@dataclass(frozen=True, slots=True)
class Offered:
    """A suggestion with what the cart shows of it: items with their prices here, or pages."""

    sentence: str
    items: tuple[c.Item, ...]
    groups: tuple[c.ItemGroup, ...]


def offered(shop: Shop, db: Session, quote: c.Quote) -> tuple[Offered, ...]:
    """The quote's suggestions, those left out of which nothing can be bought or looked at.

    Asks nothing when there are none; a plugin that fails takes the suggestions with it, not the
    cart.
    """
    if not quote.suggestions:
        return ()
    ctx = shop.ctx(db)
    wanted = {sku for one in quote.suggestions for sku in one.skus[:LOOKED_AT]}
    try:
        goods = pricing.items(shop.hooks, ctx, sorted(wanted))
        groups = _groups(shop, ctx) if any(one.groups for one in quote.suggestions) else {}
    except Exception:
        log.exception("Suggestions can't be shown")
        return ()
    free = _left(db, quote, goods)
    found = (_offered(one, quote, goods, free, groups) for one in quote.suggestions)
    return tuple(one for one in found if one.items or one.groups)


def _groups(shop: Shop, ctx: c.Ctx) -> dict[str, c.ItemGroup]:
    answers = shop.hooks.item_groups(ctx=ctx)
    return {group.key: group for answer in answers for group in answer or () if group.path}


def _left(db: Session, quote: c.Quote, goods: dict[str, c.Item]) -> dict[str, int]:
    """What is free beside what lies in the cart already."""
    levels = stock.availability(db, pricing.stock_skus(goods.values()))
    taken = pricing.expand(quote.lines)
    return {sku: level.free - taken.get(sku, 0) for sku, level in levels.items()}


def _offered(
    suggestion: c.Suggestion,
    quote: c.Quote,
    goods: dict[str, c.Item],
    free: dict[str, int],
    groups: dict[str, c.ItemGroup],
) -> Offered:
    able = [
        quote.display.item(item)
        for sku in suggestion.skus
        if (item := goods.get(sku)) is not None
        and not item.unavailable
        and all(free.get(part, 0) >= each for part, each in pricing.parts_of(item).items())
    ]
    pages = [groups[key] for key in suggestion.groups if key in groups]
    return Offered(suggestion.sentence, tuple(able[:MOST]), tuple(pages[:MOST]))
