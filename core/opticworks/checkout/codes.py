"""Putting codes on a cart. What they do is told by the discount plugins, through the quote."""

from __future__ import annotations

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts.models import Cart
from opticworks.checkout.quoting import quote_cart
from opticworks.pricing import service as pricing
from opticworks.pricing.codes import clean_code, fold_code
from opticworks.shop import Shop

MOST = 10  #: codes on one cart


class CodeRefused(Exception):
    """The cart stays as it was; the sentence tells the customer why. `wrong` if the code itself
    is no good, which may be somebody who tries codes."""

    def __init__(self, sentence: str, *, wrong: bool = False) -> None:
        super().__init__(sentence)
        self.wrong = wrong


def enter(shop: Shop, db: Session, cart: Cart, text: str) -> c.CodeState:
    """Put the code on the cart and say what it does there; one that waits for something stays
    too. Raises CodeRefused."""
    code = clean_code(text)
    key = fold_code(code)
    if not key:
        raise CodeRefused(c.say("Type the code first."))
    known = [fold_code(each) for each in cart.codes]
    if key not in known and len(known) >= MOST:
        raise CodeRefused(
            c.say("{most} codes are the most for one order. Remove one first.", most=MOST)
        )
    before = cart.codes
    if key not in known:
        cart.codes = [*before, code]
    try:
        state = _state(shop, db, cart, key)
    except CodeRefused:
        cart.codes = before
        raise
    if state.state == "refused":
        cart.codes = before
        raise CodeRefused(" ".join(filter(None, (state.sentence, state.missing))), wrong=True)
    cart.codes = [state.code if fold_code(each) == key else each for each in cart.codes]
    cart.updated_at = shop.now()
    return state


def _state(shop: Shop, db: Session, cart: Cart, key: str) -> c.CodeState:
    try:
        quote = quote_cart(shop, db, cart).quote
    except pricing.Refused as error:
        raise CodeRefused(str(error)) from None
    if any(objection.sentence == c.say(pricing.UNCLEAR) for objection in quote.objections):
        raise CodeRefused(c.say("Codes can't be checked at the moment. Please try again shortly."))
    return next(state for state in quote.codes if fold_code(state.code) == key)


def remove(shop: Shop, cart: Cart, text: str) -> bool:
    """Take the code off the cart; False if it was not there."""
    key = fold_code(text)
    left = [code for code in cart.codes if fold_code(code) != key]
    if len(left) == len(cart.codes):
        return False
    cart.codes = left
    cart.updated_at = shop.now()
    return True
