"""Which goods a discount is for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from opticworks.contracts import Item
from opticworks_discounts.models import Discount


@dataclass(frozen=True, slots=True)
class Selection:
    """Goods by SKU (`RS1-*` is for all that begin so), by the address of their page
    (`/products/lamp`), or by a group they are in. Nothing named is everything."""

    names: Sequence[str] = ()
    groups: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.groups)

    def covers(self, item: Item) -> bool:
        if not self:
            return True
        return bool(set(self.groups) & set(item.groups)) or any(
            urlsplit(item.url).path == name if name.startswith("/") else _means(name, item.sku)
            for name in self.names
        )

    @property
    def skus(self) -> tuple[str, ...]:
        """The SKUs that are named in full."""
        return tuple(name for name in self.names if name[0] != "/" and not name.endswith("*"))


def _means(name: str, sku: str) -> bool:
    wanted, known = name.casefold(), sku.casefold()
    return known.startswith(wanted[:-1]) if wanted.endswith("*") else known == wanted


def gets(discount: Discount) -> Selection:
    """What becomes cheaper."""
    return Selection(discount.skus or (), discount.groups or ())


def buys(discount: Discount) -> Selection:
    """What has to be bought for it, where something has."""
    return Selection(discount.buy_skus or (), discount.buy_groups or ())
