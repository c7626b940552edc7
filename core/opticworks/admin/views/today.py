"""The first page: what is to be done, and how the shop does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pyramid.request import Request
from sqlalchemy import func, select

from opticworks.admin import shell, words, work
from opticworks.jobs import board
from opticworks.money import Money
from opticworks.orders import queries
from opticworks.orders.models import Order
from opticworks.web.page import Page
from opticworks.web.policy import admin_view

DAYS = 7


@dataclass(frozen=True, slots=True)
class Task:
    """Work that waits: how much, and where it is done. `urgent` is somebody's trouble."""

    label: str
    count: int
    path: str
    icon: str
    done: str  #: what to say when there is none
    urgent: bool = False


class Day(NamedTuple):
    """One day's takings. `share` is its part of the best day, in percent, for the bar."""

    at: datetime
    orders: int
    total: Money
    share: int


def tasks(request: Request) -> list[Task]:
    """What this member of staff may work on."""
    waiting = work.counts(request.db)
    may = request.identity.permissions
    found = []
    if "orders.read" in may:
        to_ship, awaiting = waiting["to_ship"], waiting["awaiting"]
        path = "/admin/orders?tab="
        check = waiting["check_payment"]
        found += [
            Task("To ship", to_ship, path + "to_ship", "package", "Everything paid has left."),
            Task("Awaiting payment", awaiting, path + "awaiting", "landmark", "All is paid."),
        ]
        if check:
            page = path + "check_payment"
            found.append(Task("Payments to check", check, page, "triangle-alert", "", True))
        back = waiting["returns"]
        icon = "rotate-ccw"
        found.append(Task("Returns", back, "/admin/returns", icon, "No return waits for you."))
    if "stock.read" in may:
        low = work.low_stock(request.db, request.shop.settings["shop"].low_stock)
        path = "/admin/stock?view=low"
        found.append(Task("Low stock", low, path, "boxes", "Nothing is running out."))
    if "messages.read" in may:
        failed = waiting["failed_messages"]
        path = "/admin/messages?status=failed"
        found.append(Task("Failed mails", failed, path, "mail", "Every mail went out.", True))
    if "jobs.manage" in may:
        failed = waiting["failed_jobs"]
        path = "/admin/jobs?state="
        found.append(
            Task("Failed jobs", failed, path + "failed", "list-restart", "Nothing got stuck.", True)
        )
        if late := board.late(request.db):
            page = path + "waiting"
            found.append(Task("Jobs that wait for a worker", late, page, "list-restart", "", True))
    if "plugins.read" in may:
        troubled = sum(
            1 for plugin in request.shop.plugins if plugin.state not in ("enabled", "disabled")
        )
        if troubled:
            task = Task("Plugins with problems", troubled, "/admin/plugins", "blocks", "", True)
            found.append(task)
    found += [
        Task(one.label, one.count, one.path, one.icon, "", True)
        for one in shell.asked(request, "attention")
        if one.count and one.permission in may
    ]
    return found


def week(request: Request) -> list[Day]:
    """Orders that stand, by day of the shop's zone, the last seven days, today last."""
    shop = request.shop.settings["shop"]
    zone = ZoneInfo(shop.timezone)
    today = datetime.combine(request.shop.now().astimezone(zone).date(), time(), zone)
    first = today - timedelta(days=DAYS - 1)
    day = func.date(func.timezone(shop.timezone, Order.placed_at))
    rows = request.db.execute(
        select(day, func.count(), func.sum(Order.total))
        .where(
            Order.placed_at >= first,
            Order.status.in_(("confirmed", "completed")),
            Order.currency == shop.currency,
        )
        .group_by(day)
    )
    sums = {date: (count, int(total)) for date, count, total in rows}
    best = max((total for _, total in sums.values()), default=0) or 1
    days = []
    for offset in range(DAYS):
        at = first + timedelta(days=offset)
        count, total = sums.get(at.date(), (0, 0))
        days.append(Day(at, count, Money(total, shop.currency), round(100 * total / best)))
    return days


@admin_view("admin.today", renderer="admin/today.pt", request_method=("GET", "HEAD"))
def today(request: Request) -> dict[str, Any]:
    shop = request.shop.settings["shop"]
    sees_orders = "orders.read" in request.identity.permissions
    days = week(request) if sees_orders else []
    newest = queries.find(request.db, queries.Filters(tab="all"), shop.timezone, size=8)
    return {
        "page": Page("Today"),
        "tasks": tasks(request),
        "sees_reports": "reports.read" in request.identity.permissions,
        "days": days,
        "week_total": Money(sum(day.total.minor for day in days), shop.currency),
        "week_orders": sum(day.orders for day in days),
        "orders": newest.orders if sees_orders else [],
        "words": words,
        "amount": lambda order: Money(order.total, order.currency).format(shop.locale),
    }
