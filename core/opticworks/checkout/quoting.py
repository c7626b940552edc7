"""A cart's quote: goods, stock and stored shipping rates brought together and priced."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.db.changes import only_reading
from opticworks.faults import outside
from opticworks.money import total
from opticworks.orders import service as orders
from opticworks.pricing import service as pricing
from opticworks.shipping import rates as rates_room
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.stock.service import Availability

#: Fields of the checkout form that make the address, and what the address calls them.
ADDRESS_FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "address": "line1",
    "address2": "line2",
    "city": "city",
    "state": "state",
    "postalCode": "postal_code",
    "country": "country",
    "phone": "phone",
    "vatId": "vat_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CartQuote:
    """A quote and what it was made from. `stale` is the request whose rates must be fetched
    before there are shipping options; None when `rates` are current. `found` are rates that were
    at hand instead of those on the cart, before the shop's prices are shown on them, with the key
    they belong to. `own` is the number of the cart's order that awaits its payment, if there is
    one."""

    quote: c.Quote
    availability: Mapping[str, Availability]
    rates: tuple[c.ShippingChoice, ...]
    stale: c.RateRequest | None
    found: tuple[str, tuple[c.ShippingChoice, ...]] | None = None
    own: str = ""


def address_of(shop: Shop, details: Mapping[str, str]) -> c.Address:
    """The address as typed so far; the shop's first country and default state where nothing is
    typed yet, so that shipping can be shown at once."""
    settings = shop.settings["shop"]
    values = {name: str(details.get(field, ""))[:200] for field, name in ADDRESS_FIELDS.items()}
    if values["country"] not in settings.countries:
        values["country"] = settings.countries[0]
        values["state"] = values["state"] or settings.default_state
    try:
        return c.Address(**values)
    except ValidationError:
        return c.Address(country=values["country"], state=values["state"][:10])


def quote_cart(
    shop: Shop,
    db: Session,
    cart: Cart,
    *,
    email: str | None = None,
    agreed_at: datetime | None = None,
) -> CartQuote:
    """Price the cart as it stands. Reads only; raises pricing.Refused when a plugin fails.

    For an order, `email` is the address it is placed with and `agreed_at` the moment its quote
    was shown.
    """
    with only_reading(db):
        goods = pricing.items(shop.hooks, shop.ctx(db), [line.sku for line in cart.lines])
        availability = stock.availability(db, pricing.stock_skus(goods.values()))
        own = _open_order(db, cart)
        return _priced(shop, db, cart, goods, availability, own, email, agreed_at)


def _open_order(db: Session, cart: Cart) -> str:
    """The number of the cart's order that awaits its payment. Nobody has ordered from a cart whose
    checkout was never filled in."""
    return orders.open_of_cart(db, cart.id) if cart.details else ""


def _priced(
    shop: Shop,
    db: Session,
    cart: Cart,
    goods: Mapping[str, c.Item],
    availability: Mapping[str, Availability],
    own: str,
    email: str | None = None,
    agreed_at: datetime | None = None,
    at_hand: bool = False,
) -> CartQuote:
    address = address_of(shop, cart.details)
    picker = _ShippingPicker(shop, cart, address, at_hand)
    # What the cart's own order keeps while it is being paid is not gone for this cart.
    kept = stock.held_by(db, own) if own else {}
    basket = pricing.Basket(
        currency=cart.currency,
        lines=tuple(
            pricing.BasketLine(
                sku=line.sku,
                quantity=line.quantity,
                price_seen=line.price_seen,
                title=line.title,
            )
            for line in cart.lines
        ),
        free={sku: entry.free + kept.get(sku, 0) for sku, entry in availability.items()},
        codes=tuple(cart.codes),
        email=cart.details.get("email", "") if email is None else email,
        address=address,
        rates=picker.rates,
        agreed_at=agreed_at,
        open_order=own,
        estimated=not str(cart.details.get("postalCode", "")).strip(),
    )
    quote = pricing.quote(shop.hooks, shop.ctx(db), basket, goods, picker)
    rates = tuple(map(quote.display.shown_rate, picker.rates))
    return CartQuote(
        quote=quote,
        availability=availability,
        rates=rates,
        stale=picker.stale,
        found=picker.found,
        own=own,
    )


class _ShippingPicker:
    """Picks the chosen rate among those stored on the cart, if they were fetched for just this
    content and address and are not too old; else among those that are `at_hand`, or notes what
    has to be fetched."""

    def __init__(self, shop: Shop, cart: Cart, address: c.Address, at_hand: bool) -> None:
        self.shop, self.cart, self.address, self.at_hand = shop, cart, address, at_hand
        self.rates: list[c.ShippingChoice] = []  #: filled when asked to pick one
        self.stale: c.RateRequest | None = None
        self.found: tuple[str, tuple[c.ShippingChoice, ...]] | None = None

    def __call__(self, lines: Sequence[c.QuoteLine]) -> c.ShippingChoice | None:
        cart, settings = self.cart, self.shop.settings
        value = total((line.subtotal + line.discount for line in lines), cart.currency)
        request = rates_room.request_for(lines, settings["shop"].origin, self.address, value)
        key = rates_room.key_of(request, settings["shipping"])
        until = cart.rates_until
        if cart.rates_key == key and until is not None and until > self.shop.now():
            self.rates += map(rates_room.from_json, cart.rates)
        elif self.at_hand:
            choices = _put(self.shop, request).answer().choices
            self.found = (key, choices)
            self.rates += choices
        else:
            self.stale = request
            return None
        chosen = next((rate for rate in self.rates if rate.code == cart.shipping_code), None)
        # The cheapest is preselected, so that the total is whole from the first look.
        return chosen or (self.rates[0] if self.rates else None)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An open cart after its rates were seen to. `priced` is its quote of that moment; None if
    providers were waited for since, or if it can't be priced."""

    cart: Cart
    priced: CartQuote | None = None


def ensure_rates(
    shop: Shop,
    cart_id: uuid.UUID,
    edit: Callable[[Cart], None] | None = None,
    agreed_at: datetime | None = None,
) -> Refreshed | None:
    """Fetch and store the cart's shipping rates if they are missing, old or for other content.

    `edit` changes the open cart first, in the same unit of work: its form, never its lines.
    `agreed_at` is as in `quote_cart`, since rates follow what the goods cost after discounts.
    Answers the cart as it stands then, None when there is no open one. Providers are waited for
    outside any transaction; they are asked as soon as it is known what, so that what was typed is
    being committed while the question is on its way: nothing is bound by it. An answer for a cart
    that changed meanwhile carries its own key and is simply not used. Where all have their rates
    at hand, one transaction does it all.
    """
    with shop.unit("keep") as db:
        cart = carts.find(db, cart_id, shop.now(), lock=edit is not None)
        if cart is None:
            return None
        priced = _edited_and_priced(shop, db, cart, edit, agreed_at)
        if priced is None:
            return Refreshed(cart)
        if priced.stale is None:
            locked = edit is not None
            if priced.found and not _keep_rates(shop, db, cart, *priced.found, locked=locked):
                return _as_it_is(shop, db, cart_id)
            return Refreshed(cart, priced if agreed_at is None else None)
        asked = _put(shop, priced.stale)
    with outside("rates"):
        choices = asked.answer().choices
    with shop.unit("rates") as db:
        key = rates_room.key_of(priced.stale, shop.settings["shipping"])
        kept = _keep_rates(shop, db, cart, key, choices)
        return Refreshed(cart) if kept else _as_it_is(shop, db, cart_id)


def _edited_and_priced(
    shop: Shop,
    db: Session,
    cart: Cart,
    edit: Callable[[Cart], None] | None,
    agreed_at: datetime | None,
) -> CartQuote | None:
    """The cart's quote after the edit; None while prices can't be read: whoever quotes the cart
    next says so, and what was typed is kept all the same."""
    at_hand = rates_room.at_hand(shop.providers.shipping())
    with only_reading(db), db.no_autoflush:  # the edit is written together with the rates
        try:
            goods = pricing.items(shop.hooks, shop.ctx(db), [line.sku for line in cart.lines])
            availability = stock.availability(db, pricing.stock_skus(goods.values()))
        except pricing.Refused:
            goods, availability = {}, {}
        own = _open_order(db, cart)
        if edit is not None:
            edit(cart)
        if not goods:
            return None
        try:
            return _priced(
                shop, db, cart, goods, availability, own, agreed_at=agreed_at, at_hand=at_hand
            )
        except pricing.Refused:
            return None


def _put(shop: Shop, request: c.RateRequest) -> rates_room.Question:
    return rates_room.put(
        shop.providers.shipping(),
        request,
        shop.settings["shipping"],
        cache=shop.redis,
        version=shop.settings_version,
    )


def _keep_rates(
    shop: Shop,
    db: Session,
    cart: Cart,
    key: str,
    choices: Sequence[c.ShippingChoice],
    *,
    locked: bool = False,
) -> bool:
    """Store rates with the cart; False if it is no longer the same."""
    # No rates at all may be a vendor's bad minute: look again soon.
    hours = rates_room.RATES_VALID_HOURS if choices else 0.02
    now = shop.now()
    until = now + timedelta(hours=hours)
    rates = list(map(rates_room.to_json, choices))
    if locked:
        cart.rates, cart.rates_key, cart.rates_until = rates, key, until
        return True
    return carts.keep_rates(db, cart, now, rates, key, until)


def _as_it_is(shop: Shop, db: Session, cart_id: uuid.UUID) -> Refreshed | None:
    found = carts.find(db, cart_id, shop.now())
    return Refreshed(found) if found is not None else None
