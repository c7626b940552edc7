"""How an order's payments stand together: its payment status, a projection of its ledger."""

from __future__ import annotations

from sqlalchemy.orm import Session

from opticworks.orders.models import Order
from opticworks.payments import service as payments


def payment_status(db: Session, order: Order) -> str:
    """One of orders.models.PAYMENT_STATUSES, as the ledger of all attempts has it.

    What came twice and went back again leaves an order paid.
    """
    sums = payments.sums(db, order.id)
    if sums.captured:
        if sums.kept >= order.total:
            return "paid"
        return "part_refunded" if sums.kept > 0 else "refunded"
    states = {payment.status for payment in payments.of_order(db, order.id)}
    if order.total == 0 and not states:
        return "paid" if order.status != "canceled" else "unpaid"
    return next((state for state in ("authorized", "pending") if state in states), "unpaid")
