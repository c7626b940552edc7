"""Claims on allowances: uses of something limited that is not stock, taken like stock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks.contracts import ClaimRequest
from opticworks.stock.models import Allowance, Claim


class UsedUp(Exception):
    """An allowance is not enough for what was claimed; nothing was taken."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(", ".join(keys))
        self.keys = tuple(keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of an allowance by an order; `released_at` says when it was given back."""

    order_number: str
    amount: int
    at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class Miscount:
    """An allowance whose counter is not the sum of its claims."""

    key: str
    used: int
    claimed: int


def grant(db: Session, key: str, granted: int | None) -> None:
    """Set how much there is of an allowance, never below what is used; None for no limit."""
    statement = upsert(Allowance).values(key=key, granted=granted, used=0)
    # GREATEST passes over NULL, which here means more than any number.
    new = None if granted is None else func.greatest(statement.excluded.granted, Allowance.used)
    db.execute(
        statement.on_conflict_do_update(index_elements=[Allowance.key], set_={"granted": new})
    )


def total(requests: Iterable[ClaimRequest]) -> tuple[ClaimRequest, ...]:
    """One request for each allowance. A request that comes with several parts of one discount
    (an adjustment spread over lines) is one use."""
    wanted: dict[str, ClaimRequest] = {}
    for request in requests:
        known = wanted.get(request.allowance)
        if known is None or known.amount < request.amount:
            wanted[request.allowance] = request
    return tuple(wanted[key] for key in sorted(wanted))


_MAKE = text(
    """
    INSERT INTO allowance (key, granted, used)
    SELECT wanted.key, wanted.granted, 0
    FROM unnest(CAST(:keys AS text[]), CAST(:limits AS bigint[])) AS wanted(key, granted)
    ORDER BY wanted.key
    ON CONFLICT DO NOTHING
    """
)
_TAKE = text(
    """
    UPDATE allowance SET used = used + wanted.amount, granted = CASE
        WHEN wanted.granted IS NULL THEN allowance.granted
        ELSE GREATEST(wanted.granted, used + wanted.amount) END
    FROM unnest(
        CAST(:keys AS text[]), CAST(:amounts AS bigint[]), CAST(:limits AS bigint[])
    ) AS wanted(key, amount, granted)
    WHERE allowance.key = wanted.key
    """
)


def claim(db: Session, order_number: str, requests: Iterable[ClaimRequest]) -> None:
    """Take what is requested for the order. Raises UsedUp naming what is short.

    Rows are made and locked in the order of their keys, so that two orders never wait for each
    other in a circle.
    """
    wanted = total(requests)
    if not wanted:
        return
    limited = [request for request in wanted if request.limit is not None]
    if limited:
        db.execute(
            _MAKE,
            {
                "keys": [request.allowance for request in limited],
                "limits": [request.limit for request in limited],
            },
        )
    rows = _locked(db, [request.allowance for request in wanted])
    short = [request.allowance for request in wanted if not _enough(request, rows)]
    if short:
        raise UsedUp(short)
    values = {
        "keys": [request.allowance for request in wanted],
        "amounts": [request.amount for request in wanted],
        "limits": [request.limit for request in wanted],
    }
    db.execute(_TAKE, values)
    statement = upsert(Claim).values(
        [
            {
                "order_number": order_number,
                "allowance": request.allowance,
                "amount": request.amount,
                "released_at": None,
            }
            for request in wanted
        ]
    )
    # A canceled order that is taken up again takes its own claims again.
    taken = db.scalars(
        statement.on_conflict_do_update(
            index_elements=[Claim.order_number, Claim.allowance],
            set_={"amount": statement.excluded.amount, "released_at": None},
            where=Claim.released_at.is_not(None),
        ).returning(Claim.allowance)
    ).all()
    if len(taken) < len(wanted):
        raise RuntimeError(f"Order {order_number} has claimed already.")


def _locked(db: Session, keys: Collection[str]) -> dict[str, Allowance]:
    found = db.scalars(
        select(Allowance)
        .where(Allowance.key.in_(keys))
        .order_by(Allowance.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.key: row for row in found}


def _enough(request: ClaimRequest, rows: Mapping[str, Allowance]) -> bool:
    row = rows.get(request.allowance)
    if row is None:
        return False
    most = row.granted if request.limit is None else request.limit
    return most is None or most - row.used >= request.amount


def release(db: Session, order_number: str) -> None:
    """Give the order's claims back; twice gives back once."""
    mine = (Claim.order_number == order_number, Claim.released_at.is_(None))
    keys = db.scalars(select(Claim.allowance).where(*mine)).all()
    if not keys:
        return
    _locked(db, keys)
    gone = db.execute(
        update(Claim)
        .where(*mine)
        .values(released_at=func.now())
        .returning(Claim.allowance, Claim.amount)
    ).all()
    if gone:
        db.execute(
            _TAKE_BACK,
            {"keys": [key for key, _ in gone], "amounts": [amount for _, amount in gone]},
        )


_TAKE_BACK = text(
    """
    UPDATE allowance SET used = used - given.amount
    FROM unnest(CAST(:keys AS text[]), CAST(:amounts AS bigint[])) AS given(key, amount)
    WHERE allowance.key = given.key
    """
)


def used(db: Session, keys: Collection[str], besides: str = "") -> dict[str, int]:
    """How much of each allowance is used, not counting what the order `besides` has claimed."""
    if not keys:
        return {}
    result = dict.fromkeys(keys, 0)
    found = db.execute(select(Allowance.key, Allowance.used).where(Allowance.key.in_(keys)))
    result.update((row.key, row.used) for row in found)
    if besides:
        own = select(Claim.allowance, Claim.amount).where(
            Claim.order_number == besides,
            Claim.released_at.is_(None),
            Claim.allowance.in_(keys),
        )
        for key, amount in db.execute(own):
            result[key] -= amount
    return result


def uses_between(
    db: Session, keys: Collection[str], since: datetime, until: datetime
) -> dict[str, int]:
    """How often each allowance was claimed in that time, uses that were given back included."""
    counts = dict.fromkeys(keys, 0)
    rows = (
        select(Claim.allowance, func.count())
        .where(
            Claim.allowance.in_(counts),
            Claim.created_at >= since,
            Claim.created_at < until,
        )
        .group_by(Claim.allowance)
    )
    counts.update((key, number) for key, number in db.execute(rows))
    return counts


def uses(db: Session, key: str, limit: int = 100, offset: int = 0) -> list[Use]:
    """Who used the allowance, newest first."""
    found = db.scalars(
        select(Claim)
        .where(Claim.allowance == key)
        .order_by(Claim.created_at.desc(), Claim.order_number)
        .limit(limit)
        .offset(offset)
    )
    return [
        Use(
            order_number=row.order_number,
            amount=row.amount,
            at=row.created_at,
            released_at=row.released_at,
        )
        for row in found
    ]


def verify(db: Session) -> list[Miscount]:
    """Allowances whose counter is not the sum of the claims that stand; empty if all is right."""
    claimed = {
        key: int(amount)
        for key, amount in db.execute(
            select(Claim.allowance, func.sum(Claim.amount))
            .where(Claim.released_at.is_(None))
            .group_by(Claim.allowance)
        )
    }
    counted = {row.key: row.used for row in db.scalars(select(Allowance))}
    return [
        Miscount(key, counted.get(key, 0), claimed.get(key, 0))
        for key in sorted(counted.keys() | claimed.keys())
        if counted.get(key, 0) != claimed.get(key, 0)
    ]
