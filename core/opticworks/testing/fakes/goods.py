"""A goods plugin in memory: the kernel sells with it when there is no catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from opticworks.contracts import Ctx, Item, PluginInfo
from opticworks.hookspecs import hookimpl
from opticworks.money import Money


class FakeGoods:
    """Items by SKU; a test adds, changes and withdraws them while the shop runs.

    `calls` holds the SKUs of every question, so that a test can count them.
    """

    code = "fake_goods"

    def __init__(self, *items: Item, currency: str = "USD") -> None:
        self.currency = currency
        self._items = {item.sku: item for item in items}
        self.calls: list[tuple[str, ...]] = []

    @hookimpl
    def plugin_info(self) -> PluginInfo:
        return PluginInfo(code=self.code, title="Fake goods", version="1.0", category="goods")

    @hookimpl
    def items(self, skus: Sequence[str], ctx: Ctx) -> Mapping[str, Item]:
        self.calls.append(tuple(skus))
        return {sku: self._items[sku] for sku in skus if sku in self._items}

    def put(self, sku: str, price: str = "10.00", **fields: Any) -> Item:
        """Sell that SKU for `price` (in major units); `fields` as in Item."""
        fields.setdefault("title", f"Item {sku}")
        fields.setdefault("weight", 100)
        item = Item(sku=sku, unit_price=Money.parse(price, self.currency), **fields)
        self._items[sku] = item
        return item

    def reprice(self, sku: str, price: str) -> None:
        """Change the price, as a merchant does while someone has the item in the cart."""
        unit_price = Money.parse(price, self.currency)
        self._items[sku] = replace(self._items[sku], unit_price=unit_price)

    def withdraw(self, sku: str, sentence: str = "This item is no longer sold.") -> None:
        """Keep the item known, but not for sale."""
        self._items[sku] = replace(self._items[sku], unavailable=sentence)

    def forget(self, sku: str) -> None:
        """Don't know the SKU any more, as if its product had been deleted."""
        self._items.pop(sku, None)
