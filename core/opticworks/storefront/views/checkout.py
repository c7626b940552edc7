"""Guest checkout on one page.

These views run outside pyramid_tm: they ask shipping and payment providers, and every step they
write is a short unit of work of its own. What was typed is kept on the cart before anything else
can fail.
"""

from __future__ import annotations

import json
import logging
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from webob.multidict import MultiDict

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.checkout import addresses, fields
from opticworks.checkout import settle as settling
from opticworks.checkout.place import Changed, Placed, Stale, Unkept, Wish, place
from opticworks.checkout.quoting import Refreshed, ensure_rates
from opticworks.orders import service as orders
from opticworks.payments import service as payments
from opticworks.pricing.service import Refused as PricesRefused
from opticworks.shop import Shop
from opticworks.storefront import checkout_page, codes, forms, visitor
from opticworks.web.headers import private_page
from opticworks.web.limits import client_address

log = logging.getLogger(__name__)

ADDRESS = "checkout/address.pt"  #: what a look at the address answers
QUOTE_SECONDS = 1800  #: how long what a quote showed holds, though a discount ends meanwhile


def posted(request: Request) -> MultiDict:
    """What the form posted, with the address that was chosen if two were shown."""
    return forms.with_chosen_address(request.POST)


def cart_id_of(request: Request) -> uuid.UUID | None:
    """The cart this checkout is about: the one of the form, else the visitor's own."""
    value = visitor.unsealed(request, checkout_page.SEALED, str(request.POST.get("cart", "")))
    if isinstance(value, str):
        return uuid.UUID(value)
    return visitor.cart_id_of(request)


@view_config(
    route_name="checkout", request_method=("GET", "HEAD"), permission=NO_PERMISSION_REQUIRED
)
@private_page
def show(request: Request) -> Response:
    if (response := visitor.await_added(request)) is not None:
        return response
    cart_id = visitor.cart_id_of(request)
    if cart_id is None:
        return checkout_page.to_cart(request)
    fresh = ensure_rates(request.registry.shop, cart_id)
    told: dict[str, Any] = {**visitor.told(request)}
    return checkout_page.answer(request, cart_id, fresh=fresh, **told)


@view_config(
    route_name="checkout.update",
    request_method="POST",
    require_csrf=True,
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def update(request: Request) -> Response:
    """htmx: keep what was typed, answer the shipping options and the summary."""
    cart_id = cart_id_of(request)
    fresh = _keep(request, cart_id) if cart_id is not None else None
    if cart_id is None or fresh is None:
        response = Response(status=204)
        response.headers["HX-Redirect"] = request.route_path("cart")
        return response
    told: dict[str, Any] = {}
    if codes.wanted(request, by_script=True):
        told = {"codes_changed": True, **_change_codes(request, cart_id)}
        fresh = None  # it is another one now
    return checkout_page.answer(
        request, cart_id, fresh=fresh, template=checkout_page.UPDATE, **told
    )


@view_config(
    route_name="checkout",
    request_method="POST",
    require_csrf=True,
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def submit(request: Request) -> Response:
    """ "Update shipping" without JavaScript, or "Place Order".

    A provider's own script asks for JSON, so that its form stays where it is: `go` is where the
    browser goes next, `action` what the script has to do before it goes `back`, `message` what is
    to be told, `errors` sentences by field, and `changed` says that the page shows another total.
    """
    response = _submit(request)
    if _wants_json(request) and isinstance(response, HTTPSeeOther):
        answer = Response(json_body={"go": response.location})
        answer.headers.extend(
            [pair for pair in response.headerlist if pair[0].lower() == "set-cookie"]
        )
        return answer
    return response


def _wants_json(request: Request) -> bool:
    return bool(request.headers.get("Accept") == "application/json")


def _submit(request: Request) -> Response:
    cart_id = cart_id_of(request)
    if cart_id is None:
        return checkout_page.to_cart(request)
    placing = request.POST.get("action") == "place"
    with_codes = codes.wanted(request, by_script=False)
    form = fields.checkout_form(request.registry.shop.settings["shop"], posted(request))
    valid = form.validate() if placing else False
    if valid and not with_codes:
        # Mostly an update has kept it all already: then placing need not do that once more.
        with suppress(Unkept):
            return _place(request, cart_id, form, kept=_kept(request))
    known = _keep(request, cart_id) is not None
    if known and with_codes:
        return _codes_first(request, cart_id)
    if not placing:
        checked = known and suggest_address(request, cart_id)
        part = "#address-check" if checked else "#shipping"
        return HTTPSeeOther(location=request.route_path("checkout") + part)
    if not known:
        return _to_order(request, cart_id)
    if not valid:
        return _told(request, cart_id, form, 422, errors=form.sentences)
    return _place(request, cart_id, form)


def _change_codes(request: Request, cart_id: uuid.UUID) -> dict[str, Any]:
    """Put a code on the cart or take one off; the rates follow what the goods cost then."""
    shop: Shop = request.registry.shop
    with shop.unit("codes") as db:
        cart = carts.find(db, cart_id, shop.now(), lock=True)
        told = codes.change(request, db, cart) if cart is not None else {}
    ensure_rates(shop, cart_id)
    return told


def _codes_first(request: Request, cart_id: uuid.UUID) -> Response:
    """Without script: back to the form with what the code does. If "Place Order" was pressed with
    a code that was typed only now, the total is another one, so it has to be seen first."""
    told = _change_codes(request, cart_id)
    refused = told.get("code_error", "")
    if request.POST.get("action") == "place":
        sentence = (
            c.say(
                "Nothing was ordered yet: the discount code can't be used. Place the order again "
                "to go on without it."
            )
            if refused
            else c.say(
                "Nothing was ordered yet: you entered a discount code. Check the total and place "
                "the order again."
            )
        )
        shop: Shop = request.registry.shop
        form = fields.checkout_form(shop.settings["shop"], posted(request))
        more = {**told, "code_typed": ""}
        return _told(request, cart_id, form, 409, error=sentence, **more)
    response = HTTPSeeOther(location=request.route_path("checkout") + "#codes")
    name = "code_error" if refused else "code_message"
    visitor.tell(request, response, name, told.get(name, ""))
    return response


def _place(
    request: Request,
    cart_id: uuid.UUID,
    form: fields.CheckoutForm,
    kept: tuple[dict[str, str], str | None] | None = None,
) -> Response:
    """Raises Unkept, and only with `kept`, when the cart does not have that."""
    shop: Shop = request.registry.shop
    try:
        placed = _with_rates(
            shop,
            Wish(
                cart_id=cart_id,
                quote_hash=str(request.POST.get("quote", "")),
                email=form.email.data or "",
                address=form.to_address(),
                payment=str(request.POST.get("payment", "")),
                data=_provider_fields(request),
                shown_at=_shown_at(request, cart_id),
                kept=kept,
                locale=request.locale_name,
            ),
        )
    except Changed as changed:
        ensure_rates(shop, cart_id)
        changes = checkout_page.changes_of(request, changed.quote)
        return _told(request, cart_id, form, 409, changes=changes, tried=True)
    except (settling.Refused, PricesRefused) as refused:
        return _told(request, cart_id, form, 409, error=str(refused))
    except c.ProviderError as error:
        log.warning("A payment provider could not be asked: %s", error)
        sentence = c.say(
            "We could not reach the payment provider. Your items are kept for you for a few "
            "minutes; press Place Order again. You will not be charged twice."
        )
        return _told(request, cart_id, form, 503, error=sentence)
    if placed.action is not None:
        target = placed.action.get("redirect_url")
        if isinstance(target, str):
            return HTTPSeeOther(location=target)
        if _wants_json(request):
            return Response(json_body={"action": dict(placed.action), "back": placed.back})
        sentence = c.say(
            "This way to pay needs JavaScript, which is switched off. Choose another way to pay, "
            "or switch it on and place the order again. Nothing was charged."
        )
        return _told(request, cart_id, form, 409, error=sentence)
    response = HTTPSeeOther(location=f"{placed.path}?thanks=1")
    visitor.forget_cart(response)
    return response


def _with_rates(shop: Shop, wish: Wish) -> Placed:
    """Place the order; if another tab left the cart with rates for something else, with the right
    ones, so that a total without delivery is neither placed nor told."""
    try:
        return place(shop, wish)
    except Stale:
        ensure_rates(shop, wish.cart_id, agreed_at=wish.shown_at)
        return place(shop, wish)


def _shown_at(request: Request, cart_id: uuid.UUID) -> datetime | None:
    """When the quote that is being placed was shown, if that was not long ago. Nothing else is
    had at its price: neither another cart nor this one with other things in it."""
    value = visitor.unsealed(request, checkout_page.SHOWN, str(request.POST.get("shown", "")))
    now: datetime = request.registry.shop.now()
    if not isinstance(value, list) or len(value) != 3:
        return None
    shown = [cart_id.hex, str(request.POST.get("quote", ""))]
    if value[:2] != shown:
        return None
    age = now.timestamp() - value[2]
    return datetime.fromtimestamp(value[2], UTC) if 0 <= age <= QUOTE_SECONDS else None


def _told(
    request: Request, cart_id: uuid.UUID, form: fields.CheckoutForm, status: int, **told: Any
) -> Response:
    """What keeps the order from being placed: the page again, or the same as JSON."""
    if not _wants_json(request):
        return checkout_page.answer(request, cart_id, form=form, status=status, **told)
    sentences = [change.sentence for change in told.get("changes", ())]
    if told.get("errors"):
        sentences.append(c.say("Please check the fields that are marked."))
    return Response(
        json_body={
            "message": " ".join([str(told.get("error", "")), *sentences]).strip(),
            "errors": dict(told.get("errors", {})),
            "changed": bool({"changes", "code_typed"} & told.keys()),
        },
        status=status,
    )


@view_config(
    route_name="checkout.address",
    request_method="POST",
    require_csrf=True,
    permission=NO_PERMISSION_REQUIRED,
)
@private_page
def check_address(request: Request) -> Response:
    """htmx: what a verifier says of the address, while the customer goes on typing.

    Where the customer chose between two addresses, the script is told which fields that changes.
    """
    cart_id = cart_id_of(request)
    shop: Shop = request.registry.shop
    chosen = posted(request)
    if cart_id is not None:
        suggest_address(request, cart_id)
    with shop.unit() as db:
        cart = carts.find(db, cart_id, shop.now()) if cart_id is not None else None
        check = addresses.of_cart(shop, cart) if cart is not None else None
    values = {"question": forms.address_question(check)}
    response = render_to_response(ADDRESS, values, request=request)
    # Each field with what it held and what it is to hold: what was typed since stays.
    fields = {
        name: (request.POST.get(name, ""), chosen.get(name, "")) for name in forms.PLACE_FIELDS
    }
    if any(held != wanted for held, wanted in fields.values()):
        response.headers["HX-Trigger-After-Settle"] = json.dumps({"address-chosen": fields})
    return response


def suggest_address(request: Request, cart_id: uuid.UUID) -> bool:
    """Keep what was typed, and ask a verifier about an address that is whole and new; whether
    there is something to choose or to tell then."""
    shop: Shop = request.registry.shop

    def edit(cart: Cart) -> None:
        carts.remember_details(cart, forms.typed(posted(request)), shop.now())

    def may_ask() -> bool:
        """So often that nobody typing is refused, and so seldom that no one uses us to check."""
        return bool(request.limits.allow("60/hour", "address", client_address(request)))

    return addresses.suggest(shop, cart_id, edit, may_ask)


@view_config(route_name="payment.return", request_method="GET", permission=NO_PERMISSION_REQUIRED)
@private_page
def come_back(request: Request) -> Response:
    """Back from a provider's page: settle, then on to a clean address."""
    shop: Shop = request.registry.shop
    try:
        attempt = uuid.UUID(request.matchdict["attempt"])
    except ValueError:
        raise HTTPNotFound() from None
    with shop.unit() as db:
        payment = payments.by_attempt(db, attempt)
        order = orders.by_id(db, payment.order_id) if payment is not None else None
        if order is None:
            raise HTTPNotFound()
        number, path = order.number, orders.path(order)
    try:
        result = settling.settle(shop, number, attempt)
    except c.ProviderError as error:
        log.warning("Order %s could not be settled on return: %s", number, error)
        return HTTPSeeOther(location=f"{path}?thanks=1")
    if result is not None and result.state in ("failed", "canceled", "action"):
        response = HTTPSeeOther(location=request.route_path("checkout"))
        sentence = result.message or c.say("The payment did not go through. Nothing was charged.")
        visitor.tell(request, response, "error", sentence)
        return response
    response = HTTPSeeOther(location=f"{path}?thanks=1")
    visitor.forget_cart(response)
    return response


def _keep(request: Request, cart_id: uuid.UUID) -> Refreshed | None:
    """Store what was typed and chosen, then see to its rates; None without an open cart."""
    shop: Shop = request.registry.shop
    details, code = _kept(request)

    def edit(cart: Cart) -> None:
        carts.remember_details(cart, details, shop.now())
        if code is not None:
            cart.shipping_code = code

    placing = request.POST.get("action") == "place"
    agreed_at = _shown_at(request, cart_id) if placing else None
    return ensure_rates(shop, cart_id, edit, agreed_at)


def _kept(request: Request) -> tuple[dict[str, str], str | None]:
    """What the form says of the cart: what was typed, and the shipping that was chosen, None if
    there was nothing to choose."""
    code = request.POST.get("shipping")
    chosen = code if isinstance(code, str) and len(code) <= 200 else None
    return forms.typed(posted(request)), chosen


def _provider_fields(request: Request) -> dict[str, str]:
    """What the payment provider's own fields posted: they are named `pay-…`."""
    return {
        name.removeprefix("pay-"): value[:2000]
        for name, value in request.POST.items()
        if name.startswith("pay-") and isinstance(value, str)
    }


def _to_order(request: Request, cart_id: uuid.UUID) -> Response:
    """A cart that is no longer open: to the order it became, whatever else was posted this time."""
    with request.registry.shop.unit() as db:
        cart = carts.get(db, cart_id)
        order = (
            orders.by_cart(db, cart_id) if cart is not None and cart.state == "ordered" else None
        )
        if order is None:
            return checkout_page.to_cart(request)
        response = HTTPSeeOther(location=f"{orders.path(order)}?thanks=1")
    visitor.forget_cart(response)
    return response
