"""Announcing facts, and what staff may do with the messages that came of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import jobs
from opticworks.contracts import Attachment, DeliveryEvent, MessageDraft
from opticworks.db import Write, later
from opticworks.events import MESSAGE_BOUNCED
from opticworks.notifications.models import (
    EVERYTHING,
    MARKETING,
    Message,
    MessageAttachment,
    MessageEvent,
    StoredEvent,
    Suppression,
)

MESSAGE_SENT_AGAIN = "message.sent_again"  #: by staff; no plugin is told
TEST_SENT = "message.test"  #: a member of staff sent a sample to themselves
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"

#: A report never moves a message back: "delivered" after "complained" is old news.
_RANK = {
    name: rank
    for rank, name in enumerate(
        ("queued", "sending", "failed", "suppressed", "sent", "delivered", "bounced", "complained")
    )
}
SENT = ("sent", "delivered", "bounced", "complained")
#: These ended without leaving, and can be sent after all.
UNSENT = ("failed", "suppressed")


_DISPATCH = jobs.deferring("notifications.dispatch", "jsonb_build_object('event_id', id)")
_event: Any = StoredEvent.__table__
# The fact and its job in one statement: every order has some of these.
_EMIT = Write(
    insert(_event)
    .values({name: bindparam(name) for name in ("kind", "subject", "data")})
    .returning(_event.c.id),
    then=lambda fact: literal_column(_DISPATCH),
)


def emit(db: Session, kind: str, subject: str, data: Mapping[str, Any] | None = None) -> None:
    """Announce a fact in the caller's transaction.

    `subject` is a public key (an order's number, a SKU); `data` must be JSON. Once committed, a
    job asks plugins which messages it deserves and lets them react.
    """
    later(db, _EMIT, {"kind": kind, "subject": subject, "data": dict(data or {})})


def new_public_id() -> str:
    """A key for a message that nobody guesses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


def store(
    db: Session,
    event_id: int,
    draft: MessageDraft,
    html: str,
    text: str,
    host: str,
    *,
    public_id: str = "",
    wait: bool = True,
    queue: bool = True,
) -> str | None:
    """Store a rendered message once and queue it; None if (event, kind, recipient) has one.

    With `wait` it is queued for its `send_at`. Without `queue` the caller queues it.
    """
    public_id = public_id or new_public_id()
    recipient = draft.to.strip()
    blocked = is_suppressed(db, recipient, marketing=draft.marketing)
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
            marketing=draft.marketing,
            confidential=draft.confidential,
            send_at=draft.send_at,
        )
        .on_conflict_do_nothing(index_elements=["event_id", "kind", "recipient"])
        .returning(Message.id)
    )
    stored = db.execute(statement).scalar()
    if stored is None:
        return None
    for each in draft.attachments:
        db.add(
            MessageAttachment(
                message_id=stored,
                filename=each.filename,
                content_type=each.content_type,
                content=each.content,
            )
        )
    if not blocked and queue:
        at = draft.send_at if wait else None
        jobs.defer(db, "notifications.send", message_id=public_id, schedule_at=at)
    return None if blocked and not queue else public_id


def attachments(db: Session, message: Message) -> tuple[Attachment, ...]:
    """The files that go with a message."""
    rows = db.scalars(
        select(MessageAttachment)
        .where(MessageAttachment.message_id == message.id)
        .order_by(MessageAttachment.id)
    )
    return tuple(
        Attachment(filename=row.filename, content=row.content, content_type=row.content_type)
        for row in rows
    )


def note(
    db: Session,
    message: Message,
    kind: str,
    detail: str = "",
    *,
    mailer: str = "",
    source: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Write down what happened to a message; False if the vendor's event is known already."""
    given = {"at": at} if at is not None else {}
    statement = (
        insert(MessageEvent)
        .values(
            message_id=message.id,
            kind=kind,
            detail=detail[:1000],
            mailer=mailer,
            source=source,
            **given,
        )
        .on_conflict_do_nothing(index_elements=["mailer", "source"])
        .returning(MessageEvent.id)
    )
    return db.execute(statement).first() is not None


def history(db: Session, message: Message) -> list[MessageEvent]:
    """What happened to a message, oldest first."""
    statement = select(MessageEvent).where(MessageEvent.message_id == message.id)
    return list(db.scalars(statement.order_by(MessageEvent.at, MessageEvent.id)))


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
    """Queue a message that never left again: it failed, or its address was blocked. False if it
    did leave or waits, or its address is blocked still. The key and Message-ID stay."""
    message = db.scalars(
        select(Message)
        .where(Message.public_id == public_id, Message.status.in_(UNSENT))
        .where(Message.html != "")  # what is confidential is not kept
        .with_for_update()
    ).one_or_none()
    if message is None or is_blocked(db, message):
        return False
    message.status, message.tries, message.error = "queued", 0, ""
    jobs.defer(db, "notifications.send", message_id=public_id)
    return True


def send_copy(db: Session, public_id: str) -> bool:
    """Send a message that was sent before once more, as a mail of its own; False if it wasn't.

    The fact that staff asked for it is an event without further consequences.
    """
    row = db.execute(
        select(Message, StoredEvent.subject)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(Message.public_id == public_id, Message.status.in_(SENT))
        .where(~Message.confidential)
    ).first()
    if row is None or is_blocked(db, row[0]):
        return False
    message, subject = row
    event = StoredEvent(kind=MESSAGE_SENT_AGAIN, subject=subject, data={"message": public_id})
    db.add(event)
    db.flush()
    draft = MessageDraft(
        kind=message.kind,
        to=message.recipient,
        subject=message.subject,
        template="",
        marketing=message.marketing,
        attachments=attachments(db, message),
    )
    host = message.message_id.strip("<>").partition("@")[2]
    return store(db, event.id, draft, message.html, message.text, host) is not None


def send_test(db: Session, draft: MessageDraft, html: str, text: str, host: str) -> str | None:
    """Store and queue a sample for a member of staff."""
    event = StoredEvent(kind=TEST_SENT, subject=draft.kind, data={})
    db.add(event)
    db.flush()
    return store(db, event.id, draft, html, text, host)


def is_suppressed(db: Session, address: str, *, marketing: bool = False) -> bool:
    """Whether an address gets no mail any more, or, asked for `marketing`, none of that."""
    scopes = (EVERYTHING, MARKETING) if marketing else (EVERYTHING,)
    statement = select(Suppression.scope).where(
        Suppression.address == address.strip().lower(), Suppression.scope.in_(scopes)
    )
    return db.execute(statement).first() is not None


def is_blocked(db: Session, message: Message) -> bool:
    """Whether the message's address gets no such mail at present."""
    return is_suppressed(db, message.recipient, marketing=message.marketing)


def suppress(db: Session, address: str, reason: str, scope: str = EVERYTHING) -> bool:
    """Send nothing, or no marketing, to an address any more; False if that held already."""
    statement = (
        insert(Suppression)
        .values(address=address.strip().lower(), reason=reason, scope=scope)
        .on_conflict_do_nothing(index_elements=["address", "scope"])
        .returning(Suppression.address)
    )
    return db.execute(statement).first() is not None


def allow(db: Session, address: str, scope: str = EVERYTHING) -> bool:
    """Send to an address again; False if nothing stood against it."""
    statement = delete(Suppression).where(
        Suppression.address == address.strip().lower(), Suppression.scope == scope
    )
    return db.execute(statement.returning(Suppression.address)).first() is not None


def suppressed(db: Session, limit: int = 500) -> list[Suppression]:
    """Addresses that get no mail or no marketing, the newest first."""
    statement = select(Suppression).order_by(Suppression.at.desc(), Suppression.address)
    return list(db.scalars(statement.limit(limit)))


def _reported(db: Session, which: Any) -> Any:
    statement = (
        select(Message, StoredEvent.subject)
        .join(StoredEvent, StoredEvent.id == Message.event_id)
        .where(which)
        .with_for_update(of=Message)
    )
    return db.execute(statement).first()


def record_delivery(db: Session, event: DeliveryEvent, mailer: str = "") -> bool:
    """Apply what a mailer reports of a message; False if no message has its key or ref.

    Told again it changes nothing. A bounce for good or a complaint suppresses the address and
    is announced once as `message.bounced`.
    """
    # Our own key first: a report may come before the ref has been stored.
    row = _reported(db, Message.public_id == event.key) if event.key else None
    row = row or (_reported(db, Message.ref == event.ref) if event.ref else None)
    if row is None:
        return False
    message, subject = row
    if not note(
        db,
        message,
        event.state,
        event.detail,
        mailer=mailer,
        source=event.id,
        at=event.occurred_at,
    ):
        return True
    forward = _RANK.get(event.state, -1) > _RANK[message.status]
    if forward or (event.state == "failed" and message.status == "sent"):
        message.status = event.state
        if event.state in ("failed", "bounced"):
            message.error = event.detail[:1000]
    for_good = event.state == "complained" or (event.state == "bounced" and event.permanent)
    if for_good and suppress(db, message.recipient, event.state):
        data = {"message": message.public_id, "state": event.state, "detail": event.detail[:500]}
        emit(db, MESSAGE_BOUNCED, subject, data)
    return True
