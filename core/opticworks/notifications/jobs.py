"""The jobs behind messages: hand a fact to plugins, render what it deserves, send it.

Every commit is a place where the process may die. What is written with a marker or a unique key
is written once; sending itself is the one step outside the database:

- a mailer with keys gets the message's public id as key and sends once, however often asked;
- over SMTP, a death between the server's 250 and our commit repeats the mail with the same
  Message-ID. No other moment does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks.contracts import MessageDraft, OutgoingMessage, ProviderError
from opticworks.events import Event
from opticworks.faults import outside
from opticworks.jobs import Retry, defer, task
from opticworks.notifications.models import EventHandled, Message, StoredEvent
from opticworks.notifications.rendering import render
from opticworks.notifications.service import is_suppressed, store

log = logging.getLogger(__name__)

SEND_RETRY = Retry(tries=24, base=10, cap=3600)  # a mail server may be away for half a day

# The subject of these is an order's number.
_ABOUT_ORDERS = ("order.", "payment.", "shipment.", "message.")


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
        drafts = _call(implementation, event=event, ctx=shop.ctx(db)) or ()
        for draft in drafts:
            _check(draft)
            html, plain = render(shop, draft, event.order)
            store(db, event_id, draft, html, plain, _host(shop))


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
    with _alone(shop, message_id):
        outgoing = _begin(shop, message_id)
        if outgoing is None:
            return
        try:
            mailer = shop.providers.mailer()
            if mailer is None:
                raise ProviderError("No plugin that sends mail is enabled.")
            with outside("send"):
                ref = mailer.send(outgoing, message_id)
        except Exception as error:
            _give_back(shop, message_id, error)
            if getattr(error, "retryable", True):
                raise
            log.warning("message %s can't be delivered", message_id)
            return
        with shop.unit("sent") as db:
            db.execute(
                update(Message)
                .where(Message.public_id == message_id)
                .values(status="sent", ref=ref, error="", sent_at=shop.now())
            )


def _begin(shop: Any, public_id: str) -> OutgoingMessage | None:
    """Mark the message as being sent; None when there is nothing (more) to send."""
    with shop.unit("send") as db:
        message = db.scalar(select(Message).where(Message.public_id == public_id).with_for_update())
        if message is None or message.status not in ("queued", "sending"):
            return None
        if is_suppressed(db, message.recipient):
            message.status = "suppressed"
            return None
        message.status = "sending"
        message.tries += 1
        settings = shop.settings["shop"]
        return OutgoingMessage(
            message_id=message.message_id,
            sender=formataddr((settings.name, settings.email)),
            to=message.recipient,
            subject=message.subject,
            html=message.html,
            text=message.text,
            reply_to=settings.email,
            headers={"Auto-Submitted": "auto-generated"},
        )


def _give_back(shop: Any, public_id: str, error: Exception) -> None:
    """Note why it wasn't sent: queued for the next try, or failed when there is none."""
    sentence = str(error) if isinstance(error, ProviderError) else type(error).__name__
    with shop.unit("give_back") as db:
        message = db.scalar(select(Message).where(Message.public_id == public_id).with_for_update())
        final = not getattr(error, "retryable", True) or message.tries >= SEND_RETRY.tries
        message.status = "failed" if final else "queued"
        message.error = sentence[:1000]


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


def _host(shop: Any) -> str:
    """The right-hand side of Message-IDs: the shop's mail domain."""
    domain = shop.settings["shop"].email.rpartition("@")[2]
    return domain or urlsplit(shop.config.base_url).hostname or "localhost"
