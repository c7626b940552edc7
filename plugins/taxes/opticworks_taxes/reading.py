"""Rates and exemptions from the tables: each question at most once per transaction."""

from __future__ import annotations

from datetime import date
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from opticworks.contracts import Address, Ctx
from opticworks_taxes import models, rules

_Who = tuple[str, str, str, date]  # e-mail, country, postal code, day

# The display of prices and the taxes of one quote look at the same country and customer.
_known: WeakKeyDictionary[Any, dict[str, tuple[rules.Rate, ...]]] = WeakKeyDictionary()
_exempt: WeakKeyDictionary[Any, dict[_Who, rules.Exemption | None]] = WeakKeyDictionary()


def today(ctx: Ctx) -> date:
    """The day in the shop's zone: a new rate starts there at midnight."""
    return ctx.now.astimezone(ZoneInfo(ctx.settings["shop"].timezone)).date()


def table(ctx: Ctx, address: Address) -> rules.Table:
    """The rates that hold at the address today."""
    rates = _country(ctx.db, address.country.upper())
    return rules.table(rates, address.state, address.postal_code, today(ctx))


def forget(db: Any) -> None:
    """Call after changing rates or exemptions in a transaction that goes on to read them."""
    _known.pop(db.get_transaction(), None)
    _exempt.pop(db.get_transaction(), None)


def _country(db: Any, country: str) -> tuple[rules.Rate, ...]:
    known = _known.get(db.get_transaction()) if db.in_transaction() else None
    if known is None or country not in known:
        rows = db.scalars(select(models.Rate).where(models.Rate.country == country))
        rates = tuple(plain(row) for row in rows)
        known = _known.setdefault(db.get_transaction(), {})
        known[country] = rates
    return known[country]


def plain(row: models.Rate) -> rules.Rate:
    """The row as the rules know it."""
    return rules.Rate(
        country=row.country,
        state=row.state,
        postal=row.postal,
        tax_class=row.tax_class,
        title=row.title,
        rate=row.rate.normalize() + 0,
        shipping=row.shipping,
        layer=row.layer,
        starts=row.starts,
    )


def exemption(ctx: Ctx, address: Address | None, email: str) -> rules.Exemption | None:
    """The exemption of that customer for goods sent to that address, the newest if several.

    The postal code must be the one that staff noted: whoever merely types an exempt customer's
    e-mail address can have the goods sent nowhere else.
    """
    if address is None or not email.strip() or not address.postal_code.strip():
        return None
    who = (
        email.strip().lower(),
        address.country.upper(),
        rules.postal_code(address.postal_code),
        today(ctx),
    )
    db = ctx.db
    known = _exempt.get(db.get_transaction()) if db.in_transaction() else None
    if known is None or who not in known:
        found = _exemption(db, who)
        known = _exempt.setdefault(db.get_transaction(), {})
        known[who] = found
    return known[who]


def _exemption(db: Any, who: _Who) -> rules.Exemption | None:
    email, country, postal, day = who
    row = db.scalars(
        select(models.Exemption)
        .where(
            models.Exemption.email == email,
            models.Exemption.country == country,
            models.Exemption.postal == postal,
            models.Exemption.starts <= day,
            or_(models.Exemption.ends.is_(None), models.Exemption.ends >= day),
        )
        .order_by(models.Exemption.id.desc())
        .limit(1)
    ).first()
    return rules.Exemption(kind=row.kind, reference=row.reference) if row else None


def count(db: Any) -> int:
    return int(db.scalar(select(func.count()).select_from(models.Rate)) or 0)
