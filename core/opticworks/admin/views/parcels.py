"""An order's parcels: pack, choose a rate, buy the label, print it, hand the parcel over.

Like the other deeds these run outside the request's transaction (opticworks.web.transactions).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.admin import typed as read
from opticworks.admin import words
from opticworks.admin.shell import flash
from opticworks.admin.views.orders import LIST, find
from opticworks.checkout import addresses, demand, label_formats, labels, parcels, purchase
from opticworks.checkout.parcels import Wanted
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.orders import queries
from opticworks.orders.models import Order
from opticworks.shipping import rates as rates_room
from opticworks.shipping import rules
from opticworks.shipping import service as shipments
from opticworks.shipping.models import STATUSES, Parcel, ShippingProblem
from opticworks.shop import Shop
from opticworks.web.numbers import whole
from opticworks.web.page import Crumb, Page
from opticworks.web.policy import admin_view


class Offer(NamedTuple):
    """A rate as a row to choose: `promise` says how long it takes, `words` what speaks for it."""

    rate: c.Rate
    promise: str
    words: list[str]
    recommended: bool


class Packed(NamedTuple):
    """A parcel as its card shows it: (title, SKU, quantity, picture, parts left out) of what is in
    it."""

    parcel: Parcel
    lines: list[tuple[str, str, int, Any, str]]
    offers: list[Offer]
    cost: str
    formats: list[str]
    size: str
    signature: str
    goods: str  #: what the things in it were sold for, in major units
    fresh_until: datetime | None
    history: Sequence[Any]  #: what the carrier reported, the latest first


SIGNATURES = {
    "none": "No signature",
    "signature": "Signature on delivery",
    "adult": "Signature of an adult",
}
LABEL_FORMATS = ("PDF", "PNG", "ZPL")
#: What became of the money of a label that was given back.
BACK = {
    "done": "The label's money was paid back.",
    "failed": "The provider pays nothing back for this label.",
}
AWAITED = "Its money is still awaited. It is asked again each day."


def _page(request: Request, error: str = "") -> dict[str, Any]:
    order, view = find(request)
    db, shop = request.db, request.shop
    found = parcels.bench(db, order)
    settings = shop.settings["shipping"]
    choice = rates_room.from_json(order.shipping) if order.shipping else None
    # Voided ones stay in sight while their money is awaited.
    cards = [
        _card(request, parcel, found, view, choice)
        for parcel in shipments.of_order(db, order.id, STATUSES)
        if parcel.status != "dropped"
    ]
    blocked = ""
    try:
        parcels.ready(db, order.number, lock=False)
    except Refused as reason:
        blocked = str(reason)
    pictures = {line.sku: line.image for line in view.lines}
    suggested = parcels.suggestion(shop, found)
    return {
        "page": Page(
            f"Parcels of {view.number}",
            crumbs=(LIST, Crumb(title=f"Order {view.number}", path=_order(request, view))),
        ),
        "order": view,
        "cards": cards,
        "left": [
            (
                line,
                left,
                pictures.get(line.sku),
                demand.said_parts(line, demand.each_of(line)),
                demand.said_parts(line, found.without.get(line.id, {})),
            )
            for line in found.lines
            if (left := found.left[line.id]) > 0
        ],
        "boxes": [(box.name, box.name) for box in settings.boxes],
        "suggested": [_suggested(each) for each in suggested],
        "box": suggested[0].box if len(suggested) == 1 else "",
        "problems": shipments.problems(db, order.id),
        "sells": bool(purchase.label_providers(shop)),
        "ordered": choice,
        "promise": _promise(choice) if choice else "",
        "signatures": list(SIGNATURES.items()),
        "label_formats": [(each, each) for each in LABEL_FORMATS],
        "label_format": settings.label_format,
        "customs": _customs(request, found, order) if cards or any(found.left.values()) else None,
        "next_order": queries.next_to_ship(db, order),
        "form": str(uuid.uuid4()),
        "check": addresses.of_order(order),
        "address_lines": addresses.lines,
        "blocked": blocked,
        "error": error,
        "words": words,
        "money_of": lambda minor: Money(minor, view.currency).format(),
    }


def _card(
    request: Request,
    parcel: Parcel,
    found: parcels.Bench,
    view: c.OrderView,
    choice: c.ShippingChoice | None,
) -> Packed:
    lines = {line.id: line for line in found.lines}
    units, without = parcels.inside(parcel)
    pictures = {line.sku: line.image for line in view.lines}
    sent = parcels.shipping_lines(found.lines, units, view.currency, without)
    goods = sum(each.unit_price.minor * each.quantity for each in sent)
    size = " × ".join(f"{side / 10:g}" for side in parcel.size) + " cm" if parcel.size else ""
    until = parcel.rated_at + timedelta(hours=purchase.RATED_HOURS) if parcel.rated_at else None
    settings = request.shop.settings["shipping"]
    return Packed(
        parcel,
        [
            (
                lines[part.order_line_id].title,
                lines[part.order_line_id].sku,
                part.quantity,
                pictures.get(lines[part.order_line_id].sku),
                demand.said_parts(lines[part.order_line_id], part.without),
            )
            for part in parcel.lines
        ],
        _offers([rates_room.rate_from_json(rate) for rate in parcel.rates], settings, choice),
        Money(parcel.cost, parcel.currency).format() if parcel.cost is not None else "",
        sorted({file.format for file in shipments.label_files(request.db, parcel.id)}),
        size,
        _typed_signature(request, parcel) or parcel.options.get("signature") or settings.signature,
        str(Money(goods, view.currency).to_decimal()),
        until,
        shipments.reports(request.db, parcel.id),
    )


def _typed_signature(request: Request, parcel: Parcel) -> str:
    """What was chosen for this parcel in a form that was refused."""
    chosen = request.POST.get("signature", "")
    mine = request.POST.get("parcel", "") == str(parcel.id)
    return chosen if mine and chosen in SIGNATURES else ""


def _offers(
    rates: Sequence[c.Rate], settings: c.ShippingSettings, choice: c.ShippingChoice | None
) -> list[Offer]:
    """The rates, the one that the shop's rule picks first, then by price."""
    picked = rules.choose(rates, settings, choice)
    preselected = picked or rules.cheapest(rates)
    cheapest, fastest = rules.cheapest(rates), rules.fastest(rates)
    chosen = (choice.carrier.casefold(), choice.service.casefold()) if choice else None
    found = []
    for rate in rates:
        said, why = [], rules.why(rate, settings, choice) if rate == picked else ""
        if why:
            said.append(f"Recommended: {why}")
        if (
            rate.carrier.casefold(),
            rate.service.casefold(),
        ) == chosen and why != "what the customer chose":
            said.append("Chosen by the customer")
        if rate == cheapest and len(rates) > 1 and why != "the cheapest":
            said.append("Cheapest")
        if rate == fastest and len(rates) > 1 and why != "the fastest":
            said.append("Fastest")
        found.append(Offer(rate, _promise(rate), said, rate == preselected))
    return sorted(found, key=lambda offer: (not offer.recommended, offer.rate.amount.minor))


def _promise(rate: c.Rate | c.ShippingChoice) -> str:
    """How long it takes, in words."""
    sure = rules.sure(rate) if isinstance(rate, c.Rate) else None
    days = ""
    if rate.max_days is not None:
        least = rate.min_days if rate.min_days is not None else rate.max_days
        span = f"{least}–{rate.max_days}" if least < rate.max_days else str(rate.max_days)
        days = f"{span} working {'day' if span == '1' else 'days'}"
    measured = f"{sure[0]} % within {sure[1]} {'day' if sure[1] == 1 else 'days'}" if sure else ""
    return " · ".join(part for part in (days, measured) if part) or "No promise"


def _suggested(wanted: Wanted) -> str:
    """A parcel of the packer's, in words."""
    inside = ", ".join(f"{quantity} × {sku}" for sku, quantity in wanted.lines.items())
    return f"{wanted.box}: {inside}" if wanted.box else inside


def _customs(request: Request, found: parcels.Bench, order: Order) -> dict[str, Any] | None:
    """What is declared of goods that cross a border; None for those that don't."""
    shop = request.shop.settings["shop"]
    country = order.address.get("country", "")
    if country == shop.origin.country:
        return None
    lines = [
        (
            line.title,
            line.hs_code,
            line.origin_country or shop.origin.country,
            line.weight,
            line.unit_price,
        )
        for line in parcels.declared(request.db, found)
    ]
    signer = request.shop.settings["shipping"].customs_signer
    return {
        "country": country,
        "lines": lines,
        "signer": signer or shop.origin.name or shop.origin.company,
        "missing": [title for title, code, *_ in lines if not code],
        "assumed": [line.title for line in found.lines if not line.item.get("origin_country")],
        "home": shop.origin.country,
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
            raise Refused(read.INCOMPLETE)
        said = deed(request, number)
    except Refused as error:
        request.db.rollback()
        request.response.status_int = 422
        return _page(request, str(error))
    flash(request, said)
    return HTTPSeeOther(request.route_path("admin.order.parcels", number=number))


def _parcel(request: Request, number: str) -> uuid.UUID:
    """The parcel that the form speaks of; one of another order is none."""
    parcel_id = read.key(request.POST.get("parcel", ""))
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
    number = whole(text, -1)
    if not 0 <= number <= most:
        raise Refused(f"{what} must be a whole number up to {most}, not {text[:20]!r}.")
    return number


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
        shipment_id=read.key(request.POST.get("form", "")),
    )
    return "The parcel is packed." if len(made) == 1 else f"{len(made)} parcels are packed."


def _unpack(request: Request, number: str) -> str:
    parcels.unpack(request.shop, _parcel(request, number), actor=_actor(request))
    return "The parcel is taken apart; what was in it can be packed again."


def _rates(request: Request, number: str) -> str:
    offered = labels.prepare(request.shop, _parcel(request, number), _signed(request))
    if not offered:
        raise Refused("No carrier offers to ship this. Look at the address, weight and size.")
    return "These are the prices of now. Nothing is bought yet."


def _signed(request: Request) -> Any:
    """The signature that the form asks for; empty where it says nothing of it."""
    signature = request.POST.get("signature", "")
    if signature and signature not in SIGNATURES:
        raise Refused("Choose one of the signatures that are offered.")
    return signature


def _buy(request: Request, number: str) -> str:
    rate, _, seen = request.POST.get("rate", "").rpartition("|")
    most = whole(seen, -1)
    if not rate or most < 0:
        raise Refused("Choose how the parcel is sent.")
    labels.buy(
        request.shop,
        _parcel(request, number),
        rate_code=rate,
        most=most,
        actor=_actor(request),
        options=_options(request, number),
    )
    return "The label is bought. Print it, and hand the parcel over."


def _options(request: Request, number: str) -> c.BuyOptions:
    """What is bought along with the label."""
    options = c.BuyOptions()
    wanted = request.POST.get("label_format", "")
    if wanted in LABEL_FORMATS:
        options["label_format"] = wanted
    if signature := _signed(request):
        options["signature"] = signature
    if insured := request.POST.get("insurance", "").strip():
        with request.shop.unit() as db:
            view = request.shop.order_view(db, number)
        try:
            amount = Money.parse(insured, view.currency)
        except ValueError as error:
            raise Refused(f"The insured value can't be used. {error}") from None
        if amount.minor < 0:
            raise Refused("The insured value must be more than nothing.")
        if amount > view.total:
            raise Refused(f"Insure at most what the order is worth, {view.total.format()}.")
        if amount:
            options["insurance"] = amount.minor
    return options


def _look(request: Request, number: str) -> str:
    """Ask now what became of the money of a voided label."""
    return money_of(request.shop, _parcel(request, number), labels.follow_void, shipments.get)


def money_of(
    shop: Shop,
    label: uuid.UUID,
    follow: Callable[[Shop, uuid.UUID], None],
    get: Callable[[Session, uuid.UUID], Any],
) -> str:
    """`follow` what becomes of the money of a label that was given back, whose row `get` finds; in
    a sentence. Raises Refused."""
    try:
        follow(shop, label)
    except c.ProviderError as error:
        raise Refused(f"The provider could not be asked: {error}") from None
    with shop.unit() as db:
        found = get(db, label)
    return BACK.get(found.void if found else "", AWAITED)


def _void(request: Request, number: str) -> str:
    labels.void(request.shop, _parcel(request, number), actor=_actor(request))
    return "The label is given back. What becomes of its money is followed by itself."


def _as(request: Request, number: str, format: str) -> str:
    """The label in a further format."""
    label_formats.make(request.shop, _parcel(request, number), format)
    return f"The label can be printed as {format}, too."


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
    "look": _look,
    "hand_over": _hand_over,
    **{f"as_{format}": partial(_as, format=format) for format in LABEL_FORMATS},
    "seen": _seen,
}
