"""Returns and withdrawals from the customer's order page, for whoever holds its link.

Withdrawing takes two steps, as the law of the EU has it: "Withdraw from contract here" leads to a
page that says what it means, and only its button declares it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from opticworks import contracts as c
from opticworks.checkout import returns, withdrawal
from opticworks.checkout.returns import Asked, Choice
from opticworks.checkout.settle import Refused
from opticworks.checkout.withdrawal import Declared
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.returns import service as cases
from opticworks.storefront.views.pages import find_order
from opticworks.web.headers import private_page
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page

LABEL_TYPES = {"pdf": "application/pdf", "png": "image/png"}


class Row(NamedTuple):
    """A line in the form: how many may be chosen, and what was."""

    id: int
    view: c.OrderLineView
    most: int
    typed: str
    reason: str


def _page(request: Request, title: str, order: Order, view: c.OrderView) -> dict[str, Any]:
    crumb = Crumb(title=c.say("Order {number}", number=order.number), path=orders.path(order))
    return {"page": Page(title, robots="noindex", crumbs=(crumb,)), "order": view}


def _rows(
    view: c.OrderView, choices: Sequence[Choice], typed: Mapping[str, str], *, all_of_it: bool
) -> list[Row]:
    by_sku = {line.sku: line for line in view.lines}
    rows = []
    for choice in choices:
        key, most = choice.line.id, choice.units
        quantity = typed.get(f"units:{key}", str(most if all_of_it else 0))
        reason = typed.get(f"reason:{key}", "")
        rows.append(Row(key, by_sku[choice.line.sku], most, quantity, reason))
    return rows


def _typed(request: Request) -> dict[str, str]:
    return {name: text[:2000] for name, text in request.POST.items() if isinstance(text, str)}


def _units(typed: Mapping[str, str], choice: Choice) -> int:
    units = whole(typed.get(f"units:{choice.line.id}", "").strip() or "0", -1, digits=6)
    if units < 0:
        raise Refused(c.say("How many of {title}? Write a whole number.", title=choice.line.title))
    return units


def _form_id(typed: Mapping[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(typed.get("form", ""))
    except ValueError:
        raise Refused(
            c.say("This form is incomplete. Reload the page and fill it in again.")
        ) from None


# --- asking for a return --------------------------------------------------------------------------


def _return_form(
    request: Request, order: Order, view: c.OrderView, typed: Mapping[str, str], error: str = ""
) -> dict[str, Any]:
    may = returns.offer(request.registry.shop, request.db, order)
    return {
        **_page(request, c.say("Return items"), order, view),
        "rows": _rows(view, may.returnable, typed, all_of_it=False),
        "may": may,
        "reasons": list(cases.REASONS.items()),
        "note": typed.get("note", ""),
        "form_id": typed.get("form") or str(uuid.uuid4()),
        "error": error,
    }


@view_config(
    route_name="order.return",
    request_method=("GET", "HEAD"),
    renderer="return_new.pt",
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def ask_form(request: Request) -> dict[str, Any]:
    order, view = find_order(request)
    return _return_form(request, order, view, {})


@view_config(
    route_name="order.return",
    request_method="POST",
    renderer="return_new.pt",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=True,
)
@private_page
def ask(request: Request) -> dict[str, Any] | Response:
    order, view = find_order(request)
    typed = _typed(request)
    shop = request.registry.shop
    try:
        may = returns.offer(shop, request.db, order)
        asked = Asked(
            id=_form_id(typed),
            lines={
                choice.line.id: (_units(typed, choice), typed.get(f"reason:{choice.line.id}", ""))
                for choice in may.returnable
            },
            note=typed.get("note", ""),
        )
        case = returns.request(shop, request.db, order.number, asked)
    except Refused as error:
        request.response.status_int = 422
        return _return_form(request, order, view, typed, str(error))
    return HTTPSeeOther(f"{orders.path(order)}/returns/{case.number}")


# --- one return -----------------------------------------------------------------------------------


def _find(request: Request) -> tuple[Order, c.OrderView, c.ReturnView]:
    order, view = find_order(request)
    number = request.matchdict["number"].upper()
    found = next((each for each in view.returns if each.number == number), None)
    if found is None:
        raise HTTPNotFound(c.say("This order has no such return. Open the order again."))
    return order, view, found


@view_config(
    route_name="order.returned",
    request_method=("GET", "HEAD"),
    renderer="return.pt",
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def show(request: Request, error: str = "") -> dict[str, Any]:
    order, view, case = _find(request)
    settings = request.registry.shop.settings
    title = (
        c.say("Withdrawal {number}", number=case.number)
        if case.kind == "withdrawal"
        else c.say("Return {number}", number=case.number)
    )
    return {
        **_page(request, title, order, view),
        "case": case,
        "may_cancel": case.kind == "return"
        and case.state in ("requested", "approved")
        and not case.tracking_number,
        "instructions": settings["returns"].instructions,
        "origin": settings["shop"].origin,
        "error": error,
    }


@view_config(
    route_name="order.returned",
    request_method="POST",
    renderer="return.pt",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=True,
)
@private_page
def take_back(request: Request) -> dict[str, Any] | Response:
    """The customer keeps the goods after all."""
    order, _, case = _find(request)
    try:
        returns.cancel(request.db, case.number)
    except Refused as error:
        request.response.status_int = 422
        shown: dict[str, Any] = show(request, str(error))
        return shown
    return HTTPSeeOther(f"{orders.path(order)}/returns/{case.number}")


@view_config(
    route_name="order.returned.label",
    request_method=("GET", "HEAD"),
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def label(request: Request) -> Response:
    """The prepaid label, to be printed."""
    _, _, view = _find(request)
    format = request.matchdict["format"]
    case = cases.by_number(request.db, view.number)
    files = cases.files_to_use(request.db, case.id) if case is not None else ()
    file = next((file for file in files if file.format.lower() == format), None)
    if file is None or format not in LABEL_TYPES:
        raise HTTPNotFound(c.say("There is no such label here (yet). Open the return again."))
    response = Response(file.content, content_type=LABEL_TYPES[format])
    name = f"return-label-{view.number}.{format}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


# --- withdrawing ----------------------------------------------------------------------------------


def _withdraw_form(
    request: Request, order: Order, view: c.OrderView, typed: Mapping[str, str], error: str = ""
) -> dict[str, Any]:
    may = returns.offer(request.registry.shop, request.db, order)
    return {
        **_page(request, c.say("Withdraw from the contract"), order, view),
        "rows": _rows(view, may.withdrawable, typed, all_of_it=True),
        "may": may,
        "form_id": typed.get("form") or str(uuid.uuid4()),
        "error": error,
    }


@view_config(
    route_name="order.withdraw",
    request_method=("GET", "HEAD"),
    renderer="withdraw.pt",
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def withdraw_form(request: Request) -> dict[str, Any]:
    order, view = find_order(request)
    return _withdraw_form(request, order, view, {})


@view_config(
    route_name="order.withdraw",
    request_method="POST",
    renderer="withdraw.pt",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=True,
)
@private_page
def withdraw(request: Request) -> dict[str, Any] | Response:
    order, view = find_order(request)
    typed = _typed(request)
    shop = request.registry.shop
    try:
        may = returns.offer(shop, request.db, order)
        declared = Declared(
            id=_form_id(typed),
            lines={choice.line.id: _units(typed, choice) for choice in may.withdrawable},
        )
        case = withdrawal.declare(shop, request.db, order.number, declared)
    except Refused as error:
        request.response.status_int = 422
        return _withdraw_form(request, order, view, typed, str(error))
    return HTTPSeeOther(f"{orders.path(order)}/returns/{case.number}")
