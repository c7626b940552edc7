"""Demo data: asked of every enabled plugin once per database, never in production.

`place_orders`, `to_pack` and `send_back` add what only the kernel can: orders that wait to be
packed, and returns.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle

from sqlalchemy import select

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.checkout import cart as basket
from opticworks.checkout import refund as refunding
from opticworks.checkout import refund_plan, returns, staff
from opticworks.checkout.place import Wish, place
from opticworks.checkout.quoting import ensure_rates, quote_cart
from opticworks.checkout.returns import Arrived, Asked
from opticworks.checkout.settle import Refused
from opticworks.config import ConfigError
from opticworks.contracts import ProviderError
from opticworks.orders import service as orders
from opticworks.pricing import service as pricing
from opticworks.settings.models import Setting
from opticworks.shop import Shop
from opticworks.stock.models import StockItem

log = logging.getLogger(__name__)

#: Customers of demo orders: name, street, city, state, postal code, all of them real places.
CUSTOMERS = (
    ("Ada", "Lovelace", "2 Bryant St", "San Francisco", "CA", "94105"),
    ("Łukasz", "李", "350 5th Ave", "New York", "NY", "10118"),
    ("Grace", "Hopper", "1600 Pennsylvania Ave NW", "Washington", "DC", "20500"),
    ("Søren", "Ångström", "400 Broad St", "Seattle", "WA", "98109"),
    ("Νίκος", "Παπαδόπουλος", "233 S Wacker Dr", "Chicago", "IL", "60606"),
)
ACTOR = "demo"
PAUSE = timedelta(hours=21)  #: between one order and the next
SPAN = timedelta(days=30)  #: and at most between the first and the last
ORDERS = "demo_orders"  #: the settings row that remembers that there are some to pack
MARK = "demo"  #: the settings row that remembers whose demo data is loaded


def load(shop: Shop, progress: Callable[[str], None] = lambda line: None) -> bool:
    """Load the demo data of plugins that have not loaded theirs yet; whether there was any.

    Each plugin's data is one transaction. Raises ConfigError in production.
    """
    if shop.config.production:
        raise ConfigError("Demo data is never loaded in production.")
    loaded = False
    for plugin in shop.plugins.enabled:
        if "demo" not in plugin.hooks:
            continue
        with shop.unit() as db:
            mark = db.scalars(
                select(Setting).where(Setting.code == MARK).with_for_update()
            ).one_or_none()
            if mark is None:
                mark = Setting(code=MARK, data={"plugins": []})
                db.add(mark)
            done = list(mark.data["plugins"])
            if plugin.code in done:
                continue
            progress(f"Loading the demo data of {plugin.title}")
            shop.plugins.ask(plugin, "demo", ctx=shop.ctx(db))
            mark.data = {"plugins": [*done, plugin.code]}
            loaded = True
    shop.forget()
    return loaded


def place_orders(shop: Shop, count: int) -> int:
    """Place so many orders by bank transfer and mark them paid, so that there is something to
    pack; how many could be, since goods run out. They came one after the other over the last
    days, the newest now, so that reports have something to show. Raises ConfigError in
    production, or without a way to pay later."""
    if shop.config.production:
        raise ConfigError("Demo data is never loaded in production.")
    payment = _by_transfer(shop)
    skus = _plenty(shop)
    placed = 0
    for number, customer in enumerate(cycle(CUSTOMERS)):
        if placed == count or not skus:
            break
        wanted = {skus[number % len(skus)]: 1 + number % 2, skus[number * 7 % len(skus)]: 1}
        with _ago(shop, min(PAUSE, SPAN / count) * (count - 1 - placed)):
            try:
                placed += bool(_place(shop, wanted, customer, payment))
            except basket.CartRefused:  # something ran out
                skus = _plenty(shop)
    return placed


@contextmanager
def _ago(shop: Shop, time: timedelta) -> Iterator[None]:
    """Within it the shop's clock shows what it showed then."""
    clock = shop.now
    then = clock() - time
    shop.now = lambda: then
    try:
        yield
    finally:
        shop.now = clock


def to_pack(shop: Shop) -> int:
    """A few paid orders that wait to be packed, one of them of bundles that go without a part, one
    with a price reduction; once per database; how many there are now. A shop that can't sell yet
    goes without. Raises ConfigError in production."""
    if shop.config.production:
        raise ConfigError("Demo data is never loaded in production.")
    with shop.unit() as db:
        if db.scalars(select(Setting).where(Setting.code == ORDERS)).one_or_none() is not None:
            return 0
        db.add(Setting(code=ORDERS, data={}))
    try:
        placed = place_orders(shop, len(CUSTOMERS)) + _without_a_part(shop)
        return placed + _with_goodwill(shop)
    except (ConfigError, Refused, basket.CartRefused, ProviderError) as error:
        log.warning("The demo has no orders: %s", error)
        return 0


def _without_a_part(shop: Shop) -> int:
    """An order of two bundles, one of which goes without one of its parts; how many such."""
    with shop.unit() as db:
        ctx = shop.ctx(db)
        found = [sku for skus in shop.hooks.find_skus(text="bundle", ctx=ctx) for sku in skus]
        items = pricing.items(shop.hooks, ctx, sorted(set(found)))
    bundle = next((i for i in items.values() if i.components and not i.unavailable), None)
    number = _place(shop, {bundle.sku: 2}, CUSTOMERS[0], _by_transfer(shop)) if bundle else ""
    if bundle is None or not number:
        return 0
    portion = refund_plan.Portion(unsent_parts={bundle.components[0].sku: 1})
    wish = refund_plan.Wish(
        request=uuid.uuid4(), portions={bundle.sku: portion}, note="They have one already."
    )
    refunding.refund(shop, number, wish, actor=ACTOR)
    return 1


def _with_goodwill(shop: Shop) -> int:
    """A German order of which a tenth was paid back, so that there is a credit note to see beside
    its invoice; how many such."""
    skus = _plenty(shop)[:2]
    wanted = {sku: number for number, sku in enumerate(skus, 1)}
    number = _place(shop, wanted, CUSTOMERS[3], _by_transfer(shop), "de_DE") if wanted else ""
    with shop.unit() as db:
        order = orders.by_number(db, number)
    if order is None:
        return 0
    wish = refund_plan.Wish(
        request=uuid.uuid4(), amount=order.total // 10, reason="price", note="It came late."
    )
    refunding.refund(shop, number, wish, actor=ACTOR)
    return 1


def _place(
    shop: Shop, wanted: dict[str, int], customer: tuple[str, ...], payment: str, locale: str = ""
) -> str:
    """The number of one paid order; empty if it can't be placed (what is in it ran out, say)."""
    first, last, line1, city, state, postal_code = customer
    address = c.Address(
        first_name=first,
        last_name=last,
        line1=line1,
        city=city,
        state=state,
        postal_code=postal_code,
    )
    details = {"firstName": first, "lastName": last, "address": line1, "city": city}
    details |= {"state": state, "postalCode": postal_code, "country": "US"}
    email = f"{line1.split()[0]}@buyer.example"
    with shop.unit() as db:
        cart = carts.create(db, shop.settings["shop"].currency, shop.now(), 1)
        for sku, quantity in wanted.items():
            basket.add(shop, db, cart, sku, quantity)
        carts.remember_details(cart, {**details, "email": email}, shop.now())
    ensure_rates(shop, cart.id)
    with shop.unit() as db:
        quote = quote_cart(shop, db, carts.get(db, cart.id)).quote  # type: ignore[arg-type]
    wish = Wish(
        cart_id=cart.id,
        quote_hash=quote.hash,
        email=email,
        address=address,
        payment=payment,
        locale=locale,
    )
    order = place(shop, wish).number
    if order:
        staff.mark_paid(shop, order, actor=ACTOR)
    return order


def _by_transfer(shop: Shop) -> str:
    """The way to pay of demo orders. Raises ConfigError."""
    if "bank_transfer" not in shop.providers.payments():
        raise ConfigError("Demo orders are paid by bank transfer; enable manual_payments.")
    return "bank_transfer"


def _plenty(shop: Shop) -> Sequence[str]:
    """SKUs of which there are some to sell."""
    with shop.unit() as db:
        plenty = select(StockItem.sku).where(StockItem.on_hand - StockItem.held > 3)
        return db.scalars(plenty.order_by(StockItem.sku)).all()


# --- returns --------------------------------------------------------------------------------------

RETURNS = "demo_returns"  #: the settings row that remembers that they are there


def send_back(shop: Shop) -> bool:
    """Two orders that were sent: all of one is to come back and waits for an answer; half of the
    other has arrived.

    Once per database; a shop that can't sell yet goes without. Raises ConfigError in production.
    """
    if shop.config.production:
        raise ConfigError("Demo data is never loaded in production.")
    with shop.unit() as db:
        if db.scalars(select(Setting).where(Setting.code == RETURNS)).one_or_none() is not None:
            return False
        db.add(Setting(code=RETURNS, data={}))
    try:
        payment, skus = _by_transfer(shop), _plenty(shop)
        for sku, customer, arrived in zip(skus, CUSTOMERS, (False, True), strict=False):
            number = _place(shop, {sku: 2}, customer, payment)
            staff.fulfil(
                shop,
                number,
                lines={sku: 2},
                carrier="USPS",
                tracking_number="9400111899223100000000",
                actor=ACTOR,
            )
            _send_back(shop, number, arrived=arrived)
    except (ConfigError, Refused, basket.CartRefused, ProviderError) as error:
        log.warning("The demo has no returns: %s", error)
        return False
    return True


def _send_back(shop: Shop, number: str, *, arrived: bool) -> None:
    """The customer of that order wants to send all of it back; or one, which has arrived."""
    with shop.unit() as db:
        order = orders.by_number(db, number)
        lines = orders.lines_of(db, order.id) if order is not None else []
        reason, note = ("unwanted", "") if arrived else ("defective", "It blinks, then stays dark.")
        wanted = {line.id: (1 if arrived else line.quantity, reason) for line in lines}
        asked = Asked(id=uuid.uuid4(), lines=wanted, note=note)
        case = returns.request(shop, db, number, asked)
        if arrived:
            returns.approve(db, case.number, actor=ACTOR)
            back = {line.id: Arrived(1, "new", restock=True) for line in lines}
            returns.receive(db, case.number, back, actor=ACTOR)
