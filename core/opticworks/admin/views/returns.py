"""Returns: the list, one return, its label and its refund.

Answering and receiving are done in the request's transaction; what speaks to a carrier or to a
payment provider runs outside of it (opticworks.web.transactions).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.admin import money, words
from opticworks.admin import typed as read
from opticworks.admin.shell import flash
from opticworks.admin.timeline import Entry
from opticworks.admin.views.papers import MIME_TYPES
from opticworks.admin.views.parcels import money_of
from opticworks.admin.views.refunds import told
from opticworks.checkout import purchase, refund_plan, return_labels, return_refund, returns
from opticworks.checkout.return_refund import Terms
from opticworks.checkout.returns import Arrived
from opticworks.checkout.settle import Refused
from opticworks.jobs import defer
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.returns import queries
from opticworks.returns import service as cases
from opticworks.returns.models import Return, ReturnLabel, ReturnLine
from opticworks.shipping import rates as rates_room
from opticworks.shipping import rules
from opticworks.shipping import service as shipments
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

LIST = Crumb(title="Returns", path="/admin/returns")
PAY_WITHIN = timedelta(days=14)  #: what the law gives a shop to pay after a withdrawal


class Line(NamedTuple):
    """A line of the return as its page shows it, with what was typed where it is received."""

    id: int
    view: c.OrderLineView
    part: ReturnLine
    reason: str
    condition: str
    units: str
    picked: str
    restock: bool


def address_of(request: Request, **params: str) -> str:
    return str(request.route_path("admin.returns", _query=params))


@admin_view(
    "admin.returns", "orders.read", renderer="admin/returns.pt", request_method=("GET", "HEAD")
)
def list_returns(request: Request) -> dict[str, Any]:
    filters = queries.Filters.read(request.GET)
    found = queries.find(request.db, filters, request.GET.get("older", ""))
    counts = queries.counts(request.db)
    here = filters.params()
    return {
        "page": Page("Returns"),
        "filters": filters,
        "rows": found.rows,
        "tabs": [
            (
                f"{tab.label} ({counts[name]})" if counts[name] and name != "all" else tab.label,
                address_of(request, **{**here, "tab": name}),
                name == filters.tab,
            )
            for name, tab in queries.TABS.items()
        ],
        "kinds": [("return", "Returns"), ("withdrawal", "Withdrawals")],
        "clear": address_of(request, tab=filters.tab),
        "newer": address_of(request, **here) if "older" in request.GET else "",
        "older": address_of(request, **here, older=found.older) if found.older else "",
        "words": words,
    }


# --- one return -----------------------------------------------------------------------------------


def find(request: Request) -> tuple[Order, c.OrderView, Return]:
    """The return that the address names, and its order. Raises HTTPNotFound with a sentence."""
    number = request.matchdict["number"].upper()
    case = cases.by_number(request.db, number)
    order = orders.by_id(request.db, case.order_id) if case is not None else None
    view = request.shop.order_view(request.db, order.number) if order is not None else None
    if case is None or order is None or view is None:
        raise HTTPNotFound(f"There is no return {number}. Look for it in the list of returns.")
    return order, view, case


def _page(
    request: Request, typed: Mapping[str, str] | None = None, error: str = ""
) -> dict[str, Any]:
    order, view, case = find(request)
    declared = cases.withdrawal(request.db, case.id)
    title = f"{'Withdrawal' if declared is not None else 'Return'} {case.number}"
    return {
        "page": Page(title, crumbs=(LIST,)),
        "title": title,
        "order": view,
        "case": case,
        "view": next(each for each in view.returns if each.number == case.number),
        "lines": _lines(request, order, view, case, typed),
        "conditions": list(cases.CONDITIONS.items()),
        "declared": declared,
        "pay_by": declared.declared_at + PAY_WITHIN if declared is not None else None,
        "label": _label(request, case),
        "voided": _voided(request, case),
        "sells": bool(purchase.label_providers(request.shop)),
        "timeline": _timeline(request, case),
        "may_manage": "returns.manage" in request.identity.permissions,
        "may_refund": "orders.refund" in request.identity.permissions,
        "typed": typed or {},
        "error": error,
        "words": words,
    }


def _lines(
    request: Request,
    order: Order,
    view: c.OrderView,
    case: Return,
    typed: Mapping[str, str] | None,
) -> list[Line]:
    skus = {line.id: line.sku for line in orders.lines_of(request.db, order.id)}
    by_sku, values = {line.sku: line for line in view.lines}, typed or {}
    found = []
    for part in case.lines:
        key = part.order_line_id
        # A form shown for the first time has everything back, says nothing of its condition, and
        # puts nothing on the shelf that its customer calls broken.
        fine = part.reason not in cases.BROKEN
        kept = f"restock:{key}" in values if typed is not None else fine
        found.append(
            Line(
                key,
                by_sku[skus[key]],
                part,
                cases.REASONS.get(part.reason, ""),
                cases.CONDITIONS.get(part.condition, ""),
                values.get(f"units:{key}", str(part.coming)),
                values.get(f"condition:{key}", ""),
                kept,
            )
        )
    return found


class LabelCard(NamedTuple):
    """A label of the return: (rate, picked) of what is offered, or what was bought. `used`: a
    carrier has scanned it."""

    id: str
    status: str
    void: str
    voided_at: datetime | None
    used: bool
    title: str
    tracking_number: str
    tracking_url: str
    cost: str
    rates: list[tuple[c.Rate, bool]]
    formats: list[str]


def _label(request: Request, case: Return) -> LabelCard | None:
    label = cases.label_of(request.db, case.id)
    return _card(request, label) if label is not None else None


def _card(request: Request, label: ReturnLabel) -> LabelCard:
    rates = [rates_room.rate_from_json(rate) for rate in label.rates]
    picked = rules.cheapest(rates)
    return LabelCard(
        str(label.id),
        label.status,
        label.void,
        label.voided_at,
        label.tracking in shipments.MOVING,
        f"{label.carrier} {label.service}".strip(),
        label.tracking_number,
        label.tracking_url,
        Money(label.cost, label.currency).format() if label.cost is not None else "",
        [(rate, rate is picked) for rate in rates],
        sorted({file.format for file in cases.label_files(request.db, label.id)}),
    )


def _voided(request: Request, case: Return) -> list[LabelCard]:
    """Labels that were given back: in sight for what becomes of their money."""
    known = cases.labels_of(request.db, case.id)
    return [_card(request, label) for label in known if label.status == "voided"]


def _timeline(request: Request, case: Return) -> list[Entry]:
    entries = []
    for event in cases.history(request.db, case.id):
        title, icon = words.RETURN_EVENT.get(event.kind, (event.kind, "circle"))
        entries.append(Entry(event.at, title, icon, event.note, event.actor))
    return entries


@admin_view(
    "admin.return", "orders.read", renderer="admin/return.pt", request_method=("GET", "HEAD")
)
def show(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view("admin.return", "returns.manage", renderer="admin/return.pt", request_method="POST")
def act(request: Request) -> dict[str, Any] | Response:
    _, _, case = find(request)
    typed = {name: text[:2000] for name, text in request.POST.items() if isinstance(text, str)}
    deed = DEEDS.get(typed.get("do", ""))
    try:
        if deed is None:
            raise Refused(read.INCOMPLETE)
        flash(request, deed(request, case, typed))
    except Refused as error:
        request.response.status_int = 422
        return _page(request, typed if typed.get("do") == "receive" else None, str(error))
    return HTTPSeeOther(request.route_path("admin.return", number=case.number))


def _approve(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    returns.approve(request.db, case.number, actor=request.identity.email)
    return "The return is approved, and the customer is told."


def _decline(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    reason = typed.get("reason", "")
    returns.decline(request.db, case.number, reason=reason, actor=request.identity.email)
    return "The return is declined, and the customer is told why."


def _on_its_way(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    returns.on_its_way(request.db, case.number, actor=request.identity.email)
    return "Noted: it is on its way."


def _receive(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    arrived = {}
    for part in case.lines:
        key = part.order_line_id
        arrived[key] = Arrived(
            units=read.quantity(typed.get(f"units:{key}", ""), "an item"),
            condition=typed.get(f"condition:{key}", ""),
            restock=f"restock:{key}" in typed,
        )
    returns.receive(request.db, case.number, arrived, actor=request.identity.email)
    return "The goods are received. Nothing is paid back yet."


def _close(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    note = typed.get("note", "")
    returns.close(request.db, case.number, note=note, actor=request.identity.email)
    label = cases.label_of(request.db, case.id)
    if label is not None and label.usable and label.tracking not in shipments.MOVING:
        return "The return is closed. Its label was not used: void it to get its money back."
    return "The return is closed."


def _carry_out(request: Request, case: Return, typed: Mapping[str, str]) -> str:
    defer(request.db, "returns.carry_out", return_id=str(case.id))
    return "It is tried again now. Reload the page in a moment."


DEEDS: dict[str, Callable[[Request, Return, Mapping[str, str]], str]] = {
    "approve": _approve,
    "decline": _decline,
    "on_its_way": _on_its_way,
    "receive": _receive,
    "close": _close,
    "carry_out": _carry_out,
}


# --- labels ---------------------------------------------------------------------------------------


@admin_view(
    "admin.return.label", "returns.manage", renderer="admin/return.pt", request_method="POST"
)
def buy_label(request: Request) -> dict[str, Any] | Response:
    """Ask what a label costs, buy one and approve the return with it, give one back, or ask what
    becomes of its money."""
    number = find(request)[2].number
    request.db.close()  # a vendor that takes its time holds no connection of ours
    try:
        deed = LABEL_DEEDS.get(request.POST.get("do", ""))
        if deed is None:
            raise Refused(read.INCOMPLETE)
        said = deed(request, number)
    except Refused as error:
        request.db.rollback()
        request.response.status_int = 422
        return _page(request, error=str(error))
    flash(request, said)
    return HTTPSeeOther(request.route_path("admin.return", number=number))


def _prices(request: Request, number: str) -> str:
    if not return_labels.prepare(request.shop, number):
        raise Refused("No carrier offers to bring this back. Look at the address.")
    return "These are the prices of now. Nothing is bought yet."


def _buy(request: Request, number: str) -> str:
    rate, _, seen = request.POST.get("rate", "").rpartition("|")
    most = whole(seen, -1)
    if not rate or most < 0:
        raise Refused("Choose how the parcel comes back.")
    actor = request.identity.email
    return_labels.buy(request.shop, number, rate_code=rate, most=most, actor=actor)
    return "The label is bought, and the customer gets it by mail."


def _void(request: Request, number: str) -> str:
    actor = request.identity.email
    return_labels.void(request.shop, _label_id(request, number), actor=actor)
    return "The label is given back. What becomes of its money is followed by itself."


def _look(request: Request, number: str) -> str:
    """Ask now what became of the money of a label that was given back."""
    label = _label_id(request, number)
    return money_of(request.shop, label, return_labels.follow_void, cases.label)


def _label_id(request: Request, number: str) -> uuid.UUID:
    """The label that the form speaks of; one of another return is none."""
    label_id = read.key(request.POST.get("label", ""))
    with request.shop.unit() as db:
        case, label = cases.by_number(db, number), cases.label(db, label_id)
    if case is None or label is None or label.return_id != case.id:
        raise Refused("There is no such label. Open the return again.")
    return label_id


LABEL_DEEDS: dict[str, Callable[[Request, str], str]] = {
    "prices": _prices,
    "buy": _buy,
    "void": _void,
    "look": _look,
}


@admin_view("admin.return.label.file", "orders.read", request_method=("GET", "HEAD"))
def label_file(request: Request) -> Response:
    """The label as its vendor made it."""
    _, _, case = find(request)
    wanted = request.matchdict["format"].upper()
    files = cases.files_to_use(request.db, case.id)
    file = next((file for file in files if file.format == wanted), None)
    if file is None:
        raise HTTPNotFound("There is no such label here (yet). Open the return again.")
    mime = MIME_TYPES.get(wanted, "application/octet-stream")
    response = Response(file.content, content_type=mime)
    name = f"return-label-{case.number}.{wanted.lower()}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


# --- paying back ----------------------------------------------------------------------------------


def _refund_page(
    request: Request, typed: Mapping[str, str] | None = None, error: str = ""
) -> dict[str, Any]:
    order, view, case = find(request)
    left = refund_plan.left_of(request.db, order)
    values = typed or {}
    suggested = return_refund.suggested_shipping(request.db, order, case, left)
    shipping = str(Money(suggested, view.currency).to_decimal()) if suggested else ""
    blocked, plan = "", None
    try:
        if case.state != "received":
            raise Refused("Receive the goods first. " + returns.TOO_LATE[case.state])
        given = values if typed is not None else {"shipping": shipping}
        terms = _terms(given, view.currency)
        plan = refund_plan.plan(left, return_refund.wish_of(request.db, order, case, terms))
    except Refused as reason:
        blocked = str(reason) if typed is None else ""
        error = error or ("" if typed is None else str(reason))
    crumb = Crumb(title=case.number, path=f"/admin/returns/{case.number}")
    return {
        "page": Page("Pay back", crumbs=(LIST, crumb)),
        "order": view,
        "case": case,
        "entries": money.items(plan.entries if plan is not None else (), view.currency),
        "amount": Money(plan.amount if plan is not None else 0, view.currency),
        "left": Money(left.amount, view.currency),
        "shipping_left": Money(left.shipping, view.currency),
        "sources": [(each.payment.title, Money(each.left, view.currency)) for each in left.sources],
        "typed": {
            "shipping": values.get("shipping", shipping),
            "amount": values.get("amount", ""),
            "note": values.get("note", ""),
        },
        "everything": bool(suggested),
        "panel": money.of_order(request.db, order),
        "blocked": blocked,
        "error": error,
    }


def _terms(typed: Mapping[str, str], currency: str) -> Terms:
    amount = typed.get("amount", "").strip()
    return Terms(
        shipping=read.amount(typed.get("shipping", ""), currency, "delivery"),
        amount=read.amount(amount, currency, "the refund") if amount else None,
        shown=whole(typed["shown"], -1, digits=15) if "shown" in typed else None,
        note=" ".join(typed.get("note", "").split())[:500],
    )


@admin_view(
    "admin.return.refund",
    "orders.refund",
    renderer="admin/return_refund.pt",
    request_method=("GET", "HEAD"),
)
def refund_form(request: Request) -> dict[str, Any]:
    return _refund_page(request)


@admin_view(
    "admin.return.refund", "orders.refund", renderer="admin/return_refund.pt", request_method="POST"
)
def refund(request: Request) -> dict[str, Any] | Response:
    typed = {name: text[:1000] for name, text in request.POST.items() if isinstance(text, str)}
    _, view, case = find(request)
    if typed.get("do") == "count":
        return _refund_page(request, typed)
    request.db.close()
    try:
        terms = _terms({"shown": "", **typed}, view.currency)
        actor = request.identity.email
        outcome = return_refund.pay(request.shop, case.number, terms, actor=actor)
    except Refused as error:
        request.db.rollback()
        request.response.status_int = 422
        return _refund_page(request, typed, str(error))
    told(request, view, outcome)
    return HTTPSeeOther(request.route_path("admin.return", number=case.number))
