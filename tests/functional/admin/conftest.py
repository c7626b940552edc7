"""A shop with goods and orders, and browsers with staff signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opticworks.shop import Shop
from opticworks.testing import staff
from opticworks.testing.counter import Counter, open_counter


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("LAMP", 5, "10.00")
    counter.stock("BULB", 9, "2.50")
    return counter


@pytest.fixture
def quick_hashes():
    """Cheap passwords for tests that sign in by hand."""
    with staff.quick_hashes():
        yield


@pytest.fixture
def sign_in(counter):
    """sign_in("clerk") is a Browser with somebody of that role signed in."""
    return lambda *who: staff.sign_in(counter.shop, *who)
