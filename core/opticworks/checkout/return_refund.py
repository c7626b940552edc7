"""Paying for what came back, through the refunds of checkout.refund.

The return's id is the refund's request, so a return is paid for once, however often the button is
pressed. Which return a refund belongs to is found by that key, also when it failed and was made
again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from opticworks.carts import service as carts
from opticworks.checkout import refund as refunding
from opticworks.checkout import returns
from opticworks.checkout.refund import Outcome
from opticworks.checkout.refund_plan import Left, Portion, Wish
from opticworks.checkout.settle import Refused
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.returns import service as cases
from opticworks.returns.models import Return
from opticworks.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What staff pay for a return beside its items: as in refund_plan.Wish, in minor units."""

    shipping: int = 0
    amount: int | None = None
    shown: int | None = None
    note: str = ""


def wish_of(db: Session, order: Order, case: Return, terms: Terms) -> Wish:
    """The refund of what arrived. Where it lies now was settled when it was received."""
    skus = {line.id: line.sku for line in orders.lines_of(db, order.id)}
    return Wish(
        request=case.id,
        portions={
            skus[line.order_line_id]: Portion(sent=line.received)
            for line in case.lines
            if line.received
        },
        shipping=terms.shipping,
        amount=terms.amount,
        shown=terms.shown,
        reason="withdrawal" if case.kind == "withdrawal" else "returned",
        note=terms.note,
    )


def pay(shop: Shop, number: str, terms: Terms, *, actor: str) -> Outcome:
    """Pay for a return that was received; once, however often this is asked. Raises Refused."""
    with shop.unit() as db:
        order, case = returns.locked(db, number)
        if case.state not in ("received", "refunded"):
            raise Refused("Receive the goods first. " + returns.TOO_LATE[case.state])
        wish = wish_of(db, order, case, terms)
    outcome = refunding.refund(shop, order.number, wish, actor=actor)
    with shop.unit("return_refunded") as db:
        order, case = returns.locked(db, number)
        note_refund(db, order, case)
    return outcome


def suggested_shipping(db: Session, order: Order, case: Return, left: Left) -> int:
    """What of the delivery is paid back with it: whoever withdraws from everything gets what the
    cheapest way of shipping that was offered would have cost; otherwise nothing."""
    declared = cases.withdrawal(db, case.id)
    if declared is None or not declared.everything or not left.shipping:
        return 0
    cart = carts.get(db, order.cart_id)
    offered: list[int] = [rate["amount"] for rate in cart.rates] if cart is not None else []
    chosen: int = (order.shipping or {}).get("amount", 0)
    if not offered or not chosen or min(offered) >= chosen:
        return left.shipping
    return -(-left.shipping * min(offered) // chosen)


# --- which refunds are a return's -----------------------------------------------------------------


def accepted(db: Session, order_id: int, request: uuid.UUID) -> bool:
    """Whether a provider agreed to pay (a part of) it back."""
    rows = refunds.of_order(db, order_id)
    origins = refunds.origins(rows)
    return any(row.status in refunds.ACCEPTED for row in rows if origins[row.key] == request)


def note_event(db: Session, order: Order, key: str) -> None:
    """A provider agreed to a refund: if it is a return's, that is over. The order is locked."""
    rows = refunds.of_order(db, order.id)
    origins = {str(of): origin for of, origin in refunds.origins(rows).items()}
    for case in cases.of_order(db, order.id):
        if origins.get(key) == case.id:
            note_refund(db, order, case)


def note_refund(db: Session, order: Order, case: Return) -> None:
    """The return is over once a provider agreed to its refund. The order is locked."""
    if case.state == "received" and accepted(db, order.id, case.id):
        rows = refunds.by_request(db, case.id)
        returns.step(db, case, "refunded", actor=rows[0].actor)
