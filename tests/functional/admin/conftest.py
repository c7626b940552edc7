"""A shop with goods and orders, and browsers with staff signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opticworks.shop import Shop
from opticworks.staff import passwords, service
from opticworks.testing.counter import Counter, open_counter
from opticworks.testing.shops import Browser

PASSWORD = "correct horse battery"


@pytest.fixture
def counter(make_shop: Callable[..., Shop]) -> Counter:
    counter = open_counter(make_shop)
    counter.stock("LAMP", 5, "10.00")
    counter.stock("BULB", 9, "2.50")
    return counter


@pytest.fixture
def quick_hashes(monkeypatch):
    """Argon2 with toy parameters: a test signs in more often than a person."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))


@pytest.fixture
def sign_in(counter, quick_hashes):
    """sign_in("clerk") is a Browser with somebody of that role signed in."""

    def sign_in(role="owner", email=None):
        email = email or f"{role}@example.org"
        with counter.shop.unit() as db:
            if service.by_email(db, email) is None:
                service.create_staff(db, email, PASSWORD, role=role, actor="test")
        browser = Browser(counter.shop)
        form = browser.get("/admin/sign-in").form
        form["email"], form["password"] = email, PASSWORD
        form.submit(status=303)
        return browser

    return sign_in
