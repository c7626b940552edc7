"""Taking and giving back what is scarce: always in the order of the SKU, always with a ledger row.

Every function works in the caller's transaction. The rows are locked sorted by SKU first: an
unsorted UPDATE of several rows deadlocks under load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    String,
    Subquery,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks.db import Write, later
from opticworks.db.changes import held as held_things
from opticworks.stock.models import StockEntry, StockHold, StockItem


@dataclass(frozen=True, slots=True)
class Availability:
    """What can be sold of a SKU now: `free` = on hand + backorder limit - held."""

    sku: str
    free: int
    on_hand: int = 0
    held: int = 0
    backorder_limit: int = 0
    tracked: bool = True


@dataclass(frozen=True, slots=True)
class Shortage:
    sku: str
    wanted: int
    free: int


class SoldOut(Exception):
    """Something is not there in the quantity wanted; nothing was taken."""

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__(", ".join(f"{s.sku}: {s.free} of {s.wanted}" for s in shortages))
        self.shortages = tuple(shortages)


# One parameter whatever the number of SKUs, and plain columns: asked on every page. PostgreSQL
# plans this once; with the parameter itself in ANY it would plan each time, for so many SKUs.
_items = StockItem.__table__.c
_GIVEN = func.array(select(func.unnest(bindparam("skus", type_=ARRAY(Text)))).scalar_subquery())
_AVAILABILITY = select(_items.sku, _items.on_hand, _items.held, _items.backorder_limit).where(
    _items.sku == any_(_GIVEN)
)


def availability(db: Session, skus: Iterable[str]) -> dict[str, Availability]:
    """What is free of each SKU, in one statement; a SKU without a row has nothing."""
    wanted = sorted(set(skus))
    if not wanted:
        return {}
    kept, key = held_things(db), ("stock", *wanted)
    if key in kept:
        return dict(kept[key])
    rows = db.execute(_AVAILABILITY, {"skus": wanted})
    result = {sku: Availability(sku, 0) for sku in wanted}
    for sku, on_hand, held, limit in rows:
        result[sku] = Availability(sku, on_hand + limit - held, on_hand, held, limit)
    kept[key] = result
    return result


def stock_levels() -> Subquery:
    """A fresh subquery with the columns `sku` and `free`, to join with whatever knows SKUs."""
    free = StockItem.on_hand + StockItem.backorder_limit - StockItem.held
    return select(StockItem.sku, free.label("free")).subquery()


_LOCKED = (
    select(StockItem)
    .where(StockItem.sku == any_(bindparam("skus", type_=ARRAY(String))))
    .order_by(StockItem.sku)
    .with_for_update()
    .execution_options(populate_existing=True)
)


def _lock(db: Session, skus: Iterable[str]) -> dict[str, StockItem]:
    """Lock the rows of these SKUs in their order; a SKU without a row is missing."""
    rows = db.scalars(_LOCKED, {"skus": sorted(set(skus))})
    return {row.sku: row for row in rows}


# What a sale needs of the locked rows, without making objects of them.
_FREE = _AVAILABILITY.order_by(_items.sku).with_for_update()

# Takes what is there of each, keeps it for the order and writes it down, in one statement, which
# PostgreSQL plans once, as above.
_TAKE = text(
    """
    WITH taken AS (
        UPDATE stock_item SET held = held + wanted.quantity
        FROM unnest(
            ARRAY(SELECT unnest(CAST(:skus AS text[]))),
            ARRAY(SELECT unnest(CAST(:quantities AS int[])))
        ) AS wanted(sku, quantity)
        WHERE stock_item.sku = wanted.sku
          AND stock_item.on_hand + stock_item.backorder_limit - stock_item.held >= wanted.quantity
        RETURNING wanted.sku, wanted.quantity
    ), kept AS (
        INSERT INTO stock_hold (order_number, sku, quantity, expires_at)
        SELECT :order_number, sku, quantity, CAST(:expires_at AS timestamptz)
        FROM taken ORDER BY sku
    )
    INSERT INTO stock_entry (sku, on_hand, held, kind, reason, actor, order_number)
    SELECT sku, 0, quantity, 'hold', '', '', :order_number FROM taken ORDER BY sku
    """
)


def hold(
    db: Session, order_number: str, demand: Mapping[str, int], expires_at: datetime | None
) -> dict[str, int]:
    """Keep the quantities of `demand` for the order until `expires_at` (None: allocated).

    Answers what is left of each on the shelf, free to sell. Raises SoldOut naming everything
    that is short; then nothing is taken.
    """
    wanted = {sku: demand[sku] for sku in sorted(demand) if demand[sku] > 0}
    if not wanted:
        return {}
    free, shelf = {}, {}
    for sku, on_hand, held, limit in db.execute(_FREE, {"skus": list(wanted)}):
        free[sku], shelf[sku] = on_hand + limit - held, on_hand - held
    short = [
        Shortage(sku, quantity, max(free.get(sku, 0), 0))
        for sku, quantity in wanted.items()
        if free.get(sku, 0) < quantity
    ]
    if short:
        raise SoldOut(short)
    values = {
        "skus": list(wanted),
        "quantities": list(wanted.values()),
        "order_number": order_number,
        "expires_at": expires_at,
    }
    taken: Any = db.execute(_TAKE, values)
    if taken.rowcount != len(wanted):  # the lock makes this impossible; the check stays cheap
        raise SoldOut([Shortage(sku, quantity, 0) for sku, quantity in wanted.items()])
    return {sku: shelf[sku] - wanted[sku] for sku in wanted}


def _record(
    db: Session,
    quantities: Mapping[str, int],
    *,
    kind: str,
    order_number: str,
    held: int = 0,
    on_hand: int = 0,
    reason: str = "",
    actor: str = "",
) -> None:
    """Ledger rows for `quantities`; `held` and `on_hand` are the signs of the change."""
    db.execute(
        insert(StockEntry),
        [
            {
                "sku": sku,
                "held": held * quantity,
                "on_hand": on_hand * quantity,
                "kind": kind,
                "order_number": order_number,
                "reason": reason,
                "actor": actor,
            }
            for sku, quantity in quantities.items()
        ],
    )


_hold: Any = StockHold.__table__
_EXTEND = Write(
    update(_hold)
    .where(_hold.c.order_number == bindparam("order"))
    .values(expires_at=bindparam("until"))
)


def extend(db: Session, order_number: str, expires_at: datetime | None) -> None:
    """Change until when the order's holds last; None makes them an allocation."""
    later(db, _EXTEND, {"order": order_number, "until": expires_at})


def held_by(db: Session, order_number: str) -> dict[str, int]:
    """What the order keeps now, by SKU."""
    rows = db.execute(
        select(StockHold.sku, StockHold.quantity).where(StockHold.order_number == order_number)
    )
    return {row.sku: row.quantity for row in rows}


def release(db: Session, order_number: str, *, reason: str, actor: str = "") -> dict[str, int]:
    """Give back what the order still keeps; giving back twice gives back once."""
    held = held_by(db, order_number)
    if not held:
        return {}
    _lock(db, held)
    gone = db.execute(
        delete(StockHold)
        .where(StockHold.order_number == order_number)
        .returning(StockHold.sku, StockHold.quantity)
    ).all()
    released = {row.sku: row.quantity for row in sorted(gone)}
    if released:
        _change(db, released, held=-1)
        _record(
            db,
            released,
            held=-1,
            kind="release",
            order_number=order_number,
            reason=reason,
            actor=actor,
        )
    return released


def give_back(
    db: Session, order_number: str, quantities: Mapping[str, int], *, reason: str, actor: str
) -> dict[str, int]:
    """Give a part of what the order keeps back, as far as it keeps that much; what was."""
    wanted = {sku: quantities[sku] for sku in sorted(quantities) if quantities[sku] > 0}
    if not wanted:
        return {}
    _lock(db, wanted)
    kept = held_by(db, order_number)
    given = {sku: min(q, kept[sku]) for sku, q in wanted.items() if kept.get(sku)}
    if given:
        _change(db, given, held=-1)
        _take_from_holds(db, order_number, kept, given)
        _record(
            db,
            given,
            held=-1,
            kind="release",
            order_number=order_number,
            reason=reason,
            actor=actor,
        )
    return given


def _take_from_holds(
    db: Session, order_number: str, kept: Mapping[str, int], quantities: Mapping[str, int]
) -> None:
    for sku, quantity in quantities.items():
        of_order = (StockHold.order_number == order_number, StockHold.sku == sku)
        if kept[sku] == quantity:
            db.execute(delete(StockHold).where(*of_order))
        else:
            db.execute(
                update(StockHold).where(*of_order).values(quantity=StockHold.quantity - quantity)
            )


def ship(db: Session, order_number: str, quantities: Mapping[str, int], *, actor: str) -> None:
    """Take what leaves the house off the shelf, out of what the order keeps.

    Raises ValueError when the order does not keep that much, and SoldOut when a backordered
    unit has not arrived yet.
    """
    wanted = {sku: quantities[sku] for sku in sorted(quantities) if quantities[sku] > 0}
    if not wanted:
        return
    rows = _lock(db, wanted)
    kept = held_by(db, order_number)
    for sku, quantity in wanted.items():
        if kept.get(sku, 0) < quantity:
            raise ValueError(f"Order {order_number} keeps {kept.get(sku, 0)} of {sku}.")
    short = [
        Shortage(sku, quantity, rows[sku].on_hand)
        for sku, quantity in wanted.items()
        if rows[sku].on_hand < quantity
    ]
    if short:
        raise SoldOut(short)
    _change(db, wanted, held=-1, on_hand=-1)
    _take_from_holds(db, order_number, kept, wanted)
    _record(db, wanted, held=-1, on_hand=-1, kind="ship", order_number=order_number, actor=actor)


def put_back(
    db: Session, order_number: str, quantities: Mapping[str, int], *, reason: str, actor: str
) -> None:
    """Put units that had been shipped back on the shelf."""
    wanted = {sku: quantities[sku] for sku in sorted(quantities) if quantities[sku] > 0}
    if wanted:
        _lock(db, wanted)
        _change(db, wanted, on_hand=1)
        _record(
            db,
            wanted,
            on_hand=1,
            kind="return",
            order_number=order_number,
            reason=reason,
            actor=actor,
        )


_CHANGE = text(
    """
    UPDATE stock_item
    SET held = held + :held * wanted.quantity, on_hand = on_hand + :on_hand * wanted.quantity
    FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS int[])) AS wanted(sku, quantity)
    WHERE stock_item.sku = wanted.sku
    """
)


def _change(db: Session, quantities: Mapping[str, int], *, held: int = 0, on_hand: int = 0) -> None:
    """Move the counters by sign x quantity. The rows must be locked."""
    db.execute(
        _CHANGE,
        {
            "skus": list(quantities),
            "quantities": list(quantities.values()),
            "held": held,
            "on_hand": on_hand,
        },
    )


def set_stock(db: Session, sku: str, on_hand: int, *, reason: str, actor: str) -> None:
    """Say how many are on the shelf (a count). Raises ValueError below zero or below what
    orders already keep."""
    item = _create_locked(db, sku)
    adjust_locked(db, item, on_hand - item.on_hand, kind="count", reason=reason, actor=actor)


def adjust_stock(db: Session, sku: str, delta: int, *, reason: str, actor: str) -> None:
    """Change how many are on the shelf by `delta`. Raises ValueError like set_stock."""
    adjust_locked(db, _create_locked(db, sku), delta, kind="adjust", reason=reason, actor=actor)


@dataclass(frozen=True, slots=True)
class Move:
    """A counter that moved while somebody was counting: what they saw, and what it is now."""

    sku: str
    seen: int
    now: int


class StockMoved(Exception):
    """The stock is not what it was when the count was made; nothing was written."""

    def __init__(self, moves: Sequence[Move]) -> None:
        super().__init__(", ".join(f"{m.sku}: {m.now}, not {m.seen}" for m in moves))
        self.moves = tuple(moves)


def count_stock(
    db: Session,
    counts: Mapping[str, int],
    *,
    reason: str,
    actor: str,
    seen: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Say how many of many SKUs are on the shelf, in four statements however many; the changes.

    All of them or none: raises ValueError with a sentence per SKU that can't be so, and
    StockMoved when the stock of one in `seen` is not what was seen when it was counted.
    """
    wanted = {sku: counts[sku] for sku in sorted(counts)}
    if not wanted:
        return {}
    db.execute(upsert(StockItem).on_conflict_do_nothing(), [{"sku": sku} for sku in wanted])
    rows = _lock(db, wanted)
    moves = [
        Move(sku, was, rows[sku].on_hand)
        for sku, was in (seen or {}).items()
        if sku in rows and rows[sku].on_hand != was
    ]
    if moves:
        raise StockMoved(moves)
    wrong = [
        sentence for sku, on_hand in wanted.items() if (sentence := _objection(rows[sku], on_hand))
    ]
    if wrong:
        raise ValueError(" ".join(wrong))
    changes = {
        sku: on_hand - rows[sku].on_hand
        for sku, on_hand in wanted.items()
        if on_hand != rows[sku].on_hand
    }
    if changes:
        _change(db, changes, on_hand=1)
        _record(db, changes, on_hand=1, kind="count", order_number="", reason=reason, actor=actor)
        for sku in changes:
            db.expire(rows[sku])
    return changes


def _objection(item: StockItem, on_hand: int) -> str:
    """Why that many can't be on the shelf; empty when they can."""
    if on_hand < 0:
        return f"{item.sku} can't have {on_hand} on the shelf."
    if on_hand + item.backorder_limit < item.held:
        return (
            f"Orders already keep {item.held} of {item.sku}, so the stock can't become {on_hand}. "
            "Cancel or change such an order first."
        )
    return ""


def _create_locked(db: Session, sku: str) -> StockItem:
    db.execute(upsert(StockItem).values(sku=sku).on_conflict_do_nothing())
    return _lock(db, [sku])[sku]


def adjust_locked(
    db: Session, item: StockItem, delta: int, *, kind: str, reason: str, actor: str
) -> None:
    on_hand = item.on_hand + delta
    if on_hand < 0:
        raise ValueError(f"There are {item.on_hand} of {item.sku}; {-delta} can't be taken off.")
    if sentence := _objection(item, on_hand):
        raise ValueError(sentence)
    if delta == 0:
        return
    item.on_hand = on_hand
    db.add(StockEntry(sku=item.sku, on_hand=delta, kind=kind, reason=reason, actor=actor))
    db.flush()


def set_backorder_limit(db: Session, sku: str, limit: int) -> None:
    """How many may be sold beyond what is on the shelf; never less than is sold already."""
    item = _create_locked(db, sku)
    if limit < 0 or item.on_hand + limit < item.held:
        raise ValueError(f"{item.held} of {sku} are sold already; the limit can't be {limit}.")
    item.backorder_limit = limit
    db.flush()


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter that is not the sum of its ledger."""

    sku: str
    counter: str
    stored: int
    ledger: int


def verify(db: Session) -> list[Drift]:
    """Every counter that its ledger does not prove, and every held that its holds don't."""
    sums = {
        row.sku: (int(row.on_hand), int(row.held))
        for row in db.execute(
            select(
                StockEntry.sku,
                func.sum(StockEntry.on_hand).label("on_hand"),
                func.sum(StockEntry.held).label("held"),
            ).group_by(StockEntry.sku)
        )
    }
    holds = {
        sku: int(quantity)
        for sku, quantity in db.execute(
            select(StockHold.sku, func.sum(StockHold.quantity)).group_by(StockHold.sku)
        )
    }
    found = []
    items = {item.sku: item for item in db.scalars(select(StockItem))}
    for sku in sorted(items.keys() | sums.keys() | holds.keys()):
        item = items.get(sku)
        on_hand, held = sums.get(sku, (0, 0))
        pairs = (
            ("on_hand", item.on_hand if item else 0, on_hand),
            ("held", item.held if item else 0, held),
            ("holds", holds.get(sku, 0), held),
        )
        found += [Drift(sku, name, a, b) for name, a, b in pairs if a != b]
    return found
