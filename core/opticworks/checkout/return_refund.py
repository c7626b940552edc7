"""Paying for what came back: through the refunds of checkout.refund, with a credit note for each.

The return's id is the refund's request, so a return is paid for once, however often the button is
pressed. Which return a refund belongs to is found by that key, also when it failed and was made
again; whoever hears first that its provider agreed issues the credit note.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.carts import service as carts
from opticworks.checkout import credit_notes, returns
from opticworks.checkout import refund as refunding
from opticworks.checkout.refund import Outcome
from opticworks.checkout.refund_plan import Left, Portion, Wish
from opticworks.checkout.settle import Refused
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments.models import Refund
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
        note_refund(shop.ctx(db), order, case, case.id)
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


def note_event(ctx: c.Ctx, order: Order, key: str) -> None:
    """A provider agreed to a refund: if it is a return's, write down what follows of it."""
    known = cases.of_order(ctx.db, order.id)
    if not known:
        return
    rows = refunds.of_order(ctx.db, order.id)
    origins = {str(of): origin for of, origin in _origins(rows).items()}
    for case in known:
        for request in (case.id, credit_notes.unsent_request(case.id)):
            if origins.get(key) == request:
                note_refund(ctx, order, case, request)


def note_refund(ctx: c.Ctx, order: Order, case: Return, request: uuid.UUID) -> None:
    """Once a provider agreed: the credit note, and the return is over. The order is locked."""
    found = _of_request(ctx.db, order.id, request)
    if not any(row.status in refunds.ACCEPTED for row in found):
        return
    _issue(ctx, order, case, request, [row for row in found if row.request == request])
    if request == case.id and case.state == "received":
        returns.step(ctx.db, case, "refunded", actor=found[0].actor)


def note_cancellation(ctx: c.Ctx, order: Order, case: Return) -> None:
    """The credit note for an order that was canceled because its customer withdrew."""
    declared = cases.withdrawal(ctx.db, case.id)
    since = declared.declared_at if declared is not None else case.created_at
    rows = [
        row
        for row in refunds.of_order(ctx.db, order.id)
        if row.status != "failed" and row.created_at >= since
    ]
    if rows:
        _issue(ctx, order, case, credit_notes.unsent_request(case.id), rows)


def _issue(
    ctx: c.Ctx, order: Order, case: Return, request: uuid.UUID, rows: Sequence[Refund]
) -> None:
    if not credit_notes.known(ctx.db, order, request):
        note = credit_notes.issue(ctx, order, request, rows)
        cases.tell(ctx.db, case, "credit_note", note=note.number)
