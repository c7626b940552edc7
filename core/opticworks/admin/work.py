"""What waits for somebody: numbers for the first page and the menu, each counted up to a limit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, column, func, select, table, text
from sqlalchemy.orm import Session

from opticworks.notifications.models import Message
from opticworks.orders import queries
from opticworks.orders.models import Order
from opticworks.returns import queries as returns
from opticworks.returns.models import Return
from opticworks.stock import queries as stock
from opticworks.stock.models import StockItem
from opticworks.webhooks.models import Webhook

MOST = 1000  #: counting stops here; a list that long is not read to its end anyway
JOBS: Table = table("procrastinate_jobs", column("id"), column("status"))  # type: ignore[assignment]


def _count(rows: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(rows.limit(MOST).subquery())


def low_stock(db: Session, low: int) -> int:
    """How many SKUs have fewer than `low` left on the shelf."""
    return db.scalar(_count(select(StockItem.sku).where(*stock.conditions("low", low)))) or 0


def counts(db: Session) -> dict[str, int]:
    """to_ship, awaiting, check_payment, returns, failed_messages, stuck_webhooks and failed_jobs,
    in one statement."""
    orders = select(Order.id)
    rows = {
        "to_ship": orders.where(*queries.TABS["to_ship"].conditions),
        "awaiting": orders.where(*queries.TABS["awaiting"].conditions),
        "check_payment": orders.where(*queries.TABS["check_payment"].conditions),
        "returns": select(Return.id).where(returns.WAITING),
        "failed_messages": select(Message.id).where(Message.status == "failed"),
        "stuck_webhooks": select(Webhook.id).where(Webhook.status.in_(("failed", "unmatched"))),
        "failed_jobs": select(JOBS.c.id).where(JOBS.c.status == text("'failed'")),
    }
    parts = [_count(query).scalar_subquery().label(name) for name, query in rows.items()]
    return dict(db.execute(select(*parts)).one()._mapping)
