"""Withdrawing from a contract, as consumers may: declared in two steps, carried out by a job.

The declaration is a fact the moment it is stored, with its receipt queued in the same transaction,
whatever becomes of the rest. What had not left is taken out of the order and paid back; what was
sent comes back as a return that needs nobody's approval. What can't be done by itself is put
before staff.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy.orm import Session

from opticworks import events
from opticworks.checkout import credit_notes, demand, return_refund, returns, staff
from opticworks.checkout import refund as refunding
from opticworks.checkout.refund_plan import Portion, Wish
from opticworks.checkout.returns import Choice, announce
from opticworks.checkout.settle import Refused
from opticworks.contracts import N_, say
from opticworks.jobs import defer, task
from opticworks.orders import service as orders
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.returns import service as cases
from opticworks.returns.models import Return, Withdrawal
from opticworks.shipping import service as shipments
from opticworks.shop import Shop

CUSTOMER = "customer"  #: who the ledgers say did it
STATEMENT = N_(
    "I withdraw from my contract for the following goods: {goods}. Order {order} of {placed}. {who}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a customer declared: units by order line id. `id` was made when the form was shown."""

    id: uuid.UUID
    lines: Mapping[int, int] = field(default_factory=dict)


def declare(shop: Shop, db: Session, number: str, declared: Declared) -> Return:
    """Store a withdrawal and its receipt. Raises Refused with a sentence for the customer."""
    order = orders.lock(db, number)
    if order is None:
        raise Refused(f"There is no order {number}.")
    known = returns.same(db, order, declared.id)
    if known is not None:
        return known
    may = returns.offer(shop, db, order)
    if not may.withdrawable:
        raise Refused(say("You can't withdraw from this order (any more), or you did already."))
    taken = [
        (choice, _units(choice, declared.lines.get(choice.line.id, 0)))
        for choice in may.withdrawable
    ]
    chosen = [(choice, units) for choice, units in taken if units]
    if not chosen:
        raise Refused(say("Choose what you withdraw from: at least one item, and how many of it."))
    if may.waiting is not None:
        returns.step(db, may.waiting, "canceled", note="The customer withdrew instead.")
    case = cases.open_case(
        db,
        declared.id,
        order.id,
        order.number,
        # What is still here goes first: it need not be sent at all.
        [
            cases.Part(choice.line.id, units, unsent=min(units, choice.unsent))
            for choice, units in chosen
        ],
        now=shop.now(),
        kind="withdrawal",
    )
    _keep(shop, db, order, case, chosen, all(c.units == units for c, units in taken))
    cases.tell(db, case, "declared")
    announce(db, events.WITHDRAWAL_DECLARED, order, case)
    if any(line.unsent for line in case.lines):
        defer(db, "returns.carry_out", return_id=str(case.id))
    else:
        case.carried_out_at = shop.now()
    return case


def _units(choice: Choice, units: int) -> int:
    if not 0 <= units <= choice.units:
        raise Refused(
            say(
                "Of {title}, {most} are left, not {units}.",
                title=choice.line.title,
                most=choice.units,
                units=units,
            )
        )
    return units


def _keep(
    shop: Shop,
    db: Session,
    order: Order,
    case: Return,
    chosen: Sequence[tuple[Choice, int]],
    rest: bool,
) -> None:
    """The declaration, word for word. `rest`: nothing of what is left was kept."""
    goods = ", ".join(f"{units} × {choice.line.title}" for choice, units in chosen)
    settings = shop.settings["shop"].written_in(order.locale)
    gettext = shop.templates.gettext(settings.locale)
    placed = order.placed_at.astimezone(ZoneInfo(settings.timezone)).date()
    earlier = cases.spoken_for(
        [each for each in cases.of_order(db, order.id) if each.id != case.id]
    )
    whole = rest and all(line.ships for line in orders.lines_of(db, order.id))
    db.add(
        Withdrawal(
            return_id=case.id,
            name=order.customer_name,
            email=order.email,
            statement=gettext(STATEMENT).format(
                goods=goods,
                order=order.number,
                placed=format_date(placed, "long", locale=settings.locale),
                who=f"{order.customer_name}, {order.email}",
            ),
            everything=whole and not earlier.total(),
            declared_at=shop.now(),
        )
    )
    db.flush()


# --- carrying it out ------------------------------------------------------------------------------


@task("returns.carry_out", retry=5)
def carry_out(shop: Shop, return_id: str) -> None:
    """Take what had not left out of the order and pay it back. Safe to repeat; what a person has
    to see to is written on the withdrawal."""
    case_id = uuid.UUID(return_id)
    plan = _begin(shop, case_id)
    if plan is None:
        return
    try:
        if plan.whole:
            request = credit_notes.canceled_request(case_id)
            staff.cancel(shop, plan.number, actor=CUSTOMER, reason="withdrawal", request=request)
        elif plan.portions:
            outcome = refunding.refund(shop, plan.number, plan.wish, actor=CUSTOMER)
            if outcome.refunds and all(each.status == "failed" for each in outcome.refunds):
                raise Refused(f"The refund failed: {outcome.refunds[0].message}")
    except Refused as error:
        with shop.unit("withdrawal_problem") as db:
            _, case = _locked(db, plan.number, case_id)
            case.problem = str(error)
        return
    _end(shop, plan, case_id)


@dataclass(frozen=True, slots=True)
class _Plan:
    number: str
    whole: bool
    portions: Mapping[str, Portion]
    shipping: int
    request: uuid.UUID

    @property
    def wish(self) -> Wish:
        return Wish(
            request=self.request,
            portions=self.portions,
            shipping=self.shipping,
            reason="withdrawal",
        )


def _begin(shop: Shop, case_id: uuid.UUID) -> _Plan | None:
    """What is to be done, with what left meanwhile made a part of the return; None if nothing."""
    with shop.unit("withdrawal_begin") as db:
        found = cases.get(db, case_id)
        order = orders.by_id(db, found.order_id) if found is not None else None
        if found is None or order is None:
            return None
        order, case = _locked(db, order.number, case_id)
        if case.carried_out_at is not None:
            return None
        request = credit_notes.unsent_request(case.id)
        # Parcels without a label are packed again, without what nobody wants any more.
        shipments.drop_drafts(db, order.id)
        lines = orders.lines_of(db, order.id)
        paid = return_refund.accepted(db, order.id, request)
        unsent = {line.order_line_id: line.unsent for line in case.lines if line.unsent}
        if not paid and order.status != "canceled":
            unsent = _still_here(db, order, case)
        declared = cases.withdrawal(db, case.id)
        shipped = shipments.shipped(db, order.id)
        portions = {} if paid else _portions(lines, unsent)
        whole = not paid and not shipped and declared is not None and declared.everything
        return _Plan(order.number, whole and bool(unsent), portions, 0, request)


def _portions(lines: Sequence[Any], unsent: Mapping[int, int]) -> dict[str, Portion]:
    return {line.sku: Portion(unsent=unsent[line.id]) for line in lines if line.id in unsent}


def _still_here(db: Session, order: Order, case: Return) -> dict[int, int]:
    """Units to take out and pay back, by line. What somebody sent while it was being withdrawn
    from comes back in a parcel; what staff paid back otherwise is done with."""
    wanted = demand.of_order(db, order)
    others = cases.spoken_for([each for each in cases.of_order(db, order.id) if each is not case])
    paid = _paid_since(db, order, case)
    found = {}
    for line in case.lines:
        of_it = wanted[line.order_line_id]
        here = max(0, of_it.kept - of_it.left)
        sent = max(0, of_it.left - others[line.order_line_id] - line.coming)
        waiting = line.unsent - paid.get(line.order_line_id, 0)
        if (left := min(waiting - here, sent)) > 0:
            line.unsent -= left
            cases.tell(db, case, "left_meanwhile")
        if (units := min(waiting, here)) > 0:
            found[line.order_line_id] = units
    db.flush()
    return found


def _paid_since(db: Session, order: Order, case: Return) -> Mapping[int, int]:
    """Units that staff took out and paid back since then, for no return, by line."""
    rows = refunds.of_order(db, order.id)
    origins = refunds.origins(rows)
    of_cases = {r for each in cases.of_order(db, order.id) for r in credit_notes.requests_of(each)}
    mine = [r for r in rows if r.created_at >= case.created_at and origins[r.key] not in of_cases]
    return refunds.units(mine).removed


def _end(shop: Shop, plan: _Plan, case_id: uuid.UUID) -> None:
    with shop.unit("withdrawal_done") as db:
        order, case = _locked(db, plan.number, case_id)
        if case.carried_out_at is not None:
            return
        case.carried_out_at, case.problem = shop.now(), ""
        cases.tell(db, case, "carried_out")
        if not any(line.coming for line in case.lines):
            back = return_refund.accepted(db, order.id, plan.request) or plan.whole
            returns.step(db, case, "refunded" if back else "closed")


def _locked(db: Session, number: str, case_id: uuid.UUID) -> tuple[Order, Return]:
    order, case = orders.lock(db, number), cases.get(db, case_id)
    if order is None or case is None:
        raise Refused("There is no such return. Open the list again.")
    return order, case
