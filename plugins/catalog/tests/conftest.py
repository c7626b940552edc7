"""What the catalogue's tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from opticworks.shop import Shop
from opticworks.testing.shops import Browser, load_demo
from opticworks.testing.staff import sign_in

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def empty_shop(make_shop: Callable[..., Shop]) -> Shop:
    """A shop with the catalogue's tables and nothing in them."""
    return make_shop(plugins=("catalog",))


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """A shop with the demo catalogue."""
    load_demo(empty_shop)
    return empty_shop


@pytest.fixture
def browser(shop: Shop) -> Browser:
    return Browser(shop)


@pytest.fixture
def staff(shop: Shop) -> Callable[..., Browser]:
    """staff("manager") is a browser with somebody of that role signed in."""
    return partial(sign_in, shop)
