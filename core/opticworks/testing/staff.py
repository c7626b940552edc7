"""Staff who are signed in, for tests of admin pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from argon2 import PasswordHasher

from opticworks.shop import Shop
from opticworks.staff import passwords, service
from opticworks.testing.shops import Browser

PASSWORD = "correct horse battery"


def sign_in(
    shop: Shop, role: str = "owner", email: str = "", browser: Browser | None = None
) -> Browser:
    """A browser, a new one unless it is given, with somebody of that role signed in: who has that
    address, or else the role's name at example.org. Their password is PASSWORD."""
    email = email or f"{role}@example.org"
    browser = browser or Browser(shop)
    with quick_hashes():
        with shop.unit() as db:
            if service.by_email(db, email) is None:
                service.create_staff(db, email, PASSWORD, role=role, actor="test")
        form = browser.get("/admin/sign-in").form
        form["email"], form["password"] = email, PASSWORD
        form.submit(status=303)
    return browser


@contextmanager
def quick_hashes() -> Iterator[None]:
    """Argon2 with toy parameters meanwhile: a test signs in more often than a person."""
    with patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64)):
        yield
