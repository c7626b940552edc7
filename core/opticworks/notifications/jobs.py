"""The jobs behind messages: hand a fact to plugins, render what it deserves, send it.

Every commit is a place where the process may die. What is written with a marker or a unique key
is written once; sending itself is the one step outside the database:

- a mailer with keys gets the message's public id as key and sends once, however often asked;
- over SMTP, a death between the server's 250 and our commit repeats the mail with the same
  Message-ID. No other moment does.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import (
    Attachment,
    BatchMailer,
    Mailer,
    MessageDraft,
    OrderView,
    OutgoingMessage,
    ProviderError,
)
from opticworks.events import PAYMENT_PAID, Event
from opticworks.faults import outside
from opticworks.jobs import Retry, defer, task
from opticworks.notifications import unsubscribe
from opticworks.notifications.models import EventHandled, Message, StoredEvent
from opticworks.notifications.order_mails import credit_note_of
from opticworks.notifications.rendering import render, worded
from opticworks.notifications.service import (
    attachments,
    is_blocked,
    new_public_id,
    note,
    store,
)

log = logging.getLogger(__name__)

SEND_RETRY = Retry(tries=24, base=10, cap=3600)  # a mail server may be away for half a day

# The subject of these is an order's number.
_ABOUT_ORDERS = ("order.", "payment.", "shipment.", "message.", "return.", "withdrawal.")


@task("notifications.dispatch")
def dispatch(shop: Any, event_id: int) -> None:
    """Store the messages that an event deserves and queue a job for each plugin that reacts.

    A plugin that fails hinders no other; the job is tried again for those that failed.
    """
    failure: Exception | None = None
    for implementation in _implementations(shop.hooks.messages):
        try:
            _compose(shop, event_id, implementation)
        except Exception as error:
            log.exception("messages() of %s failed for event %s", _name(implementation), event_id)
            failure = error
    with shop.unit("dispatch") as db:
        if _first_time(db, event_id, "dispatch"):
            for implementation in _implementations(shop.hooks.on_event):
                name = _name(implementation)
                defer(db, "notifications.react", event_id=event_id, handler=name)
    if failure is not None:
        raise failure


def _compose(shop: Any, event_id: int, implementation: Any) -> None:
    with shop.unit("compose") as db:
        if not _first_time(db, event_id, f"messages:{_name(implementation)}"):
            return
        event = load(shop, db, event_id)
        ctx = shop.ctx(db)
        if event.order is not None:
            # What customers read is written in the language that they ordered in.
            ctx = replace(ctx, locale=ctx.settings["shop"].written_in(event.order.locale).locale)
        drafts = [
            with_papers(shop, db, draft, event)
            for draft in _call(implementation, event=event, ctx=ctx) or ()
        ]
        # Several mails about one fact leave together, where the mailer takes several.
        several = sum(_may_share(draft) for draft in drafts) > 1
        together = []
        for draft in drafts:
            _check(draft)
            share = several and _may_share(draft)
            stored = write(shop, db, event_id, draft, event.order, queue=not share)
            if share and stored is not None:
                together.append(stored)
        if together:
            defer(db, "notifications.send_many", message_ids=together)


def with_papers(shop: Any, db: Session, draft: MessageDraft, event: Event) -> MessageDraft:
    """The mail with the document that belongs to it: the one that says an order is paid with its
    invoice, if the shop sends it along; that of a refund with its credit note."""
    order, paper = event.order, None
    papers = shop.settings["documents"]
    invoiced = order is not None and papers.invoices and papers.attach_invoice
    if draft.kind == "payment_refunded":
        paper = credit_note_of(db, event)
    elif order is not None and invoiced and _says_paid(db, draft.kind, order.number):
        paper = shop.write_invoice(shop.ctx(db), order)
    if paper is None:
        return draft
    from opticworks.documents import sheet  # draws PDFs: 20 MB that few need

    file = Attachment(
        filename=sheet.filename(paper),
        content=sheet.pdf(paper, shop.templates.gettext(paper.facts["locale"])),
        content_type="application/pdf",
    )
    return replace(draft, attachments=(*draft.attachments, file))


def _says_paid(db: Session, kind: str, number: str) -> bool:
    """Whether a mail of that kind is the one that says the order is paid: the confirmation does
    if it was paid while it was placed."""
    if kind != "order_placed":
        return kind == "order_paid"
    paid = select(StoredEvent.id).where(
        StoredEvent.kind == PAYMENT_PAID,
        StoredEvent.subject == number,
        StoredEvent.data["at_once"].as_boolean(),
    )
    return db.execute(paid.limit(1)).first() is not None


def _may_share(draft: MessageDraft) -> bool:
    return not draft.attachments and draft.send_at is None


def write(
    shop: Any,
    db: Session,
    event_id: int,
    draft: MessageDraft,
    order: OrderView | None,
    *,
    queue: bool = True,
) -> str | None:
    """Render a draft and store it once; its public id if it is to be sent."""
    public_id = new_public_id()
    draft, intro = worded(shop, db, draft, order)
    letter = render(shop, draft, order, intro=intro, public_id=public_id)
    # A mailer that schedules gets the message at once and keeps it itself.
    wait = not getattr(shop.providers.mailer(), "schedules", False)
    return store(
        db,
        event_id,
        draft,
        letter.html,
        letter.text,
        host_of(shop),
        public_id=public_id,
        wait=wait,
        queue=queue,
    )


def _check(draft: MessageDraft) -> None:
    if "@" not in draft.to or any(character.isspace() for character in draft.to.strip()):
        raise ValueError(f"A message of the kind {draft.kind!r} has no address to go to.")


@task("notifications.react")
def react(shop: Any, event_id: int, handler: str) -> None:
    """Let one plugin react to an event, in one transaction with the mark that it has."""
    for implementation in _implementations(shop.hooks.on_event):
        if _name(implementation) == handler:
            break
    else:
        log.warning("event %s is not handed to %s, which is no longer enabled", event_id, handler)
        return
    with shop.unit("react") as db:
        if _first_time(db, event_id, f"on_event:{handler}"):
            _call(implementation, event=load(shop, db, event_id), ctx=shop.ctx(db))


@task("notifications.send", retry=SEND_RETRY)
def send(shop: Any, message_id: str) -> None:
    """Send one stored message, unless that has been done.

    What can't be mended by trying again marks the message failed; anything else is tried again.
    """
    shop.reload_settings()  # the mailer that staff chose a second ago sends this one
    _send(shop, [message_id])


@task("notifications.send_many", retry=SEND_RETRY)
def send_many(shop: Any, message_ids: list[str]) -> None:
    """Send several messages in as few calls as the mailer needs.

    What was begun together is repeated together, with the same key: a batch whose answer was
    lost is not sent twice.
    """
    shop.reload_settings()
    mailer = shop.providers.mailer()
    size = mailer.batch if isinstance(mailer, BatchMailer) else 1
    failure: Exception | None = None
    for start in range(0, len(message_ids), size):
        try:
            _send(shop, message_ids[start : start + size])
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure


def _send(shop: Any, message_ids: list[str]) -> None:
    """Send these messages in one call. Raises what trying again may mend."""
    with _alone(shop, message_ids[0]):
        mailer, outgoing = _begin(shop, message_ids)
        if not outgoing:
            return
        ids = list(outgoing)
        try:
            if mailer is None:
                raise ProviderError("No plugin that sends mail is enabled.")
            started = shop.now()
            refs = _hand_over(mailer, outgoing)
        except Exception as error:
            if getattr(error, "retryable", True):
                _give_back(shop, ids, error, status="queued" if len(ids) == 1 else "sending")
                raise
            log.warning("%s messages can't be delivered", len(ids))
            if len(ids) == 1:
                _give_back(shop, ids, error)
                return
        else:
            _sent(shop, dict(zip(ids, refs, strict=True)), mailer, started)
            return
    for each in ids:  # one of the batch is refused: the others need not suffer
        _send(shop, [each])


def _hand_over(mailer: Mailer, outgoing: Mapping[str, OutgoingMessage]) -> Sequence[str]:
    """The refs of these messages, in their order."""
    ids = list(outgoing)
    with outside("send"):
        if len(ids) == 1 or not isinstance(mailer, BatchMailer):
            return [mailer.send(outgoing[each], each) for each in ids]
        key = f"batch-{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:40]}"
        return mailer.send_many(list(outgoing.values()), key)


def _begin(shop: Any, message_ids: list[str]) -> tuple[Mailer | None, dict[str, OutgoingMessage]]:
    """Mark the messages as being sent; without those that need not be.

    What a killed worker began is finished by the mailer that it had: nobody else can know
    whether it left.
    """
    mailer = shop.providers.mailer()
    with shop.unit("send") as db:
        rows = [
            message
            for message in db.scalars(
                select(Message)
                .where(Message.public_id.in_(message_ids))
                .where(Message.status.in_(("queued", "sending")))
                .order_by(Message.id)
                .with_for_update()
            )
            if message.status == "sending" or not _blocked(db, message)
        ]
        for message in rows:
            if message.status == "sending":
                mailer = shop.providers.mailers().get(message.mailer, mailer)
        for message in rows:
            _mark(message, mailer)
        return mailer, {row.public_id: _outgoing(shop, db, row, mailer) for row in rows}


def _blocked(db: Session, message: Message) -> bool:
    """Note that the message is not sent, if its address gets none."""
    if not is_blocked(db, message):
        return False
    message.status = "suppressed"
    note(db, message, "suppressed")
    return True


def _mark(message: Message, mailer: Mailer | None) -> None:
    message.status = "sending"
    message.mailer = mailer.code if mailer is not None else ""
    message.tries += 1


def _outgoing(shop: Any, db: Session, message: Message, mailer: Mailer | None) -> OutgoingMessage:
    """The message as it goes to a mailer: the same on every try."""
    settings = shop.settings["shop"]
    stop = unsubscribe.headers(shop, message.public_id) if message.marketing else {}
    keeps = getattr(mailer, "schedules", False)
    later = message.send_at if keeps and message.send_at and message.send_at > shop.now() else None
    return OutgoingMessage(
        message_id=message.message_id,
        sender=sender(settings.name, settings.email),
        to=message.recipient,
        subject=message.subject,
        html=message.html,
        text=message.text,
        reply_to=settings.email,
        headers={"Auto-Submitted": "auto-generated", **stop},
        attachments=attachments(db, message),
        tags={"message": message.public_id, "kind": message.kind},
        send_at=later,
    )


def sender(name: str, address: str) -> str:
    """Name and address, not encoded: how a name is written is the mailer's business."""
    plain = re.fullmatch(r"[\w !#$%&'*+/=?^`{|}~-]+", name)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f"{name} <{address}>" if plain else f'"{quoted}" <{address}>'


def _sent(shop: Any, refs: Mapping[str, str], mailer: Mailer, at: datetime) -> None:
    """Note what the mailer took, as of when it was handed over: a report may have been quicker
    than this, and has moved the message on already."""
    with shop.unit("sent") as db:
        rows = db.scalars(
            select(Message)
            .where(Message.public_id.in_(refs))
            .order_by(Message.id)
            .with_for_update()
        )
        for message in rows:
            if message.status == "sending":
                message.status, message.error = "sent", ""
            message.ref, message.mailer = refs[message.public_id], mailer.code
            message.sent_at = message.sent_at or shop.now()
            note(db, message, "sent", mailer.title, at=at)
            if message.confidential:
                message.html = message.text = ""


def _give_back(shop: Any, public_ids: list[str], error: Exception, status: str = "queued") -> None:
    """Note why it wasn't sent: queued for the next try, or failed when there is none."""
    sentence = str(error) if isinstance(error, ProviderError) else type(error).__name__
    with shop.unit("give_back") as db:
        rows = db.scalars(
            select(Message)
            .where(Message.public_id.in_(public_ids))
            .order_by(Message.id)
            .with_for_update()
        )
        for message in rows:
            retryable = getattr(error, "retryable", True)
            final = not retryable or message.tries >= SEND_RETRY.tries
            message.status = "failed" if final else status
            message.error = sentence[:1000]
            note(db, message, "failed" if final else "delayed", sentence)
            if final and message.confidential:
                message.html = message.text = ""


@contextmanager
def _alone(shop: Any, public_id: str) -> Iterator[None]:
    """One process sends a message at a time, even when a worker believed dead comes back.

    The lock belongs to the connection, not to a transaction, and dies with the process.
    """
    key = {"key": f"message:{public_id}"}
    options = {"isolation_level": "AUTOCOMMIT"}
    with shop.engine.connect().execution_options(**options) as connection:
        taken = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
        if not connection.scalar(taken, key):
            raise RuntimeError(f"Message {public_id} is being sent by another worker.")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)


def load(shop: Any, db: Session, event_id: int) -> Event:
    """The stored event as hooks see it, with its order as that stands now."""
    row = db.get_one(StoredEvent, event_id)
    about_order = row.kind.startswith(_ABOUT_ORDERS)
    return Event(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        at=row.at,
        data=row.data,
        order=shop.order_view(db, row.subject) if about_order else None,
    )


def _first_time(db: Session, event_id: int, handler: str) -> bool:
    """Mark that a handler deals with an event; False if that is done. Rolled back with it."""
    statement = (
        insert(EventHandled)
        .values(event_id=event_id, handler=handler)
        .on_conflict_do_nothing(index_elements=["event_id", "handler"])
        .returning(EventHandled.event_id)
    )
    return db.execute(statement).first() is not None


def _implementations(caller: Any) -> list[Any]:
    """Implementations one by one, so that each can fail alone; in the order of the ini."""
    return list(reversed(caller.get_hookimpls()))


def _name(implementation: Any) -> str:
    return str(implementation.plugin_name)


def _call(implementation: Any, **given: Any) -> Any:
    return implementation.function(*(given[name] for name in implementation.argnames))


def host_of(shop: Any) -> str:
    """The right-hand side of Message-IDs: the shop's mail domain."""
    domain = shop.settings["shop"].email.rpartition("@")[2]
    return domain or urlsplit(shop.config.base_url).hostname or "localhost"
