"""Changing a cart, validated against goods and stock at the moment of the change."""

from __future__ import annotations

from sqlalchemy.orm import Session

from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.pricing import service as pricing
from opticworks.shop import Shop
from opticworks.stock import service as stock


class CartRefused(Exception):
    """The cart stays as it was; the sentence tells the customer why."""


def parse_quantity(text: str, most: int) -> int:
    """A quantity as a person typed it: a whole number from 0 to `most`.

    Raises CartRefused with a sentence for anything else.
    """
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit():
        raise CartRefused(f"A quantity is a whole number from 1 to {most}.")
    if len(digits) > 9 or int(digits) > most:
        raise CartRefused(f"You can order at most {most} of one item. For more, please ask us.")
    return int(digits)


def add(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    """Put `quantity` more of the SKU into the cart; the item's title. Raises CartRefused."""
    if quantity < 1:
        raise CartRefused("Choose a quantity of at least 1.")
    found = carts.line(cart, sku)
    return _put(shop, db, cart, sku, quantity + (found.quantity if found else 0))


def set_quantity(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    """Make the line's quantity what was typed; 0 removes it. Raises CartRefused."""
    if carts.line(cart, sku) is None:
        raise CartRefused("This item is no longer in your cart.")
    if quantity == 0:
        carts.remove(cart, sku, shop.now())
        return ""
    return _put(shop, db, cart, sku, quantity)


def _put(shop: Shop, db: Session, cart: Cart, sku: str, quantity: int) -> str:
    settings = shop.settings["shop"]
    if quantity > settings.max_quantity:
        raise CartRefused(
            f"You can order at most {settings.max_quantity} of one item. For more, please ask us."
        )
    if carts.line(cart, sku) is None and len(cart.lines) >= 500:
        raise CartRefused("The cart is full. Please place this order first.")
    try:
        item = pricing.items(shop.hooks, shop.ctx(db), [sku]).get(sku)
    except pricing.Refused as error:
        raise CartRefused(str(error)) from None
    if item is None:
        raise CartRefused("We don't know this item. It may have been renamed or removed.")
    name = item.title + (f" ({item.option_text})" if item.option_text else "")
    if item.unavailable:
        raise CartRefused(f"{name} can't be bought. {item.unavailable}")
    if item.unit_price.currency != cart.currency:
        raise CartRefused(f"{name} has no price in {cart.currency}.")
    free = stock.availability(db, pricing.stock_skus([item]))
    if item.components:
        possible = min(max(free[p.sku].free, 0) // p.quantity for p in item.components)
    elif item.stock_policy == "untracked":
        possible = quantity
    else:
        possible = max(free[sku].free, 0)
    if possible == 0:
        raise CartRefused(f"{name} is sold out.")
    if possible < quantity:
        raise CartRefused(f"Only {possible} of {name} are left.")
    carts.put(cart, sku, quantity, item.unit_price.minor, item.title, shop.now())
    db.flush()
    return name
