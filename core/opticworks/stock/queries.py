"""Reading stock for staff: the list, one SKU's ledger, and who keeps what."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from opticworks.stock.models import StockEntry, StockHold, StockItem

PAGE = 50
left = StockItem.on_hand - StockItem.held  #: what is on the shelf and nobody's yet
SORTS = {
    "left": (left, StockItem.sku),
    "-left": (left.desc(), StockItem.sku),
    "sku": (StockItem.sku,),
    "-sku": (StockItem.sku.desc(),),
    "on_hand": (StockItem.on_hand, StockItem.sku),
    "-on_hand": (StockItem.on_hand.desc(), StockItem.sku),
    "held": (StockItem.held, StockItem.sku),
    "-held": (StockItem.held.desc(), StockItem.sku),
}
VIEWS = ("all", "low", "out", "held")


def conditions(view: str, low: int) -> tuple[ColumnElement[bool], ...]:
    """What a SKU needs to be in a view: fewer than `low` left, none left, kept for orders."""
    return {
        "low": (left < low,),
        "out": (left <= 0,),
        "held": (StockItem.held > 0,),
    }.get(view, ())


@dataclass(frozen=True, slots=True)
class StockPage:
    """Some rows of the list, and how many there are in all."""

    rows: Sequence[StockItem]
    total: int


def find(
    db: Session,
    *,
    view: str = "all",
    low: int = 0,
    text: str = "",
    skus: Collection[str] = (),
    sort: str = "left",
    page: int = 1,
) -> StockPage:
    """A page of the stock: a view of it, narrowed to SKUs that contain `text` or are in `skus`."""
    query = select(StockItem, func.count().over()).where(*conditions(view, low))
    if text:
        like = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
        query = query.where(or_(StockItem.sku.ilike(like), StockItem.sku.in_(skus)))
    query = query.order_by(*SORTS.get(sort, SORTS["left"])).limit(PAGE).offset((page - 1) * PAGE)
    rows: Sequence[Any] = db.execute(query).all()
    return StockPage([row[0] for row in rows], rows[0][1] if rows else 0)


def item(db: Session, sku: str) -> StockItem | None:
    """The counters of a SKU as they are now; None when it was never counted."""
    return db.get(StockItem, sku, populate_existing=True)


def entries(db: Session, sku: str, before: int = 0, size: int = PAGE) -> list[StockEntry]:
    """The SKU's ledger, newest first, from before the entry of that id; one more than `size`
    when there is more."""
    query = select(StockEntry).where(StockEntry.sku == sku)
    if before:
        query = query.where(StockEntry.id < before)
    return list(db.scalars(query.order_by(StockEntry.id.desc()).limit(size + 1)))


def holds(db: Session, sku: str, limit: int = 200) -> list[StockHold]:
    """Who keeps the SKU: those whose time runs out first, allocations last."""
    return list(
        db.scalars(
            select(StockHold)
            .where(StockHold.sku == sku)
            .order_by(StockHold.expires_at.nulls_last(), StockHold.created_at)
            .limit(limit)
        )
    )


def counted(db: Session) -> int:
    """How many SKUs have a counter."""
    return db.scalar(select(func.count()).select_from(StockItem)) or 0
