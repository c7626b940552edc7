"""Runs a listing's or a search's statements: the page, and the counts beside its filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from opticworks.contracts import Ctx
from opticworks_catalog.finding import query as queries
from opticworks_catalog.finding import statements
from opticworks_catalog.finding.filters import Listing
from opticworks_catalog.finding.index import language_of
from opticworks_catalog.finding.query import Query
from opticworks_catalog.finding.statements import Shape
from opticworks_catalog.reading import read_page
from opticworks_catalog.records import ProductRecord

ANY_PRICE = (0, 2**62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of products; `query` as it was understood in the end, None without one."""

    products: tuple[ProductRecord, ...]
    total: int
    query: Query | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Counts of products for the filters of a listing; prices are minor units."""

    in_stock: int
    low: int | None
    high: int | None
    options: tuple[dict[str, Any], ...]


def find(ctx: Ctx, listing: Listing, collection: str, *, limit: int, offset: int) -> Found:
    """A page of the listing. A search that finds nothing is tried again with its typos mended,
    then with any of its words; which one it was is in the answer's query."""
    if listing.query is None:
        return _page(ctx, listing, collection, None, limit, offset)
    typed = queries.read(ctx.db, listing.query, language_of(ctx.locale))
    for query in _meanings(ctx, typed):
        found = _page(ctx, listing, collection, query, limit, offset)
        if found.products:
            return found
        if (listing.filters or offset) and _finds_any(ctx, listing, collection, query):
            return found  # it is the filters, or a page behind the last one
    return Found(products=(), total=0, query=typed)


def _meanings(ctx: Ctx, typed: Query) -> Iterator[Query]:
    if not typed:
        return
    yield typed
    language = language_of(ctx.locale)
    best = queries.corrected(ctx.db, typed, language)
    if best is not None:
        yield best
    if len(typed.words) > 1:
        yield queries.partly(ctx.db, best or typed, language)


def count(ctx: Ctx, listing: Listing, collection: str, query: Query | None) -> Facets:
    """What the filters of the listing offer."""
    shape = _shape(ctx, listing, collection, query)
    values = _values(ctx, listing, collection, query)
    if query is not None:
        values["document"] = query.counted
    row = ctx.db.execute(statements.facets(shape), values).one()
    return Facets(in_stock=row.in_stock, low=row.low, high=row.high, options=tuple(row.options))


def _page(
    ctx: Ctx, listing: Listing, collection: str, query: Query | None, limit: int, offset: int
) -> Found:
    values = _values(ctx, listing, collection, query)
    products, total = read_page(
        ctx.db,
        _shape(ctx, listing, collection, query),
        {**values, "limit": limit, "offset": offset},
    )
    return Found(products=products, total=total, query=query)


def _finds_any(ctx: Ctx, listing: Listing, collection: str, query: Query) -> bool:
    shape = Shape(sort=listing.default_sort, collection=bool(collection), query=True)
    values = {**_values(ctx, listing, collection, query), "limit": 1, "offset": 0}
    return bool(read_page(ctx.db, shape, values)[0])


def _shape(ctx: Ctx, listing: Listing, collection: str, query: Query | None) -> Shape:
    filters = listing.filters
    return Shape(
        sort=listing.sort,
        collection=bool(collection),
        query=query is not None,
        stock=filters.in_stock,
        price=filters.has_price,
        options=bool(filters.options),
        converted=bool(ctx.display.factors),
    )


def _values(ctx: Ctx, listing: Listing, collection: str, query: Query | None) -> dict[str, Any]:
    filters = listing.filters
    pairs = [(name, value) for name, chosen in filters.options.items() for value in chosen]
    values: dict[str, Any] = {
        "currency": ctx.currency,
        "collection": collection,
        "low": ANY_PRICE[0] if filters.low is None else filters.low,
        "high": ANY_PRICE[1] if filters.high is None else filters.high,
        "option_names": [name for name, _ in pairs],
        "option_values": [value for _, value in pairs],
        "option_count": len(filters.options),
        "factor_codes": list(ctx.display.factors),
        "factors": [_decimal(factor) for factor in ctx.display.factors.values()],
    }
    if query is not None:
        values |= {
            "document": query.document,
            "exact": query.exact,
            "code": query.code,
            "phrase": query.phrase,
        }
    return values


def _decimal(factor: Fraction) -> Decimal:
    """Exact enough for every amount that the database holds."""
    with localcontext(prec=40):
        return Decimal(factor.numerator) / Decimal(factor.denominator)
