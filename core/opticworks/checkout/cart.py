"""Changing a cart, validated against goods and stock at the moment of the change."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.contracts.goods import named
from opticworks.pricing import service as pricing
from opticworks.shop import Shop
from opticworks.stock import service as stock


class CartRefused(Exception):
    """The cart stays as it was; the sentence tells the customer why."""


def _too_many(most: int) -> CartRefused:
    return CartRefused(
        c.say("You can order at most {most} of one item. For more, please ask us.", most=most)
    )


def parse_quantity(text: str, most: int) -> int:
    """A quantity as a person typed it: a whole number from 0 to `most`.

    Raises CartRefused with a sentence for anything else.
    """
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit():
        raise CartRefused(c.say("A quantity is a whole number from 1 to {most}.", most=most))
    if len(digits) > 9 or int(digits) > most:
        raise _too_many(most)
    return int(digits)


def add(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    """Put `quantity` more of the SKU into the cart; the item's title. Raises CartRefused."""
    if quantity < 1:
        raise CartRefused(c.say("Choose a quantity of at least 1."))
    found = carts.line(cart, sku)
    return _put(shop, db, cart, sku, quantity + (found.quantity if found else 0))


def set_quantity(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    """Make the line's quantity what was typed; 0 removes it. Raises CartRefused."""
    if carts.line(cart, sku) is None:
        raise CartRefused(c.say("This item is no longer in your cart."))
    if quantity == 0:
        carts.remove(cart, sku, shop.now())
        return ""
    return _put(shop, db, cart, sku, quantity)


def _put(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    settings = shop.settings["shop"]
    if quantity > settings.max_quantity:
        raise _too_many(settings.max_quantity)
    if carts.line(cart, sku) is None and len(cart.lines) >= 500:
        raise CartRefused(c.say("The cart is full. Please place this order first."))
    others = [line.sku for line in cart.lines if line.sku != sku]
    try:
        goods = pricing.items(shop.hooks, shop.ctx(db), [sku, *others])
    except pricing.Refused as error:
        raise CartRefused(str(error)) from None
    item = goods.get(sku)
    if item is None:
        raise CartRefused(c.say("We don't know this item. It may have been renamed or removed."))
    name = named(item.title, item.option_text)
    if item.unavailable:
        why = item.unavailable
        raise CartRefused(c.say("{name} can't be bought. {why}", name=name, why=why))
    if item.unit_price.currency != cart.currency:
        raise CartRefused(
            c.say("{name} has no price in {currency}.", name=name, currency=cart.currency)
        )
    possible = _possible(db, cart, goods, item)
    if possible is not None and possible < quantity:
        raise CartRefused(
            c.say_number(
                "Only {n} of {name} is left.", "Only {n} of {name} are left.", possible, name=name
            )
            if possible
            else c.say("{name} is sold out.", name=name)
        )
    carts.put(cart, sku, quantity, item.unit_price.minor, item.title, shop.now())
    if cart in db:
        db.flush()
    else:  # a new one begins with its first line: a refused one leaves no empty cart
        carts.add_new(db, cart)
    return name


def _possible(db: Session, cart: Cart, goods: Mapping[str, c.Item], item: c.Item) -> int | None:
    """How many of the item there are beside the cart's other lines, which may take the same
    units (a bundle and its part share one pool); None for an item that keeps no count."""
    parts = pricing.parts_of(item)
    if not parts:
        return None
    free = {sku: entry.free for sku, entry in stock.availability(db, parts).items()}
    for line in cart.lines:
        other = goods.get(line.sku)
        if line.sku == item.sku or other is None or other.unavailable:
            continue
        for sku, each in pricing.parts_of(other).items():
            free[sku] = free.get(sku, 0) - each * line.quantity
    return min(max(free[sku], 0) // each for sku, each in parts.items())
