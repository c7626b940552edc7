"""Placing an order: hold first, then pay, each step in a short transaction of its own."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.carts.models import Cart
from opticworks.checkout import addresses
from opticworks.checkout import settle as settling
from opticworks.checkout.quoting import address_of, quote_cart
from opticworks.checkout.settle import Refused
from opticworks.contracts.goods import named
from opticworks.events import STOCK_LOW
from opticworks.faults import fault, outside
from opticworks.money import Money
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.orders.trace import claims_of
from opticworks.payments import service as payments
from opticworks.payments.models import Payment
from opticworks.pricing import service as pricing
from opticworks.shipping import rates as rates_room
from opticworks.shop import Shop
from opticworks.stock import claims
from opticworks.stock import service as stock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the customer agreed to: this cart, at the quote of this hash, which was shown at
    `shown_at`, paid this way.

    With `kept` the order is placed only if the cart has just these details and, unless it is
    None, this shipping code already, with rates; see `Unkept`. `locale` is the language and region
    of the page it was placed on, that of the shop where there is none."""

    cart_id: uuid.UUID
    quote_hash: str
    email: str
    address: c.Address
    payment: str
    data: Mapping[str, str] = field(default_factory=dict)
    shown_at: datetime | None = None
    kept: tuple[Mapping[str, str], str | None] | None = None
    locale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order, and what the browser still has to do if its payment needs an action: afterwards
    it goes `back`, where the payment is settled."""

    number: str
    path: str
    action: Mapping[str, object] | None = None
    back: str = ""


class Changed(Exception):
    """The quote is not the one that was shown; nothing was placed. Carries the new one."""

    def __init__(self, quote: c.Quote) -> None:
        super().__init__("Something changed since the customer looked.")
        self.quote = quote


class Stale(Changed):
    """The cart's rates are of other contents or another address: fetch them, then place again."""


class Unkept(Exception):
    """The cart is no longer open, or what the form says of it has to be kept first; nothing was
    placed."""


class _UsedUp(Refused):
    """A discount was gone when its use was to be taken, though the quote still had it."""


@dataclass(frozen=True, slots=True)
class _Written:
    number: str
    path: str
    done: bool  #: the order stands already (a repeated post)
    replace: bool = False  #: an older open order of this cart has to be canceled first
    attempt: settling.Attempt | None = None


def place(shop: Shop, wish: Wish) -> Placed:
    """Place the order once, however often this is called with the same cart.

    Raises Unkept, Changed, Refused with a sentence for the customer, or ProviderError when the
    provider could not be asked: then the order is kept with its goods and settled by the sweeper.
    """
    provider = shop.providers.payments().get(wish.payment)
    problem: Refused | None = None
    for _ in range(3):
        fault("place.before_write")
        try:
            with shop.unit("place") as db:
                written = _write(shop, db, wish, provider)
        except _UsedUp as error:
            # Quoted anew, the cart says whose uses are taken: everybody's or the customer's own.
            problem = error
            continue
        if not written.replace:
            break
        _cancel_open(shop, written.number)
    else:
        changing = c.say("Your cart is being changed elsewhere. Please try again.")
        raise problem or Refused(changing)
    if written.done or written.attempt is None or provider is None:
        return Placed(number=written.number, path=written.path)
    return _pay(shop, provider, written, written.attempt)


def _pay(
    shop: Shop, provider: c.PaymentProvider, written: _Written, attempt: settling.Attempt
) -> Placed:
    with outside("pay"):
        result = settling.ask(provider, attempt)
    with shop.unit("pay") as db:
        settling.apply(shop, db, attempt, result)
    if result.state in ("failed", "canceled"):
        raise Refused(
            result.message or c.say("The payment did not go through. Nothing was charged.")
        )
    action = dict(result.data) if result.state == "action" else None
    back = attempt.intent.return_url
    return Placed(number=written.number, path=written.path, action=action, back=back)


def _write(shop: Shop, db: Session, wish: Wish, provider: c.PaymentProvider | None) -> _Written:
    """The first transaction: everything that must not be lost, before anyone is asked for money."""
    cart = carts.get(db, wish.cart_id, lock=True)
    if wish.kept is not None and not _is_kept(cart, wish.kept, shop.now()):
        raise Unkept
    if cart is None:
        raise Refused(c.say("Your cart is empty. It may have expired."))
    if cart.state == "ordered":
        order = orders.by_cart(db, cart.id)
        assert order is not None
        return _Written(order.number, orders.path(order), done=True)
    if not cart.lines or cart.expires_at <= shop.now():
        raise Refused(c.say("Your cart is empty. It may have expired."))
    try:
        # Limits per customer count for the address that orders, whatever another tab has typed.
        priced = quote_cart(shop, db, cart, email=wish.email, agreed_at=wish.shown_at)
    except pricing.Refused as error:
        raise Refused(str(error)) from None
    quote = priced.quote
    if quote.total.minor == 0:
        provider = None  # nothing to pay, whatever the form says
    elif provider is None:
        raise Refused(c.say("Choose how you want to pay."))
    if number := priced.own if cart.details else orders.open_of_cart(db, cart.id):
        return _resume(shop, db, number, wish, quote, provider)
    if priced.stale is not None:
        raise Stale(quote)
    if not _same_place(wish.address, address_of(shop, cart.details)):
        raise Changed(quote)  # another tab has moved the cart: its rates and taxes are of there
    _check(quote, wish, provider)
    return _create(shop, db, cart, wish, quote, provider)


def _is_kept(cart: Cart | None, kept: tuple[Mapping[str, str], str | None], now: datetime) -> bool:
    if cart is None or cart.state != "open" or cart.expires_at <= now:
        return False
    fetched = cart.rates_until is not None and cart.rates_until > now
    details, shipping = kept
    chosen = shipping is None or cart.shipping_code == shipping
    return fetched and chosen and cart.details == details


def _resume(
    shop: Shop,
    db: Session,
    number: str,
    wish: Wish,
    quote: c.Quote,
    provider: c.PaymentProvider | None,
) -> _Written:
    """A repeated post goes on with the cart's open order; anything else replaces it.

    Its payment goes on where it was; one that came to nothing is followed by a new attempt, with
    a key of its own, so that no provider repeats the earlier answer.
    """
    order = orders.lock(db, number)
    assert order is not None
    payment = payments.latest(db, order.id)
    same = (
        order.status == "awaiting_payment"
        and payment is not None
        and provider is not None
        and payment.provider == provider.code
        and order.quote_hash == wish.quote_hash == quote.hash
        and order.email == wish.email
        and order.address == wish.address.model_dump()
    )
    if not same or payment is None or provider is None:
        return _Written(order.number, orders.path(order), done=False, replace=True)
    until = _hold_until(shop)
    if payment.status in payments.FINAL:
        payment = _begin(shop, db, order, wish, provider, until)
    elif payment.expires_at is not None and payment.status in ("new", "action"):
        payment.expires_at = until = max(payment.expires_at, until)
    stock.extend(db, order.number, until)
    return _Written(
        order.number,
        orders.path(order),
        done=False,
        attempt=settling.attempt(shop, order, payment),
    )


def _tell_what_runs_low(
    shop: Shop, db: Session, taken: Mapping[str, int], left: Mapping[str, int]
) -> None:
    """Announce what this order brought below the mark; what was there already is known."""
    mark = shop.settings["shop"].low_stock
    for sku, quantity in left.items():
        if quantity < mark <= quantity + taken[sku]:
            emit(db, STOCK_LOW, sku, {"left": max(quantity, 0)})


def _hold_until(shop: Shop) -> datetime:
    return shop.now() + timedelta(minutes=shop.settings["shop"].hold_minutes)


def _begin(
    shop: Shop,
    db: Session,
    order: Order,
    wish: Wish,
    provider: c.PaymentProvider,
    until: datetime,
) -> Payment:
    """A first or another attempt to pay the order."""
    later = shop.settings["shop"].capture == "authorize"
    manual = later and "manual" in c.capture_methods(provider)
    return payments.begin(
        db,
        order.id,
        provider,
        Money(order.total, order.currency),
        wish.data,
        until,
        capture="manual" if manual else "automatic",
    )


def _same_place(wanted: c.Address, priced: c.Address) -> bool:
    """Whether the parcel goes where the quote was made for, and to the business it was made for.
    A state typed for another country is no part of the order's address."""
    state = ("state",) if wanted.state else ()
    parts = ("country", "postal_code", "city", "line1", "vat_id", *state)
    return all(getattr(wanted, part) == getattr(priced, part) for part in parts)


def _check(quote: c.Quote, wish: Wish, provider: c.PaymentProvider | None) -> None:
    if quote.objections:
        raise Changed(quote)
    if quote.requires_shipping and quote.shipping is None:
        raise Refused(c.say("We can't ship this to your address yet. Check the address or ask us."))
    if quote.hash != wish.quote_hash:
        raise Changed(quote)
    if provider is not None and not provider.offers(quote):
        raise Refused(
            c.say(
                "{way} is not possible for this order. Choose another way to pay.",
                way=c.say(provider.title),
            )
        )


def _create(
    shop: Shop,
    db: Session,
    cart: Cart,
    wish: Wish,
    quote: c.Quote,
    provider: c.PaymentProvider | None,
) -> _Written:
    now = shop.now()
    order = orders.create(
        db,
        quote,
        cart_id=cart.id,
        email=wish.email,
        address=wish.address,
        now=now,
        shipping=rates_room.to_json(quote.shipping) if quote.shipping else None,
        address_check=addresses.for_order(cart, wish.address),
        locale=shop.settings["shop"].written_in(wish.locale).locale,
    )
    until = _hold_until(shop)
    try:
        demand = pricing.expand(quote.lines)
        _tell_what_runs_low(shop, db, demand, stock.hold(db, order.number, demand, until))
        claims.claim(db, order.number, claims_of(quote.trace))
    except stock.SoldOut as short:
        raise Refused(sold_out_sentence(quote, short)) from None
    except claims.UsedUp as short:
        raise _UsedUp(used_up_sentence(quote.trace, short)) from None
    orders.add_lines(db, order, quote)
    if provider is None:
        settling.accept_free(db, order)
        return _Written(order.number, orders.path(order), done=True)
    payment = _begin(shop, db, order, wish, provider, until)
    return _Written(
        order.number,
        orders.path(order),
        done=False,
        attempt=settling.attempt(shop, order, payment),
    )


def sold_out_sentence(quote: c.Quote, short: stock.SoldOut) -> str:
    """Which of the customer's own items is short, by name and number."""
    sentences = []
    missing = {shortage.sku: shortage for shortage in short.shortages}
    for line in quote.lines:
        parts = [part.sku for part in line.item.components] or [line.sku]
        if not any(sku in missing for sku in parts):
            continue
        name = named(line.item.title, line.item.option_text)
        free = min(missing[sku].free for sku in parts if sku in missing)
        if free and not line.item.components:
            sentences.append(
                c.say_number(
                    "Only {n} of {name} is left; someone else was faster.",
                    "Only {n} of {name} are left; someone else was faster.",
                    free,
                    name=name,
                )
            )
        else:
            sentences.append(c.say("{name} is sold out; someone else was faster.", name=name))
    return " ".join([*sentences, c.say("Nothing was ordered.")])


def used_up_sentence(trace: Iterable[c.Adjustment], short: claims.UsedUp) -> str:
    """Which discount was gone at the last moment, by the name the customer knows it by."""
    names = dict.fromkeys(
        step.code or step.label
        for step in trace
        if any(claim.allowance in short.keys for claim in step.claims)
    )
    return c.say(
        "{names} was used up a moment ago. Nothing was ordered; check the new total and place the "
        "order again if you agree.",
        names=c.said_together(names),
    )


def _cancel_open(shop: Shop, number: str) -> None:
    """Give up the cart's older open order: its intents first, then what it kept.

    If a payment has meanwhile succeeded, that order stands and the cart is retired with it.
    """
    for found in settling.attempts_of(shop, number):
        if found.status in payments.FINAL:
            continue
        result = settling.withdraw(settling.provider_of(shop, found.provider), found)
        with shop.unit("replace") as db:
            settling.apply(shop, db, found, result, reason="replaced")
    with shop.unit("replace_dead") as db:
        order = orders.lock(db, number)
        if order is None or order.status != "awaiting_payment":
            return
        if all(each.status in payments.FINAL for each in payments.of_order(db, order.id)):
            settling.give_up(db, shop, order, "replaced")
