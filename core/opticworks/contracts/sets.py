"""Buy some, get others cheaper: which units of a cart are bought and which are got. Pure.

No unit is both. As many as possible become cheaper, and of those that could the cheapest do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pool:
    """Units of one line: what one costs in minor units, and whether they can be bought or got."""

    key: str
    price: int
    count: int
    buys: bool
    gets: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTerms:
    """What a discount for buying several together was given for: of every `buy` units of the
    lines `buys` up to `get` others of the lines `gets` become cheaper, at most `times` times.
    Lines are keys. With it an order knows what is left of the discount when units come back."""

    buy: int
    get: int
    buys: tuple[str, ...]
    gets: tuple[str, ...]
    times: int | None = None

    def cheaper(self, units: Mapping[str, int], prices: Mapping[str, int]) -> dict[str, int]:
        """How many units of each line are cheaper while there are so many `units` of each."""
        keys = dict.fromkeys((*self.buys, *self.gets))
        pools = [
            Pool(key, prices[key], units[key], key in self.buys, key in self.gets)
            for key in keys
            if units.get(key)
        ]
        return chosen(pools, self.buy, self.get, self.times)


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
