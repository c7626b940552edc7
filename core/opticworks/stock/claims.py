"""Claims on allowances: uses of something limited that is not stock, taken like stock."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks.stock.models import Allowance, Claim


class UsedUp(Exception):
    """An allowance is not enough for what was claimed; nothing was taken."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(", ".join(keys))
        self.keys = tuple(keys)


def grant(db: Session, key: str, granted: int) -> None:
    """Set how much there is of an allowance; never below what is used."""
    statement = upsert(Allowance).values(key=key, granted=granted, used=0)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[Allowance.key], set_={"granted": statement.excluded.granted}
        )
    )


_TAKE = text(
    """
    UPDATE allowance SET used = used + wanted.amount
    FROM unnest(CAST(:keys AS text[]), CAST(:amounts AS bigint[])) AS wanted(key, amount)
    WHERE allowance.key = wanted.key AND allowance.granted - allowance.used >= wanted.amount
    """
)


def claim(db: Session, order_number: str, wanted: Mapping[str, int]) -> None:
    """Take `wanted` amounts of allowances for the order. Raises UsedUp naming what is short."""
    if not wanted:
        return
    amounts = {key: wanted[key] for key in sorted(wanted)}
    rows = {
        row.key: row.granted - row.used
        for row in db.scalars(
            select(Allowance)
            .where(Allowance.key.in_(list(amounts)))
            .order_by(Allowance.key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    short = [key for key, amount in amounts.items() if rows.get(key, 0) < amount]
    if short:
        raise UsedUp(short)
    db.execute(_TAKE, {"keys": list(amounts), "amounts": list(amounts.values())})
    db.execute(
        insert(Claim),
        [
            {"order_number": order_number, "allowance": key, "amount": amount}
            for key, amount in amounts.items()
        ],
    )


def release(db: Session, order_number: str) -> None:
    """Give the order's claims back; twice gives back once."""
    keys = db.scalars(
        select(Claim.allowance).where(Claim.order_number == order_number).order_by(Claim.allowance)
    ).all()
    if not keys:
        return
    db.execute(
        select(Allowance.key)
        .where(Allowance.key.in_(keys))
        .order_by(Allowance.key)
        .with_for_update()
    )
    gone = db.execute(
        delete(Claim)
        .where(Claim.order_number == order_number)
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
