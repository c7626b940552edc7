"""What can be bought of a variant now. Pure: stock comes in as the kernel reported it.

A bundle has no stock of its own: as many can be bought as its parts allow, and the same part in
two bundles is one pool, which only the kernel's hold divides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from opticworks.contracts import say
from opticworks_catalog.pages import StockView
from opticworks_catalog.records import VariantRecord


class Level(Protocol):
    """The kernel's answer for one SKU."""

    @property
    def free(self) -> int: ...
    @property
    def on_hand(self) -> int: ...
    @property
    def held(self) -> int: ...


Levels = Mapping[str, Level]


def buyable(variant: VariantRecord, levels: Levels) -> int | None:
    """How many can be bought, backorders included; None when nothing is counted."""
    return _least(variant, levels, _free)


def ready(variant: VariantRecord, levels: Levels) -> int | None:
    """How many can be shipped at once; None when nothing is counted."""
    return _least(variant, levels, _on_shelf)


def _free(level: Level) -> int:
    return level.free


def _on_shelf(level: Level) -> int:
    return level.on_hand - level.held


def _there(sku: str, levels: Levels, count: Callable[[Level], int]) -> int:
    level = levels.get(sku)
    return max(count(level), 0) if level is not None else 0


def _least(variant: VariantRecord, levels: Levels, count: Callable[[Level], int]) -> int | None:
    if not variant.components:
        return None if variant.stock_policy == "untracked" else _there(variant.sku, levels, count)
    if not all(part.on_sale for part in variant.components):
        return 0
    counted = [
        _there(part.sku, levels, count) // part.quantity
        for part in variant.components
        if part.stock_policy != "untracked"
    ]
    return min(counted, default=None)


def stock_view(
    variant: VariantRecord, levels: Levels, *, low_stock: int, max_quantity: int
) -> StockView:
    """The state to show, its sentence, and how many one order may take."""
    free = buyable(variant, levels)
    if free is None:
        return StockView(state="in_stock", sentence=say("In stock"), max=max_quantity)
    if free == 0:
        missing = not all(part.on_sale for part in variant.components)
        sentence = say("Not available at the moment") if missing else say("Sold out")
        return StockView(state="sold_out", sentence=sentence, max=0)
    most = min(free, max_quantity)
    if not ready(variant, levels):
        return StockView(
            state="backorder", sentence=say("On backorder: ships as soon as it is back"), max=most
        )
    if free < low_stock:
        return StockView(state="low", sentence=say("Only {n} left", n=free), max=most)
    return StockView(state="in_stock", sentence=say("In stock"), max=most)
