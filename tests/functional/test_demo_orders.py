"""`opticworks demo --orders`: as many as the stock allows, over the days before now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, text

from opticworks import demo
from opticworks.orders.models import Order
from opticworks.testing.shops import load_demo


def test_orders_are_spread_over_days_and_end_with_the_goods(make_shop: Any) -> None:
    shop = make_shop(("catalog", "manual_payments", "table_rates"))
    load_demo(shop)
    with shop.unit() as db:
        db.execute(text("UPDATE stock_item SET on_hand = held + 5 WHERE sku LIKE 'CBL-%'"))
        db.execute(text("UPDATE stock_item SET on_hand = held WHERE sku NOT LIKE 'CBL-%'"))
    now = shop.now()
    shop.now = lambda: now
    placed = demo.place_orders(shop, 100)
    assert 2 <= placed < 100
    with shop.unit() as db:
        first, last, count = db.execute(
            select(func.min(Order.placed_at), func.max(Order.placed_at), func.count())
        ).one()
        assert count == placed
        assert now - demo.SPAN <= first < last <= now
        assert set(db.scalars(select(Order.payment_status))) == {"paid"}
    assert shop.now() == now
