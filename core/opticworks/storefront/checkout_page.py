"""What the checkout's page shows, of the cart as it is now."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.checkout import addresses, fields
from opticworks.checkout.quoting import Refreshed, quote_cart
from opticworks.money import Money
from opticworks.pricing.service import Refused as PricesRefused
from opticworks.shop import Shop
from opticworks.storefront import forms, visitor
from opticworks.web.numbers import whole
from opticworks.web.page import Page

log = logging.getLogger(__name__)

SEALED = "checkout"  #: purpose of the signed cart id in the form
SHOWN = "shown"  #: purpose of the signed moment at which a quote was shown
UPDATE = "checkout/dynamic.pt"  #: what an update of the page answers


def answer(
    request: Request,
    cart_id: uuid.UUID,
    *,
    fresh: Refreshed | None = None,
    template: str = "checkout.pt",
    form: fields.CheckoutForm | None = None,
    status: int = 200,
    **more: Any,
) -> Response:
    """The checkout with everything it shows, read in the request's own session; of what is
    `fresh` if the caller has just read it."""
    shop: Shop = request.registry.shop
    db: Session = request.db
    cart = fresh.cart if fresh is not None else carts.find(db, cart_id, shop.now())
    if cart is None or not cart.lines:
        return to_cart(request)
    try:
        priced = (fresh.priced if fresh is not None else None) or quote_cart(shop, db, cart)
    except PricesRefused as error:
        response = to_cart(request)
        visitor.tell(request, response, "error", str(error))
        return response
    offers = _offers(shop, priced.quote) if priced.quote.total.minor else []
    if request.POST.get("offers") == "0" and offers and template == UPDATE:
        return _whole_page(request)  # it was made while there was nothing to pay
    # Its field comes and goes with the country; else what is being typed there stays.
    vat_id_changed = ("vatId" in request.POST) != priced.quote.display.asks_vat_id
    if form is None and (template != UPDATE or vat_id_changed):  # it is the update's only field
        form = fields.checkout_form(shop.settings["shop"], details=cart.details)
    values = {
        "page": _head(request),
        "form": form,
        "quote": priced.quote,
        "rates": priced.rates,
        "chosen": priced.quote.shipping.code if priced.quote.shipping else "",
        "offers": offers,
        "chosen_payment": _chosen_payment(offers, cart.details.get("payment", "")),
        "token": _seal(request, cart_id),
        "shown": visitor.sealed(
            request, SHOWN, [cart_id.hex, priced.quote.hash, int(shop.now().timestamp())]
        ),
        "availability": priced.availability,
        "question": forms.address_question(addresses.of_cart(shop, cart)),
        "changes": priced.quote.notices,
        "tried": False,
        "errors": {},
        "error": "",
        "message": "",
        "code_error": "",
        "code_typed": "",
        "code_message": "",
        "codes_changed": False,
        "vat_id_changed": vat_id_changed,
        **more,
    }
    response = render_to_response(template, values, request=request)
    response.status_int = status
    return response


def _whole_page(request: Request) -> Response:
    """htmx: load the checkout again; what was typed is kept on the cart."""
    response = Response(status=204)
    response.headers["HX-Redirect"] = request.route_path("checkout")
    return response


def _offers(shop: Shop, quote: c.Quote) -> list[tuple[str, c.PaymentOffer]]:
    offers = []
    for code, provider in shop.providers.payments().items():
        try:
            offers += [(code, offer) for offer in provider.offers(quote)]
        except Exception:
            log.exception("Payment provider %s could not say what it offers", code)
    return offers


def _chosen_payment(offers: list[tuple[str, c.PaymentOffer]], wanted: str) -> str:
    codes = [code for code, _ in offers]
    return wanted if wanted in codes else (codes[0] if codes else "")


def changes_of(request: Request, quote: c.Quote) -> tuple[c.Notice, ...]:
    """What changed since the customer looked at the page that was posted."""
    if quote.notices:
        return (*quote.notices, *_lost_codes(quote))
    shown = whole(str(request.POST.get("quote", "")).rpartition("-")[2], -1, digits=15)
    if shown >= 0:
        before = Money(shown, quote.currency)
        if before != quote.total:
            locale = request.locale_name
            return (
                c.Notice(
                    kind="price",
                    target="order",
                    sentence=c.say(
                        "The total changed from {before} to {after}. Please check it and place "
                        "the order again.",
                        before=before.format(locale),
                        after=quote.total.format(locale),
                    ),
                ),
                *_lost_codes(quote),
            )
    return (
        c.Notice(
            kind="price",
            target="order",
            sentence=c.say(
                "Your order changed since you opened this page. Please check it and place it again."
            ),
        ),
    )


def _lost_codes(quote: c.Quote) -> tuple[c.Notice, ...]:
    """Codes on the cart that can't be used any more are often why a total changed."""
    return tuple(
        c.Notice(kind="price", target="order", sentence=state.sentence)
        for state in quote.codes
        if state.state == "refused"
    )


def _head(request: Request) -> Page:
    return Page(
        c.say("Checkout"),
        description=c.say("Address, delivery and payment on one page. No account needed."),
        canonical=request.registry.shop.config.base_url + request.route_path("checkout"),
        robots="noindex",
    )


def _seal(request: Request, cart_id: uuid.UUID) -> str:
    """The cart's id for the form, signed: a repeated or late post still finds its order."""
    return visitor.sealed(request, SEALED, cart_id.hex)


def to_cart(request: Request) -> Response:
    return HTTPSeeOther(location=request.route_path("cart"))
