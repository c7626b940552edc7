"""A repair that ends in the middle, as a power cut would end it: repeated, it is done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from opticworks.checkout.reconcile import compare
from opticworks.checkout.repair import repair
from opticworks.contracts import PaymentIntent
from opticworks.money import Money
from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter

BY_HAND = PaymentIntent(
    attempt="",
    order_number="",
    amount=Money(1500, "USD"),
    email="",
    description="Made in the vendor's dashboard",
    return_url="",
)


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    now = counter.shop.now
    counter.shop.now = lambda: now() + timedelta(minutes=10)  # what was paid has come to rest
    return counter


def differences(counter: Counter) -> list[Any]:
    return compare(counter.shop, counter.shop.now() - timedelta(days=1))


@pytest.mark.parametrize(
    "point",
    [
        "reconcile_fetch.before_provider",
        "reconcile_fetch.after_provider",
        "reconcile.before_commit",
        "reconcile.after_commit",
        "reconcile.before_provider",
        "reconcile.after_provider",
    ],
)
def test_money_of_no_order_goes_back_once(
    counter: Counter, cut_at: Callable[..., Any], point: str
) -> None:
    vendor = counter.card.vendor
    stray = counter.card.start(BY_HAND, "by-hand").ref
    vendor.pay(stray)
    (found,) = differences(counter)
    assert found.kind == "stray"
    cut_at(point, lambda: repair(counter.shop, found, "return", actor="ada@example.org"))
    if vendor.charged:
        repair(counter.shop, found, "return", actor="ada@example.org")
    assert vendor.charged == 0
    assert vendor.calls.count("refund") == 1
