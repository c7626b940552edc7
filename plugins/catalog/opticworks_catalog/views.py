"""The catalogue's pages. None of them looks at the session or the cart, so that any cache may
keep them."""

from __future__ import annotations

import re
from typing import Any

from pyramid.httpexceptions import (
    HTTPException,
    HTTPFound,
    HTTPGone,
    HTTPMovedPermanently,
    HTTPNotFound,
)
from pyramid.request import Request
from pyramid.response import FileResponse, Response

from opticworks import kernel
from opticworks.contracts import N_, say
from opticworks.plugin import Crumb, Page, cacheable, share_picture, surrogate_keys
from opticworks_catalog import images
from opticworks_catalog.finding import filters, handles
from opticworks_catalog.finding.filters import Listing
from opticworks_catalog.finding.listing import listing_values, page_number
from opticworks_catalog.models import HANDLE
from opticworks_catalog.pages import ProductPage
from opticworks_catalog.present import (
    asked_options,
    collection_path,
    product_page,
    product_path,
    select_variant,
)
from opticworks_catalog.reading import read_collections, read_product
from opticworks_catalog.records import CollectionRecord, ProductRecord
from opticworks_catalog.settings import CatalogSettings
from opticworks_catalog.slots import rules_of
from opticworks_catalog.structured import Seller, breadcrumb_data, describe, product_data

MAX_AGE = 60  #: seconds until a change of price or stock shows everywhere, purged or not
FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=300"
#: What is said of an address that nothing has (any more), by what it would have been.
NEVER = {
    handles.PRODUCT: N_("This product doesn't exist, or is no longer shown."),
    handles.COLLECTION: N_("This collection doesn't exist, or is no longer shown."),
}
FORMER = {
    handles.PRODUCT: N_("This product is no longer sold."),
    handles.COLLECTION: N_("This collection was removed."),
}


def _home() -> Crumb:
    return Crumb(title=say("Home"), path="/")


def _products() -> Crumb:
    return Crumb(title=say("Products"), path="/products")


@cacheable(MAX_AGE, ("catalog",))
def product(request: Request) -> dict[str, Any]:
    handle = _handle(request)
    ctx, settings = request.ctx, _settings(request)
    found = read_product(request.db, handle, ctx.currency, settings.related_count)
    if found is None:
        raise _elsewhere(request, handles.PRODUCT, handle)
    _require_address(request, product_path(handle))
    record, related = found
    wanted = asked_options(record, request.GET)
    levels = kernel.availability(request.db, {s for one in (record, *related) for s in one.skus})
    chosen = select_variant(record, levels, request.GET.get("variant", ""), wanted)
    if wanted and chosen.sku != request.GET.get("variant"):
        # The choice of a form without script: every variant has one address.
        raise HTTPFound(product_path(handle, chosen.sku))
    collections = read_collections(request.db)
    view = product_page(
        record, related, collections, levels, chosen, rules_of(ctx, (record, *related))
    )
    surrogate_keys(request, *(f"product:{one.handle}" for one in (record, *related)))
    return {"page": _product_metadata(request, record, view), "product": view}


def _product_metadata(request: Request, record: ProductRecord, view: ProductPage) -> Page:
    base, shop = request.shop.config.base_url, request.ctx.settings["shop"]
    crumbs = [_home(), _products()]
    crumbs += [Crumb(title=one.title, path=one.url) for one in view.collections[:1]]
    description = describe(record, view.description_html, shop.name)
    seller = Seller(
        brand=record.vendor or shop.name,
        countries=shop.countries,
        return_days=_settings(request).return_days,
        display=request.ctx.display,
    )
    price = view.selected.price
    return Page(
        record.seo_title or record.title,
        description=description,
        canonical=base + view.url,
        crumbs=tuple(crumbs),
        image=share_picture(view.gallery[0], base) if view.gallery else None,
        json_ld=(
            product_data(record, view, base, seller, description),
            breadcrumb_data([(crumb.title, crumb.path) for crumb in crumbs], view.title, base),
        ),
        full_title=bool(record.seo_title),
        section="/products",
        kind="product",
        properties=(
            ("product:price:amount", str(price.to_decimal())),
            ("product:price:currency", price.currency),
        ),
    )


@cacheable(MAX_AGE, ("catalog",))
def products(request: Request) -> dict[str, Any]:
    return _listing(request, None)


@cacheable(MAX_AGE, ("catalog",))
def collection(request: Request) -> dict[str, Any]:
    handle = _handle(request)
    for record in read_collections(request.db):
        if record.handle == handle:
            _require_address(request, collection_path(handle))
            return _listing(request, record)
    raise _elsewhere(request, handles.COLLECTION, handle)


def _listing(request: Request, current: CollectionRecord | None) -> dict[str, Any]:
    path = collection_path(current.handle) if current else "/products"
    listing = filters.read(path, None, request.GET, request.ctx.currency)
    values = listing_values(request, listing, current.handle if current else "")
    return {
        **values,
        "page": _listing_metadata(request, current, listing),
        "title": current.title if current else say("All products"),
        "description": current.description if current else "",
        "image": current.image if current else None,
        "current": current.handle if current else "",
    }


def _listing_metadata(request: Request, current: CollectionRecord | None, listing: Listing) -> Page:
    base, shop = request.shop.config.base_url, request.ctx.settings["shop"]
    crumbs = (_home(), _products()) if current else (_home(),)
    heading = current.title if current else say("All products")
    title = (current.seo_title or current.title) if current else say("All products")
    description = (
        (current.seo_description or current.description)
        if current
        else say("Everything that {shop} sells.", shop=shop.name)
    )
    # What is narrowed down or sorted is another view of the same page.
    number = 1 if listing.filters else page_number(request)
    page = say("Page {number}", number=number)
    plain = Listing(path=listing.path, sort=listing.default_sort, currency=listing.currency)
    return Page(
        say("{title}, page {number}", title=title, number=number) if number > 1 else title,
        description=f"{description} {page}." if number > 1 else description,
        canonical=base + plain.address(number),
        robots="noindex" if listing.filters else "",
        crumbs=crumbs,
        image=share_picture(current.image, base) if current and current.image else None,
        json_ld=(breadcrumb_data([(one.title, one.path) for one in crumbs], heading, base),),
        full_title=bool(current and current.seo_title),
        section=listing.path,
    )


def collections_root(request: Request) -> Response:
    raise _moved("/products", request)


def _handle(request: Request) -> str:
    """The handle of the address, however it is written."""
    return str(request.matchdict["handle"]).strip().lower()


def _require_address(request: Request, path: str) -> None:
    """Send an address that is written differently on to the right one."""
    if request.path_info != path:
        raise _moved(path, request)


def _elsewhere(request: Request, kind: str, handle: str) -> HTTPException:
    """What to answer when nothing has the handle: where it leads now, gone, or never there."""
    former = handles.lookup(request.db, kind, handle) if re.fullmatch(HANDLE, handle) else None
    if former is None:
        return HTTPNotFound(say(NEVER[kind]))
    if former.path:
        return _moved(former.path, request)
    return HTTPGone(say(FORMER[kind]))


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
        raise HTTPNotFound(say("This picture doesn't exist."))
    path, mime = found
    response = FileResponse(str(path), request=request, content_type=mime)
    response.headers["Cache-Control"] = FOREVER if request.GET.get("v") else BRIEFLY
    return response
