"""Taking in what vendors report, and working it through once it is stored.

The request that brings an event only verifies and stores it: the vendor hears 2xx at once, and
the worker draws the consequences. Handling an event again changes nothing, so any may be
replayed, in any order and any number of times.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import return_labels, tracking
from opticworks.checkout import settle as settling
from opticworks.jobs import defer
from opticworks.notifications import service as notifications
from opticworks.orders import service as orders
from opticworks.payments import service as payments
from opticworks.shop import Shop
from opticworks.webhooks.models import Webhook

#: Tries before an event that nothing fits is shown to staff: a webhook may be quicker than the
#: commit of what it speaks of, but not by most of an hour.
UNMATCHED_TRIES = 8
KEEP_DAYS = 90


class NoSuchReceiver(LookupError):
    """No enabled provider of that code takes webhooks."""


class Unreadable(ValueError):
    """A signed event whose ids have a character that is no text, so it can't be stored."""


class Unmatched(Exception):
    """The event speaks of something that the shop does not know (yet)."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """An enabled provider that a vendor may report to, and its plugin's code; `problem` says why it
    can't take any."""

    code: str
    title: str
    family: str
    plugin: str
    problem: str = ""


def _provider(shop: Shop, code: str) -> tuple[str, Any]:
    """The family and the provider of that code. Raises NoSuchReceiver."""
    for family, providers in _families(shop).items():
        if code in providers:
            return family, providers[code]
    raise NoSuchReceiver(code)


def _families(shop: Shop) -> dict[str, Mapping[str, Any]]:
    return {
        "payment": shop.providers.payments(),
        "mail": shop.providers.mailers(),
        "shipping": shop.providers.shipping(),
    }


def receivers(shop: Shop) -> list[Receiver]:
    """Who takes webhooks, or would with a secret. Found out by asking each about an empty body,
    which none accepts and only one without a secret refuses for that reason."""
    found = []
    for family, providers in _families(shop).items():
        for provider in providers.values():
            problem = ""
            try:
                provider.read_webhook(b"", {})
            except c.NoWebhooks:
                continue
            except c.NoWebhookSecret as error:
                problem = str(error)
            except c.BadSignature:
                pass
            plugin = shop.providers.plugin_of(provider)
            found.append(Receiver(provider.code, provider.title, family, plugin, problem))
    return found


def receive(shop: Shop, code: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Verify the raw body, store its events once and queue them; how many are new.

    Raises NoSuchReceiver, BadSignature for a body that the vendor did not sign, and Unreadable
    for events that it can't have meant; then none is stored.
    """
    family, provider = _provider(shop, code)
    events = provider.read_webhook(body, headers)
    for event in events:
        _check(event)
    with shop.unit("webhook") as db:
        return sum(_store(db, code, family, event) for event in events)


#: Characters that no database takes as text: NUL, and halves of surrogate pairs.
NO_TEXT = re.compile("[\0\ud800-\udfff]")


def _check(event: c.WebhookEvent | c.DeliveryEvent) -> None:
    """Raises Unreadable for an event that can't be told from others, or matched with what it
    speaks of."""
    ours = event.key if isinstance(event, c.DeliveryEvent) else event.attempt
    for name, said in (("id", event.id), ("reference", event.ref), ("key", ours)):
        if NO_TEXT.search(said):
            raise Unreadable(
                f"its {name} has a character that is no text (NUL or half of a surrogate pair)."
            )


def _readable(said: Any) -> Any:
    """What an event says beside that, to be kept: what is no text in it is marked as such."""
    if isinstance(said, str):
        return NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", said)
    if isinstance(said, Mapping):
        return {_readable(name): _readable(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_readable(value) for value in said]
    return said


def _store(db: Session, code: str, family: str, event: c.WebhookEvent | c.DeliveryEvent) -> bool:
    values: dict[str, Any]
    if isinstance(event, c.DeliveryEvent):
        data = {
            "recipient": event.recipient,
            "detail": event.detail,
            "permanent": event.permanent,
        }
        values = {"kind": event.state, "attempt": event.key, "data": _readable(data)}
    else:
        data = _readable(event.data)
        values = {"kind": _readable(event.kind), "attempt": event.attempt, "data": data}
    statement = (
        insert(Webhook)
        .values(
            provider=code,
            family=family,
            event_id=event.id,
            ref=event.ref,
            occurred_at=event.occurred_at,
            status="waiting",
            tries=0,
            error="",
            **values,
        )
        .on_conflict_do_nothing(index_elements=["provider", "event_id"])
        .returning(Webhook.id)
    )
    stored = db.execute(statement).scalar()
    if stored is None:
        return False
    defer(db, "webhooks.process", webhook=stored)
    return True


def process(shop: Shop, webhook: int) -> None:
    """Draw the consequences of a stored event. What went wrong is written down and raised."""
    with shop.unit() as db:
        found = db.get(Webhook, webhook)
    if found is None:
        return
    try:
        HANDLERS[found.family](shop, found)
    except Unmatched as error:
        last = found.tries + 1 >= UNMATCHED_TRIES
        _close(shop, webhook, "unmatched" if last else "waiting", str(error))
        if not last:
            raise
    except Exception as error:
        _close(shop, webhook, "failed", f"{type(error).__name__}: {error}")
        raise
    else:
        _close(shop, webhook, "done")


def _close(shop: Shop, webhook: int, status: str, error: str = "") -> None:
    with shop.unit("webhook_handled") as db:
        db.execute(
            update(Webhook)
            .where(Webhook.id == webhook)
            .values(
                status=status,
                error=error[:1000],
                tries=Webhook.tries + 1,
                handled_at=shop.now() if status == "done" else None,
            )
        )


def _payment(shop: Shop, event: Webhook) -> None:
    """A payment may have moved: ask its provider, who knows better than a report of any age."""
    with shop.unit() as db:
        # Our own id first: the event may come before the vendor's ref has been stored.
        attempt = _uuid(event.attempt)
        payment = payments.by_attempt(db, attempt) if attempt is not None else None
        payment = payment or payments.by_ref(db, event.provider, event.ref)
        order = orders.by_id(db, payment.order_id) if payment is not None else None
    if order is None or payment is None:
        raise Unmatched("No payment of this shop has this attempt or reference.")
    settling.settle(shop, order.number, payment.attempt)


def _shipping(shop: Shop, event: Webhook) -> None:
    """A parcel, or one that comes back, may have moved: ask its vendor for the whole history."""
    known = (shop, event.provider, event.ref, event.attempt)
    if not (tracking.sync(*known) or return_labels.sync(*known)):
        raise Unmatched("No parcel of this shop has this reference.")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _mail(shop: Shop, event: Webhook) -> None:
    """A mailer says what became of a message."""
    report = c.DeliveryEvent(
        id=event.event_id,
        ref=event.ref,
        state=event.kind,  # type: ignore[arg-type]
        recipient=str(event.data.get("recipient", "")),
        detail=str(event.data.get("detail", "")),
        occurred_at=event.occurred_at,
        key=event.attempt,
        permanent=bool(event.data.get("permanent", True)),
    )
    with shop.unit("delivery") as db:
        known = notifications.record_delivery(db, report, event.provider)
    if not known:
        raise Unmatched("No message of this shop has this reference.")


HANDLERS: Mapping[str, Callable[[Shop, Webhook], None]] = {
    "payment": _payment,
    "mail": _mail,
    "shipping": _shipping,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events: each part narrows; an empty one leaves all."""

    ids: Sequence[int] = ()
    status: str = ""
    provider: str = ""
    kind: str = ""
    since: datetime | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        equal = {"status": self.status, "provider": self.provider, "kind": self.kind}
        found = [getattr(Webhook, name) == value for name, value in equal.items() if value]
        if self.ids:
            found.append(Webhook.id.in_(self.ids))
        if self.since is not None:
            found.append(Webhook.received_at >= self.since)
        return found


def find(db: Session, which: Filter, *, before: int = 0, limit: int = 50) -> Sequence[Webhook]:
    """Events, the newest first; `before` an id goes on with the next page."""
    query = select(Webhook).where(*which.conditions).order_by(Webhook.id.desc()).limit(limit)
    return db.scalars(query.where(Webhook.id < before) if before else query).all()


def count(db: Session, which: Filter) -> int:
    """How many events fit."""
    query = select(func.count()).select_from(Webhook).where(*which.conditions)
    return int(db.scalar(query) or 0)


def kinds(db: Session) -> list[tuple[str, str]]:
    """Every provider and kind of event there is, by name."""
    pairs = select(Webhook.provider, Webhook.kind).distinct().order_by("provider", "kind")
    return [(provider, kind) for provider, kind in db.execute(pairs)]


def replay(db: Session, which: Filter) -> int:
    """Queue the events again, oldest first, as if they had just come; how many."""
    statement = (
        update(Webhook)
        .where(*which.conditions)
        .values(status="waiting", tries=0, error="", handled_at=None)
        .returning(Webhook.id)
    )
    ids = sorted(db.scalars(statement))
    for each in ids:
        defer(db, "webhooks.process", queueing_lock=f"webhook:{each}", webhook=each)
    return len(ids)


def forget(db: Session, now: datetime) -> int:
    """Delete handled events of long ago: no vendor repeats them, and they hold personal data."""
    old = now - timedelta(days=KEEP_DAYS)
    statement = delete(Webhook).where(Webhook.status == "done", Webhook.received_at < old)
    return len(db.scalars(statement.returning(Webhook.id)).all())
