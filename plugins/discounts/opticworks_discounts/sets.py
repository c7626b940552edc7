"""Buy some, get others cheaper: which units of a cart are bought and which are got. Pure.

No unit is both. As many as possible become cheaper, and of those that could the cheapest do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opticworks.contracts import Draft, Item, Suggestion
from opticworks_discounts.models import Discount
from opticworks_discounts.selecting import Selection, buys, gets

MOST_OFFERED = 20  #: SKUs that are looked at for a suggestion


@dataclass(frozen=True, slots=True)
class Pool:
    """Units of one line: what one costs, and whether they can be bought or got."""

    key: str
    price: int
    count: int
    buys: bool
    gets: bool


def chosen(pools: Sequence[Pool], buy: int, get: int, times: int | None = None) -> dict[str, int]:
    """How many units of each line become cheaper: of every `buy` units up to `get` others, at
    most `times` times."""
    either = sum(pool.count for pool in pools if pool.buys and pool.gets)
    bought = sum(pool.count for pool in pools if pool.buys)
    only_got = sum(pool.count for pool in pools if pool.gets and not pool.buys)
    most = bought // buy if times is None else min(bought // buy, times)
    best, quota = 0, 0
    for sets in range(1, most + 1):
        spare = min(either, bought - sets * buy)  # could be bought and need not be
        got = min(sets * get, only_got + spare)
        if got > best:
            best, quota = got, spare
        if only_got + spare <= sets * get:
            break  # another set would only take from what can be got
    return _cheapest(pools, best, quota)


def _cheapest(pools: Iterable[Pool], count: int, quota: int) -> dict[str, int]:
    """The cheapest units that can be got, at most `quota` of them of what is bought too."""
    found: dict[str, int] = {}
    able = sorted((p for p in pools if p.gets), key=lambda p: (p.price, p.buys, p.key))
    for pool in able:
        taken = min(pool.count, count, quota if pool.buys else count)
        if taken:
            found[pool.key] = taken
            count -= taken
            quota -= taken if pool.buys else 0
    return found


def _selections(discount: Discount) -> tuple[Selection, Selection]:
    """What is bought and what is got; of one that names nothing the other's goods."""
    bought, got = buys(discount), gets(discount)
    return bought or got, got or bought


def pools_of(discount: Discount, draft: Draft) -> list[Pool]:
    bought, got = _selections(discount)
    return [
        Pool(
            line.key,
            line.unit_price.minor,
            line.quantity,
            bought.covers(line.item),
            got.covers(line.item),
        )
        for line in draft.lines
        if line.subtotal
    ]


def cheaper(discount: Discount, draft: Draft) -> dict[str, int]:
    """How many units of each line of the draft become cheaper."""
    return _chosen(discount, pools_of(discount, draft))


def _chosen(discount: Discount, pools: Sequence[Pool]) -> dict[str, int]:
    return chosen(pools, discount.buy_quantity or 1, discount.get_quantity or 1, discount.times)


def suggestion(discount: Discount, name: str, draft: Draft) -> Suggestion | None:
    """What could still be got with what is bought already; None if there is nothing."""
    bought, got = _selections(discount)
    pools = pools_of(discount, draft)
    if not any(pool.buys for pool in pools):
        return None
    now = sum(_chosen(discount, pools).values())

    def helps(buys: bool) -> bool:
        more = Pool("", 0, 1, buys, True)
        return sum(_chosen(discount, [*pools, more]).values()) > now

    known: dict[str, Item] = {line.sku: line.item for line in draft.lines}
    own = sorted(
        (line for line in draft.lines if line.subtotal and got.covers(line.item)),
        key=lambda line: (line.unit_price.minor, line.key),
    )
    able = dict.fromkeys([*got.skus[:MOST_OFFERED], *(line.sku for line in own)])
    skus = tuple(sku for sku in able if helps(_covers(bought, sku, known)))
    if not skus and not (got.groups and helps(buys=bought == got)):
        return None
    off = discount.percent or Decimal(0)
    what = "it is free" if off == 100 else f"get {off.normalize():f}% off it"
    return Suggestion(
        sentence=f"{name}: add one more of these and {what}.",
        skus=skus,
        groups=tuple(got.groups),
    )


def _covers(bought: Selection, sku: str, known: dict[str, Item]) -> bool:
    """Of an item that isn't in the cart nothing but its SKU is known."""
    item = known.get(sku)
    return bought.covers(item) if item is not None else sku in bought.skus
