"""Everything that happened to an order, from every ledger that mentions it, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.admin import words
from opticworks.audit import service as audit
from opticworks.money import Money
from opticworks.notifications.models import Message, StoredEvent
from opticworks.payments import service as payments

#: Events whose story a ledger or the audit record tells better (with who did it).
TOLD_ELSEWHERE = frozenset(
    {
        *("payment.paid", "payment.authorized", "payment.failed"),
        *("payment.refunded", "payment.returned"),
    }
)
BAD = frozenset(
    {
        *("mismatch", "failed", "declined", "surplus", "returned"),
        *("refund_failed", "dispute_opened"),
    }
)
BY_STAFF = {"order.canceled": "order.canceled", "shipment.shipped": "order.fulfilled"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `actor` is who did it, empty for the shop itself."""

    at: datetime
    title: str
    icon: str
    detail: str = ""
    actor: str = ""
    path: str = ""
    tone: str = "neutral"


def subject(number: str) -> str:
    """What audit entries about an order are filed under."""
    return f"order {number}"


def of_order(
    db: Session, order_id: int, view: c.OrderView, messages: Iterable[Message]
) -> list[Entry]:
    """The order's timeline, newest first; `messages` are those about it."""
    deeds = audit.of_subject(db, subject(view.number))
    told = {deed.action for deed in deeds}
    entries = [
        *_events(db, view, told),
        *_ledger(payments.events(db, order_id), view.currency),
        *map(_message, messages),
        *(_deed(deed) for deed in deeds if deed.action not in ("order.paid", "order.refunded")),
    ]
    # Of one moment, what was written down last comes first, too.
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def _events(db: Session, view: c.OrderView, told: set[str]) -> Iterable[Entry]:
    rows = db.scalars(select(StoredEvent).where(StoredEvent.subject == view.number))
    for event in rows:
        if event.kind in TOLD_ELSEWHERE or BY_STAFF.get(event.kind) in told:
            continue
        title, icon = words.EVENT.get(event.kind, ("", ""))
        if title:
            detail = words.reason(str(event.data["reason"])) if "reason" in event.data else ""
            yield Entry(event.at, title, icon, detail)


def _ledger(rows: Iterable[Any], currency: str) -> Iterable[Entry]:
    for row in rows:
        title = words.PAYMENT_EVENT.get(row.kind, row.kind.replace("_", " ").capitalize())
        minor = abs(row.amount or row.about)
        amount = Money(minor, currency).format() if minor else ""
        bad = row.kind in BAD
        yield Entry(
            row.at,
            title,
            "triangle-alert" if bad else "landmark",
            " · ".join(part for part in (amount, row.note) if part),
            row.actor,
            tone="bad" if bad else "neutral",
        )


def _message(message: Message) -> Entry:
    word = words.of(words.MESSAGE, message.status)
    return Entry(
        message.sent_at or message.created_at,
        message.subject,
        "mail",
        f"Mail to {message.recipient}: {word.label.lower()}",
        path=f"/admin/messages/{message.public_id}",
        tone="bad" if word.tone == "bad" else "neutral",
    )


def _tells(key: str, value: Any) -> bool:
    """Whether that detail of a deed says something; a bare number of one parcel does not."""
    return key != "lines" and value != "" and (key, value) != ("parcels", 1)


def _said(key: str, value: Any) -> str:
    """A detail of a deed; what was so before it, and what else it changed, say that they are."""
    return f"{key} {value}" if key in ("was", "changed") else str(value)


def _deed(deed: Any) -> Entry:
    title = words.AUDIT.get(deed.action, deed.action.replace(".", " ").replace("_", " "))
    parts = [_said(key, value) for key, value in deed.data.items() if _tells(key, value)]
    icon = {"order.canceled": "x", "order.fulfilled": "truck"}.get(deed.action, "pencil")
    return Entry(deed.at, title, icon, " · ".join(parts), deed.actor)
