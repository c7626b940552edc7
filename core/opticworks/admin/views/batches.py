"""Many orders at once: chosen in the list, labelled in the background, printed and handed over."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks.admin import typed as read
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.papers import file
from opticworks.checkout import batches, papers, parcels
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.orders import queries
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LabelBatch, Parcel
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

LIST = Crumb(title="Shipping", path="/admin/shipping")
RULES = {
    "ordered": "the way that each customer chose",
    "cheapest": "the cheapest rate",
    "fastest": "the fastest rate",
    "within": "the cheapest rate within {} days",
    "preferred": "the cheapest rate of your preferred carriers",
}


class Candidate(NamedTuple):
    """An order that was chosen, and why it can't be sent, if it can't."""

    order: Order
    what: str
    reason: str


class Row(NamedTuple):
    """An order of a batch with its labels."""

    number: str
    status: str
    sentence: str
    parcels: list[Parcel]
    cost: str


def _chosen(request: Request) -> list[str]:
    """The orders that the address or the form names; all that wait with `all`."""
    if request.params.get("all") == "1":
        return list(queries.numbers_to_ship(request.db, batches.MOST_ORDERS))
    numbers = (text.strip().upper() for text in request.params.getall("order"))
    return list(dict.fromkeys(filter(None, numbers)))[: batches.MOST_ORDERS]


def _candidates(request: Request, numbers: list[str]) -> list[Candidate]:
    """The orders of these numbers, read in as many statements as one would cost."""
    db, found = request.db, orders.by_numbers(request.db, numbers)
    objections = parcels.objections(db, found)
    begun = shipments.unlabelled(db, [order.id for order in found])
    candidates = []
    for bench in parcels.benches(db, found):
        order, reason = bench.order, objections.get(bench.order.id, "")
        units = sum(max(left, 0) for left in bench.left.values())
        if not reason and not units and order.id not in begun:
            reason = "Everything of it is packed and labelled already."
        what = f"{units} {'item' if units == 1 else 'items'} to pack" if units else ""
        candidates.append(Candidate(order, what, reason))
    return candidates


def _new_page(request: Request, error: str = "") -> dict[str, Any]:
    shop = request.shop
    settings = shop.settings["shipping"]
    candidates = _candidates(request, _chosen(request))
    return {
        "page": Page("Fulfil orders", crumbs=(LIST,)),
        "ready": [each for each in candidates if not each.reason],
        "refused": [each for each in candidates if each.reason],
        "rule": RULES[settings.rule].format(settings.within_days),
        "boxes": len(settings.boxes),
        "most": request.POST.get("most", str(settings.most_cost)),
        "currency": shop.settings["shop"].currency,
        "form": request.POST.get("form") or str(uuid.uuid4()),
        "error": error,
        "everything": request.params.get("all") == "1",
        "amount": lambda order: Money(order.total, order.currency).format(
            shop.settings["shop"].locale
        ),
    }


@admin_view(
    "admin.shipping.new", "orders.fulfil", renderer="admin/batch_new.pt", request_method="GET"
)
def new(request: Request) -> dict[str, Any]:
    return _new_page(request)


@admin_view(
    "admin.shipping.new", "orders.fulfil", renderer="admin/batch_new.pt", request_method="POST"
)
def begin(request: Request) -> dict[str, Any] | Response:
    try:
        most = _most(request)
        batch_id = read.key(request.POST.get("form", ""))
        ready = [each for each in _candidates(request, _chosen(request)) if not each.reason]
        if not ready and batches.batch_of(request.db, batch_id) is None:
            raise Refused("None of these orders can be sent. Choose others in the list of orders.")
    except Refused as error:
        request.response.status_int = 422
        return _new_page(request, str(error))
    numbers = [each.order.number for each in ready]
    request.db.close()
    actor = request.identity.email
    batches.begin_batch(request.shop, numbers, actor=actor, most=most, batch_id=batch_id)
    return HTTPSeeOther(request.route_path("admin.shipping.batch", batch=batch_id))


def _most(request: Request) -> int | None:
    text = request.POST.get("most", "").strip()
    if not text:
        return None
    try:
        most = Money.parse(text, request.shop.settings["shop"].currency).minor
    except ValueError as error:
        raise Refused(f"The limit can't be used. {error}") from None
    if most < 0:
        raise Refused("The limit must not be less than nothing.")
    return most


# --- one batch ------------------------------------------------------------------------------------


def _found(request: Request) -> tuple[LabelBatch, list[Row]]:
    try:
        batch_id = uuid.UUID(request.matchdict["batch"])
    except ValueError:
        raise HTTPNotFound("There is no such batch. Choose one in the list.") from None
    found = batches.batch_of(request.db, batch_id)
    if found is None:
        raise HTTPNotFound("There is no such batch. Choose one in the list.")
    labelled: dict[str, list[Parcel]] = {}
    for number, parcel in batches.parcels_of(request.db, batch_id):
        labelled.setdefault(number, []).append(parcel)
    rows = []
    for row in found[1]:
        mine = labelled.get(row.number, [])
        costs = [Money(each.cost, each.currency) for each in mine if each.cost is not None]
        cost = sum(costs[1:], costs[0]).format() if costs else ""
        rows.append(Row(row.number, row.status, row.sentence, mine, cost))
    return found[0], rows


@admin_view(
    "admin.shipping.batch", "orders.fulfil", renderer="admin/batch.pt", request_method="GET"
)
def show(request: Request) -> dict[str, Any]:
    batch, rows = _found(request)
    count = {name: sum(row.status == name for row in rows) for name in batches.RANK}
    labelled = [parcel for row in rows for parcel in row.parcels]
    formats = shipments.label_formats(request.db, [parcel.id for parcel in labelled])
    costs = [Money(each.cost, each.currency) for each in labelled if each.cost is not None]
    return {
        "page": Page(f"Batch of {len(rows)} orders", crumbs=(LIST,)),
        "batch": batch,
        "rows": rows,
        "count": count,
        "settled": len(rows) - count["waiting"],
        "labelled": len(labelled),
        "here_left": sum(parcel.status == "bought" for parcel in labelled),
        "cost": sum(costs[1:], costs[0]).format() if costs else "",
        "zpl": "ZPL" in formats,
        "printable": bool(formats & set(papers.PRINTABLE)),
        "words": words,
    }


@admin_view("admin.shipping.batch", "orders.fulfil", request_method="POST")
def act(request: Request) -> Response:
    batch, _rows = _found(request)
    deed, shop = request.POST.get("do", ""), request.shop
    request.db.close()
    here = request.route_path("admin.shipping.batch", batch=batch.id)
    if deed == "again":
        number = batches.again(shop, batch.id)
        flash(request, f"{number} {'order is' if number == 1 else 'orders are'} tried again.")
    elif deed == "hand_over":
        done = batches.hand_over_all(shop, batch.id, actor=request.identity.email)
        if done.number or not done.refused:
            parts = "parcel is" if done.number == 1 else "parcels are"
            flash(request, f"{done.number} {parts} on the way, and the customers are told.")
        if done.left:
            flash(request, f"{done.left} are still here: go on with handing over.", "problem")
        for sentence in done.refused[:5]:
            flash(request, sentence, "problem")
    else:
        flash(request, read.INCOMPLETE, "problem")
    return HTTPSeeOther(here)


@admin_view("admin.shipping.batch.file", "orders.fulfil", request_method=("GET", "HEAD"))
def download(request: Request) -> Response:
    """All labels of the batch as one PDF or ZPL file, or all its packing slips."""
    batch, _rows = _found(request)
    wanted = (request.matchdict["name"], request.matchdict["format"])
    # With a label that was to be given back nothing is sent, whatever the vendor answers yet.
    pairs = [each for each in batches.parcels_of(request.db, batch.id) if not each[1].void]
    stamp = batch.created_at.strftime("%Y%m%d-%H%M")
    if not pairs:
        raise HTTPNotFound("No label of this batch is bought yet. Open the batch again.")
    if wanted == ("labels", "pdf"):
        content = papers.labels_pdf(request.db, pairs, f"{len(pairs)} labels")
        return file(content, f"labels-{stamp}.pdf")
    if wanted == ("labels", "zpl"):
        content = papers.labels_zpl(request.db, pairs)
        return file(content, f"labels-{stamp}.zpl", "application/octet-stream")
    if wanted == ("slips", "pdf"):
        from opticworks.documents import slip  # draws PDFs: 20 MB that few need

        found = []
        for number in dict.fromkeys(number for number, _ in pairs):
            order = orders.by_number(request.db, number)
            ids = {parcel.id for each, parcel in pairs if each == number}
            found += papers.slips(request.shop, request.db, order, ids) if order else []
        paper = papers.slip_paper(request.shop.settings["documents"])
        return file(slip.pdf(found, paper), f"packing-slips-{stamp}.pdf")
    raise HTTPNotFound("There is no such file of this batch.")
