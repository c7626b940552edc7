"""How the shop does: sales and orders over a range, beside the period before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from babel.dates import format_date, format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal, format_percent
from pyramid.request import Request

from opticworks.admin import plot as plots
from opticworks.admin import reports
from opticworks.contracts import ShopSettings
from opticworks.money import Money
from opticworks.web.page import Page
from opticworks.web.policy import admin_view


class Figure(NamedTuple):
    """One number of the range, and how it compares. `tone` is good, bad or neutral."""

    label: str
    value: str
    before: str
    change: str
    tone: str


def _change(now: int, before: int, locale: str) -> tuple[str, str]:
    """("+12%", "good"); nothing where there is nothing to compare with."""
    if not before:
        return "", "neutral"
    share = (now - before) / before
    sign = "+" if share > 0 else ""
    tone = "good" if share > 0.005 else "bad" if share < -0.005 else "neutral"
    return f"{sign}{format_percent(share, locale=locale)}", tone


def _figures(found: reports.Report, shop: ShopSettings) -> list[Figure]:
    def money(minor: int) -> str:
        return Money(minor, shop.currency).format(shop.locale)

    def mean(minor: int) -> str:
        return money(minor) if minor else "–"

    total, orders = found.sum("total"), found.sum("orders")
    total_before, orders_before = found.sum("total_before"), found.sum("orders_before")
    average = total // orders if orders else 0
    average_before = total_before // orders_before if orders_before else 0
    rows: list[tuple[str, int, int, Callable[[int], str]]] = [
        ("Sales", total, total_before, money),
        ("Orders", orders, orders_before, str),
        ("Average order", average, average_before, mean),
    ]
    return [
        Figure(label, write(now), write(then), *_change(now, then, shop.locale))
        for label, now, then, write in rows
    ]


@admin_view(
    "admin.reports", "reports.read", renderer="admin/reports.pt", request_method=("GET", "HEAD")
)
def show(request: Request) -> dict[str, Any]:
    shop: ShopSettings = request.shop.settings["shop"]
    key = request.GET.get("range", "30")
    key = key if key in reports.RANGES else "30"
    compute = partial(reports.report, request.db, shop, key, request.shop.now())
    remembered = f"report {key} {shop.currency} {shop.timezone}"
    found: reports.Report = request.shop.remember(remembered, reports.SECONDS, compute)
    locale = shop.locale

    def money(minor: int) -> str:
        return Money(minor, shop.currency).format(locale)

    def compact(minor: int) -> str:
        amount = Money(minor, shop.currency).to_decimal()
        return str(format_compact_currency(amount, shop.currency, locale=locale, fraction_digits=1))

    def name(at: date) -> str:
        if found.span.by_month:
            return str(format_skeleton("yMMMM", at, locale=locale))
        return str(format_date(at, "full", locale=locale))

    skeleton = "MMM" if found.span.by_month else "MMMd"
    labels = [str(format_skeleton(skeleton, point.at, locale=locale)) for point in found.points]
    points = found.points
    draw = partial(plots.plot, labels=labels, most_labels=12 if found.span.by_month else 7)
    return {
        "page": Page("Reports"),
        "found": found,
        "figures": _figures(found, shop),
        "tabs": [
            (title, f"/admin/reports?range={value}", value == key)
            for value, title in reports.RANGES.items()
        ],
        "sales": draw(
            [point.total for point in points],
            [point.total_before for point in points],
            titles=[
                f"{name(p.at)}: {money(p.total)}, before {money(p.total_before)}" for p in points
            ],
            written=compact,
            least=plots.TICKS * Money.parse("1", shop.currency).minor,
        ),
        "orders": draw(
            [point.orders for point in points],
            [point.orders_before for point in points],
            titles=[f"{name(p.at)}: {p.orders}, before {p.orders_before}" for p in points],
            written=lambda n: str(format_compact_decimal(n, locale=locale)),
        ),
        "name": name,
        "minor": money,
        "day": lambda at: format_date(at, "long", locale=locale),
    }
