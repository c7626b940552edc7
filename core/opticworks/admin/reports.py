"""Sales and orders over time: a few aggregates over one range of days, in the shop's zone.

Counted are orders that stand (confirmed or completed) in the shop's currency, by the day on which
they were placed. A report reads at most two years of orders by an index, and is remembered for a
minute, however many people look at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks.contracts import ShopSettings
from opticworks.money import Money
from opticworks.orders.models import Order, OrderLine

STANDING = ("confirmed", "completed")
RANGES = {"7": "7 days", "30": "30 days", "90": "90 days", "year": "This year"}
TOP = 10
SECONDS = 60  #: how long a report is remembered


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` on, up to `last` included; the period before it has as many, for a year
    the same days of the year before."""

    key: str
    first: date
    last: date
    before: date
    before_last: date

    @property
    def by_month(self) -> bool:
        return self.key == "year"


@dataclass(frozen=True, slots=True)
class Point:
    """Orders and their total (minor units) of a day or a month, and of the one to compare."""

    at: date
    orders: int
    total: int
    orders_before: int
    total_before: int


@dataclass(frozen=True, slots=True)
class Seller:
    """One SKU's share of a range."""

    sku: str
    title: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True)
class Report:
    span: Span
    points: tuple[Point, ...]
    sellers: tuple[Seller, ...]
    elsewhere: int  #: orders in other currencies, which are not counted
    currency: str

    def sum(self, name: str) -> int:
        return sum(int(getattr(point, name)) for point in self.points)


def span(key: str, today: date) -> Span:
    """The range of that key ending today; 30 days for a key that is none."""
    if key == "year":
        first = today.replace(month=1, day=1)
        before = first.replace(year=first.year - 1)
        leap = today.month == 2 and today.day == 29
        last = today.replace(year=today.year - 1, day=28 if leap else today.day)
        return Span(key, first, today, before, last)
    days = int(key) if key in RANGES else 30
    first = today - timedelta(days=days - 1)
    return Span(str(days), first, today, first - timedelta(days=days), first - timedelta(days=1))


def report(db: Session, shop: ShopSettings, key: str, now: datetime) -> Report:
    """Everything the page shows of a range, in three statements."""
    zone = ZoneInfo(shop.timezone)
    range_ = span(key, now.astimezone(zone).date())
    sums = _days(db, shop, zone, range_.before, range_.last)
    return Report(
        span=range_,
        points=tuple(_points(range_, sums)),
        sellers=tuple(_sellers(db, shop, zone, range_)),
        elsewhere=_elsewhere(db, shop, zone, range_),
        currency=shop.currency,
    )


def _within(zone: ZoneInfo, first: date, last: date) -> tuple[Any, ...]:
    start = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    return (Order.placed_at >= start, Order.placed_at < end, Order.status.in_(STANDING))


def _days(
    db: Session, shop: ShopSettings, zone: ZoneInfo, first: date, last: date
) -> dict[date, tuple[int, int]]:
    day = func.date(func.timezone(shop.timezone, Order.placed_at))
    rows = db.execute(
        select(day, func.count(), func.sum(Order.total))
        .where(*_within(zone, first, last), Order.currency == shop.currency)
        .group_by(day)
    )
    return {at: (count, int(total)) for at, count, total in rows}


def _points(range_: Span, sums: Mapping[date, tuple[int, int]]) -> Sequence[Point]:
    def summed(days: Sequence[date]) -> tuple[int, int]:
        found = [sums.get(day, (0, 0)) for day in days]
        return sum(count for count, _ in found), sum(total for _, total in found)

    now = _buckets(range_.first, range_.last, range_.by_month)
    before = _buckets(range_.before, range_.before_last, range_.by_month)
    return [
        Point(mine[0], *summed(mine), *summed(other))
        for mine, other in zip(now, before, strict=True)
    ]


def _buckets(first: date, last: date, by_month: bool) -> list[list[date]]:
    """Days, each for itself or by their month."""
    found: list[list[date]] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if by_month and found and found[-1][0].month == day.month:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _sellers(db: Session, shop: ShopSettings, zone: ZoneInfo, range_: Span) -> list[Seller]:
    total = func.sum(OrderLine.total)
    rows = db.execute(
        select(OrderLine.sku, func.max(OrderLine.title), func.sum(OrderLine.quantity), total)
        .join(Order, Order.id == OrderLine.order_id)
        .where(*_within(zone, range_.first, range_.last), Order.currency == shop.currency)
        .group_by(OrderLine.sku)
        .order_by(total.desc(), OrderLine.sku)
        .limit(TOP)
    )
    return [
        Seller(sku, title, int(quantity), Money(int(amount), shop.currency))
        for sku, title, quantity, amount in rows
    ]


def _elsewhere(db: Session, shop: ShopSettings, zone: ZoneInfo, range_: Span) -> int:
    return int(
        db.scalar(
            select(func.count())
            .select_from(Order)
            .where(*_within(zone, range_.first, range_.last), Order.currency != shop.currency)
        )
        or 0
    )
