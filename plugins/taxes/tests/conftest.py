"""What the tests of taxes share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from opticworks.shop import Shop
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in
from opticworks_taxes.models import Exemption, Rate


@pytest.fixture
def open_shop(make_shop: Callable[..., Shop]) -> Callable[..., Counter]:
    """open_shop(...) is a counter with this plugin; options go to `make_shop`."""

    def open_one(**options: Any) -> Counter:
        counter = open_counter(make_shop, plugins=("taxes",), **options)
        counter.stock("LAMP", 50, "100.00", title="Lamp")
        return counter

    return open_one


@pytest.fixture
def add_rate() -> Callable[..., None]:
    """add_rate(shop, "US", "7.25", state="CA") puts a rate into the table."""

    def add(shop: Shop, country: str, percent: str, **fields: Any) -> None:
        fields = {"title": "Tax", "starts": date(2020, 1, 1), **fields}
        with shop.unit() as db:
            db.add(Rate(country=country, rate=Decimal(percent) / 100, **fields))
        shop.forget()

    return add


@pytest.fixture
def add_exemption() -> Callable[..., None]:
    def add(shop: Shop, **fields: Any) -> None:
        fields = {
            "email": "ada@example.com",
            "country": "US",
            "postal": "94104",
            "reference": "R-77",
            "starts": date(2020, 1, 1),
            "actor": "test",
            **fields,
        }
        with shop.unit() as db:
            db.add(Exemption(**fields))

    return add


@pytest.fixture
def staff() -> Callable[[Shop, str], Browser]:
    """staff(shop, "manager") is a browser with somebody of that role signed in."""
    return sign_in
