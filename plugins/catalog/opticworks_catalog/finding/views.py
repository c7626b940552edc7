"""The search page and the suggestions below a search field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyramid.request import Request

from opticworks import kernel
from opticworks.contracts import say
from opticworks.plugin import Crumb, Page, cacheable
from opticworks_catalog.finding import filters, folding, query, search
from opticworks_catalog.finding.listing import listing_values
from opticworks_catalog.present import card, collection_path
from opticworks_catalog.reading import read_collections
from opticworks_catalog.slots import rules_of

PATH = "/search"
MAX_AGE = 60
SHORTEST = 2  #: letters from which on suggestions are made
PRODUCTS, OTHERS = 6, 3  #: suggestions of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A collection or a text page that fits a query."""

    title: str
    url: str


def other_links(request: Request, text: str) -> tuple[list[Link], list[Link]]:
    """Collections and text pages whose titles have every word of the query, or one's beginning."""
    wanted = folding.words(text)
    if not wanted:
        return [], []

    def fits(title: str) -> bool:
        there = [*folding.words(title), *folding.compounds(title)]
        return all(any(word.startswith(one) for word in there) for one in wanted)

    collections = [
        Link(title=one.title, url=collection_path(one.handle))
        for one in read_collections(request.db)
        if fits(one.title)
    ]
    pages = [
        Link(title=one.title, url=one.path)
        for one in kernel.text_pages(request.db)
        if fits(one.title)
    ]
    return collections, pages


@cacheable(MAX_AGE, ("catalog",))
def search_page(request: Request) -> dict[str, Any]:
    text = query.shown(request.GET.get("q", ""))
    listing = filters.read(PATH, text, request.GET, request.ctx.currency)
    values = listing_values(request, listing)
    collections, pages = other_links(request, text)
    number = request.GET.get("page")
    title = say("Search: {text}", text=text) if text else say("Search")
    plain = filters.Listing(
        path=PATH, query=text, sort=listing.default_sort, currency=listing.currency
    )
    return {
        **values,
        "text": text,
        "collection_links": collections,
        "page_links": pages,
        "page": Page(
            say("{title}, page {number}", title=title, number=number) if number else title,
            description=say("Find products by name, SKU or what they are made for."),
            canonical=request.shop.config.base_url + plain.address(int(number or 1)),
            robots="noindex",
            crumbs=(Crumb(title=say("Home"), path="/"),),
            section=PATH,
        ),
    }


@cacheable(MAX_AGE, ("catalog",))
def suggest(request: Request) -> dict[str, Any]:
    """A fragment for below the search field: products, collections and pages."""
    text, ctx = query.shown(request.GET.get("q", "")), request.ctx
    empty = {"text": text, "cards": [], "total": 0, "collections": [], "pages": [], "url": ""}
    if len("".join(folding.words(text))) < SHORTEST:
        return empty
    listing = filters.read(PATH, text, {}, ctx.currency)
    found = search.find(ctx, listing, "", limit=PRODUCTS, offset=0)
    levels = kernel.availability(request.db, {s for one in found.products for s in one.skus})
    rules = rules_of(ctx)
    collections, pages = other_links(request, text)
    return {
        "text": text,
        "cards": [card(one, levels, rules) for one in found.products],
        "total": found.total,
        "collections": collections[:OTHERS],
        "pages": pages[:OTHERS],
        "url": listing.address(),
    }
