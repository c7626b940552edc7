"""Buy some, get others cheaper: what a discount makes of a cart. Pure; which units are bought
and which are got is said in `opticworks.contracts.sets`, for what is left when some come back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from babel.numbers import format_percent

from opticworks.contracts import Draft, Item, Pool, SetTerms, Suggestion, chosen, said_in, say
from opticworks_discounts.models import Discount
from opticworks_discounts.selecting import Selection, buys, gets

MOST_OFFERED = 20  #: SKUs that are looked at for a suggestion


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


def terms(discount: Discount, draft: Draft) -> SetTerms:
    """What it was given for, as the order keeps it."""
    pools = pools_of(discount, draft)
    return SetTerms(
        buy=discount.buy_quantity or 1,
        get=discount.get_quantity or 1,
        times=discount.times,
        buys=tuple(pool.key for pool in pools if pool.buys),
        gets=tuple(pool.key for pool in pools if pool.gets),
    )


def _chosen(discount: Discount, pools: Sequence[Pool]) -> dict[str, int]:
    return chosen(pools, discount.buy_quantity or 1, discount.get_quantity or 1, discount.times)


def said_percent(percent: Decimal, locale: str) -> str:
    """A number of percent as people of that locale write it: "12.5%"."""
    return str(format_percent(percent / 100, locale=locale, decimal_quantization=False))


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
    if off == 100:
        sentence = say("{name}: add one more of these and it is free.", name=name)
    else:
        sentence = say(
            "{name}: add one more of these and get {percent} off it.",
            name=name,
            percent=said_percent(off, said_in() or "en_US"),
        )
    return Suggestion(
        sentence=sentence,
        skus=skus,
        groups=tuple(got.groups),
    )


def _covers(bought: Selection, sku: str, known: dict[str, Item]) -> bool:
    """Of an item that isn't in the cart nothing but its SKU is known."""
    item = known.get(sku)
    return bought.covers(item) if item is not None else sku in bought.skus
