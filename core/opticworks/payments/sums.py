"""What an order's payments come to, counted from the ledger's events and stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, func, select
from sqlalchemy.orm import Mapped, Session

from opticworks.payments.models import Payment, PaymentEvent

#: After one of these an authorization holds nothing any more.
ENDS_AUTHORIZATION = ("captured", "canceled", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Minor units of the order's currency.

    `authorized` may still be taken; `captured` was taken in all; `refunded` went back and
    `refunding` is on its way there; `disputed` is claimed by a buyer's bank at present, and
    `lost` is what banks took for good;
    `outstanding` is what was never taken of what the order costs.
    """

    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    disputed: int = 0
    lost: int = 0
    outstanding: int = 0

    @property
    def kept(self) -> int:
        """What the shop has of it now."""
        return self.captured - self.refunded - self.lost


def sums(db: Session, order_id: int) -> Sums:
    """The order's sums, over all attempts to pay it."""
    return _read(db, Payment.order_id == order_id)


def sums_of(db: Session, payment_id: int) -> Sums:
    """The sums of one attempt."""
    return _read(db, Payment.id == payment_id)


def _total(of: Mapped[int], *kinds: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(of).filter(PaymentEvent.kind.in_(kinds)), 0)


def _per_payment(which: ColumnElement[bool]) -> CTE:
    event = PaymentEvent
    begun = func.max(event.id).filter(event.kind == "authorized")
    over = func.max(event.id).filter(event.kind.in_(ENDS_AUTHORIZATION))
    ended = func.coalesce(over > begun, False)
    return (
        select(
            Payment.amount.label("asked"),
            ended.label("ended"),
            _total(event.about, "authorized").label("authorized"),
            _total(event.amount, "captured").label("captured"),
            # A refund that its bank sends back later is a positive amount of "refund_failed".
            (-_total(event.amount, "refunded", "refund_failed")).label("refunded"),
            (
                _total(event.about, "refund_intended")
                - _total(event.about, "refunded", "refund_failed")
            ).label("refunding"),
            (_total(event.about, "dispute_opened") - _total(event.about, "dispute_closed")).label(
                "disputed"
            ),
            (-_total(event.amount, "dispute_closed")).label("lost"),
        )
        .outerjoin(event, event.payment_id == Payment.id)
        .where(which)
        .group_by(Payment.id)
        .cte("per_payment")
    )


def _read(db: Session, which: ColumnElement[bool]) -> Sums:
    each = _per_payment(which).c

    def total(column: ColumnElement[int]) -> ColumnElement[int]:
        return func.coalesce(func.sum(column), 0)

    row = db.execute(
        select(
            func.coalesce(func.sum(each.authorized).filter(~each.ended), 0),
            total(each.captured),
            total(each.refunded),
            total(each.refunding),
            total(each.disputed),
            total(each.lost),
            func.coalesce(func.max(each.asked), 0),
        )
    ).one()
    authorized, captured, refunded, refunding, disputed, lost, asked = map(int, row)
    return Sums(
        authorized=authorized,
        captured=captured,
        refunded=refunded,
        refunding=refunding,
        disputed=disputed,
        lost=lost,
        outstanding=max(0, asked - captured),
    )
