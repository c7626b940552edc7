"""The demo shop's owner: a random password, kept under var/, never in production."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from opticworks.config import ConfigError
from opticworks.shop import Shop
from opticworks.staff import service

EMAIL = "owner@example.com"
FILE = "demo-staff"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    email: str
    password: str


def ensure(shop: Shop) -> DemoLogin | None:
    """The demo login, made when it is missing; None if the shop has staff of its own only.

    A password file without its account (or the other way round, after either was removed) is
    made good. Raises ConfigError in production.
    """
    if shop.config.production:
        raise ConfigError("Demo staff are never made in production.")
    path = shop.config.var / FILE
    known = path.read_text().strip() if path.exists() else ""
    with shop.unit() as db:
        staff = service.by_email(db, EMAIL)
        if staff is None and service.everyone(db):
            return None
        if staff is not None and not (staff.demo and staff.active):
            return None
        if staff is not None and known:
            return DemoLogin(EMAIL, known)
        password = known or secrets.token_urlsafe(12)
        if staff is None:
            service.create_staff(db, EMAIL, password, name="Demo owner", actor="command", demo=True)
        else:
            service.set_password(db, staff, password, actor="command")
        _write(path, password)
    return DemoLogin(EMAIL, password)


def _write(path: os.PathLike[str], password: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
