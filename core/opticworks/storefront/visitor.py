"""The visitor's cart and one-time notices, each in a small signed cookie; no session, no Redis."""

from __future__ import annotations

import threading
import time
import uuid
from functools import lru_cache
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from webob.cookies import JSONSerializer, SignedSerializer

from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.web.headers import note_private
from opticworks.web.keys import derive

CART = "cart"
NOTICE = "notice"
DAY = 86_400

#: Set by the shop's script while an item is on its way into the cart; the answer removes it.
ADDING = "adding"
_PAUSE = 0.1  # seconds between two looks
_LOOKS = 18  # browsers follow 20 redirects
_waiting = threading.BoundedSemaphore(2)  # waiting must not keep others from being served


def _serializer(request: Request, purpose: str) -> SignedSerializer:
    return _made(request.registry.shop.config.secret, purpose)


@lru_cache(maxsize=32)
def _made(secret: str, purpose: str) -> SignedSerializer:
    key = derive(secret, f"cookie:{purpose}")
    return SignedSerializer(key, purpose, serializer=JSONSerializer())


def read_cookie(request: Request, name: str) -> Any:
    """What we signed into the cookie; None if it is missing, foreign or changed."""
    note_private(request, f"the {name} cookie")
    raw = request.cookies.get(name)
    if not raw:
        return None
    try:
        return _serializer(request, name).loads(raw.encode())
    except ValueError:
        return None


def sealed(request: Request, purpose: str, value: Any) -> str:
    """`value` signed for a hidden field."""
    return str(_serializer(request, purpose).dumps(value).decode())


def unsealed(request: Request, purpose: str, text: str) -> Any:
    """What we sealed; None if it is missing, foreign or changed."""
    try:
        return _serializer(request, purpose).loads(text.encode())
    except ValueError:
        return None


def set_cookie(
    request: Request, response: Response, name: str, value: Any, *, max_age: int
) -> None:
    response.set_cookie(
        name,
        _serializer(request, name).dumps(value).decode(),
        max_age=max_age,
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
        path="/",
    )


def cart_id_of(request: Request) -> uuid.UUID | None:
    """The id in the visitor's cart cookie; a forged or broken one is none."""
    value = read_cookie(request, CART)
    try:
        return uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


def cart_of(request: Request) -> Cart | None:
    """`request.cart`: the visitor's open cart, None if there is none or it has expired."""
    cart_id = cart_id_of(request)
    if cart_id is None:
        return None
    return carts.find(request.db, cart_id, request.registry.shop.now())


def locked_cart(request: Request) -> Cart | None:
    """The visitor's open cart for a change: two clicks at once come one after the other."""
    cart_id = cart_id_of(request)
    if cart_id is not None:
        request.cart = carts.find(request.db, cart_id, request.registry.shop.now(), lock=True)
    return request.cart  # type: ignore[no-any-return]


def keep_cart(request: Request, response: Response, cart: Cart) -> None:
    """Write the cart's cookie, to last as long as the cart."""
    days = request.registry.shop.settings["shop"].cart_days
    set_cookie(request, response, CART, cart.id.hex, max_age=days * DAY)


def forget_cart(response: Response) -> None:
    response.delete_cookie(CART, path="/")


def await_added(request: Request) -> Response | None:
    """What to answer instead of the page while an item is still on its way into the cart.

    Who leaves for the checkout at once is faster than the answer that carries the cart's cookie.
    The browser takes that answer in as long as no other page has begun: hence a redirect to the
    same address, after a moment, for two seconds at most.
    """
    looks = request.GET.get("look", "")
    looked = int(looks) if looks.isdecimal() and len(looks) < 3 else 0
    if ADDING not in request.cookies:
        return HTTPSeeOther(location=request.path) if looks else None
    if looked >= _LOOKS or not _waiting.acquire(blocking=False):
        return None
    try:
        time.sleep(_PAUSE)
    finally:
        _waiting.release()
    return HTTPSeeOther(location=f"{request.path}?look={looked + 1}")


def tell(request: Request, response: Response, kind: str, sentence: str) -> None:
    """Say something on the next page; `kind` is "message" or "error"."""
    set_cookie(request, response, NOTICE, [kind, sentence[:500]], max_age=60)


def told(request: Request) -> dict[str, str]:
    """What the last page wanted to say ({"message": …} or {"error": …}), read once."""
    value = read_cookie(request, NOTICE)
    if not isinstance(value, list) or len(value) != 2:
        return {}
    request.add_response_callback(
        lambda request, response: response.delete_cookie(NOTICE, path="/")
    )
    return {str(value[0]): str(value[1])}
