"""Duplicating a product, taking it out of sight, and deleting it for good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks import kernel
from opticworks.plugin import Crumb, Page, admin_view, flash
from opticworks_catalog import writing
from opticworks_catalog.admin import EDIT, PATH
from opticworks_catalog.admin.editor import LIST, product_id, stored_product
from opticworks_catalog.finding import handles
from opticworks_catalog.models import ARCHIVED, DRAFT, Product, Variant


@admin_view("catalog.admin.product.duplicate", EDIT.code, request_method="POST")
def duplicate(request: Request) -> Response:
    """A draft like it, with a handle and SKUs of its own, without stock and pictures."""
    product = stored_product(request, product_id(request))
    db = request.db
    number = 1
    while True:
        tail = "-copy" if number == 1 else f"-copy-{number}"
        handle = product.handle[: 255 - len(tail)] + tail
        skus = {v.sku: v.sku[: 255 - len(tail)] + tail.upper() for v in product.variants}
        taken = db.scalar(select(Product.id).where(Product.handle == handle)) or db.scalar(
            select(Variant.id).where(Variant.sku.in_(skus.values())).limit(1)
        )
        if not taken:
            break
        number += 1
    copy = replace(
        product,
        handle=handle,
        title=f"{product.title[:245]} (copy)",
        status=DRAFT,
        variants=tuple(
            replace(variant, sku=skus[variant.sku], barcode="") for variant in product.variants
        ),
    )
    try:
        saved = writing.save(db, copy)
    except writing.Invalid as error:
        flash(request, str(error), "problem")
        return HTTPSeeOther(f"{PATH}/{product_id(request)}")
    kernel.audit(
        db, request.identity.email, "catalog.duplicated", f"product {product.title}", copy=handle
    )
    flash(request, "This is the copy: a draft without stock. Change it, then publish it.")
    return HTTPSeeOther(f"{PATH}/{saved.product_id}")


def _page(request: Request, error: str = "") -> dict[str, Any]:
    key = product_id(request)
    product = stored_product(request, key)
    if error:
        request.response.status_int = 422
    skus = [variant.sku for variant in product.variants]
    blocked = writing.needed(request.db, skus)
    levels = kernel.availability(request.db, skus)
    held = sum(level.held for level in levels.values())
    kept = (
        f"Units kept for orders: {held}. They stay kept, and those orders are sent as usual."
        if held
        else "No order is waiting for it."
    )
    return {
        "page": Page(
            "Archive or delete",
            crumbs=(LIST, Crumb(title=product.title, path=f"{PATH}/{key}")),
        ),
        "product": product,
        "action": f"{PATH}/{key}/remove",
        "back": f"{PATH}/{key}",
        "error": error if error != blocked else "",
        "blocked": blocked,
        "archived": product.status == ARCHIVED,
        "effects": [
            ("trash-2", f"Its page, {len(product.variants)} variants and pictures are removed."),
            ("package", "Orders stay as they are: each keeps its own record of what was sold."),
            ("boxes", kept),
            ("triangle-alert", "This can't be undone."),
        ],
    }


def _target(request: Request, key: int) -> handles.Target | None:
    """Where the product's addresses lead from now on. Raises ValueError with a sentence."""
    handle = request.POST.get("lead", "")
    handle = handle.strip().rpartition("/")[2].lower()[:255] if isinstance(handle, str) else ""
    if not handle:
        return None
    found = writing.find(request.db, [handle]).get(handle)
    if found is None or found == key:
        raise ValueError(f"There is no other product with the address {handle!r}.")
    return handles.Target(handles.PRODUCT, found)


@admin_view(
    "catalog.admin.product.remove",
    EDIT.code,
    renderer="admin/catalog/remove.pt",
    request_method=("GET", "HEAD"),
)
def remove_form(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view(
    "catalog.admin.product.remove",
    EDIT.code,
    renderer="admin/catalog/remove.pt",
    request_method="POST",
)
def remove(request: Request) -> dict[str, Any] | Response:
    key = product_id(request)
    product = stored_product(request, key)
    actor, subject = request.identity.email, f"product {product.title}"
    verb = request.POST.get("do", "")
    if verb == "archive":
        writing.archive(request.db, key)
        kernel.audit(request.db, actor, "catalog.archived", subject)
        flash(request, f"{product.title} is archived. Its status brings it back.")
        return HTTPSeeOther(f"{PATH}/{key}")
    typed = request.POST.get("confirm", "")
    if not isinstance(typed, str) or typed.strip().casefold() != product.title.strip().casefold():
        return _page(request, "Nothing was deleted: what you typed is not the title.")
    try:
        writing.delete(request.db, key, target=_target(request, key))
    except ValueError as error:  # writing.Invalid is one
        return _page(request, str(error))
    kernel.audit(request.db, actor, "catalog.deleted", subject, handle=product.handle)
    flash(request, f"{product.title} was deleted.")
    return HTTPSeeOther(PATH)
