"""The list of orders and one order's page."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.admin import calculation, money, timeline, words
from opticworks.admin.shell import flash
from opticworks.audit import service as audit
from opticworks.checkout import addresses, purchase
from opticworks.documents import service as documents
from opticworks.money import Money
from opticworks.notifications import service as notifications
from opticworks.notifications.models import Message
from opticworks.orders import queries, service
from opticworks.orders.models import FULFILMENT_STATUSES, PAYMENT_STATUSES, Order
from opticworks.payments import service as payments
from opticworks.shipping import service as shipments
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view

#: States of parcels that are packed and still here.
PACKED = ("draft", "prepared", "buying", "bought")
LIST = Crumb(title="Orders", path="/admin/orders")


def zone(request: Request) -> str:
    return str(request.shop.settings["shop"].timezone)


def address_of(request: Request, **params: str) -> str:
    """The list's address with these parameters."""
    return str(request.route_path("admin.orders", _query=params))


@admin_view(
    "admin.orders", "orders.read", renderer="admin/orders.pt", request_method=("GET", "HEAD")
)
def orders(request: Request) -> dict[str, Any]:
    filters = queries.Filters.read(request.GET)
    found = queries.find(
        request.db,
        filters,
        zone(request),
        newer=request.GET.get("newer", ""),
        older=request.GET.get("older", ""),
    )
    here = filters.params()
    return {
        "page": Page("Orders"),
        "filters": filters,
        "orders": found.orders,
        "may_fulfil": "orders.fulfil" in request.identity.permissions,
        "tabs": [
            (tab.label, address_of(request, **filters.params(tab=name)), name == filters.tab)
            for name, tab in queries.TABS.items()
        ],
        "payments": [(name, words.PAYMENT[name].label) for name in PAYMENT_STATUSES],
        "fulfilments": [(name, words.FULFILMENT[name].label) for name in FULFILMENT_STATUSES],
        "clear": address_of(request, tab=filters.tab),
        "newer": address_of(request, **here, newer=found.newer) if found.newer else "",
        "older": address_of(request, **here, older=found.older) if found.older else "",
        "words": words,
        "amount": lambda order: Money(order.total, order.currency).format(
            request.shop.settings["shop"].locale
        ),
        "order_path": lambda order: request.route_path(
            "admin.order", number=order.number, _query=here
        ),
    }


def find(request: Request) -> tuple[Order, c.OrderView]:
    """The order that the address names. Raises HTTPNotFound with a sentence."""
    number = request.matchdict["number"].upper()
    order = service.by_number(request.db, number)
    view = request.shop.order_view(request.db, number) if order is not None else None
    if order is None or view is None:
        raise HTTPNotFound(f"There is no order {number}. Look for it in the list of orders.")
    return order, view


def next_steps(
    view: c.OrderView, permissions: frozenset[str], *, sells: bool
) -> list[tuple[str, str, str]]:
    """What this member of staff can do now: (label, route, icon), the sensible one first. Where a
    plugin sells labels (`sells`) these come before shipping by hand."""
    steps: list[tuple[str, str, str]] = []
    if can_ship(view) and "orders.fulfil" in permissions:
        by_hand = ("Ship by hand" if sells else "Ship", "admin.order.fulfil", "truck")
        parcels = ("Parcels and labels", "admin.order.parcels", "package")
        steps.extend((parcels, by_hand) if sells else (by_hand, parcels))
    if can_pay(view) and "orders.pay" in permissions:
        taken = view.payment is not None and view.payment.status == "authorized"
        label = "Take the money" if taken else "Mark paid"
        steps.append((label, "admin.order.pay", "landmark"))
    if can_cancel(view) and "orders.cancel" in permissions:
        steps.append(("Cancel order", "admin.order.cancel", "x"))
    return steps


def can_ship(view: c.OrderView) -> bool:
    return (
        view.status != "canceled"
        and view.payment_status in queries.PAID
        and any(line.left > 0 for line in view.lines)
        and view.fulfilment_status in ("unfulfilled", "part_shipped")
    )


def may_change_address(view: c.OrderView, permissions: frozenset[str]) -> bool:
    return (
        "orders.fulfil" in permissions
        and view.status != "canceled"
        and view.fulfilment_status == "unfulfilled"
    )


def can_pay(view: c.OrderView) -> bool:
    """By hand: money that arrived, or that is authorized and still to be taken."""
    return view.payment is not None and (
        view.payment.status in ("pending", "canceled")
        or (view.payment.status == "authorized" and view.status != "canceled")
    )


def can_cancel(view: c.OrderView) -> bool:
    return view.status not in ("canceled", "completed") and not view.shipments


@admin_view("admin.order", "orders.read", renderer="admin/order.pt", request_method=("GET", "HEAD"))
def order(request: Request) -> dict[str, Any]:
    row, view = find(request)
    filters = queries.Filters.read(request.GET)
    here = filters.params()
    newer, older = queries.neighbours(request.db, row, filters, zone(request))
    messages = notifications.messages_about(request.db, view.number)
    panel = money.of_order(request.db, row)
    standing = queries.of_email(request.db, view.email)
    paid = [each for each in standing if each.payment_status in queries.PAID]
    spent = sum(each.total for each in paid if each.currency == view.currency)
    return {
        "page": Page(f"Order {view.number}", crumbs=(LIST,)),
        "order": view,
        "words": words,
        "steps": next_steps(
            view,
            request.identity.permissions,
            sells=bool(purchase.label_providers(request.shop)),
        ),
        "calculation": calculation.of_order(
            view, {plugin.code: plugin.title for plugin in request.shop.plugins}
        ),
        "panel": panel,
        "may_pay_back": "orders.refund" in request.identity.permissions,
        "may_refund": panel.left and "orders.refund" in request.identity.permissions,
        "timeline": timeline.of_order(request.db, row.id, view, messages),
        "attention": payments.unattended(request.db, row.id),
        "newer": _path(request, newer, here),
        "older": _path(request, older, here),
        "customer_orders": len(standing),
        "customer_spent": Money(spent, view.currency),
        "confirmation": _confirmation(request, messages),
        "documents": documents.of_order(request.db, view.number),
        "may_invoice": view.payment_status in documents.INVOICED,
        "check": addresses.of_order(row),
        "may_check": may_change_address(view, request.identity.permissions)
        and addresses.verifier(request.shop) is not None,
        "may_edit": "orders.fulfil" in request.identity.permissions
        and view.status != "canceled"
        and view.fulfilment_status in addresses.NOT_ALL_LEFT,
        "original": addresses.original(row),
        "address_lines": addresses.lines,
        "may_fulfil": "orders.fulfil" in request.identity.permissions,
        "packed": shipments.of_order(request.db, row.id, PACKED),
        "trouble": shipments.problems(request.db, row.id)
        if "orders.fulfil" in request.identity.permissions
        else (),
    }


def _path(request: Request, number: str, here: dict[str, str]) -> str:
    if not number:
        return ""
    return str(request.route_path("admin.order", number=number, _query=here))


def _confirmation(request: Request, messages: list[Message]) -> str:
    """Id of the newest confirmation, if this person may send it again."""
    if "messages.send" not in request.identity.permissions:
        return ""
    mine = (each.public_id for each in reversed(messages) if each.kind == "order_placed")
    return next(mine, "")


@admin_view("admin.order.attend", "orders.pay", request_method="POST")
def attend(request: Request) -> Response:
    """Staff have looked at what is odd about the payments, and dealt with it."""
    row, view = find(request)
    actor = request.identity.email
    if payments.attend(request.db, row.id, actor):
        audit.record(request.db, actor, "order.payments_checked", timeline.subject(view.number))
    flash(request, f"The payments of order {view.number} are ticked off.")
    return HTTPSeeOther(request.route_path("admin.order", number=view.number))
