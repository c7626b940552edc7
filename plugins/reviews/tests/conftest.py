"""What the reviews' tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from opticworks.staff import service
from opticworks.testing.counter import open_counter
from opticworks.testing.shops import Browser

sys.path.insert(0, str(Path(__file__).parent))

PASSWORD = "correct horse battery"


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
    with counter.shop.unit() as db:
        service.create_staff(db, "clerk@example.org", PASSWORD, role="manager", actor="test")
    browser = Browser(counter.shop)
    form = browser.get("/admin/sign-in").form
    form["email"], form["password"] = "clerk@example.org", PASSWORD
    form.submit(status=303)
    return browser
