"""Discounts and drafts for tests."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.checkout.quoting import ensure_rates
from opticworks.money import Money
from opticworks_discounts import writing
from opticworks_discounts.models import CLASSES, Discount
from opticworks_discounts.offers import Offer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_ids = count(1)


def discount(kind="percent", value=10, **more):
    """A discount that is written nowhere."""
    percent = kind in ("percent", "buy_get")
    value = {"percent": Decimal(str(value))} if percent else {"amount": value}
    fields = {
        "id": next(_ids),
        "title": "Some discount",
        "method": "code",
        "kind": kind,
        "currency": "USD",
        "minimum": 0,
        "skus": [],
        "groups": [],
        "buy_skus": [],
        "buy_groups": [],
        "exclusive": False,
        "combines": list(CLASSES),
        "methods": [],
        "countries": [],
        "active": True,
        **({} if kind == "free_shipping" else value),
        **more,
    }
    return Discount(**fields)


def offer(code="SAVE", kind="percent", value=10, **more):
    return Offer(discount=discount(kind, value, **more), code=code)


def line(sku, price, quantity=1, currency="USD", **item):
    unit, zero = Money(price, currency), Money(0, currency)
    return c.QuoteLine(
        key=sku,
        sku=sku,
        item=c.Item(sku=sku, title=sku, unit_price=unit, **item),
        quantity=quantity,
        unit_price=unit,
        subtotal=unit * quantity,
        discount=zero,
        tax=zero,
        tax_included=zero,
        total=unit * quantity,
    )


def rate(code, amount, title="Standard"):
    return c.ShippingChoice(
        code=f"table:{code}", title=title, amount=Money(amount, "USD"), provider="table"
    )


def draft(*lines, **more):
    fields = {
        "currency": "USD",
        "adjustments": (),
        "shipping": None,
        "codes": (),
        "email": "",
        "address": c.Address(country="US", state="CA"),
        **more,
    }
    return c.Draft(lines=lines, **fields)


def publish(counter, code="", kind="percent", value=10, **more):
    """Write a discount down, as the admin does."""
    made = discount(kind, value, **more)
    made.id = None
    if not code:
        made.method = more.get("method", "automatic")
    with counter.shop.unit() as db:
        writing.add(db, made, code)
        return made.id


def cart_with(counter, *lines, codes=(), email="ada@example.com") -> uuid.UUID:
    """A cart on which these codes lie, with rates for what it costs by then."""
    cart_id = counter.cart(*lines)
    put_codes(counter, cart_id, codes, email)
    return cart_id


def put_codes(counter, cart_id, codes, email="ada@example.com"):
    with counter.shop.unit() as db:
        cart = carts.get(db, cart_id)
        cart.codes = list(codes)
        cart.details = {**cart.details, "email": email}
    ensure_rates(counter.shop, cart_id)


def state(quote, code):
    """What became of a code."""
    return next(each for each in quote.codes if each.code == code)
