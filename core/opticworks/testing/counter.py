"""A sales counter for tests: a shop with fake goods, and customers who buy at it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.checkout import cart as basket
from opticworks.checkout.place import Placed, Wish, place
from opticworks.checkout.quoting import ensure_rates, quote_cart
from opticworks.orders import service as orders
from opticworks.shop import Shop
from opticworks.stock import service as stock
from opticworks.testing.fakes import (
    FakeGoods,
    FakeMailer,
    FakeOfflinePayment,
    FakeOnlinePayment,
    FakeShipping,
    provider_plugin,
)
from opticworks.testing.visitors import ADDRESS

ADA = {**ADDRESS, "state": "CA", "country": "US"}


@dataclass
class Counter:
    """The fakes of one shop, and short ways to sell at it."""

    shop: Shop
    goods: FakeGoods
    card: FakeOnlinePayment
    transfer: FakeOfflinePayment
    carrier: FakeShipping
    mailer: FakeMailer

    def stock(self, sku: str, quantity: int, price: str = "10.00", **fields: Any) -> None:
        """Sell `quantity` of a SKU."""
        self.goods.put(sku, price, **fields)
        with self.shop.unit() as db:
            stock.set_stock(db, sku, quantity, reason="start", actor="test")

    def cart(self, *lines: tuple[str, int], details: Mapping[str, str] = ADA) -> uuid.UUID:
        """A customer's cart with these lines, an address and shipping rates."""
        with self.shop.unit() as db:
            currency = self.shop.settings["shop"].currency
            cart = carts.create(db, currency, self.shop.now(), 30)
            for sku, quantity in lines:
                basket.add(self.shop, db, cart, sku, quantity)
            carts.remember_details(cart, dict(details), self.shop.now())
        ensure_rates(self.shop, cart.id)
        return cart.id

    def quote(self, cart_id: uuid.UUID) -> c.Quote:
        with self.shop.unit() as db:
            cart = carts.get(db, cart_id)
            assert cart is not None
            return quote_cart(self.shop, db, cart).quote

    def wish(self, cart_id: uuid.UUID, payment: str = "fake_transfer", **more: Any) -> Wish:
        """The customer's agreement to the cart's present quote."""
        fields = {
            "cart_id": cart_id,
            "quote_hash": more.pop("quote_hash", None) or self.quote(cart_id).hash,
            "email": "ada@example.com",
            "address": c.Address(
                first_name="Ada",
                last_name="Lovelace",
                line1="12 Analytical Way",
                city="San Francisco",
                state="CA",
                postal_code="94104",
            ),
            "payment": payment,
        }
        return Wish(**{**fields, **more})

    def buy(self, *lines: tuple[str, int], payment: str = "fake_transfer") -> Placed:
        return place(self.shop, self.wish(self.cart(*lines), payment))

    def order(self, number: str) -> c.OrderView:
        with self.shop.unit() as db:
            view = self.shop.order_view(db, number)
        assert view is not None
        return view

    def free(self, sku: str) -> int:
        with self.shop.unit() as db:
            return stock.availability(db, [sku])[sku].free

    def number_of(self, cart_id: uuid.UUID) -> str:
        with self.shop.unit() as db:
            order = orders.by_cart(db, cart_id)
        assert order is not None
        return order.number


def open_counter(make_shop: Any, **options: Any) -> Counter:
    """A Counter over a fresh shop; `options` go to `make_shop`, its `extra` plugins included."""
    goods, card, transfer, carrier, mailer = (
        FakeGoods(),
        FakeOnlinePayment(),
        FakeOfflinePayment(),
        FakeShipping(),
        FakeMailer(),
    )
    extra = {
        "fake_goods": goods,
        "fake_card": provider_plugin("fake_card", payments=[card]),
        "fake_transfer": provider_plugin("fake_transfer", payments=[transfer]),
        "fake_carrier": provider_plugin("fake_carrier", shipping=[carrier]),
        "fake_mail": provider_plugin("fake_mail", mailers=[mailer]),
        **options.pop("extra", {}),
    }
    return Counter(make_shop(extra=extra, **options), goods, card, transfer, carrier, mailer)
