"""The code field of cart and checkout: entering, removing, and not being a place to try codes."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts.models import Cart
from opticworks.checkout import codes
from opticworks.checkout.codes import CodeRefused
from opticworks.web.limits import client_address

#: Wrong codes: from one address on one cart, and from one address on whatever carts.
PER_CART = "10/10minutes"
PER_ADDRESS = "40/10minutes"


def change(request: Request, db: Session, cart: Cart) -> dict[str, Any]:
    """Do what the form asks with its code (locked cart): what the page is to say of it."""
    removed = _text(request, "remove_code") or request.matchdict.get("code", "")
    if removed:
        codes.remove(request.registry.shop, cart, removed)
        return {"code_message": c.say("{code} was removed.", code=removed)}
    typed = _text(request, "code")
    try:
        state = _enter(request, db, cart, typed)
    except CodeRefused as error:
        return {"code_error": str(error), "code_typed": typed}
    if state.state == "waiting":
        return {"code_message": c.say("{code} is kept for this order.", code=state.code)}
    return {"code_message": c.say("{code} is applied.", code=state.code)}


def _enter(request: Request, db: Session, cart: Cart, typed: str) -> c.CodeState:
    address = client_address(request)
    counters = ((PER_CART, "codes", str(cart.id), address), (PER_ADDRESS, "codes", address))
    wait = max(request.limits.wait(rate, *key) for rate, *key in counters)
    if wait:
        minutes = -(-wait // 60)
        raise CodeRefused(
            c.say_number(
                "Too many codes were tried. Please wait a minute before the next one; you can "
                "order without it at any time.",
                "Too many codes were tried. Please wait {n} minutes before the next one; you can "
                "order without it at any time.",
                minutes,
            )
        )
    try:
        return codes.enter(request.registry.shop, db, cart, typed)
    except CodeRefused as error:
        if error.wrong:
            for rate, *key in counters:
                request.limits.allow(rate, *key)
        raise


def wanted(request: Request, *, by_script: bool) -> bool:
    """Does the checkout's form ask for something with codes? Without script whatever button was
    pressed: a code that was typed and not applied must not be forgotten on the way."""
    asked = _text(request, "remove_code") or _text(request, "action") == "code"
    return bool(asked or (not by_script and _text(request, "code")))


def _text(request: Request, name: str) -> str:
    value = request.POST.get(name, "")
    return value.strip()[:200] if isinstance(value, str) else ""
