"""Short ways to sell, send, deliver and review."""

from __future__ import annotations

from contextlib import contextmanager

from sqlalchemy import select, text

from opticworks.checkout import labels, parcels, staff, tracking
from opticworks.checkout.place import place
from opticworks.jobs.testing import drain, run_task
from opticworks.plugin import link_token
from opticworks.shipping import service as shipments
from opticworks_reviews import asking, reading, writing
from opticworks_reviews.models import PUBLISHED, Request, Review
from opticworks_reviews.products import bought

CLERK = "clerk@example.org"


def sell(counter, *lines, email="ada@example.com"):
    """A paid order; its number."""
    cart = counter.cart(*(lines or (("LAMP-B", 1),)))
    number = place(counter.shop, counter.wish(cart, email=email)).number
    staff.mark_paid(counter.shop, number, actor=CLERK)
    drain(counter.shop)
    return number


def send(counter, number, **lines):
    """A parcel with these lines leaves (all of them, if none are named); its vendor's id."""
    wanted = None
    if lines:
        named = {sku.replace("_", "-"): quantity for sku, quantity in lines.items()}
        wanted = (parcels.Wanted(lines=named),)
    (parcel_id,) = parcels.pack_order(counter.shop, number, actor=CLERK, parcels=wanted)
    labels.buy(counter.shop, parcel_id, rate_code="ground", actor=CLERK)
    with counter.shop.unit() as db:
        ref = shipments.get(db, parcel_id).ref
    scan(counter, ref, "in_transit")
    return ref


def scan(counter, ref, status="delivered"):
    """The carrier reports something of a parcel, and what hangs on it happens."""
    counter.carrier.vendor.scan(ref, status)
    tracking.sync(counter.shop, "fake_carrier", ref)
    drain(counter.shop)


def delivered(counter, *lines, **buyer):
    number = sell(counter, *lines, **buyer)
    scan(counter, send(counter, number))
    return number


@contextmanager
def at(shop, moment):
    """The shop's clock shows that moment."""
    clock, shop.now = shop.now, lambda: moment
    try:
        yield
    finally:
        shop.now = clock


def ask(counter, moment):
    """What the schedule does at that moment, and the mails that come of it."""
    with at(counter.shop, moment):
        run_task(counter.shop, asking.TASK)
    drain(counter.shop, now=moment)


def request_of(counter, number):
    with counter.shop.unit() as db:
        return db.get(Request, number)


def mails(counter, kind="reviews_%"):
    """(kind, recipient, status) of the mails of those kinds, in order."""
    statement = text("SELECT kind, recipient, status FROM message WHERE kind LIKE :k ORDER BY id")
    with counter.shop.unit() as db:
        return [tuple(row) for row in db.execute(statement, {"k": kind})]


def path_of(counter, number):
    return f"/reviews/write/{link_token(counter.shop, asking.PURPOSE, number)}"


def write(counter, number, stars=5, sku="", publish=True, **more):
    """A review of the order's product with that SKU (or its first), as its buyer writes it."""
    shop = counter.shop
    given = {"stars": stars, "headline": "", "body": "", "name": "Ada L.", **more}
    with shop.unit() as db:
        ctx, order = shop.ctx(db), shop.order_view(db, number)
        products = bought(order)
        about = next((each for each in products if each.sku == sku), products[0])
        settings = ctx.settings["reviews"]
        row = writing.write(db, order, about, given, settings, shop.now())
        if publish:
            writing.decide(db, row, PUBLISHED, CLERK, shop.now())
        return row.id


def add(shop, count, sku="LAMP-B", stars=5, **more):
    """Published reviews without an order."""
    with shop.unit() as db:
        known = len(db.scalars(select(Review.id)).all())
        for number in range(known, known + count):
            values = {
                "product": "/products/lamp",
                "sku": sku,
                "title": "Lamp",
                "email": f"{number}@example.com",
                "name": f"Buyer {number}",
                "stars": stars,
                "body": f"Words {number}.",
                "status": PUBLISHED,
                "published_at": shop.now(),
                **more,
            }
            db.add(Review(**values))


def rating(shop, *skus):
    with shop.unit() as db:
        return reading.ratings(skus, shop.ctx(db))
