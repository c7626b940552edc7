"""A product's page in the shop before anybody else can see it."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import func, update

from opticworks import kernel
from opticworks.plugin import Page, admin_view, flash
from opticworks_catalog.admin import PATH, READ
from opticworks_catalog.admin.editor import product_id, stored_product
from opticworks_catalog.models import PUBLISHED, Product
from opticworks_catalog.present import asked_options, product_page, select_variant
from opticworks_catalog.reading import read_collections, read_product
from opticworks_catalog.slots import rules_of


@admin_view(
    "catalog.admin.product.preview",
    READ.code,
    renderer="catalog/product.pt",
    request_method=("GET", "HEAD"),
)
def preview(request: Request) -> dict[str, Any] | Response:
    """The shop's own page of the product as it would be once published; nothing is changed."""
    key = product_id(request)
    product = stored_product(request, key)
    db, ctx = request.db, request.ctx
    # The page is read as if the product were published, and that is taken back at once.
    as_if = db.begin_nested()
    db.execute(
        update(Product)
        .where(Product.id == key)
        .values(status=PUBLISHED, published_at=func.now())
        .execution_options(synchronize_session=False)
    )
    found = read_product(db, product.handle, ctx.currency, 0)
    as_if.rollback()
    if found is None:
        flash(request, "There is nothing to show yet: give it a variant with a price.", "problem")
        return HTTPSeeOther(f"{PATH}/{key}")
    record, _ = found
    levels = kernel.availability(db, set(record.skus))
    chosen = select_variant(
        record, levels, request.GET.get("variant", ""), asked_options(record, request.GET)
    )
    view = product_page(record, (), read_collections(db), levels, chosen, rules_of(ctx))
    page = Page(f"Preview: {record.title}", robots="noindex", section="/products")
    return {"page": page, "product": view}
