"""The admin's list of what was checked of customers' VAT IDs."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from opticworks import kernel
from opticworks.plugin import Page, admin_view, flash
from opticworks_taxes.admin import EDIT, LIST, READ, SEE, VAT_IDS, tabs
from opticworks_taxes.models import VatCheck

MOST = 200


@admin_view("taxes.vat_ids", READ.code, renderer="admin/taxes/vat_ids.pt", request_method=SEE)
def checks(request: Request) -> dict[str, Any]:
    newest = select(VatCheck).order_by(VatCheck.checked_at.desc(), VatCheck.order_number)
    return {
        "page": Page("VAT IDs", crumbs=(LIST,)),
        "tabs": tabs(VAT_IDS),
        "rows": request.db.scalars(newest.limit(MOST)).all(),
        "most": MOST,
        "may_edit": EDIT.code in request.identity.permissions,
    }


@admin_view("taxes.vat_id.seen", EDIT.code, request_method="POST")
def seen(request: Request) -> Response:
    """Somebody has seen to an order whose VAT ID is not registered."""
    row = request.db.get(VatCheck, request.matchdict["number"])
    if row is None:
        raise HTTPNotFound("No VAT ID was checked for this order.")
    row.seen_by = request.identity.email
    kernel.audit(
        request.db, request.identity.email, "taxes.vat_id.seen", f"order {row.order_number}"
    )
    flash(request, f"The VAT ID of order {row.order_number} is seen to.")
    return HTTPSeeOther(VAT_IDS)
