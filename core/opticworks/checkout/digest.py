"""The morning mail to staff: what came in yesterday, and what waits.

Told once a day, at the hour that the settings name, in the shop's zone. The event of the day is
the mark that it was told: a second run on the same day finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.contracts import N_
from opticworks.events import SHOP_DIGEST, Event
from opticworks.hookspecs import hookimpl
from opticworks.jobs import task
from opticworks.money import Money
from opticworks.notifications.kinds import STAFF
from opticworks.notifications.models import Message, StoredEvent
from opticworks.notifications.service import emit
from opticworks.orders import queries
from opticworks.orders.models import Order
from opticworks.returns import queries as returns
from opticworks.returns.models import Return
from opticworks.shop import Shop
from opticworks.stock import queries as stock
from opticworks.stock.models import StockItem

STANDING = ("confirmed", "completed")  #: orders that count as sold
MOST = 1000  #: counting stops here


@task("shop.digest", schedule="7 * * * *")
def digest(shop: Shop) -> None:
    """Every hour: tell staff how the shop stands, if this is the hour and they want to hear it."""
    settings = shop.settings["shop"]
    here = shop.now().astimezone(ZoneInfo(settings.timezone))
    if not settings.digest or not settings.alert_addresses or here.hour < settings.digest_hour:
        return
    today = here.date()
    with shop.unit("digest") as db:
        db.execute(text("SELECT pg_advisory_xact_lock(hashtext('shop.digest'))"))
        told = select(StoredEvent.id).where(
            StoredEvent.kind == SHOP_DIGEST, StoredEvent.subject == today.isoformat()
        )
        if db.scalar(told.limit(1)) is None:
            emit(db, SHOP_DIGEST, today.isoformat(), facts(db, settings, today))


def facts(db: Session, settings: c.ShopSettings, today: date) -> dict[str, Any]:
    """Yesterday's orders and sales (minor units of the shop's currency), and what waits now."""
    zone = ZoneInfo(settings.timezone)
    begin = datetime.combine(today - timedelta(days=1), time(), zone)
    sold = select(func.count(), func.coalesce(func.sum(Order.total), 0)).where(
        Order.placed_at >= begin,
        Order.placed_at < datetime.combine(today, time(), zone),
        Order.status.in_(STANDING),
        Order.currency == settings.currency,
    )
    orders, sales = db.execute(sold).one()
    waiting = {
        "to_ship": select(Order.id).where(*queries.TABS["to_ship"].conditions),
        "check_payment": select(Order.id).where(*queries.TABS["check_payment"].conditions),
        "returns": select(Return.id).where(returns.WAITING),
        "low_stock": select(StockItem.sku).where(*stock.conditions("low", settings.low_stock)),
        "failed_mails": select(Message.id).where(Message.status == "failed"),
    }
    counted = [_count(query).scalar_subquery().label(name) for name, query in waiting.items()]
    row = db.execute(select(*counted)).one()
    return {
        "orders": int(orders),
        "sales": int(sales),
        "currency": settings.currency,
        **{name: int(count) for name, count in row._mapping.items()},
    }


def _count(rows: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(rows.limit(MOST).subquery())


# --- the mail -------------------------------------------------------------------------------------


def mail(data: dict[str, Any], day: str, locale: str, to: str) -> c.MessageDraft:
    return c.MessageDraft(
        kind="staff_digest",
        to=to,
        template="mail/staff_digest.pt",
        data=data,
        words={
            "day": day,
            "orders": str(data["orders"]),
            "sales": Money(data["sales"], data["currency"]).format(locale),
            "to_ship": str(data["to_ship"]),
        },
    )


def _sample(order: c.OrderView) -> c.MessageDraft:
    waiting = {"to_ship": 4, "check_payment": 1, "returns": 2, "low_stock": 3, "failed_mails": 0}
    sold = {"orders": 6, "sales": order.total.minor * 6, "currency": order.currency}
    day = format_date(order.placed_at, "long", locale="en_US")
    return mail({**sold, **waiting}, str(day), "en_US", order.email)


@hookimpl
def message_kinds() -> tuple[c.MessageKind, ...]:
    return (
        c.MessageKind(
            code="staff_digest",
            title="The day's digest",
            group=STAFF,
            subject=N_("Your shop on {day}: {to_ship} to ship"),
            intro=N_("Orders yesterday: {orders}, together {sales}. This is what waits:"),
            variables={
                "day": "the day",
                "orders": "how many orders yesterday brought",
                "sales": "what they come to",
                "to_ship": "how many orders are to be shipped",
            },
            staff=True,
            sample=_sample,
        ),
    )


@hookimpl
def messages(event: Event, ctx: c.Ctx) -> Iterator[c.MessageDraft]:
    if event.kind != SHOP_DIGEST:
        return
    settings = ctx.settings["shop"]
    day = str(format_date(date.fromisoformat(event.subject), "long", locale=settings.locale))
    for address in settings.alert_addresses:
        yield mail(dict(event.data), day, settings.locale, address)
