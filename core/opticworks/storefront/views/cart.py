"""The cart: shown, filled and changed, with and without JavaScript."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from opticworks.carts import service as carts
from opticworks.checkout import cart as basket
from opticworks.checkout import suggestions
from opticworks.checkout.cart import CartRefused
from opticworks.checkout.quoting import quote_cart
from opticworks.contracts import say
from opticworks.db.changes import only_reading
from opticworks.pricing.service import Refused
from opticworks.storefront import codes, visitor
from opticworks.web.headers import private_page
from opticworks.web.page import Page


def page_of(request: Request) -> Page:
    return Page(
        say("Your cart"),
        description=say("What you have gathered so far, with today's prices and what is in stock."),
        canonical=request.registry.shop.config.base_url + request.route_path("cart"),
        robots="noindex",
    )


def contents(request: Request, **more: Any) -> dict[str, Any]:
    """What every rendering of the cart is given. `quote` is None when the cart is empty."""
    values: dict[str, Any] = {
        "page": page_of(request),
        "quote": None,
        "availability": {},
        "offered": (),
        "count": carts.count(request.cart),
        "message": "",
        "error": "",
        "code_error": "",
        "code_typed": "",
        "code_message": "",
    }
    if request.cart is not None and request.cart.lines:
        try:
            priced = quote_cart(request.registry.shop, request.db, request.cart)
            offered = suggestions.offered(request.registry.shop, request.db, priced.quote)
            values.update(quote=priced.quote, availability=priced.availability, offered=offered)
        except Refused as error:
            values["error"] = str(error)
    return {**values, **more}


@view_config(route_name="cart", renderer="cart.pt", permission=NO_PERMISSION_REQUIRED)
@private_page
def show(request: Request) -> dict[str, Any] | Response:
    if (response := visitor.await_added(request)) is not None:
        return response
    if request.cart is not None:
        shop = request.registry.shop
        carts.keep(request.cart, shop.now(), shop.settings["shop"].cart_days)
        visitor.keep_cart(request, request.response, request.cart)
    return contents(request, **visitor.told(request))


@view_config(route_name="cart.badge", renderer="cart/badge.pt", permission=NO_PERMISSION_REQUIRED)
@private_page
def badge(request: Request) -> dict[str, Any]:
    return {"count": carts.count(request.cart)}


@view_config(route_name="cart.drawer", renderer="cart/drawer.pt", permission=NO_PERMISSION_REQUIRED)
@private_page
def drawer(request: Request) -> dict[str, Any]:
    return contents(request)


@view_config(route_name="cart.lines", request_method="POST", permission=NO_PERMISSION_REQUIRED)
@private_page
def add(request: Request) -> Response:
    """Put an item into the cart, making the cart if this is its first."""
    with only_reading(request.db):  # of goods and prices: nothing but the cart is written
        return _add(request)


def _add(request: Request) -> Response:
    shop = request.registry.shop
    settings = shop.settings["shop"]
    sku = request.POST.get("sku", "")
    try:
        if not isinstance(sku, str) or not 0 < len(sku) <= 100:
            raise CartRefused(say("Choose an item first."))
        quantity = basket.parse_quantity(
            str(request.POST.get("quantity", "1")), settings.max_quantity
        )
        cart = visitor.locked_cart(request)
        if cart is None:
            cart = carts.new(settings.currency, shop.now(), settings.cart_days)
        name = basket.add(shop, request.db, cart, sku, quantity)
    except CartRefused as error:
        response = _answer(request, error=str(error))
        response.delete_cookie(visitor.ADDING, path="/")
        return response
    request.cart = cart
    response = _answer(request, message=say("{name} is in your cart.", name=name))
    response.delete_cookie(visitor.ADDING, path="/")
    visitor.keep_cart(request, response, cart)
    return response


@view_config(route_name="cart.line", request_method="POST", permission=NO_PERMISSION_REQUIRED)
@private_page
def change(request: Request) -> Response:
    """Set a line's quantity; 0 or `action=remove` removes it."""
    shop = request.registry.shop
    sku = request.matchdict["sku"]
    try:
        cart = visitor.locked_cart(request)
        if cart is None:
            raise CartRefused(say("Your cart is empty. It may have expired."))
        if request.POST.get("action") == "remove":
            quantity = 0
        else:
            quantity = basket.parse_quantity(
                str(request.POST.get("quantity", "")), shop.settings["shop"].max_quantity
            )
        basket.set_quantity(shop, request.db, cart, sku, quantity)
    except CartRefused as error:
        return _answer(request, error=str(error))
    request.db.flush()
    message = say("Your cart was updated.") if quantity else say("The item was removed.")
    return _answer(request, message=message)


@view_config(route_name="cart.codes", request_method="POST", permission=NO_PERMISSION_REQUIRED)
@view_config(
    route_name="cart.code.remove", request_method="POST", permission=NO_PERMISSION_REQUIRED
)
@private_page
def change_codes(request: Request) -> Response:
    """Put a code on the cart, or take one off."""
    cart = visitor.locked_cart(request)
    if cart is None:
        return _answer(request, error=say("Your cart is empty. It may have expired."))
    told = codes.change(request, request.db, cart)
    request.db.flush()
    if request.headers.get("HX-Request") == "true":
        return render_to_response("cart/lines.pt", contents(request, **told), request=request)
    response = HTTPSeeOther(location=request.route_path("cart") + "#codes")
    name = "code_error" if "code_error" in told else "code_message"
    visitor.tell(request, response, name, told[name])
    return response


def _answer(request: Request, *, message: str = "", error: str = "") -> Response:
    """A fragment for htmx, else a redirect to the cart page that says what happened."""
    if request.headers.get("HX-Request") == "true":
        on_cart_page = urlsplit(request.headers.get("HX-Current-URL", "")).path == "/cart"
        template = "cart/lines.pt" if on_cart_page else "cart/drawer.pt"
        response = render_to_response(
            template, contents(request, message=message, error=error), request=request
        )
        response.headers["HX-Trigger"] = "cart-changed"
        return response
    response = HTTPSeeOther(location=request.route_path("cart"))
    kind, sentence = ("error", error) if error else ("message", message)
    visitor.tell(request, response, kind, sentence)
    return response
