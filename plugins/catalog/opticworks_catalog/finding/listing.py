"""A page of a listing or of search results, put together for its template."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from babel.numbers import get_decimal_symbol
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request

from opticworks import kernel
from opticworks.contracts import say
from opticworks.money import Money
from opticworks.plugin import surrogate_keys, whole
from opticworks_catalog.finding import filters, folding, search
from opticworks_catalog.finding.filters import Filters, Listing
from opticworks_catalog.finding.search import Facets, Found
from opticworks_catalog.pages import (
    Card,
    Chip,
    Facet,
    FacetValue,
    FilterPanel,
    PageLink,
    Paging,
    SortView,
)
from opticworks_catalog.present import card, collection_link, product_path
from opticworks_catalog.reading import read_collections
from opticworks_catalog.records import ProductRecord
from opticworks_catalog.settings import CatalogSettings
from opticworks_catalog.slots import rules_of

OPTIONS, VALUES = 6, 24  #: how many options, and values of one, a panel offers
FACET_SECONDS = 30.0  #: how old the counts beside the filters of a whole listing may be
AROUND = 2  #: page numbers shown on either side of the current one


def listing_values(request: Request, listing: Listing, collection: str = "") -> dict[str, Any]:
    """What the templates of listings and search show of products, filters and pages."""
    ctx, number = request.ctx, page_number(request)
    settings: CatalogSettings = ctx.settings["catalog"]
    per_page = settings.per_page
    found = search.find(ctx, listing, collection, limit=per_page, offset=(number - 1) * per_page)
    if not found.products and number > 1:
        raise HTTPNotFound(say("There are no products on that page."))
    levels = kernel.availability(request.db, {s for one in found.products for s in one.skus})
    rules = rules_of(ctx, found.products)
    surrogate_keys(request, *(f"product:{one.handle}" for one in found.products))
    code = found.query.code if found.query else ""
    return {
        "found": found,
        "cards": [_at_variant(card(one, levels, rules), one, code) for one in found.products],
        "sort": listing.sort,
        "sorts": [
            SortView(
                code=one,
                title=say(filters.SORTS[one]),
                url=listing.address(sort=one),
                selected=one == listing.sort,
            )
            for one in listing.sorts
        ],
        "paging": paging(listing, number, found.total, per_page),
        "unread": listing.problem,
        "filters": _panel(request, listing, collection, found),
        "collections": [collection_link(one) for one in read_collections(request.db)],
    }


def _at_variant(shown: Card, product: ProductRecord, code: str) -> Card:
    """The card, leading to the variant whose SKU or barcode was typed, if one was."""
    for variant in product.variants if code and len(product.variants) > 1 else ():
        if code in (folding.code(variant.sku), folding.code(variant.barcode)):
            return replace(shown, url=product_path(product.handle, variant.sku))
    return shown


def _panel(request: Request, listing: Listing, collection: str, found: Found) -> FilterPanel | None:
    """The filters to offer; None where there is nothing to choose from."""
    if found.total < 2 and not listing.filters and not listing.unread:
        return None
    ctx = request.ctx

    def count() -> Facets:
        return search.count(ctx, listing, collection, found.query)

    if listing.filters or found.query is not None:
        facets = count()
    else:
        key = f"catalog.facets:{collection}:{ctx.currency}"
        facets = request.shop.remember(key, FACET_SECONDS, count)
    chosen, currency = listing.filters, ctx.currency
    return FilterPanel(
        action=listing.path,
        count=chosen.count,
        in_stock=chosen.in_stock,
        in_stock_count=facets.in_stock,
        low=_typed(listing, "min", chosen.low, ctx.locale),
        high=_typed(listing, "max", chosen.high, ctx.locale),
        wrong=frozenset(listing.unread),
        lowest="" if facets.low is None else _number(facets.low, currency, ctx.locale),
        highest="" if facets.high is None else _number(facets.high, currency, ctx.locale),
        currency=currency,
        options=_options(facets, chosen),
        hidden=tuple(
            (name, value)
            for name, value in (
                ("q", listing.query or ""),
                ("sort", "" if listing.sort == listing.default_sort else listing.sort),
            )
            if value
        ),
        chips=_chips(listing, ctx.locale),
        clear=listing.address(filters=Filters()),
    )


def _typed(listing: Listing, name: str, limit: int | None, locale: str) -> str:
    """What stands in the field of a limit: what was typed there, also where it is no price."""
    if limit is None:
        return listing.unread.get(name, "")
    return _number(limit, listing.currency, locale)


def _number(minor: int, currency: str, locale: str) -> str:
    """An amount as people of that locale type it; addresses have a point."""
    return filters.typed(minor, currency).replace(".", get_decimal_symbol(locale))


def _options(facets: Facets, chosen: Filters) -> tuple[Facet, ...]:
    """Options with more than one value, those that most products have first."""
    values: dict[str, list[FacetValue]] = {}
    for row in facets.options:
        name, value = row["name"], row["value"]
        selected = value in chosen.options.get(name, ())
        if row["count"] or selected:
            ident = hashlib.sha256(f"{name}\0{value}".encode()).hexdigest()[:8]
            values.setdefault(name, []).append(
                FacetValue(
                    id=f"filter-{ident}",
                    value=value,
                    swatch=row["swatch"],
                    count=row["count"],
                    selected=selected,
                )
            )
    offered = [
        Facet(name=name, field=filters.OPTION + name, values=tuple(each[:VALUES]))
        for name, each in values.items()
        if len(each) > 1 or name in chosen.options
    ]
    offered.sort(key=lambda one: -sum(value.count for value in one.values))
    return tuple(offered[:OPTIONS])


def _chips(listing: Listing, locale: str) -> tuple[Chip, ...]:
    """What is chosen, each with the address without it."""
    chosen = listing.filters
    chips = []
    if chosen.in_stock:
        without = replace(chosen, in_stock=False)
        chips.append(Chip(title=say("In stock"), url=listing.address(filters=without)))
    if chosen.has_price:
        low, high = (
            None if limit is None else Money(limit, listing.currency).format(locale)
            for limit in (chosen.low, chosen.high)
        )
        if low and high:
            title = say("{low} to {high}", low=low, high=high)
        else:
            title = say("from {price}", price=low) if low else say("up to {price}", price=high)
        without = replace(chosen, low=None, high=None)
        chips.append(Chip(title=title, url=listing.address(filters=without)))
    for name, values in chosen.options.items():
        chips += [
            Chip(
                title=f"{name}: {value}",
                url=listing.address(filters=chosen.without_option(name, value)),
            )
            for value in values
        ]
    return tuple(chips)


def page_number(request: Request) -> int:
    """The page asked for. An address that says 1 or nonsense isn't one of ours: 404."""
    text = request.GET.get("page")
    if text is None:
        return 1
    number = whole(text, digits=6)
    if number < 2:
        raise HTTPNotFound(say("There is no page of that number."))
    return number


def paging(listing: Listing, number: int, total: int, per_page: int) -> Paging:
    """Links to the first, the last and the neighbouring pages."""
    last = max(1, -(-total // per_page))
    if last == 1:
        return Paging(total=total)
    near = set(range(number - AROUND, number + AROUND + 1)) | {1, last}
    links: list[PageLink] = []
    for n in sorted(n for n in near if 0 < n <= last):
        if links and n - links[-1].number > 1:
            links.append(PageLink(number=n - 1, url="", selected=False))
        links.append(PageLink(number=n, url=listing.address(n), selected=n == number))
    return Paging(
        total=total,
        links=tuple(links),
        previous=listing.address(number - 1) if number > 1 else "",
        next=listing.address(number + 1) if number < last else "",
    )
