"""Rates and exemptions from the tables: each question at most once per transaction."""

from __future__ import annotations

from datetime import date
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, literal_column, or_, select

from opticworks.contracts import Address, Ctx
from opticworks.plugin import Memory, remembered
from opticworks_taxes import models, rules

_Who = tuple[str, str, str, date]  # e-mail, country, postal code, day

SCOPE = "taxes"  #: of what is remembered: see the migration taxes_0003
# The display of prices and the taxes of one quote look at the same customer.
_exempt: WeakKeyDictionary[Any, dict[_Who, rules.Exemption | None]] = WeakKeyDictionary()


def today(ctx: Ctx) -> date:
    """The day in the shop's zone: a new rate starts there at midnight."""
    return ctx.now.astimezone(ZoneInfo(ctx.settings["shop"].timezone)).date()


def table(ctx: Ctx, address: Address) -> rules.Table:
    """The rates that hold at the address today."""
    rates = _country(ctx.db, address.country.upper())
    return rules.table(rates, address.state, address.postal_code, today(ctx))


def forget(db: Any) -> None:
    """Call after changing exemptions in a transaction that goes on to read them."""
    _exempt.pop(db.get_transaction(), None)


_RATES = select(models.Rate).where(models.Rate.country == bindparam("country"))


def _country(db: Any, country: str) -> tuple[rules.Rate, ...]:
    def read(memory: Memory) -> tuple[tuple[rules.Rate, ...], bool]:
        return tuple(plain(row) for row in db.scalars(_RATES, {"country": country})), True

    return remembered(db, SCOPE, country, read)


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
    if not _any_exempt(db):
        return None
    known = _exempt.get(db.get_transaction()) if db.in_transaction() else None
    if known is None or who not in known:
        found = _exemption(db, who)
        known = _exempt.setdefault(db.get_transaction(), {})
        known[who] = found
    return known[who]


def _any_exempt(db: Any) -> bool:
    """Whether there is an exemption at all: most shops have none, and need not ask for whom."""

    def read(memory: Memory) -> tuple[bool, bool]:
        return db.scalar(_FIRST) is not None, True

    return remembered(db, SCOPE, "exempt", read)


_FIRST = select(models.Exemption.id).limit(literal_column("1"))
_NEWEST = (
    select(models.Exemption)
    .where(
        models.Exemption.email == bindparam("email"),
        models.Exemption.country == bindparam("country"),
        models.Exemption.postal == bindparam("postal"),
        models.Exemption.starts <= bindparam("day"),
        or_(models.Exemption.ends.is_(None), models.Exemption.ends >= bindparam("day")),
    )
    .order_by(models.Exemption.id.desc())
    .limit(literal_column("1"))
)


def _exemption(db: Any, who: _Who) -> rules.Exemption | None:
    email, country, postal, day = who
    values = {"email": email, "country": country, "postal": postal, "day": day}
    row = db.scalars(_NEWEST, values).first()
    return rules.Exemption(kind=row.kind, reference=row.reference) if row else None


def count(db: Any) -> int:
    return int(db.scalar(select(func.count()).select_from(models.Rate)) or 0)
