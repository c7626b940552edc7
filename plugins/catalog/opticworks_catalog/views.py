"""The catalogue's pages. None of them looks at the session or the cart, so that any cache may
keep them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPFound, HTTPMovedPermanently, HTTPNotFound
from pyramid.request import Request
from pyramid.response import FileResponse, Response

from opticworks import kernel
from opticworks.contracts import Picture
from opticworks.plugin import Crumb, Page, cacheable, surrogate_keys
from opticworks_catalog import images
from opticworks_catalog.models import HANDLE
from opticworks_catalog.pages import PageLink, Paging, SortView
from opticworks_catalog.present import (
    asked_options,
    card,
    collection_link,
    collection_path,
    product_page,
    product_path,
    select_variant,
)
from opticworks_catalog.reading import read_collections, read_listing, read_product
from opticworks_catalog.records import CollectionRecord, ProductRecord
from opticworks_catalog.settings import CatalogSettings
from opticworks_catalog.slots import rules_of
from opticworks_catalog.statements import SORTS
from opticworks_catalog.structured import breadcrumb_data, product_data

MAX_AGE = 60  #: seconds until a change of price or stock shows everywhere, purged or not
FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=300"
HOME = Crumb(title="Home", path="/")
PRODUCTS = Crumb(title="Products", path="/products")


@cacheable(MAX_AGE, ("catalog",))
def product(request: Request) -> dict[str, Any]:
    handle = _handle(request, "/products")
    ctx, settings = request.ctx, _settings(request)
    found = read_product(request.db, handle, ctx.currency, settings.related_count)
    if found is None:
        raise HTTPNotFound("This product doesn't exist, or is no longer shown.")
    record, related = found
    wanted = asked_options(record, request.GET)
    levels = kernel.availability(request.db, {s for one in (record, *related) for s in one.skus})
    chosen = select_variant(record, levels, request.GET.get("variant", ""), wanted)
    if wanted and chosen.sku != request.GET.get("variant"):
        # The choice of a form without script: every variant has one address.
        raise HTTPFound(product_path(handle, chosen.sku))
    collections = read_collections(request.db)
    view = product_page(record, related, collections, levels, chosen, rules_of(ctx))
    surrogate_keys(request, *(f"product:{one.handle}" for one in (record, *related)))
    return {"page": _product_metadata(request, record, view), "product": view}


def _product_metadata(request: Request, record: ProductRecord, view: Any) -> Page:
    base, shop = request.shop.config.base_url, request.ctx.settings["shop"]
    crumbs = [HOME, PRODUCTS]
    crumbs += [Crumb(title=one.title, path=one.url) for one in view.collections[:1]]
    return Page(
        record.seo_title or record.title,
        description=record.seo_description or record.subtitle,
        canonical=base + view.url,
        crumbs=tuple(crumbs),
        image=_absolute(view.gallery[0], base) if view.gallery else None,
        json_ld=(
            product_data(record, view, base, shop.name),
            breadcrumb_data([(crumb.title, crumb.path) for crumb in crumbs], view.title, base),
        ),
        full_title=bool(record.seo_title),
        section="/products",
    )


@cacheable(MAX_AGE, ("catalog",))
def products(request: Request) -> dict[str, Any]:
    return _listing(request, None)


@cacheable(MAX_AGE, ("catalog",))
def collection(request: Request) -> dict[str, Any]:
    handle = _handle(request, "/collections")
    for record in read_collections(request.db):
        if record.handle == handle:
            return _listing(request, record)
    raise HTTPNotFound("This collection doesn't exist, or is no longer shown.")


def _listing(request: Request, current: CollectionRecord | None) -> dict[str, Any]:
    ctx, settings = request.ctx, _settings(request)
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "featured"
    number = _page_number(request)
    records, total = read_listing(
        request.db,
        ctx.currency,
        collection=current.handle if current else "",
        sort=sort,
        limit=settings.per_page,
        offset=(number - 1) * settings.per_page,
    )
    if not records and number > 1:
        raise HTTPNotFound("There are no products on that page.")
    levels = kernel.availability(request.db, {sku for one in records for sku in one.skus})
    rules = rules_of(ctx)
    path = collection_path(current.handle) if current else "/products"
    surrogate_keys(request, *(f"product:{one.handle}" for one in records))
    return {
        "page": _listing_metadata(request, current, path, number),
        "title": current.title if current else "All products",
        "description": current.description if current else "",
        "image": current.image if current else None,
        "current": current.handle if current else "",
        "cards": [card(one, levels, rules) for one in records],
        "sort": sort,
        "sorts": [
            SortView(code=code, title=title, url=_address(path, code), selected=code == sort)
            for code, title in SORTS.items()
        ],
        "paging": _paging(path, sort, number, total, settings.per_page),
        "collections": [collection_link(one) for one in read_collections(request.db)],
    }


def _listing_metadata(
    request: Request, current: CollectionRecord | None, path: str, number: int
) -> Page:
    base, shop = request.shop.config.base_url, request.ctx.settings["shop"]
    crumbs = (HOME, PRODUCTS) if current else (HOME,)
    heading = current.title if current else "All products"
    title = (current.seo_title or current.title) if current else "All products"
    description = (
        (current.seo_description or current.description)
        if current
        else f"Everything that {shop.name} sells."
    )
    return Page(
        f"{title}, page {number}" if number > 1 else title,
        description=description,
        canonical=base + _address(path, page=number),
        crumbs=crumbs,
        image=_absolute(current.image, base) if current and current.image else None,
        json_ld=(breadcrumb_data([(one.title, one.path) for one in crumbs], heading, base),),
        full_title=bool(current and current.seo_title),
        section=path,
    )


def _absolute(picture: Picture, base: str) -> Picture:
    """The picture as other sites fetch it."""
    return replace(picture, src=base + picture.src, srcset={})


def _page_number(request: Request) -> int:
    """The page asked for. An address that says 1 or nonsense isn't one of ours: 404."""
    text = request.GET.get("page")
    if text is None:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 1):
        raise HTTPNotFound("There is no page of that number.")
    return int(text)


def _address(path: str, sort: str = "featured", page: int = 1) -> str:
    query = ([("sort", sort)] if sort != "featured" else []) + (
        [("page", page)] if page > 1 else []
    )
    return f"{path}?{urlencode(query)}" if query else path


def _paging(path: str, sort: str, number: int, total: int, per_page: int) -> Paging:
    last = max(1, -(-total // per_page))
    if last == 1:
        return Paging(total=total)
    return Paging(
        total=total,
        links=tuple(
            PageLink(number=n, url=_address(path, sort, n), selected=n == number)
            for n in range(1, last + 1)
        ),
        previous=_address(path, sort, number - 1) if number > 1 else "",
        next=_address(path, sort, number + 1) if number < last else "",
    )


def collections_root(request: Request) -> Response:
    raise _moved("/products", request)


def _handle(request: Request, root: str) -> str:
    """The handle of the address; one written differently is sent on to the right one."""
    given: str = request.matchdict["handle"]
    handle = given.strip().lower()
    if handle != given and re.fullmatch(HANDLE, handle):
        raise _moved(f"{root}/{handle}", request)
    return handle


def _moved(path: str, request: Request) -> HTTPMovedPermanently:
    quoted = request.environ["QUERY_STRING"]
    return HTTPMovedPermanently(location=f"{path}?{quoted}" if quoted else path)


def _settings(request: Request) -> CatalogSettings:
    settings: CatalogSettings = request.ctx.settings["catalog"]
    return settings


def image(request: Request) -> Response:
    media = request.shop.config.var / "media" / "catalog"
    found = images.find_file(request.matchdict["name"], media)
    if found is None:
        raise HTTPNotFound("This picture doesn't exist.")
    path, mime = found
    response = FileResponse(str(path), request=request, content_type=mime)
    response.headers["Cache-Control"] = FOREVER if request.GET.get("v") else BRIEFLY
    return response
