"""Finding, filling and retiring carts. Works in the caller's transaction."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, bindparam, delete, func, insert, or_, select, text, update
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from opticworks.carts.models import Cart, CartLine
from opticworks.db import Write, later

_CART = select(Cart).where(Cart.id == bindparam("id"))
# Lines that were read together with a lock would be those from before waiting for it.
_LOCKED = _CART.with_for_update().execution_options(populate_existing=True)
_LINES = (
    select(CartLine).where(CartLine.cart_id == bindparam("id")).order_by(CartLine.position)
).execution_options(populate_existing=True)
_WITH_LINES = _CART.options(joinedload(Cart.lines))


def find(db: Session, cart_id: uuid.UUID, now: datetime, *, lock: bool = False) -> Cart | None:
    """The open, unexpired cart of that id. `lock` waits for whoever is working on it."""
    cart = get(db, cart_id, lock=lock)
    return cart if cart is not None and cart.state == "open" and cart.expires_at > now else None


def get(db: Session, cart_id: uuid.UUID, *, lock: bool = False) -> Cart | None:
    """The cart of that id in whatever state it is, with its lines."""
    if not lock:
        return db.scalars(_WITH_LINES, {"id": cart_id}).unique().one_or_none()
    cart = db.scalars(_LOCKED, {"id": cart_id}).one_or_none()
    if cart is not None:
        set_committed_value(cart, "lines", list(db.scalars(_LINES, {"id": cart_id})))
    return cart


# Of the table, not of its class, which costs three times as much to send.
_cart: Any = Cart.__table__
_KEEP_RATES = (
    update(_cart)
    .where(
        _cart.c.id == bindparam("cart"),
        _cart.c.state == "open",
        _cart.c.expires_at > bindparam("now"),
        or_(_cart.c.rates_key != bindparam("key"), bindparam("found", type_=Boolean)),
    )
    .values(rates=bindparam("answers"), rates_key=bindparam("key"), rates_until=bindparam("until"))
    # What a power cut takes back is asked again: nobody waits for the disk.
    .returning(func.set_config("synchronous_commit", "off", text("true")))
)


def keep_rates(
    db: Session,
    cart: Cart,
    now: datetime,
    rates: list[dict[str, Any]],
    key: str,
    until: datetime,
) -> bool:
    """Store what was answered for `key` with the cart, which was read without a lock, if it is
    still open; whether it was stored. No answer (a vendor's bad minute) never replaces the rates
    that another tab has just got for the same. The transaction must write nothing else: its
    commit does not wait for the disk."""
    values = {"cart": cart.id, "now": now, "key": key, "until": until}
    kept = db.execute(_KEEP_RATES, {**values, "found": bool(rates), "answers": rates}).first()
    if kept is None:
        return False
    for name, value in (("rates", rates), ("rates_key", key), ("rates_until", until)):
        set_committed_value(cart, name, value)
    return True


def change_currency(db: Session, currency: str) -> int:
    """Price every open cart in `currency` from now on; how many that were. Rates that were
    fetched in another one are dropped."""
    changed = db.execute(
        update(Cart)
        .where(Cart.state == "open", Cart.currency != currency)
        .values(currency=currency, rates=[], rates_key="", rates_until=None)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def new(currency: str, now: datetime, days: int) -> Cart:
    """A cart that no session knows yet, so that it is written together with its first line."""
    return Cart(
        id=uuid.uuid4(),
        state="open",
        currency=currency,
        codes=[],
        details={},
        shipping_code="",
        rates=[],
        rates_key="",
        updated_at=now,
        expires_at=now + timedelta(days=days),
        lines=[],
    )


_NEW = (
    *("id", "state", "currency", "codes", "details", "shipping_code", "rates", "rates_key"),
    *("updated_at", "expires_at"),
)
_LINE = ("cart_id", "sku", "quantity", "price_seen", "title", "position")
_ADD_CART = Write(insert(_cart).values({name: bindparam(name) for name in _NEW}))
_ADD_LINE = Write(insert(CartLine).values({name: bindparam(name) for name in _LINE}))


def add_new(db: Session, cart: Cart) -> None:
    """Write a `new` cart with its lines. It goes on belonging to no session."""
    later(db, _ADD_CART, {name: getattr(cart, name) for name in _NEW})
    for line in cart.lines:
        later(db, _ADD_LINE, {name: getattr(line, name) for name in _LINE})


def create(db: Session, currency: str, now: datetime, days: int) -> Cart:
    cart = new(currency, now, days)
    db.add(cart)
    db.flush()
    return cart


def keep(cart: Cart, now: datetime, days: int) -> None:
    """Roll the cart's end forward, at most once a day, so that looking costs no write."""
    end = now + timedelta(days=days)
    if end - cart.expires_at > timedelta(days=1):
        cart.expires_at = end


def line(cart: Cart, sku: str) -> CartLine | None:
    return next((line for line in cart.lines if line.sku == sku), None)


def put(cart: Cart, sku: str, quantity: int, price: int, title: str, now: datetime) -> CartLine:
    """Set the quantity of a SKU, adding its line at `price` if there is none.

    A line keeps the price it came in at: a new one is announced until the order is placed.
    """
    found = line(cart, sku)
    if found is None:
        position = max((other.position for other in cart.lines), default=0) + 1
        found = CartLine(
            cart_id=cart.id,
            sku=sku,
            quantity=quantity,
            price_seen=price,
            title=title,
            position=position,
        )
        cart.lines.append(found)
    else:
        found.quantity, found.title = quantity, title
    cart.updated_at = now
    return found


def remove(cart: Cart, sku: str, now: datetime) -> bool:
    found = line(cart, sku)
    if found is not None:
        cart.lines.remove(found)
        cart.updated_at = now
    return found is not None


def remember_details(cart: Cart, details: dict[str, Any], now: datetime) -> None:
    """Keep what was typed into the checkout, so that no reload or failure loses it."""
    if cart.details != details:
        cart.details = details
        cart.updated_at = now


_RETIRE = Write(
    update(_cart).where(_cart.c.id == bindparam("cart")).values(state=bindparam("state"))
)


def retire(db: Session, cart_id: uuid.UUID) -> None:
    """The cart became an order: it is not filled or bought again."""
    later(db, _RETIRE, {"cart": cart_id, "state": "ordered"})


def count(cart: Cart | None) -> int:
    return sum(line.quantity for line in cart.lines) if cart is not None else 0


def forget_expired(db: Session, now: datetime, limit: int = 1000) -> int:
    """Remove carts nobody has come back to. Ordered ones go too: the order is its own record."""
    ids = db.scalars(select(Cart.id).where(Cart.expires_at < now).limit(limit)).all()
    if ids:
        db.execute(delete(CartLine).where(CartLine.cart_id.in_(ids)))
        db.execute(delete(Cart).where(Cart.id.in_(ids)))
    return len(ids)
