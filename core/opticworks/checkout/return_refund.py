"""Paying for what came back: through the refunds of checkout.refund, with a credit note for each.

The return's id is the refund's request, so a return is paid for once, however often the button is
pressed. Which return a refund belongs to is found by that key, also when it failed and was made
again; whoever hears first that its provider agreed issues the credit note.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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
from opticworks.payments.models import Refund
from opticworks.returns import service as cases
from opticworks.returns.models import CreditNote, Return
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
        note_refund(db, order, case, case.id, shop.now())
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


def unsent_request(return_id: uuid.UUID) -> uuid.UUID:
    """The request of the refund for what a withdrawal took out before it left."""
    return uuid.uuid5(return_id, "unsent")


def _origins(rows: Iterable[Refund]) -> dict[uuid.UUID, uuid.UUID]:
    """By the key of each refund the request it goes back to: one that failed and was made again
    counts as the first."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    repeats: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:  # the oldest first, so a repeat meets what it repeats
        found[row.key] = repeats.get(row.request, row.request)
        repeats[uuid.uuid5(row.key, "again")] = found[row.key]
    return found


def _of_request(db: Session, order_id: int, request: uuid.UUID) -> list[Refund]:
    rows = refunds.of_order(db, order_id)
    origins = _origins(rows)
    return [row for row in rows if origins[row.key] == request]


def accepted(db: Session, order_id: int, request: uuid.UUID) -> bool:
    """Whether a provider agreed to pay (a part of) it back."""
    found = _of_request(db, order_id, request)
    return any(row.status in refunds.ACCEPTED for row in found)


def note_event(db: Session, order: Order, key: str, now: datetime) -> None:
    """A provider agreed to a refund: if it is a return's, write down what follows of it."""
    known = cases.of_order(db, order.id)
    if not known:
        return
    rows = refunds.of_order(db, order.id)
    origins = {str(of): origin for of, origin in _origins(rows).items()}
    for case in known:
        for request in (case.id, unsent_request(case.id)):
            if origins.get(key) == request:
                note_refund(db, order, case, request, now)


def note_refund(db: Session, order: Order, case: Return, request: uuid.UUID, now: datetime) -> None:
    """Once a provider agreed: the credit note, and the return is over. The order is locked."""
    found = _of_request(db, order.id, request)
    if not any(row.status in refunds.ACCEPTED for row in found):
        return
    _issue(db, order, case, request, [row for row in found if row.request == request], now)
    if request == case.id and case.state == "received":
        returns.step(db, case, "refunded", actor=found[0].actor)


def note_cancellation(db: Session, order: Order, case: Return, now: datetime) -> None:
    """The credit note for an order that was canceled because its customer withdrew."""
    declared = cases.withdrawal(db, case.id)
    since = declared.declared_at if declared is not None else case.created_at
    rows = [
        row
        for row in refunds.of_order(db, order.id)
        if row.status != "failed" and row.created_at >= since
    ]
    if rows:
        _issue(db, order, case, unsent_request(case.id), rows, now)


def _issue(
    db: Session,
    order: Order,
    case: Return,
    request: uuid.UUID,
    rows: Sequence[Refund],
    now: datetime,
) -> None:
    if cases.note_of(db, request) is not None:
        return
    entries = [entry for row in rows for entry in row.lines.get("lines", [])]
    note = CreditNote(
        request=request,
        return_id=case.id,
        order_id=order.id,
        amount=sum(row.amount for row in rows),
        tax=sum(entry["tax"] for entry in entries),
        shipping=sum(row.lines.get("shipping", 0) for row in rows),
        currency=order.currency,
        lines=[
            [entry["title"], entry["quantity"], entry["amount"], entry["tax"]] for entry in entries
        ],
        issued_at=now,
    )
    issued = cases.issue(db, note, now.year)
    cases.tell(db, case, "credit_note", note=issued.number)
