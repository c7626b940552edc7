"""What the catalogue's tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opticworks.shop import Shop
from opticworks.staff import passwords, service
from opticworks.testing.shops import Browser, load_demo

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
def staff(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Browser]:
    """staff("manager") is a browser with somebody of that role signed in."""
    from argon2 import PasswordHasher

    # Toy parameters: a test signs in more often than a person.
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    password = "correct horse battery"

    def sign_in(role: str) -> Browser:
        email = f"{role}@example.org"
        with shop.unit() as db:
            if service.by_email(db, email) is None:
                service.create_staff(db, email, password, role=role, actor="test")
        browser = Browser(shop)
        form = browser.get("/admin/sign-in").form
        form["email"], form["password"] = email, password
        form.submit(status=303)
        return browser

    return sign_in
