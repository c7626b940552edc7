"""Where buyers write: the page that the link in the mail leads to. The link is the key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from opticworks.contracts import N_, OrderView, say, say_number
from opticworks.plugin import Page, private_page, read_link_token
from opticworks_reviews import asking, writing
from opticworks_reviews.models import Review
from opticworks_reviews.products import Bought, bought
from opticworks_reviews.settings import ReviewsSettings

MOST = {"headline": 100, "body": 5000, "name": 60}  #: characters
WORDS = {1: N_("Poor"), 2: N_("Fair"), 3: N_("Good"), 4: N_("Very good"), 5: N_("Excellent")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One product's form: `errors` by field; `row` is what was written before."""

    index: int
    about: Bought
    row: Review | None
    values: dict[str, str]
    errors: dict[str, str]
    may_change: bool
    open: bool


def includeme(config: Configurator) -> None:
    config.add_route("reviews.write", "/reviews/write/{token}")
    common = {
        "route_name": "reviews.write",
        "renderer": "reviews/write.pt",
        "permission": NO_PERMISSION_REQUIRED,
    }
    config.add_view(show, request_method=("GET", "HEAD"), **common)
    config.add_view(write, request_method="POST", require_csrf=True, **common)


@private_page
def show(request: Request) -> dict[str, Any]:
    order = _order(request)
    stars, sku = request.GET.get("stars", ""), request.GET.get("product", "")
    chosen = {"stars": stars} if stars in ("1", "2", "3", "4", "5") else {}
    return _page(request, order, sku, chosen, {})


@private_page
def write(request: Request) -> dict[str, Any] | Response:
    order = _order(request)
    sku = request.POST.get("product", "")
    about = next((each for each in bought(order) if each.sku == sku), None)
    if about is None:
        raise HTTPNotFound(
            say("This is not a product of your order. Open the link in the mail again.")
        )
    typed = {name: str(request.POST.get(name, "")) for name in ("stars", *MOST)}
    given, errors = _read(typed)
    settings: ReviewsSettings = request.ctx.settings["reviews"]
    if not errors:
        try:
            writing.write(request.db, order, about, given, settings, request.ctx.now)
        except writing.TooLate:
            errors["form"] = say_number(
                "A review can be changed for {n} day.",
                "A review can be changed for {n} days.",
                settings.edit_days,
            )
    if errors:
        request.response.status_int = 422
        return _page(request, order, sku, typed, errors)
    asking.written(request.db, order.number)
    query = {"done": sku}
    return HTTPSeeOther(
        request.route_path("reviews.write", token=request.matchdict["token"], _query=query)
    )


def _order(request: Request) -> OrderView:
    """The order that the link is about. Raises HTTPNotFound."""
    shop = request.registry.shop
    number = read_link_token(shop, asking.PURPOSE, request.matchdict["token"])
    order: OrderView | None = shop.order_view(request.db, number) if number else None
    if order is None:
        raise HTTPNotFound(
            say("This link is not complete. Open it from the mail again, or reply to that mail.")
        )
    return order


def _read(typed: dict[str, str]) -> tuple[dict[str, str | int], dict[str, str]]:
    """What was typed as it is kept, and sentences about what is wrong with it, by field."""
    errors: dict[str, str] = {}
    if typed["stars"] not in ("1", "2", "3", "4", "5"):
        errors["stars"] = say("Choose one to five stars.")
    kept = {
        "headline": " ".join(typed["headline"].split()),
        "name": " ".join(typed["name"].split()),
        "body": re.sub(r"\n{3,}", "\n\n", typed["body"].replace("\r\n", "\n")).strip(),
    }
    for name, text in kept.items():
        if len(text) > MOST[name]:
            errors[name] = say(
                "This is {length} characters long; {most} are the most.",
                length=len(text),
                most=MOST[name],
            )
    if not kept["name"]:
        errors["name"] = say("Enter the name to be shown with your review.")
    return ({**kept, "stars": int(typed["stars"])} if not errors else {}), errors


def _page(
    request: Request, order: OrderView, sku: str, typed: dict[str, str], errors: dict[str, str]
) -> dict[str, Any]:
    settings: ReviewsSettings = request.ctx.settings["reviews"]
    products = bought(order)
    rows = writing.reviewed(request.db, order.email, (each.product for each in products))
    first = order.address.first_name.strip()
    initial = order.address.last_name.strip()[:1]
    name = f"{first} {initial}." if first and initial else first
    forms = []
    for index, about in enumerate(products):
        row = rows.get(about.product)
        values = {"stars": "", "headline": "", "body": "", "name": name}
        if row is not None:
            values = {key: str(getattr(row, key)) for key in values}
        mine = about.sku == sku or (not sku and len(products) == 1)
        forms.append(
            Form(
                index=index,
                about=about,
                row=row,
                values={**values, **(typed if mine else {})},
                errors=errors if mine else {},
                may_change=row is None or writing.may_change(row, settings, request.ctx.now),
                open=mine or (not sku and row is None),
            )
        )
    return {
        "page": Page(say("Your review"), robots="noindex"),
        "order": order,
        "forms": forms,
        "done": request.GET.get("done", ""),
        "star_words": WORDS,
        "edit_days": settings.edit_days,
        "incentive": settings.incentive,
        "wrong": bool(errors),
    }
