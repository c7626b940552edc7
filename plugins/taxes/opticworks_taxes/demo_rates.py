"""A small table for the demo: what some states of the US charge themselves, without the counties,
cities and districts that add to it. A sample to look at, not advice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from opticworks.contracts import Ctx
from opticworks_taxes import reading
from opticworks_taxes.models import Rate

#: State, title, percent of the state itself, from when on, whether shipping is taxed with it.
STATES = (
    ("CA", "California sales tax", "7.25", date(2017, 1, 1), False),
    ("FL", "Florida sales tax", "6", date(1988, 2, 1), False),
    ("IL", "Illinois sales tax", "6.25", date(1990, 1, 1), False),
    ("NY", "New York sales tax", "4", date(2005, 6, 1), True),
    ("TX", "Texas sales tax", "6.25", date(1990, 7, 1), True),
    ("WA", "Washington sales tax", "6.5", date(1983, 3, 1), True),
)


def load(ctx: Ctx) -> None:
    """Put the sample into an empty table."""
    if reading.count(ctx.db):
        return
    for state, title, percent, starts, shipping in STATES:
        ctx.db.add(
            Rate(
                country="US",
                state=state,
                title=title,
                rate=Decimal(percent) / 100,
                starts=starts,
                shipping=shipping,
            )
        )
    ctx.db.flush()
