"""A cart's quote: goods, stock and stored shipping rates brought together and priced."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import text
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


_UNHURRIED = text("SET LOCAL synchronous_commit = off")


@dataclass(frozen=True, slots=True, kw_only=True)
class CartQuote:
    """A quote and what it was made from. `stale` is the request whose rates must be fetched
    before there are shipping options; None when `rates` are current. `own` is the number of the
    cart's order that awaits its payment, if there is one."""

    quote: c.Quote
    availability: Mapping[str, Availability]
    rates: tuple[c.ShippingChoice, ...]
    stale: c.RateRequest | None
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
        return _priced(shop, db, cart, goods, availability, email, agreed_at)


def _priced(
    shop: Shop,
    db: Session,
    cart: Cart,
    goods: Mapping[str, c.Item],
    availability: Mapping[str, Availability],
    email: str | None = None,
    agreed_at: datetime | None = None,
) -> CartQuote:
    address = address_of(shop, cart.details)
    picker = _ShippingPicker(shop, cart, address)
    # Nobody has ordered from a cart whose checkout was never filled in.
    own = orders.open_of_cart(db, cart.id) if cart.details else ""
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
        rates=picker.stored,
        agreed_at=agreed_at,
        open_order=own,
        estimated=not str(cart.details.get("postalCode", "")).strip(),
    )
    quote = pricing.quote(shop.hooks, shop.ctx(db), basket, goods, picker)
    rates = tuple(quote.display.shown_rate(rate) for rate in picker.rates)
    return CartQuote(
        quote=quote, availability=availability, rates=rates, stale=picker.stale, own=own
    )


class _ShippingPicker:
    """Picks the chosen rate among those stored on the cart, if they were fetched for just this
    content and address and are not too old; else notes what has to be fetched."""

    def __init__(self, shop: Shop, cart: Cart, address: c.Address) -> None:
        self.shop, self.cart, self.address = shop, cart, address
        self.stored = tuple(rates_room.from_json(rate) for rate in cart.rates)
        self.rates: tuple[c.ShippingChoice, ...] = ()
        self.stale: c.RateRequest | None = None

    def __call__(self, lines: Sequence[c.QuoteLine]) -> c.ShippingChoice | None:
        cart = self.cart
        value = total((line.subtotal + line.discount for line in lines), cart.currency)
        origin = self.shop.settings["shop"].origin
        request = rates_room.request_for(lines, origin, self.address, value)
        if (
            cart.rates_key != rates_room.key_of(request, self.shop.settings["shipping"])
            or cart.rates_until is None
            or cart.rates_until <= self.shop.now()
        ):
            self.stale = request
            return None
        self.rates = self.stored
        chosen = next((rate for rate in self.rates if rate.code == cart.shipping_code), None)
        # The cheapest is preselected, so that the total is whole from the first look.
        return chosen or (self.rates[0] if self.rates else None)


def ensure_rates(
    shop: Shop,
    cart_id: uuid.UUID,
    edit: Callable[[Cart], None] | None = None,
    agreed_at: datetime | None = None,
) -> Cart | None:
    """Fetch and store the cart's shipping rates if they are missing, old or for other content.

    `edit` changes the open cart first, in the same unit of work.
    `agreed_at` is as in `quote_cart`, since rates follow what the goods cost after discounts.
    Answers the cart as it stands then, None when there is no open one. Providers are waited for
    outside any transaction; they are asked as soon as it is known what, so that what was typed is
    being committed while the question is on its way: nothing is bound by it. An answer for a cart
    that changed meanwhile carries its own key and is simply not used.
    """
    settings = shop.settings["shipping"]
    with shop.unit("keep") as db:
        cart = carts.find(db, cart_id, shop.now(), lock=edit is not None)
        if cart is None:
            return None
        if edit is not None:
            edit(cart)
        request = _rates_wanted(shop, db, cart, agreed_at) if cart.lines else None
        if request is None:
            return cart
        asked = rates_room.put(
            shop.providers.shipping(),
            request,
            settings,
            cache=shop.redis,
            version=shop.settings_version,
        )
    with outside("rates"):
        choices = asked.answer().choices
    with shop.unit("rates") as db:
        # What a power cut takes back is asked again: nobody waits for the disk.
        db.execute(_UNHURRIED)
        # No rates at all may be a vendor's bad minute: look again soon.
        hours = rates_room.RATES_VALID_HOURS if choices else 0.02
        kept = carts.keep_rates(
            db,
            cart,
            shop.now(),
            [rates_room.to_json(choice) for choice in choices],
            rates_room.key_of(request, settings),
            shop.now() + timedelta(hours=hours),
        )
        return cart if kept else carts.find(db, cart_id, shop.now())


def _rates_wanted(
    shop: Shop, db: Session, cart: Cart, agreed_at: datetime | None
) -> c.RateRequest | None:
    """What must be asked of the shipping providers; stock plays no part in it.

    Nothing while prices can't be read: whoever quotes the cart next says so, and what was typed
    is kept all the same.
    """
    with only_reading(db):
        try:
            goods = pricing.items(shop.hooks, shop.ctx(db), [line.sku for line in cart.lines])
        except pricing.Refused:
            return None
        return _priced(shop, db, cart, goods, {}, agreed_at=agreed_at).stale
