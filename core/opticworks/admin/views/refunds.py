"""Paying money back: a form that says what it comes to, and what became of earlier refunds.

The posts run outside the request's transaction, as all that speaks to a payment provider.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.admin import money, words
from opticworks.admin import typed as read
from opticworks.admin.shell import flash
from opticworks.admin.views.orders import LIST, find
from opticworks.checkout import refund as refunding
from opticworks.checkout import refund_plan
from opticworks.checkout.refund_plan import Left, LineLeft, Portion, Wish
from opticworks.checkout.settle import Refused
from opticworks.documents import service as documents
from opticworks.money import Money, exponent
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view


class Part(NamedTuple):
    """Units of one line in the form: where they are, how many at most, and what was typed."""

    line: c.OrderLineView
    where: str
    most: int
    quantity: str
    restock: bool
    steps: str  #: what 0, 1, 2 … units of the whole line are worth, for the script
    pieces: tuple[Piece, ...] = ()


class Piece(NamedTuple):
    """A part of a bundle that may be taken out, or come back, by itself; `restock` is None where
    the bundle's own box says where it goes."""

    field: str
    name: str
    most: int
    quantity: str
    restock: bool | None


def _pieces(each: LineLeft, where: str, values: Mapping[str, str]) -> tuple[Piece, ...]:
    found = []
    for i, part in enumerate(each.parts):
        field, most = _field(each, where, i), part.left(PLACES[where])
        if most > 0:
            own = where == "sent" and part.tracked
            kept = f"restock-{field}" in values if own else None
            found.append(Piece(field, part.name, most, values.get(field, "0"), kept))
    return tuple(found)


#: What the form calls the places that goods are paid back from, and the arithmetic.
PLACES = {"unsent": "here", "sent": "there"}


def _field(each: LineLeft, where: str, part: int) -> str:
    name = "part" if where == "sent" else f"{where}-part"
    return f"{name}:{each.line.position}.{part}"


def _parts(view: c.OrderView, left: Left, typed: Mapping[str, str] | None) -> list[Part]:
    by_sku = {line.sku: line for line in view.lines}
    values = typed or {}
    parts = []
    for each in left.lines:
        steps = ",".join(map(str, each.steps))
        for where, most in (("unsent", each.unsent), ("sent", each.sent)):
            if most > 0:
                sku = each.line.sku
                kept = where == "unsent" if typed is None else f"restock-{where}:{sku}" in values
                quantity = values.get(f"{where}:{sku}", "0")
                pieces = _pieces(each, where, values)
                parts.append(Part(by_sku[sku], where, most, quantity, kept, steps, pieces))
    return parts


def _page(
    request: Request,
    typed: Mapping[str, str] | None = None,
    error: str = "",
) -> dict[str, Any]:
    row, view = find(request)
    left = refund_plan.left_of(request.db, row)
    values = typed or {}
    counted = _counted(left, typed, view.currency)
    parts = _parts(view, left, typed)
    crumb = Crumb(title=f"Order {view.number}", path=f"/admin/orders/{view.number}")
    blocked = ""
    if left.amount == 0:
        blocked = _why_not(left)
    return {
        "page": Page(f"Refund {view.number}", crumbs=(LIST, crumb)),
        "order": view,
        "groups": [
            (where, [part for part in parts if part.where == where]) for where in ("unsent", "sent")
        ],
        "shipping_left": Money(left.shipping, view.currency),
        "left": Money(left.amount, view.currency),
        "sources": [(each.payment.title, Money(each.left, view.currency)) for each in left.sources],
        "counted": counted,
        "depends": left.depends,
        "exponent": exponent(view.currency),
        "typed": {name: values.get(name, "") for name in ("shipping", "amount", "reason", "note")},
        "request_id": values.get("request") or str(uuid.uuid4()),
        "reasons": list(words.REFUND_REASONS.items()),
        "panel": money.of_order(request.db, row),
        "invoice": documents.find(request.db, "invoice", view.number),
        "error": error,
        "blocked": blocked,
    }


def _why_not(left: Left) -> str:
    try:
        refund_plan.plan(left, Wish(request=uuid.uuid4(), amount=1, note="?"))
    except Refused as error:
        return str(error)
    return ""


class Counted(NamedTuple):
    """What the form comes to as it is: items and their tax, delivery, the refund. `entries` are
    the items one by one where they depend on each other."""

    items: Money
    tax: Money
    shipping: Money
    amount: Money
    entries: tuple[money.Item, ...] = ()


def _counted(left: Left, typed: Mapping[str, str] | None, currency: str) -> Counted:
    """For the sums beside the form; nothing for what can't be counted."""
    zero = Money.zero(currency)
    try:
        wish = _wish(typed or {}, left, currency)
        plan = refund_plan.plan(left, wish)
    except Refused:
        return Counted(zero, zero, zero, zero)
    return Counted(
        Money(plan.counted - plan.shipping, currency),
        Money(plan.tax, currency),
        Money(plan.shipping, currency),
        Money(plan.amount, currency),
        money.items(plan.entries, currency) if left.depends else (),
    )


# --- reading what was typed -----------------------------------------------------------------------


def _wish(typed: Mapping[str, str], left: Left, currency: str) -> Wish:
    """What the form says. Raises Refused."""
    reason = typed.get("reason", "")
    if reason and reason not in words.REFUND_REASONS:
        raise Refused("Choose a reason from the list, or none.")
    amount = typed.get("amount", "").strip()
    return Wish(
        request=read.key(typed.get("request", "")) if typed else uuid.uuid4(),
        portions={each.line.sku: _portion(typed, each) for each in left.lines},
        shipping=read.amount(typed.get("shipping", ""), currency, "delivery"),
        amount=read.amount(amount, currency, "the refund") if amount else None,
        reason=reason,
        note=" ".join(typed.get("note", "").split())[:500],
    )


def _portion(typed: Mapping[str, str], each: LineLeft) -> Portion:
    sku, title = each.line.sku, each.line.title
    at = {
        where: {part.sku: _field(each, where, i) for i, part in enumerate(each.parts)}
        for where in PLACES
    }
    counts = {
        where: {part: read.quantity(typed.get(field, ""), title) for part, field in fields.items()}
        for where, fields in at.items()
    }
    return Portion(
        unsent=read.quantity(typed.get(f"unsent:{sku}", ""), title),
        sent=read.quantity(typed.get(f"sent:{sku}", ""), title),
        restock=f"restock-unsent:{sku}" in typed,
        restock_sent=f"restock-sent:{sku}" in typed,
        parts=counts["sent"],
        restock_parts=frozenset(
            part for part, field in at["sent"].items() if f"restock-{field}" in typed
        ),
        unsent_parts=counts["unsent"],
    )


# --- views ----------------------------------------------------------------------------------------


@admin_view(
    "admin.order.refund", "orders.refund", renderer="admin/order_refund.pt", request_method="GET"
)
def refund_form(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view(
    "admin.order.refund", "orders.refund", renderer="admin/order_refund.pt", request_method="POST"
)
def refund(request: Request) -> dict[str, Any] | Response:
    typed = {name: value[:1000] for name, value in request.POST.items() if isinstance(value, str)}
    if typed.get("do") == "count":
        return _page(request, typed)
    row, view = find(request)
    try:
        left = refund_plan.left_of(request.db, row)
        wish = _wish(typed, left, view.currency)
        wish = replace(wish, shown=whole(typed.get("shown"), -1, digits=15))
        request.db.close()  # a provider that takes its time holds no connection of ours
        actor = request.identity.email
        outcome = refunding.refund(request.shop, view.number, wish, actor=actor)
    except Refused as error:
        request.db.rollback()
        request.response.status_int = 422
        return _page(request, typed, str(error))
    return told(request, view, outcome)


def told(request: Request, view: c.OrderView, outcome: refunding.Outcome) -> Response:
    """Back to the order, with what became of it."""
    failed = [each for each in outcome.refunds if each.status == "failed"]
    amount = Money(sum(each.amount for each in outcome.refunds), view.currency).format()
    if failed:
        said = failed[0].message or "the provider gave no reason."
        flash(request, f"The refund failed: {said} Nothing was paid back.", "problem")
    elif outcome.unanswered:
        flash(
            request,
            f"The provider did not answer ({outcome.unanswered}) The refund of {amount} is written "
            "down and asked for again by itself; don't make another one.",
            "problem",
        )
    elif any(each.status == "pending" for each in outcome.refunds):
        flash(request, f"{amount} is on its way back; it takes some days until it arrives.")
    else:
        by_hand = [each.message for each in outcome.refunds if each.message]
        flash(request, " ".join([f"{amount} is paid back.", *by_hand]))
    return HTTPSeeOther(request.route_path("admin.order", number=view.number))


@admin_view("admin.order.refund.again", "orders.refund", request_method="POST")
def again(request: Request) -> Response:
    view = find(request)[1]
    request.db.close()
    try:
        failed = read.key(request.matchdict["key"])
        outcome = refunding.again(request.shop, view.number, failed, actor=request.identity.email)
    except Refused as error:
        flash(request, str(error), "problem")
        return HTTPSeeOther(request.route_path("admin.order", number=view.number))
    return told(request, view, outcome)


@admin_view("admin.order.refund.dismiss", "orders.refund", request_method="POST")
def dismiss(request: Request) -> Response:
    row, view = find(request)
    try:
        key = read.key(request.matchdict["key"])
        refunding.dismiss(request.db, row.number, key, actor=request.identity.email)
        flash(request, "The failed refund is ticked off.")
    except Refused as error:
        flash(request, str(error), "problem")
    return HTTPSeeOther(request.route_path("admin.order", number=view.number))
