"""How an order's payments stand together: its payment status, a projection of its ledger."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from opticworks.orders.models import Order
from opticworks.payments import service as payments


def payment_status(db: Session, order: Order) -> str:
    """One of orders.models.PAYMENT_STATUSES, as the ledger of all attempts has it."""
    sums = payments.sums(db, order.id)
    states = {payment.status for payment in payments.of_order(db, order.id)}
    return projected(order.status, order.total, sums.captured, sums.kept, states)


def projected(status: str, total: int, captured: int, kept: int, states: Collection[str]) -> str:
    """The payment status of an order of that status and total (minor units), of whose payments in
    these states so much was captured and kept.

    What came twice and went back again leaves an order paid.
    """
    if captured:
        if kept >= total:
            return "paid"
        return "part_refunded" if kept > 0 else "refunded"
    if total == 0 and not states:
        return "paid" if status != "canceled" else "unpaid"
    return next((state for state in ("authorized", "pending") if state in states), "unpaid")
