"""What is printed of orders: invoices, packing slips, labels as their vendors made them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pyramid.httpexceptions import HTTPGone, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin.shell import flash
from opticworks.admin.views.orders import find
from opticworks.audit import service as audit
from opticworks.checkout import credit_notes, papers
from opticworks.documents import service as documents
from opticworks.orders import service as orders
from opticworks.shipping import service as shipments
from opticworks.web.policy import admin_view

if TYPE_CHECKING:
    from opticworks.documents.slip import Slip

MIME_TYPES = {"PDF": "application/pdf", "PNG": "image/png", "ZPL": "application/octet-stream"}
MOST_SLIPS = 250  #: orders whose slips go into one file


def file(content: bytes, name: str, content_type: str = "application/pdf") -> Response:
    """A file that the browser shows, or keeps under that name."""
    response = Response(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@admin_view("admin.order.invoice", "orders.read", request_method="POST")
def write(request: Request) -> Response:
    """Write the invoice of an order that has none, since it was paid before the shop wrote any."""
    view = find(request)[1]
    invoice = credit_notes.write_invoice(request.shop.ctx(request.db), view)
    if invoice is None:
        flash(request, "There is no invoice yet: it is written when the order is paid.", "problem")
    else:
        about = f"order {view.number}"
        audit.record(request.db, request.identity.email, "invoice.written", about)
        flash(request, f"The invoice is {invoice.number}.")
    return HTTPSeeOther(request.route_path("admin.order", number=view.number))


@admin_view("admin.order.document", "orders.read", request_method=("GET", "HEAD"))
def document(request: Request) -> Response:
    """An invoice or a credit note of the order, drawn from what was frozen in it."""
    from opticworks.documents import sheet  # draws PDFs: 20 MB that few need

    order, _ = find(request)
    wanted = request.matchdict["document"]
    found = next(
        (each for each in documents.of_order(request.db, order.number) if str(each.id) == wanted),
        None,
    )
    if found is None:
        raise HTTPNotFound("There is no such document of this order.")
    gettext = request.shop.templates.gettext(found.facts["locale"])
    return file(sheet.pdf(found, gettext), sheet.filename(found))


@admin_view("admin.order.slip", "orders.fulfil", request_method=("GET", "HEAD"))
def order_slips(request: Request) -> Response:
    """The packing slips of the order's parcels, or of the one that the address names."""
    order, _ = find(request)
    wanted = None
    if "parcel" in request.GET:
        try:
            wanted = {uuid.UUID(request.GET["parcel"])}
        except ValueError:
            wanted = set()
    found = papers.slips(request.shop, request.db, order, wanted)
    if not found:
        raise HTTPNotFound("There is nothing of this order to be packed.")
    return _slips(request, found, f"packing-slip-{order.number}.pdf")


@admin_view("admin.shipping.slips", "orders.fulfil", request_method=("GET", "HEAD"))
def many_slips(request: Request) -> Response:
    """The packing slips of many orders, in the order in which they were chosen."""
    found = []
    for number in list(dict.fromkeys(request.GET.getall("order")))[:MOST_SLIPS]:
        order = orders.by_number(request.db, number)
        if order is not None:
            found += papers.slips(request.shop, request.db, order)
    if not found:
        raise HTTPNotFound("Nothing of these orders is to be packed. Choose others in the list.")
    return _slips(request, found, "packing-slips.pdf")


def _slips(request: Request, found: list[Slip], name: str) -> Response:
    from opticworks.documents import slip  # draws PDFs: 20 MB that few need

    paper = papers.slip_paper(request.shop.settings["documents"])
    return file(slip.pdf(found, paper), name)


@admin_view("admin.order.label", "orders.fulfil", request_method=("GET", "HEAD"))
def label(request: Request) -> Response:
    """The label as its vendor made it, to be printed."""
    order, _ = find(request)
    try:
        parcel = shipments.get(request.db, uuid.UUID(request.matchdict["parcel"]))
    except ValueError:
        parcel = None
    files = shipments.label_files(request.db, parcel.id) if parcel is not None else ()
    wanted = request.matchdict["format"].upper()
    found = next((file for file in files if file.format == wanted), None)
    if parcel is None or parcel.order_id != order.id or found is None:
        raise HTTPNotFound("There is no such label here (yet). Open the order's parcels again.")
    if parcel.void:  # the carrier may charge for what is sent with it, or not take it at all
        raise HTTPGone("This label was given back, or was to be. Send nothing with it.")
    name = f"label-{order.number}-{parcel.position}.{wanted.lower()}"
    return file(found.content, name, MIME_TYPES.get(wanted, "application/octet-stream"))
