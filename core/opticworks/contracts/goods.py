"""What is sold, as a goods plugin answers for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from opticworks.contracts.pictures import Picture
from opticworks.money import Money


def named(title: str, options: str) -> str:
    """A title with the options that were chosen, if there are any."""
    return f"{title} ({options})" if options else title


def contents_of(parts: Iterable[tuple[int, str]]) -> str:
    """Numbers and names as one phrase."""
    return ", ".join(f"{quantity} × {name}" for quantity, name in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Part of a bundle: so many of that SKU in one bundle. `unit_price` is what the part costs
    alone: it weighs the part's share of the bundle's money; `tax_code` is the part's own. A part
    that is not `tracked` keeps no count and never runs out. `title` and `options` are how the
    customer knows it, `weight` (grams, 0 where it isn't known) is what a bundle without it weighs
    less."""

    sku: str
    quantity: int
    unit_price: Money | None = None
    tax_code: str = ""
    tracked: bool = True
    title: str = ""
    options: str = ""
    weight: int = 0

    @property
    def name(self) -> str:
        """The part in one phrase: "Lamp (Pro / Graphite)"."""
        return named(self.title or self.sku, self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGroup:
    """A group that goods are sorted into and that rules may name. `key` begins with what kind of
    group it is ("collection:lamps"); `path` is its page, if it has one."""

    key: str
    title: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What may be sold under one SKU, as a goods plugin answers for it.

    `unavailable` is empty, or a plain sentence why it can't be bought (unpublished, discontinued).
    `stock_policy`: "deny" sells what is free, "backorder" sells below zero down to the allowance
    set with the stock, "untracked" keeps no count. `groups` are keys of the groups that it is in
    (see ItemGroup).
    """

    sku: str
    title: str
    unit_price: Money
    options: tuple[tuple[str, str], ...] = ()
    compare_at_price: Money | None = None
    tax_code: str = ""
    weight: int = 0
    size: tuple[int, int, int] | None = None
    hs_code: str = ""
    origin_country: str = ""
    url: str = ""
    image: Picture | None = None
    stock_policy: Literal["deny", "backorder", "untracked"] = "deny"
    requires_shipping: bool = True
    unavailable: str = ""
    components: tuple[Component, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def contents(self) -> str:
        """What is in one bundle: "2 × Lamp (Black), 1 × Bulb"; empty for what is none."""
        return contents_of((part.quantity, part.name) for part in self.components)

    @property
    def option_text(self) -> str:
        """The chosen options as a person says them: "Pro / Graphite"."""
        return " / ".join(value for _, value in self.options)

    def shares(self, amount: Money) -> tuple[Money, ...]:
        """`amount` of a line of this bundle spread over its parts, to the cent (largest
        remainder): by what they cost alone, or by their number where that isn't known. Empty
        for what is no bundle."""
        if not self.components:
            return ()
        prices = [part.unit_price for part in self.components if part.unit_price is not None]
        if len(prices) == len(self.components) and any(prices):
            weights = [
                price.minor * part.quantity
                for price, part in zip(prices, self.components, strict=True)
            ]
        else:
            weights = [part.quantity for part in self.components]
        return amount.split(weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What buyers thought of something: how many of them gave 1, 2, 3, 4 and 5 stars. Only what
    pages show counts. Ratings of several SKUs may be added."""

    stars: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    def __add__(self, other: Rating) -> Rating:
        one, two, three, four, five = map(sum, zip(self.stars, other.stars, strict=True))
        return Rating(stars=(one, two, three, four, five))

    @property
    def count(self) -> int:
        return sum(self.stars)

    @property
    def average(self) -> Decimal:
        """To one decimal place, as it is written; 0.0 where nobody gave any."""
        points = sum(number * given for number, given in enumerate(self.stars, 1))
        exact = Decimal(points) / self.count if self.count else Decimal(0)
        return exact.quantize(Decimal("0.1"), ROUND_HALF_UP)

    @property
    def halves(self) -> int:
        """The average in half stars, as it is drawn: 0 to 10."""
        return int((self.average * 2).quantize(Decimal(1), ROUND_HALF_UP))
