"""Paying money back: written down first, then asked of the provider, then written down again.

The provider is asked outside any transaction, with the refund's own key, on which it acts once.
A process that dies in between leaves an intended refund; the sweeper looks it up, or asks again
with the same key. Nothing is ever asked for that the database did not agree to first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.checkout import mirror, refund_plan
from opticworks.checkout import settle as settling
from opticworks.checkout.refund_entries import asked_for, wished
from opticworks.checkout.refund_plan import Plan, Wish
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Payment, Refund
from opticworks.shipping import service as shipments
from opticworks.shop import Shop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish: its refunds, and why a provider did not answer (then it is asked
    again by itself)."""

    refunds: tuple[Refund, ...]
    unanswered: str = ""


def refund(shop: Shop, number: str, wish: Wish, *, actor: str) -> Outcome:
    """Pay a part of the order's money back to where it came from. Raises Refused.

    The same `wish.request` is one refund, however often and by however many at once it is sent.
    """

    def write(db: Session, order: Order) -> list[Refund]:
        known = refunds.by_request(db, wish.request)
        if known:
            return _same(db, order, known, wish)
        plan = refund_plan.plan(refund_plan.left_of(db, order), wish)
        if wish.shown is not None and wish.shown != plan.amount:
            raise Refused(
                f"The refund comes to {Money(plan.amount, order.currency).format()}. Check the "
                "amount and press the button again."
            )
        return _write(shop, db, order, plan, wish.request, wish.reason, wish.note, actor)

    return _carry_out(shop, number, write)


def again(shop: Shop, number: str, failed: uuid.UUID, *, actor: str) -> Outcome:
    """Pay back once more what a refund failed to bring, to the same payment, once however often
    it is asked. Goods that were moved for the first one are not moved again. Raises Refused."""
    request = refunds.repeat_of(failed)

    def write(db: Session, order: Order) -> list[Refund]:
        known = refunds.by_request(db, request)
        if known:
            return list(known)
        refund = refunds.by_key(db, failed)
        payment = db.get(Payment, refund.payment_id) if refund is not None else None
        if refund is None or payment is None or payment.order_id != order.id:
            raise Refused("This order has no such refund.")
        if refund.status != "failed":
            raise Refused("This refund did not fail, so it is not made again.")
        if refunds.left_of(db, payment.id) < refund.amount or not refund.unseen:
            raise Refused("This refund was made again already, or dealt with in another way.")
        refund.unseen = False
        made = refunds.intend(
            db,
            payment,
            refund.amount,
            now=shop.now(),
            request=request,
            lines=_without_goods(refund.lines),
            reason=refund.reason,
            note=refund.note,
            actor=actor,
        )
        _audit(db, order, actor, refund.amount, refund.reason, "again")
        return [made]

    return _carry_out(shop, number, write)


def dismiss(db: Session, number: str, failed: uuid.UUID, *, actor: str) -> None:
    """Staff dealt with a failed refund in another way. Raises Refused."""
    order = orders.lock(db, number)
    refund = refunds.by_key(db, failed)
    payment = db.get(Payment, refund.payment_id) if refund is not None else None
    if order is None or refund is None or payment is None or payment.order_id != order.id:
        raise Refused("This order has no such refund.")
    if refund.unseen:
        refund.unseen = False
        said = Money(refund.amount, payment.currency).format()
        audit.record(db, actor, "refund.dismissed", f"order {number}", amount=said)


def pay_back(
    shop: Shop,
    found: settling.Attempt,
    *,
    actor: str,
    reason: str = "",
    sent_too: bool = False,
    request: uuid.UUID | None = None,
) -> None:
    """Everything that an attempt took and that is not on its way back yet; its goods are the
    caller's. Safe to repeat. Raises Refused, and ProviderError when nobody knows.

    Refuses once a parcel has left, unless `sent_too`: for money that came twice. `request` is what
    it is paid back for, if the caller wants to know its refunds again.
    """
    for key in _open_of(shop, found):
        resume(shop, key)

    def write(db: Session, order: Order) -> list[Refund]:
        payment = payments.by_attempt(db, uuid.UUID(found.key))
        if payment is None:
            return []
        if shipments.shipped(db, order.id) and not (sent_too or payment.surplus):
            raise Refused(f"Order {order.number} was sent in the meantime and stays as it is.")
        left = refund_plan.left_of(db, order)
        mine = next((each.left for each in left.sources if each.payment.id == payment.id), 0)
        if mine <= 0:
            return []
        lines: dict[str, Any] = {}
        if mine == left.amount and not payment.surplus:
            lines = {**refund_plan.everything(left).lines, "moved": True}
        made = refunds.intend(
            db,
            payment,
            mine,
            now=shop.now(),
            request=_unused(refunds.of_payment(db, payment.id), request),
            lines=lines,
            reason=reason,
            actor=actor,
        )
        return [made]

    for refund in _carry_out(shop, found.number, write, strict=True).refunds:
        if refund.status == "failed":
            raise Refused(f"The refund failed: {refund.message or 'the provider gave no reason.'}")


def _unused(rows: Sequence[Refund], request: uuid.UUID | None) -> uuid.UUID | None:
    """That request, or the one that stands in for it after what was made for it failed."""
    for row in rows:
        if row.request == request:
            request = refunds.repeat_of(row.key)
    return request


def resume(shop: Shop, key: uuid.UUID) -> None:
    """Look after a refund that is not over: how it stands at its provider, and if that knows
    nothing of it, ask again with the same key. Raises ProviderError when it can't say."""
    call = _call_of(shop, key)
    if call is None or call.status not in ("intended", "pending"):
        return
    settling.settle(shop, call.number, call.attempt)
    _finish(shop, key)


# --- steps ----------------------------------------------------------------------------------------


def _carry_out(
    shop: Shop,
    number: str,
    write: Callable[[Session, Order], list[Refund]],
    *,
    strict: bool = False,
) -> Outcome:
    """Write the refunds down, then ask for each. A provider that does not answer is no failure:
    what is written down is asked for again; `strict` raises all the same."""
    with shop.unit("refund_intended") as db:
        order = orders.lock(db, number)
        if order is None:
            raise Refused(f"There is no order {number}.")
        keys = [refund.key for refund in write(db, order)]
    unanswered = ""
    for key in keys:
        try:
            _finish(shop, key)
        except c.ProviderError as error:
            if strict:
                raise
            unanswered = str(error)
    with shop.unit() as db:
        found = [refunds.by_key(db, key) for key in keys]
    return Outcome(tuple(each for each in found if each is not None), unanswered)


def _write(
    shop: Shop,
    db: Session,
    order: Order,
    plan: Plan,
    request: uuid.UUID,
    reason: str,
    note: str,
    actor: str,
) -> list[Refund]:
    """A refund for each payment the money goes back to; the first says what it is for."""
    made = []
    lines: Mapping[str, Any] = plan.lines
    for payment, amount in plan.parts:
        made.append(
            refunds.intend(
                db,
                payment,
                amount,
                now=shop.now(),
                request=request,
                lines=lines,
                reason=reason,
                note=note,
                actor=actor,
            )
        )
        lines = {}
    _audit(db, order, actor, plan.amount, reason, note)
    return made


def _audit(db: Session, order: Order, actor: str, amount: int, reason: str, note: str) -> None:
    said = Money(amount, order.currency).format()
    subject = f"order {order.number}"
    audit.record(db, actor, "order.refunded", subject, amount=said, reason=reason, note=note)


def _same(db: Session, order: Order, known: Any, wish: Wish) -> list[Refund]:
    """A form sent twice; one that was changed in between is another wish and must say so."""
    payment = db.get(Payment, known[0].payment_id)
    rows = known[0].lines.get("lines", [])
    total = sum(each.amount for each in known)
    same = payment is not None and payment.order_id == order.id
    same = same and asked_for(rows) == wished(wish.portions)
    if same and wish.amount in (None, total) and known[0].lines.get("shipping", 0) == wish.shipping:
        return list(known)
    raise Refused(
        f"This form paid {Money(total, order.currency).format()} back already. Open the order "
        "again to pay back more."
    )


def _without_goods(lines: Mapping[str, Any]) -> dict[str, Any]:
    """What a refund was for, for another one after its goods have moved."""
    if not lines.get("moved"):
        return dict(lines)
    moved = {"unsent": 0, "sent": 0, "back": 0, "left_out": 0}
    entries = [{**entry, **moved} for entry in lines.get("lines", [])]
    return {**lines, "lines": entries}


@dataclass(frozen=True, slots=True)
class _Call:
    """What is needed to ask for a refund, read before the transaction ends."""

    number: str
    attempt: uuid.UUID
    provider: str
    ref: str
    money: Money
    status: str


def _call_of(shop: Shop, key: uuid.UUID) -> _Call | None:
    with shop.unit() as db:
        refund = refunds.by_key(db, key)
        payment = db.get(Payment, refund.payment_id) if refund is not None else None
        order = orders.by_id(db, payment.order_id) if payment is not None else None
        if refund is None or payment is None or order is None:
            return None
        return _Call(
            order.number,
            payment.attempt,
            payment.provider,
            payment.ref,
            Money(refund.amount, payment.currency),
            refund.status,
        )


def _open_of(shop: Shop, found: settling.Attempt) -> list[uuid.UUID]:
    with shop.unit() as db:
        payment = payments.by_attempt(db, uuid.UUID(found.key))
        rows = refunds.of_payment(db, payment.id) if payment is not None else []
        return [refund.key for refund in rows if refund.status == "intended"]


def _finish(shop: Shop, key: uuid.UUID) -> None:
    """Ask the provider for an intended refund and write its answer down. Two at once ask for the
    same, with the same key. Raises ProviderError when nobody knows what became of it."""
    call = _call_of(shop, key)
    if call is None or call.status != "intended":
        return
    provider = settling.provider_of(shop, call.provider)
    try:
        with outside("refund"):
            result = provider.refund(call.ref, call.money, str(key))
    except c.ProviderError as error:
        if error.retryable:
            raise
        result = c.RefundResult(state="failed", ref="", money=call.money, message=str(error))
    with shop.unit("refund") as db:
        order = orders.lock(db, call.number)
        payment = payments.by_attempt(db, call.attempt)
        refund = refunds.by_key(db, key)
        if order is not None and payment is not None and refund is not None:
            mirror.confirm(shop, db, order, payment, refund, result)
