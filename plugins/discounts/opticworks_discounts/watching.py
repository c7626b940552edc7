"""Whether a discount is used unusually often: a code that got around, or one that is guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from opticworks import kernel
from opticworks.contracts import Attention, Ctx
from opticworks_discounts.models import Discount

DAY = timedelta(days=1)
LOOK_BACK = 28  #: days whose average is the usual rate
YOUNGEST = 3  #: days of life before there is a usual rate
TIMES = 3  #: the usual rate


@dataclass(frozen=True, slots=True)
class Rush:
    """Uses in the last 24 hours, and the usual number in a day."""

    discount_id: int
    uses: int
    usual: float

    @property
    def sentence(self) -> str:
        usual = f"{self.usual:.1f}".removesuffix(".0")
        return (
            f"Used unusually often: {self.uses} times in the last 24 hours, usually {usual} a day. "
            "Look who used it; a discount that is turned off gives nothing."
        )


def is_rush(uses: int, usual: float, least: int) -> bool:
    """At least `least` uses in a day, and three times the usual."""
    return bool(least) and uses >= least and uses >= TIMES * usual


def rushes(ctx: Ctx, discount_id: int | None = None) -> list[Rush]:
    """Discounts that are turned on and used unusually often; or that one, if it is."""
    least = ctx.settings["discounts"].alert_uses
    if not least:
        return []
    rows = select(Discount).where(Discount.active)
    if discount_id is not None:
        rows = rows.where(Discount.id == discount_id)
    known = {row.allowance: row for row in ctx.db.scalars(rows)}
    today = ctx.now - DAY
    recent = kernel.uses_between(ctx.db, known, today, ctx.now + timedelta(minutes=1))
    many = {key: known[key] for key, count in recent.items() if count >= least}
    before = kernel.uses_between(ctx.db, many, today - LOOK_BACK * DAY, today)
    return sorted(_rushes(many.values(), recent, before, today, least), key=lambda r: -r.uses)


def _rushes(
    many: Iterable[Discount],
    recent: dict[str, int],
    before: dict[str, int],
    today: datetime,
    least: int,
) -> Iterable[Rush]:
    for row in many:
        days = (today - max(row.created_at, row.starts_at or row.created_at)) / DAY
        if days < YOUNGEST:
            continue
        usual = before[row.allowance] / min(days, LOOK_BACK)
        if is_rush(recent[row.allowance], usual, least):
            yield Rush(row.id, recent[row.allowance], usual)


def attention(ctx: Ctx, path: str, permission: str) -> Iterable[Attention]:
    """For the staff's first page; it leads to the discount, or to the list if there are more."""
    found = rushes(ctx)
    if found:
        one = f"{path}/{found[0].discount_id}/uses" if len(found) == 1 else path
        yield Attention(
            label="Discounts used unusually often",
            count=len(found),
            path=one,
            permission=permission,
            icon="tag",
        )
