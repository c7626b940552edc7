"""Refunds in the ledger: rows in two phases, what is left to pay back, and what became of it.

Every function works in the caller's transaction, which holds the order's lock.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.money import Money
from opticworks.payments import service as payments
from opticworks.payments.models import Dispute, Payment, PaymentEvent, Refund

#: States that count against what was captured.
LIVE = ("intended", "pending", "done")
#: States that a provider has agreed to.
ACCEPTED = ("pending", "done")
RANK = {"intended": 0, "pending": 1, "done": 2, "failed": 3}
#: How long a request of staff has before the sweeper looks after it.
FIRST_LOOK = timedelta(minutes=1)
LAST_LOOK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Source:
    """A payment that money can go back to, and how much of it, in minor units."""

    payment: Payment
    left: int


def sources(db: Session, order_id: int) -> list[Source]:
    """The order's captured payments with money left, the newest first; money that goes back by
    itself comes last, since nothing was sold for it.

    What a bank disputes is not there to be paid back: it has it, or decides about it.
    """
    captured = _sum_by_payment(PaymentEvent.amount, PaymentEvent, PaymentEvent.kind == "captured")
    gone = _sum_by_payment(Refund.amount, Refund, Refund.status.in_(LIVE))
    disputed = _sum_by_payment(Dispute.amount, Dispute, Dispute.status != "won")
    rows = db.execute(
        select(Payment, captured.c.sum - func.coalesce(gone.c.sum, 0), disputed.c.sum)
        .join(captured, captured.c.payment_id == Payment.id)
        .outerjoin(gone, gone.c.payment_id == Payment.id)
        .outerjoin(disputed, disputed.c.payment_id == Payment.id)
        .where(Payment.order_id == order_id)
        .order_by(Payment.returned != "", captured.c.last.desc())
    )
    found = [Source(payment, int(left) - int(claimed or 0)) for payment, left, claimed in rows]
    return [source for source in found if source.left > 0]


def disputed(db: Session, order_id: int) -> int:
    """What banks hold or took of the order's money, in minor units."""
    query = (
        select(func.coalesce(func.sum(Dispute.amount), 0))
        .join(Payment, Payment.id == Dispute.payment_id)
        .where(Payment.order_id == order_id, Dispute.status != "won")
    )
    return int(db.scalar(query) or 0)


def _sum_by_payment(amount: Any, table: Any, which: Any) -> Any:
    return (
        select(
            table.payment_id,
            func.sum(amount).label("sum"),
            func.max(table.id).label("last"),
        )
        .where(which)
        .group_by(table.payment_id)
        .subquery()
    )


def of_order(db: Session, *order_ids: int) -> Sequence[Refund]:
    """The order's refunds (or those of several) of every state, oldest first."""
    return db.scalars(
        select(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.order_id.in_(order_ids))
        .order_by(Refund.id)
    ).all()


#: What a payment captured and nobody has begun to pay back, for a query of payments.
_LEFT = (
    select(func.coalesce(func.sum(PaymentEvent.amount), 0))
    .where(PaymentEvent.payment_id == Payment.id, PaymentEvent.kind == "captured")
    .correlate(Payment)
    .scalar_subquery()
) - (
    select(func.coalesce(func.sum(Refund.amount), 0))
    .where(Refund.payment_id == Payment.id, Refund.status.in_(LIVE))
    .correlate(Payment)
    .scalar_subquery()
)


def given_away(db: Session, order_ids: Collection[int]) -> set[int]:
    """Of these orders those none of whose money is to stay: all that was taken is on its way
    back. What came twice is not counted."""
    query = (
        select(Payment.order_id)
        .where(
            Payment.order_id.in_(order_ids),
            Payment.status == "captured",
            Payment.returned != "surplus",
        )
        .group_by(Payment.order_id)
        .having(func.max(_LEFT) <= 0)
    )
    return set(db.scalars(query))


def of_payment(db: Session, payment_id: int) -> Sequence[Refund]:
    """One payment's refunds, oldest first, as the database has them now."""
    return db.scalars(
        select(Refund)
        .where(Refund.payment_id == payment_id)
        .order_by(Refund.id)
        .execution_options(populate_existing=True)
    ).all()


def left_of(db: Session, payment_id: int) -> int:
    """What the payment captured and nobody has begun to pay back, disputed or not."""
    return int(db.scalar(select(_LEFT).where(Payment.id == payment_id)) or 0)


def by_key(db: Session, key: uuid.UUID) -> Refund | None:
    """As the database has it now: a lock was waited for meanwhile."""
    return db.scalars(
        select(Refund).where(Refund.key == key).execution_options(populate_existing=True)
    ).one_or_none()


def by_request(db: Session, request: uuid.UUID) -> Sequence[Refund]:
    """All parts of one wish."""
    return db.scalars(select(Refund).where(Refund.request == request).order_by(Refund.id)).all()


def repeat_of(failed: uuid.UUID) -> uuid.UUID:
    """The request of the refund that is made in place of the one of that key, which failed."""
    return uuid.uuid5(failed, "again")


def origins(rows: Iterable[Refund]) -> dict[uuid.UUID, uuid.UUID]:
    """By the key of each refund, given the oldest first, the request it goes back to: one that
    failed and was made again counts as the first."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    repeats: dict[uuid.UUID, uuid.UUID] = {}
    for row in rows:  # a repeat meets what it repeats
        found[row.key] = repeats.get(row.request, row.request)
        repeats[repeat_of(row.key)] = found[row.key]
    return found


def due(db: Session, now: datetime, limit: int = 100) -> list[uuid.UUID]:
    """Refunds to look after now; each is looked at again later, ever more seldom."""
    rows = db.scalars(
        select(Refund).where(Refund.check_at <= now).order_by(Refund.check_at).limit(limit)
    ).all()
    for refund in rows:
        pause = min(max(now - refund.created_at, FIRST_LOOK), LAST_LOOK)
        refund.check_at = now + pause
    return [refund.key for refund in rows]


def intend(
    db: Session,
    payment: Payment,
    amount: int,
    *,
    now: datetime,
    request: uuid.UUID | None = None,
    lines: Mapping[str, Any] | None = None,
    reason: str = "",
    note: str = "",
    actor: str = "",
) -> Refund:
    """Write a refund down before its provider is asked. The database refuses more than is left."""
    refund = Refund(
        key=uuid.uuid4(),
        request=request or uuid.uuid4(),
        payment_id=payment.id,
        amount=amount,
        status="intended",
        reason=reason,
        note=note,
        lines=dict(lines or {}),
        actor=actor,
        check_at=now + FIRST_LOOK,
        created_at=now,
    )
    db.add(refund)
    db.flush()
    payments.record(
        db,
        payment,
        "refund_intended",
        key=f"refund:{refund.key}:intended",
        about=amount,
        actor=actor,
        note=note,
    )
    return refund


def move(
    db: Session, payment: Payment, refund: Refund, result: c.RefundResult, now: datetime
) -> bool:
    """Take a refund to the state its provider says; False if that is old news.

    It only moves on: a refund that was done may still fail, when the bank sends it back, and then
    its amount can be paid back again. Nothing comes after failed.
    """
    if result.ref:
        refund.ref = result.ref
    if RANK[result.state] <= RANK[refund.status]:
        return False
    was, refund.status = refund.status, result.state
    refund.message = result.message[:500]
    over = result.state != "pending"
    refund.settled_at = now if over else None
    refund.check_at = None if over else now + LAST_LOOK
    refund.unseen = result.state == "failed"
    amount, about = {
        "pending": (0, 0),
        "done": (-refund.amount, refund.amount),
        # One that was done comes back; any other never left.
        "failed": (refund.amount, 0) if was == "done" else (0, refund.amount),
    }[result.state]
    kind = {"pending": "refund_pending", "done": "refunded", "failed": "refund_failed"}
    payments.record(
        db,
        payment,
        kind[result.state],
        key=f"refund:{refund.key}:{result.state}",
        amount=amount,
        about=about,
        actor=refund.actor,
        note=refund.message,
    )
    db.flush()
    return True


@dataclass(frozen=True, slots=True)
class Units:
    """By order line id: units paid back with what they got for it (see orders.shares), units that
    were taken out of the order before they left, and sent ones that were paid back.

    By line and SKU, single parts of bundles: paid back by themselves, taken out before they left,
    and come back. What a unit that was paid back later had lost that way is not counted a second
    time, so these are parts of the units that are not paid back; below zero where a refund failed
    whose part was gone when its bundle was paid back."""

    refunded: Mapping[int, int]
    removed: Mapping[int, int]
    back: Mapping[int, int]
    paid: Mapping[int, tuple[int, int, int]]
    shipping: int
    parts: Mapping[tuple[int, str], int] = field(default_factory=dict)
    parts_removed: Mapping[tuple[int, str], int] = field(default_factory=dict)
    parts_back: Mapping[tuple[int, str], int] = field(default_factory=dict)


def count_of(entry: Mapping[str, Any]) -> int:
    """How many units or parts an entry of a refund is for; none for what others were cheaper by
    because of them."""
    return int(entry.get("count", entry["quantity"]))


def said(entry: Mapping[str, Any]) -> str:
    """What an entry of a refund is for: "2 × Lamp", "1 × Kit, without 1 × Bulb"."""
    count, title = count_of(entry), str(entry["title"])
    if entry.get("without"):
        title = f"{title}, without {entry['without']}"
    return f"{count} × {title}" if count else title


def units(rows: Sequence[Refund]) -> Units:
    """What an order's refunds stand for. Money that failed to arrive is not counted; goods that
    were moved for it stay moved."""
    refunded: Counter[int] = Counter()
    removed: Counter[int] = Counter()
    back: Counter[int] = Counter()
    parts: Counter[tuple[int, str]] = Counter()
    parts_removed: Counter[tuple[int, str]] = Counter()
    parts_back: Counter[tuple[int, str]] = Counter()
    paid: dict[int, tuple[int, int, int]] = {}
    shipping = 0
    for refund in rows:
        live = refund.status in LIVE
        shipping += refund.lines.get("shipping", 0) if live else 0
        for entry in refund.lines.get("lines", []):
            line, part = entry["line"], (entry["line"], entry.get("part", ""))
            out, came = (_by_part(entry, key) for key in ("out", "came"))
            if live:
                parts[part] += entry.get("count", 0)
                parts.subtract(out)
                parts.subtract(came)
                refunded[line] += entry["quantity"]
                amount, tax, discount = paid.get(line, (0, 0, 0))
                paid[line] = (
                    amount + entry["amount"],
                    tax + entry["tax"],
                    discount + entry["discount"],
                )
            if live or refund.lines.get("moved"):
                removed[line] += entry.get("unsent", 0)
                back[line] += entry.get("sent", 0)
                parts_removed[part] += entry.get("left_out", 0)
                parts_back[part] += entry.get("back", 0)
                if entry.get("unsent"):
                    parts_removed.subtract(out)
                if entry.get("sent"):
                    parts_back.subtract(came)
    return Units(refunded, removed, back, paid, shipping, parts, parts_removed, parts_back)


def _by_part(entry: Mapping[str, Any], key: str) -> dict[tuple[int, str], int]:
    """Parts that an entry's units had lost before, by line and SKU."""
    return {(entry["line"], sku): count for sku, count in entry.get(key, {}).items()}


def view(
    refund: Refund, payment: Payment, credit_note: tuple[str, str] | None = None
) -> c.RefundView:
    def money(minor: int) -> Money:
        return Money(minor, payment.currency)

    shipping = refund.lines.get("shipping", 0)
    return c.RefundView(
        id=str(refund.key),
        amount=money(refund.amount),
        status=refund.status,  # type: ignore[arg-type]
        title=payment.title,
        at=refund.created_at,
        settled_at=refund.settled_at,
        message=refund.message,
        lines=tuple(
            c.RefundLine(
                title=entry.get("name") or entry["title"],
                quantity=count_of(entry),
                amount=money(entry["amount"]),
                part_of=entry.get("of", ""),
                without=entry.get("without", ""),
            )
            for entry in refund.lines.get("lines", [])
        ),
        shipping=money(shipping) if shipping else None,
        credit_note=credit_note,
    )
