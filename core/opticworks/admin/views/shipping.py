"""Shipping of the day: parcels for the carriers' forms, batches of labels, what labels cost."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import func, select, union_all

from opticworks.admin import typed as read
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.papers import file
from opticworks.checkout import batches, manifests
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.orders import queries
from opticworks.returns.models import ReturnLabel
from opticworks.shipping.models import LabelBatch, LabelBatchOrder, Manifest, Parcel
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

SHOWN = 20
MONTHS = 6


class BatchRow(NamedTuple):
    id: uuid.UUID
    at: datetime
    actor: str
    orders: int
    done: int
    failed: int


class MonthRow(NamedTuple):
    """What labels of a month cost, what of it came back, and what is still awaited."""

    month: datetime
    labels: int
    bought: str
    back: str
    awaited: str
    net: str


def _batches(request: Request) -> list[BatchRow]:
    status = LabelBatchOrder.status
    rows = request.db.execute(
        select(
            LabelBatch.id,
            LabelBatch.created_at,
            LabelBatch.actor,
            func.count(),
            func.count().filter(status == "done"),
            func.count().filter(status == "failed"),
        )
        .join(LabelBatchOrder, LabelBatchOrder.batch_id == LabelBatch.id)
        .group_by(LabelBatch.id)
        .order_by(LabelBatch.created_at.desc())
        .limit(SHOWN)
    )
    return [BatchRow(*row) for row in rows]


def _months(request: Request) -> list[MonthRow]:
    """Labels of parcels and returns by the month in which they were bought. Money counts as back
    once it is."""
    zone = request.shop.settings["shop"].timezone
    labels = union_all(
        *(
            select(table.bought_at, table.currency, table.cost, table.void).where(
                table.bought_at.is_not(None), table.cost.is_not(None)
            )
            for table in (Parcel, ReturnLabel)
        )
    ).subquery()
    # One expression for what is selected and grouped by: its parameters must be the same.
    month = func.date_trunc("month", func.timezone(zone, labels.c.bought_at)).label("month")
    void, cost = labels.c.void, func.sum(labels.c.cost)
    rows = request.db.execute(
        select(
            month,
            labels.c.currency,
            func.count(),
            cost,
            func.coalesce(cost.filter(void == "done"), 0),
            func.coalesce(cost.filter(void.in_(("asking", "pending"))), 0),
        )
        .group_by(month, labels.c.currency)
        .order_by(month.desc(), labels.c.currency)
        .limit(MONTHS)
    )
    locale = request.shop.settings["shop"].locale
    return [
        MonthRow(
            month,
            count,
            *(
                Money(int(minor), currency).format(locale)
                for minor in (cost, back, awaited, cost - back)
            ),
        )
        for month, currency, count, cost, back, awaited in rows
    ]


def _page(request: Request, error: str = "") -> dict[str, Any]:
    shop, db = request.shop, request.db
    today = shop.now().astimezone(ZoneInfo(shop.settings["shop"].timezone)).date()
    midnight = datetime.combine(today, time(), ZoneInfo(shop.settings["shop"].timezone))
    made = manifests.newest(db)
    return {
        "page": Page("Shipping"),
        "waiting": manifests.waiting(shop, db, midnight) if manifests.providers(shop) else [],
        "forms": bool(manifests.providers(shop)),
        "manifests": [(each, _parcels_on(request, each)) for each in made],
        "working": any(each.status in ("asking", "working") for each in made),
        "batches": _batches(request),
        "months": _months(request),
        "to_ship": len(queries.numbers_to_ship(db, batches.MOST_ORDERS)),
        "form": str(uuid.uuid4()),
        "error": error,
        "words": words,
    }


def _parcels_on(request: Request, manifest: Manifest) -> int:
    query = select(func.count()).where(Parcel.manifest_id == manifest.id)
    return request.db.scalar(query) or 0


@admin_view("admin.shipping", "orders.fulfil", renderer="admin/shipping.pt", request_method="GET")
def overview(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view("admin.shipping", "orders.fulfil", renderer="admin/shipping.pt", request_method="POST")
def make_form(request: Request) -> dict[str, Any] | Response:
    """Begin a form for the carrier of the ticked parcels."""
    try:
        wanted = [read.key(text) for text in request.POST.getall("parcel")]
        form = read.key(request.POST.get("form", ""))
        if not wanted:
            raise Refused("Choose the parcels that the carrier takes along.")
        request.db.close()
        manifests.begin(request.shop, wanted, actor=request.identity.email, manifest_id=form)
    except Refused as error:
        request.response.status_int = 422
        return _page(request, str(error))
    flash(request, "The form is being made. Print it when it is ready.")
    return HTTPSeeOther(request.route_path("admin.shipping"))


@admin_view("admin.shipping.manifest", "orders.fulfil", request_method=("GET", "HEAD"))
def manifest(request: Request) -> Response:
    """The form as its vendor made it."""
    try:
        found = request.db.get(Manifest, uuid.UUID(request.matchdict["manifest"]))
    except ValueError:
        found = None
    if found is None or found.content is None:
        raise HTTPNotFound("There is no such form (yet). Open the list of forms again.")
    return file(found.content, f"form-{found.carrier}-{found.created_at:%Y%m%d}.pdf")
