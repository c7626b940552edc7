"""Announcing facts, and what staff may do with the messages that came of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import jobs
from opticworks.contracts import DeliveryEvent, MessageDraft
from opticworks.events import MESSAGE_BOUNCED
from opticworks.notifications.models import Message, StoredEvent, Suppression

MESSAGE_SENT_AGAIN = "message.sent_again"  #: by staff; no plugin is told
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def emit(db: Session, kind: str, subject: str, data: Mapping[str, Any] | None = None) -> int:
    """Announce a fact in the caller's transaction; returns the event's id.

    `subject` is a public key (an order's number, a SKU); `data` must be JSON. Once committed, a
    job asks plugins which messages it deserves and lets them react.
    """
    statement = insert(StoredEvent).values(kind=kind, subject=subject, data=dict(data or {}))
    event_id = db.execute(statement.returning(StoredEvent.id)).scalar_one()
    jobs.defer(db, "notifications.dispatch", event_id=event_id)
    return event_id


def store(
    db: Session, event_id: int, draft: MessageDraft, html: str, text: str, host: str
) -> str | None:
    """Store a rendered message once and queue it; None if (event, kind, recipient) has one."""
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    recipient = draft.to.strip()
    blocked = is_suppressed(db, recipient)
    statement = (
        insert(Message)
        .values(
            public_id=public_id,
            event_id=event_id,
            kind=draft.kind,
            recipient=recipient,
            subject=" ".join(draft.subject.split()),
            html=html,
            text=text,
            message_id=f"<{public_id}@{host}>",
            status="suppressed" if blocked else "queued",
            ref="",
            tries=0,
            error="",
        )
        .on_conflict_do_nothing(index_elements=["event_id", "kind", "recipient"])
        .returning(Message.id)
    )
    if db.execute(statement).first() is None:
        return None
    if not blocked:
        jobs.defer(db, "notifications.send", message_id=public_id)
    return public_id


def messages_about(db: Session, subject: str) -> list[Message]:
    """The messages about an order (or another subject), oldest first."""
    statement = (
        select(Message)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(StoredEvent.subject == subject)
        .order_by(Message.id)
    )
    return list(db.scalars(statement))


def resend(db: Session, public_id: str) -> bool:
    """Queue a failed message again; False if it isn't failed. The key and Message-ID stay."""
    statement = (
        update(Message)
        .where(Message.public_id == public_id, Message.status == "failed")
        .values(status="queued", tries=0, error="")
        .returning(Message.id)
    )
    if db.execute(statement).first() is None:
        return False
    jobs.defer(db, "notifications.send", message_id=public_id)
    return True


def send_copy(db: Session, public_id: str) -> bool:
    """Send a message that was sent before once more, as a mail of its own; False if it wasn't.

    The fact that staff asked for it is an event without further consequences.
    """
    row = db.execute(
        select(Message, StoredEvent.subject)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(Message.public_id == public_id, Message.status == "sent")
    ).first()
    if row is None or is_suppressed(db, row[0].recipient):
        return False
    message, subject = row
    event = StoredEvent(kind=MESSAGE_SENT_AGAIN, subject=subject, data={"message": public_id})
    db.add(event)
    db.flush()
    draft = MessageDraft(
        kind=message.kind, to=message.recipient, subject=message.subject, template=""
    )
    host = message.message_id.strip("<>").partition("@")[2]
    return store(db, event.id, draft, message.html, message.text, host) is not None


def is_suppressed(db: Session, address: str) -> bool:
    """Whether an address gets no mail any more."""
    return db.get(Suppression, address.strip().lower()) is not None


def suppress(db: Session, address: str, reason: str) -> None:
    """Send nothing to an address any more; known ones keep their first reason."""
    statement = insert(Suppression).values(address=address.strip().lower(), reason=reason)
    db.execute(statement.on_conflict_do_nothing(index_elements=["address"]))


def record_delivery(db: Session, event: DeliveryEvent) -> bool:
    """Apply what a mailer reports of a message; False if no message has its ref.

    A bounce or complaint suppresses the address and is announced once as `message.bounced`.
    """
    row = db.execute(
        select(Message, StoredEvent.subject)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(Message.ref == event.ref, Message.ref != "")
    ).first()
    if row is None:
        return False
    message, subject = row
    if event.state != "delivered" and not is_suppressed(db, message.recipient):
        suppress(db, message.recipient, event.state)
        data = {"message": message.public_id, "state": event.state, "detail": event.detail[:500]}
        emit(db, MESSAGE_BOUNCED, subject, data)
    return True
