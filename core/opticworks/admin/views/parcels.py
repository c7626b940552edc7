"""An order's parcels: pack, choose a rate, buy the label, print it, hand the parcel over.

Like the other deeds these run outside the request's transaction (opticworks.web.transactions).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from opticworks import contracts as c
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.orders import LIST, find
from opticworks.checkout import labels, parcels
from opticworks.checkout.parcels import Wanted
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.shipping import rates as rates_room
from opticworks.shipping import rules
from opticworks.shipping import service as shipments
from opticworks.shipping.models import STATUSES, Parcel, ShippingProblem
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view


class Packed(NamedTuple):
    """A parcel as its card shows it: (title, SKU, quantity, picture) of what is in it."""

    parcel: Parcel
    lines: list[tuple[str, str, int, Any]]
    rates: list[c.Rate]
    picked: str
    cost: str
    formats: list[str]


def _page(request: Request, error: str = "") -> dict[str, Any]:
    order, view = find(request)
    db, shop = request.db, request.shop
    found = parcels.bench(db, order)
    lines = {line.id: line for line in found.lines}
    pictures = {line.sku: line.image for line in view.lines}
    choice = rates_room.from_json(order.shipping) if order.shipping else None
    cards = []
    # Voided ones stay in sight while their money is awaited.
    for parcel in shipments.of_order(db, order.id, STATUSES):
        if parcel.status == "dropped":
            continue
        rates = [rates_room.rate_from_json(rate) for rate in parcel.rates]
        picked = rules.choose(rates, shop.settings["shipping"], choice)
        preselected = picked or rules.cheapest(rates)
        cards.append(
            Packed(
                parcel,
                [
                    (line.title, line.sku, part.quantity, pictures.get(line.sku))
                    for part in parcel.lines
                    if (line := lines.get(part.order_line_id)) is not None
                ],
                rates,
                preselected.code if preselected is not None else "",
                Money(parcel.cost, parcel.currency).format() if parcel.cost is not None else "",
                sorted({file.format for file in shipments.label_files(db, parcel.id)}),
            )
        )
    blocked = ""
    try:
        parcels.ready(db, order.number, lock=False)
    except Refused as reason:
        blocked = str(reason)
    return {
        "page": Page(
            f"Parcels of {view.number}",
            crumbs=(LIST, Crumb(title=f"Order {view.number}", path=_order(request, view))),
        ),
        "order": view,
        "cards": cards,
        "left": [
            (line, left, pictures.get(line.sku))
            for line in found.lines
            if (left := found.left[line.id]) > 0
        ],
        "boxes": [(box.name, box.name) for box in shop.settings["shipping"].boxes],
        "suggested": len(parcels.suggestion(shop, found)),
        "problems": shipments.problems(db, order.id),
        "sells": bool(labels.label_providers(shop)),
        "ordered": choice,
        "form": str(uuid.uuid4()),
        "blocked": blocked,
        "error": error,
        "words": words,
    }


def _order(request: Request, view: c.OrderView) -> str:
    return str(request.route_path("admin.order", number=view.number))


@admin_view(
    "admin.order.parcels", "orders.fulfil", renderer="admin/order_parcels.pt", request_method="GET"
)
def show(request: Request) -> dict[str, Any]:
    return _page(request)


@admin_view(
    "admin.order.parcels", "orders.fulfil", renderer="admin/order_parcels.pt", request_method="POST"
)
def act(request: Request) -> dict[str, Any] | Response:
    number = find(request)[1].number
    request.db.close()  # a vendor that takes its time holds no connection of ours
    deed = DEEDS.get(request.POST.get("do", ""))
    try:
        if deed is None:
            raise Refused("This form is incomplete. Reload the page and try again.")
        said = deed(request, number)
    except Refused as error:
        request.db.rollback()
        request.response.status_int = 422
        return _page(request, str(error))
    flash(request, said)
    return HTTPSeeOther(request.route_path("admin.order.parcels", number=number))


def _id(request: Request, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get(name, ""))
    except ValueError:
        raise Refused("This form is incomplete. Reload the page and try again.") from None


def _parcel(request: Request, number: str) -> uuid.UUID:
    """The parcel that the form speaks of; one of another order is none."""
    parcel_id = _id(request, "parcel")
    with request.shop.unit() as db:
        found = shipments.get(db, parcel_id)
        order = find(request)[0]
    request.db.close()
    if found is None or found.order_id != order.id:
        raise Refused("There is no such parcel. Open the order again.")
    return parcel_id


def _whole(text: str, what: str, most: int = 999_999) -> int:
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > most:
        raise Refused(f"{what} must be a whole number up to {most}, not {text[:20]!r}.")
    return int(text)


def _actor(request: Request) -> str:
    return str(request.identity.email)


def _pack(request: Request, number: str) -> str:
    """One parcel of what was typed."""
    prefix = "quantity:"
    lines = {
        name.removeprefix(prefix): _whole(value, f"The quantity of {name.removeprefix(prefix)}")
        for name, value in request.POST.items()
        if name.startswith(prefix) and isinstance(value, str)
    }
    wanted = Wanted(
        lines=lines,
        box=request.POST.get("box", "")[:60],
        weight=_whole(request.POST.get("weight", ""), "The weight in grams") or None,
    )
    return _packed(request, number, [wanted])


def _pack_all(request: Request, number: str) -> str:
    return _packed(request, number, None)


def _packed(request: Request, number: str, wanted: Sequence[Wanted] | None) -> str:
    made = parcels.pack_order(
        request.shop,
        number,
        actor=_actor(request),
        parcels=wanted,
        shipment_id=_id(request, "form"),
    )
    return "The parcel is packed." if len(made) == 1 else f"{len(made)} parcels are packed."


def _unpack(request: Request, number: str) -> str:
    parcels.unpack(request.shop, _parcel(request, number), actor=_actor(request))
    return "The parcel is taken apart; what was in it can be packed again."


def _rates(request: Request, number: str) -> str:
    offered = labels.prepare(request.shop, _parcel(request, number))
    if not offered:
        raise Refused("No carrier offers to ship this. Look at the address, weight and size.")
    return "These are the prices of now. Nothing is bought yet."


def _buy(request: Request, number: str) -> str:
    rate, _, seen = request.POST.get("rate", "").rpartition("|")
    if not rate or not seen.isdigit():
        raise Refused("Choose how the parcel is sent.")
    labels.buy(
        request.shop,
        _parcel(request, number),
        rate_code=rate,
        most=int(seen[:12]),
        actor=_actor(request),
    )
    return "The label is bought. Print it, and hand the parcel over."


def _void(request: Request, number: str) -> str:
    labels.void(request.shop, _parcel(request, number), actor=_actor(request))
    return "The label is given back. What becomes of its money is followed by itself."


def _hand_over(request: Request, number: str) -> str:
    parcels.hand_over(request.shop, [_parcel(request, number)], actor=_actor(request))
    return "The parcel is on its way, and the customer is told."


def _seen(request: Request, number: str) -> str:
    """Somebody has seen to a problem."""
    problem = _whole(request.POST.get("problem", ""), "The number")
    order = find(request)[0]
    with request.shop.unit("problem_seen") as db:
        shipments.close_problems(
            db,
            request.shop.now(),
            ShippingProblem.order_id == order.id,
            ShippingProblem.id == problem,
            actor=_actor(request),
        )
    request.db.close()
    return "It is off the list."


DEEDS: dict[str, Callable[[Request, str], str]] = {
    "pack": _pack,
    "pack_all": _pack_all,
    "unpack": _unpack,
    "rates": _rates,
    "buy": _buy,
    "void": _void,
    "hand_over": _hand_over,
    "seen": _seen,
}
