"""Quotes of the kernel with this plugin's rules, without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from opticworks.contracts import (
    Address,
    Component,
    Ctx,
    Draft,
    Item,
    PriceDisplay,
    Quote,
    ShippingChoice,
)
from opticworks.money import Money
from opticworks.pricing.service import Basket, BasketLine
from opticworks.pricing.service import quote as price
from opticworks_taxes import calculation, rules
from opticworks_taxes.settings import Region

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STARTED = date(2020, 1, 1)


def rate(percent: str, title: str = "VAT", country: str = "DE", **more: Any) -> rules.Rate:
    return rules.Rate(
        country=country, title=title, rate=Decimal(percent) / 100, starts=STARTED, **more
    )


def rates(*given: rules.Rate, covered: bool = True) -> rules.Table:
    return rules.Table(rates=given, covered=covered)


GERMANY = rates(rate("19", shipping=True), rate("7", tax_class="reduced", shipping=True))
FRANCE = rates(rate("20", country="FR", shipping=True))
CALIFORNIA = rates(rate("7.25", "California sales tax", "US"))
VANCOUVER = rates(rate("5", "GST", "CA", shipping=True), rate("7", "PST", "CA", layer=2))


def gross(**more: Any) -> Region:
    more.setdefault("label", "incl. VAT")
    return Region(title="EU", countries=("*",), entered="gross", shown="incl", **more)


def net(**more: Any) -> Region:
    return Region(title="America", countries=("*",), entered="net", shown="excl", **more)


def item(sku: str, minor: int, currency: str = "USD", **more: Any) -> Item:
    return Item(sku=sku, title=sku, unit_price=Money(minor, currency), **more)


def bundle(sku: str, minor: int, *parts: tuple[int, int, str], currency: str = "USD") -> Item:
    """A bundle of (minor units alone, quantity, tax code)."""
    components = tuple(
        Component(
            sku=f"{sku}-{i}",
            quantity=quantity,
            unit_price=Money(alone, currency),
            tax_code=tax_code,
        )
        for i, (alone, quantity, tax_code) in enumerate(parts)
    )
    return item(sku, minor, currency, components=components)


class Rules:
    """The plugin's hooks over a given table and region, as the kernel asks them."""

    def __init__(
        self,
        here: rules.Table,
        region: Region,
        *,
        home: rules.Table | None = None,
        rounding: str = "line",
        exemption: rules.Exemption | None = None,
        discounts: Callable[[Draft], Iterable[Any]] = lambda draft: (),
        more: Callable[[list[Any]], list[Any]] = lambda answers: answers,
    ) -> None:
        self.here, self.region, self.home = here, region, home or here
        self.rounding, self.exemption = rounding, exemption
        self._discounts, self._more = discounts, more

    def price_display(self, address: Address, email: str, ctx: Ctx) -> list[PriceDisplay]:
        exempt = self.exemption is not None
        return [calculation.display(self.region, self.here, self.home, exempt)]

    def discounts(self, draft: Draft, ctx: Ctx) -> list[Any]:
        return [list(self._discounts(draft))]

    def taxes(self, draft: Draft, ctx: Ctx) -> list[Any]:
        args = (draft, self.here, self.region, self.rounding, self.exemption)
        return [self._more(list(calculation.taxes(*args)))]

    def objections(self, quote: Quote, ctx: Ctx) -> list[Any]:
        return []


def quote(
    hooks: Any,
    lines: Mapping[str, int],
    goods: Iterable[Item],
    *,
    shipping: int | None = None,
    currency: str = "USD",
) -> Quote:
    """`lines`: quantity by SKU; `shipping` in minor units, None for nothing to ship."""
    shelf = {one.sku: one for one in goods}
    ctx = Ctx(settings={}, now=NOW, currency=currency, locale="en_US", db=None, mode="test")
    stock = {sku for one in shelf.values() for sku in (one.sku, *(p.sku for p in one.components))}
    choice = None
    if shipping is not None:
        choice = ShippingChoice(
            code="post", title="Post", amount=Money(shipping, currency), provider="post"
        )
    basket = Basket(
        currency=currency,
        lines=tuple(
            BasketLine(sku=sku, quantity=n, price_seen=shelf[sku].unit_price.minor)
            for sku, n in lines.items()
        ),
        free=dict.fromkeys(stock, 10**6),
        address=Address(country="DE"),
        rates=() if choice is None else (choice,),
    )
    return price(SimpleNamespace(**_hooks(hooks)), ctx, basket, shelf, lambda lines: choice)


def _hooks(hooks: Any) -> dict[str, Any]:
    names = ("price_display", "discounts", "taxes", "objections")
    return {name: getattr(hooks, name) for name in names}


def sums(quote: Quote) -> dict[str, int]:
    """Tax in minor units by label and rate, as the customer sees it."""
    found: dict[str, int] = {}
    for step in quote.trace:
        if step.stage == "tax" and step.rate is not None:
            key = f"{step.label} {float(step.rate * 100):g}"
            found[key] = found.get(key, 0) + step.amount.minor
    return found
