"""What staff do to an order: each a page that shows what will happen, and a button that does it.

These views run outside the request's transaction (opticworks.web.transactions): the services
they call speak to payment providers and open their own short units of work.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.admin import typed as read
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.orders import LIST, can_cancel, can_pay, can_ship, find
from opticworks.checkout import addresses, demand, parcels
from opticworks.checkout import staff as checkout
from opticworks.checkout.settle import Refused
from opticworks.orders import service as orders
from opticworks.stock import service as stock
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

CARRIERS = ("USPS", "UPS", "FedEx", "DHL")


class Effect(NamedTuple):
    """One consequence, in a sentence. `kind` is one of ICONS."""

    kind: str
    sentence: str


ICONS = {
    "money": "landmark",
    "stock": "package",
    "mail": "mail",
    "order": "info",
    "warning": "triangle-alert",
}


def effects_page(
    view: c.OrderView, title: str, effects: list[Effect], **values: Any
) -> dict[str, Any]:
    crumb = Crumb(title=f"Order {view.number}", path=f"/admin/orders/{view.number}")
    return {
        "page": Page(f"{title} {view.number}", crumbs=(LIST, crumb)),
        "order": view,
        "effects": [(ICONS[effect.kind], effect.sentence) for effect in effects],
        "error": "",
        "blocked": "",
        **values,
    }


def found_alone(request: Request) -> c.OrderView:
    """The order, with nothing left open: a provider that takes its time must hold neither a
    transaction nor a connection of ours."""
    view = find(request)[1]
    request.db.close()
    return view


def done(request: Request, view: c.OrderView, sentence: str) -> Response:
    flash(request, sentence)
    return HTTPSeeOther(request.route_path("admin.order", number=view.number))


def _refused(
    request: Request, page: Callable[[c.OrderView], dict[str, Any]], error: Refused
) -> dict[str, Any]:
    """The same page with the reason and everything as it was typed."""
    request.db.rollback()  # look again: others may have changed the order meanwhile
    request.response.status_int = 422
    return {**page(find(request)[1]), "error": str(error)}


def _text(request: Request, name: str, most: int) -> str:
    return " ".join(request.POST.get(name, "").split())[:most]


# --- mark paid ------------------------------------------------------------------------------------


def _pay_page(view: c.OrderView, reference: str = "") -> dict[str, Any]:
    payment = view.payment
    if payment is not None and payment.status == "authorized":
        effects = [
            Effect("money", f"{payment.amount.format()} is charged now by {payment.title}."),
            Effect("stock", "The goods stay kept for this order."),
            Effect("mail", f"{view.email} gets a mail that the payment arrived."),
        ]
        blocked = "" if can_pay(view) else "This order is canceled: its authorization is not used."
        return effects_page(
            view, "Take the money:", effects, blocked=blocked, reference="", taking=True
        )
    amount = (payment.amount if payment else view.total).format()
    effects = [
        Effect("money", f"{amount} count as received by {payment.title if payment else 'hand'}."),
        Effect("stock", "The goods stay kept for this order, now without a deadline."),
        Effect("mail", f"{view.email} gets a mail that the payment arrived."),
    ]
    if view.status == "canceled":
        effects[1] = Effect(
            "stock", "The order was canceled: its goods are taken again, if they are still there."
        )
    blocked = "" if can_pay(view) else "This order is not waiting for a payment made by hand."
    return effects_page(
        view, "Mark paid:", effects, blocked=blocked, reference=reference, taking=False
    )


@admin_view("admin.order.pay", "orders.pay", renderer="admin/order_pay.pt", request_method="GET")
def pay_form(request: Request) -> dict[str, Any]:
    return _pay_page(find(request)[1])


@admin_view("admin.order.pay", "orders.pay", renderer="admin/order_pay.pt", request_method="POST")
def pay(request: Request) -> dict[str, Any] | Response:
    view = found_alone(request)
    reference = _text(request, "reference", 200)
    actor = request.identity.email
    try:
        checkout.mark_paid(request.shop, view.number, actor=actor, reference=reference)
    except Refused as error:
        return _refused(request, lambda view: _pay_page(view, reference), error)
    return done(request, view, f"Order {view.number} is marked paid.")


# --- ship -----------------------------------------------------------------------------------------


class Part(NamedTuple):
    """A line as the parcel's form shows it; `without` names parts that are left out."""

    line: c.OrderLineView
    left: int
    quantity: str
    without: str


def _charged_when_sent(view: c.OrderView) -> str:
    if view.payment_status == "authorized":
        return f"{view.total.format()} is taken now: until here it was only authorized."
    return "Nothing is charged or paid back."


def _fulfil_page(
    request: Request, view: c.OrderView, typed: dict[str, str] | None = None
) -> dict[str, Any]:
    values = typed or {}
    found = parcels.bench(request.db, find(request)[0])
    without = {
        line.sku: demand.said_parts(line, found.without.get(line.id, {})) for line in found.lines
    }
    parts = [
        Part(line, left, values.get(f"quantity:{line.sku}", str(left)), without.get(line.sku, ""))
        for line in view.lines
        if (left := line.left) > 0
    ]
    effects = [
        Effect("stock", "What you put into the parcel leaves the shelf."),
        Effect("mail", f"{view.email} gets a mail with the carrier and the tracking number."),
        Effect("money", _charged_when_sent(view)),
    ]
    if view.disputed:
        warning = "The customer's bank disputes this payment. What you send now may be lost."
        effects.insert(0, Effect("warning", warning))
    blocked = ""
    if view.payment_status not in ("paid", "authorized", "part_refunded"):
        blocked = "This order is not paid yet. Mark it paid first."
    elif not can_ship(view):
        blocked = "Everything of this order has left, or it was canceled."
    return effects_page(
        view,
        "Ship",
        effects,
        parts=parts,
        carriers=CARRIERS,
        parcel=values.get("parcel", "") or str(uuid.uuid4()),
        carrier=values.get("carrier", ""),
        tracking_number=values.get("tracking_number", ""),
        blocked=blocked,
    )


@admin_view(
    "admin.order.fulfil", "orders.fulfil", renderer="admin/order_fulfil.pt", request_method="GET"
)
def fulfil_form(request: Request) -> dict[str, Any]:
    return _fulfil_page(request, find(request)[1])


@admin_view(
    "admin.order.fulfil", "orders.fulfil", renderer="admin/order_fulfil.pt", request_method="POST"
)
def fulfil(request: Request) -> dict[str, Any] | Response:
    view = found_alone(request)
    typed = {name: value[:100] for name, value in request.POST.items() if isinstance(value, str)}
    try:
        lines = {
            line.sku: read.quantity(typed.get(f"quantity:{line.sku}", ""), line.title)
            for line in view.lines
            if line.left > 0
        }
        carrier = _text(request, "carrier", 60)
        number = _text(request, "tracking_number", 60)
        if not carrier:
            raise Refused("Say who carries the parcel: choose a carrier or type its name.")
        if not number:
            raise Refused("Enter the tracking number; the customer gets it by mail.")
        checkout.fulfil(
            request.shop,
            view.number,
            lines=lines,
            carrier=carrier,
            tracking_number=number,
            actor=request.identity.email,
            parcel_id=read.key(typed.get("parcel", "")),
        )
    except Refused as error:
        return _refused(request, lambda view: _fulfil_page(request, view, typed), error)
    return done(request, view, f"The parcel is recorded, and {view.email} is told.")


# --- cancel ---------------------------------------------------------------------------------------


def _cancel_page(
    request: Request, view: c.OrderView, reason: str = "", restock: bool = True
) -> dict[str, Any]:
    effects = []
    if view.payment_status == "paid" and view.payment is not None:
        effects.append(Effect("money", f"{view.total.format()} is paid back to the customer."))
    elif view.payment_status == "part_refunded":
        rest = view.total - view.refunded
        effects.append(Effect("money", f"The other {rest.format()} is paid back, too."))
    elif view.payment_status in ("pending", "authorized"):
        effects.append(Effect("money", "The payment is stopped; nothing was received."))
    else:
        effects.append(Effect("money", "Nothing was received, so nothing is paid back."))
    row = orders.by_number(request.db, view.number)
    held = stock.held_by(request.db, view.number) if row is not None else {}
    units = sum(held.values())
    effects.append(
        Effect("stock", f"{units} {'unit' if units == 1 else 'units'} can be sold again.")
        if units
        else Effect("stock", "No goods are kept for this order.")
    )
    effects.append(Effect("mail", f"{view.email} gets a mail that the order was canceled."))
    effects.append(Effect("order", "This can't be undone."))
    blocked = ""
    if view.status == "canceled":
        blocked = "This order is canceled already."
    elif not can_cancel(view):
        blocked = "Part of this order was sent already, so it can't be canceled."
    return effects_page(
        view,
        "Cancel",
        effects,
        reasons=list(words.CANCEL_REASONS.items()),
        reason=reason,
        restock=restock,
        blocked=blocked,
    )


@admin_view(
    "admin.order.cancel", "orders.cancel", renderer="admin/order_cancel.pt", request_method="GET"
)
def cancel_form(request: Request) -> dict[str, Any]:
    return _cancel_page(request, find(request)[1])


@admin_view(
    "admin.order.cancel", "orders.cancel", renderer="admin/order_cancel.pt", request_method="POST"
)
def cancel(request: Request) -> dict[str, Any] | Response:
    view = found_alone(request)
    reason, restock = request.POST.get("reason", ""), request.POST.get("restock") == "1"
    try:
        if reason not in words.CANCEL_REASONS:
            raise Refused("Choose why the order is canceled.")
        checkout.cancel(
            request.shop,
            view.number,
            actor=request.identity.email,
            reason=reason,
            restock=restock,
        )
    except Refused as error:
        return _refused(request, lambda view: _cancel_page(request, view, reason, restock), error)
    return done(request, view, f"Order {view.number} is canceled.")


# --- the address ----------------------------------------------------------------------------------


@admin_view("admin.order.address", "orders.fulfil", request_method="POST")
def address(request: Request) -> Response:
    """Have the address checked, or send the parcels to the suggested one and back."""
    view = found_alone(request)
    deed = str(request.POST.get("do", ""))
    try:
        if deed == "check":
            verdict = addresses.check_order(request.shop, view.number)
            sentence = words.VERDICT[verdict.state]
        elif deed in ("suggestion", "typed"):
            addresses.use(request.shop, view.number, deed, request.identity.email)
            sentence = "The parcels go to the address that is shown now."
        else:
            raise Refused("Choose what to do with the address.")
    except Refused as error:
        sentence = str(error)
    return done(request, view, sentence)
