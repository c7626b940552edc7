"""What the reviews' tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser
from opticworks.testing.staff import sign_in

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def counter(make_shop):
    """A shop that sells two variants of a lamp, and a bulb that has no page."""
    counter = open_counter(make_shop, plugins=("reviews",))
    for sku, title, url in (
        ("LAMP-B", "Lamp", "/products/lamp?variant=LAMP-B"),
        ("LAMP-W", "Lamp", "/products/lamp?variant=LAMP-W"),
        ("BULB", "Bulb", ""),
    ):
        counter.stock(sku, 100, "10.00", title=title, url=url)
    return counter


@pytest.fixture
def browser(counter):
    return Browser(counter.shop)


@pytest.fixture
def staff(counter):
    """A browser with somebody signed in who may moderate."""
    return sign_in(counter.shop, "manager", "clerk@example.org")
