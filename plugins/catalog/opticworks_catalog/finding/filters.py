"""What a listing is narrowed by, read from its address and written back into others. Pure.

    /products?sort=price&stock=in&min=20&max=80.50&option.Colour=Graphite&option.Colour=White

Every state of a listing is an address, so that filters, sorting and pages are links and forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from opticworks.contracts import N_, said_together, say_number
from opticworks.money import Money

OPTION = "option."
MAX_CHOICES = 40  #: option values in one address; no page has a link with more

RELEVANCE, FEATURED = "relevance", "featured"
SORTS = {
    RELEVANCE: N_("Relevance"),
    FEATURED: N_("Featured"),
    "price": N_("Price: low to high"),
    "-price": N_("Price: high to low"),
    "newest": N_("Newest"),
    "title": N_("Name: A to Z"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Amounts are minor units of the shop's currency, None where there is no limit."""

    in_stock: bool = False
    low: int | None = None
    high: int | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def count(self) -> int:
        """How many there are, as the button says it."""
        values = sum(len(chosen) for chosen in self.options.values())
        return values + self.in_stock + self.has_price

    @property
    def has_price(self) -> bool:
        return self.low is not None or self.high is not None

    def without_option(self, name: str, value: str) -> Filters:
        left = {
            key: tuple(one for one in chosen if (key, one) != (name, value))
            for key, chosen in self.options.items()
        }
        return replace(self, options={key: chosen for key, chosen in left.items() if chosen})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A state of a listing: where it is, what was searched for, how it is narrowed and sorted.
    `unread` has what was typed as a price ("min", "max") and is none: it narrows nothing."""

    path: str
    query: str | None = None  #: None where nothing can be searched for
    filters: Filters = Filters()
    sort: str = ""
    currency: str
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """What to tell somebody whose prices can't be read; empty where there is nothing."""
        if not self.unread:
            return ""
        return say_number(
            "{what} is not a price, so it narrows nothing. Write a number, such as 20.",
            "{what} are not prices, so they narrow nothing. Write a number, such as 20.",
            len(self.unread),
            what=said_together(f"“{text}”" for text in self.unread.values()),
        )

    @property
    def default_sort(self) -> str:
        return RELEVANCE if self.query is not None else FEATURED

    @property
    def sorts(self) -> tuple[str, ...]:
        other = FEATURED if self.query is not None else RELEVANCE
        return tuple(code for code in SORTS if code != other)

    def address(self, page: int = 1, **changes: Any) -> str:
        """The address of this state, or of one that differs in `filters` or `sort`."""
        state = replace(self, **changes) if changes else self
        pairs: list[tuple[str, Any]] = [("q", state.query)] if state.query else []
        pairs += filter_pairs(state.filters, state.currency)
        if state.sort != state.default_sort:
            pairs.append(("sort", state.sort))
        if page > 1:
            pairs.append(("page", page))
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


def read(path: str, query: str | None, given: Any, currency: str) -> Listing:
    """The listing that the fields of an address ask for. What means nothing is ignored, but for
    prices, which people type."""
    listing = Listing(path=path, query=query, currency=currency)
    sort = given.get("sort", "")
    low = _amount(given.get("min", ""), currency)
    high = _amount(given.get("max", ""), currency)
    if low is not None and high is not None and low > high:
        low, high = high, low  # "500 to 10" can only be meant the other way round
    return replace(
        listing,
        sort=sort if sort in listing.sorts else listing.default_sort,
        unread={
            name: text
            for name in ("min", "max")
            if _amount(given.get(name, ""), currency) is None
            and (text := _shown(given.get(name, "")))
        },
        filters=Filters(
            in_stock=given.get("stock") == "in",
            low=low,
            high=high,
            options=_options(given.items()),
        ),
    )


def filter_pairs(filters: Filters, currency: str) -> list[tuple[str, str]]:
    """The filters as fields of an address or hidden fields of a form."""
    pairs = [("stock", "in")] if filters.in_stock else []
    for name, limit in (("min", filters.low), ("max", filters.high)):
        if limit is not None:
            pairs.append((name, typed(limit, currency)))
    for option, values in filters.options.items():
        pairs += [(OPTION + option, value) for value in values]
    return pairs


def typed(minor: int, currency: str) -> str:
    """An amount as a person types it: 8050 cents are "80.50", 2000 are "20"."""
    amount: Decimal = Money(minor, currency).to_decimal()
    return str(amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount)


def _shown(text: str) -> str:
    """What was typed, as far as it can be shown again."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:20]


def _amount(text: str, currency: str) -> int | None:
    if len(text.strip()) > 16:
        return None
    try:
        return Money.typed(text, currency).minor
    except ValueError:
        return None


def _options(given: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {}
    total = 0
    for key, value in given:
        name = key.removeprefix(OPTION)
        fits = name != key and 0 < len(name) <= 255 and 0 < len(value) <= 255
        readable = all(c.isprintable() for c in name + value)
        if fits and readable and value not in chosen.get(name, ()) and total < MAX_CHOICES:
            chosen[name] = (*chosen.get(name, ()), value)
            total += 1
    return chosen
