"""Comparing what orders, the ledger and the providers say of the same money.

Settling keeps them together; this finds what slipped through: a webhook that never came while the
sweeper was down, a hand in the database, a payment made or paid back in a provider's dashboard.
Comparing writes nothing (repairing is in `repair.py`), and it asks the providers first, so that
what moves meanwhile is at most newer here than there.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout.standing import projected
from opticworks.faults import outside
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.payments import disputes
from opticworks.payments.models import Dispute, Payment, PaymentEvent
from opticworks.payments.service import FINAL, HAS_MONEY, RANK
from opticworks.shop import Shop

#: Seconds in which a payment may still be on its way through here: younger ones are left alone.
SETTLING = 120

STATES = {
    "new": "never answered",
    "action": "waiting for the buyer",
    "pending": "awaited",
    "authorized": "authorized",
    "captured": "received",
    "failed": "failed",
    "canceled": "called off",
}
CLAIMS = {
    "needs_response": "waits for an answer",
    "under_review": "is under review",
    "won": "was won",
    "lost": "was lost",
}
STATUSES = {
    "unpaid": "not paid",
    "pending": "awaiting its payment",
    "authorized": "authorized",
    "paid": "paid",
    "part_refunded": "partly refunded",
    "refunded": "refunded",
}


class TooMany(Exception):
    """There is more to compare than the caller wants to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something on which an order, its ledger and a provider don't agree, in a sentence.

    `repairs` are names of what `repair.repair` can do about it; `number` is the order's, empty for
    money that belongs to none. `at` is when the provider's payment was made.
    """

    kind: str
    sentence: str
    number: str = ""
    provider: str = ""
    attempt: str = ""
    ref: str = ""
    at: datetime | None = None
    repairs: tuple[str, ...] = ()


@dataclass(slots=True)
class Kept:
    """One attempt as our books have it; sums in minor units, from its events."""

    payment: Payment
    captured: int = 0
    refunded: int = 0
    refunding: int = 0
    lost: int = 0  #: to disputes
    disputes: dict[str, str] = field(default_factory=dict)  #: their states, by ref

    @property
    def net(self) -> int:
        return self.captured - self.refunded - self.lost


@dataclass(slots=True)
class Entry:
    """One order and its attempts."""

    order: Order
    attempts: list[Kept] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Vendors:
    """What the providers said: by (provider, ref), and why one could not be asked."""

    listed: Mapping[tuple[str, str], c.ListedPayment]
    listing: Collection[str]  #: providers that listed everything they have
    silent: Mapping[str, str] = field(default_factory=dict)


def compare(shop: Shop, since: datetime, most: int | None = None) -> list[Difference]:
    """Every difference among orders placed, and payments made at a provider, since then.

    Raises TooMany when a provider lists more than `most` payments.
    """
    vendors = _ask(shop, since, most)
    quiet = shop.now() - timedelta(seconds=SETTLING)
    with shop.unit() as db:
        attempts = {listed.attempt for listed in vendors.listed.values()}
        book = _book(db, Order.placed_at >= since, attempts, vendors.listed)
    vendors = _look_up(shop, book, vendors)
    return [*_silent(vendors), *differences(book, vendors, quiet)]


def look(shop: Shop, known: Difference) -> list[Difference]:
    """The differences about one order or one payment, looked at again: what a repair asks first.

    Raises ProviderError when its provider can't say.
    """
    listed: dict[tuple[str, str], c.ListedPayment] = {}
    provider = shop.providers.payments().get(known.provider)
    if known.ref and provider is not None:
        result = _fetch(provider, known.ref)
        at = known.at or shop.now()
        listed[known.provider, known.ref] = c.ListedPayment(
            result=result, attempt=known.attempt, order_number=known.number, at=at
        )
    with shop.unit() as db:
        book = _book(db, Order.number == known.number, {known.attempt}, listed)
    about = Vendors(listed, ())
    return [each for each in differences(book, about, shop.now()) if _same(each, known)]


def _same(found: Difference, known: Difference) -> bool:
    return (found.kind, found.number, found.ref) == (known.kind, known.number, known.ref)


# --- reading --------------------------------------------------------------------------------------


def _ask(shop: Shop, since: datetime, most: int | None) -> Vendors:
    listed: dict[tuple[str, str], c.ListedPayment] = {}
    listing, silent = set(), {}
    for code, provider in shop.providers.payments().items():
        if not isinstance(provider, c.ListsPayments):
            continue
        try:
            found = list(islice(provider.list(since), None if most is None else most + 1))
        except c.ProviderError as error:
            silent[code] = f"{provider.title} could not be asked, so nothing of it was compared: "
            silent[code] += str(error)
            continue
        if most is not None and len(found) > most:
            raise TooMany(f"{provider.title} has more than {most} payments since then.")
        listing.add(code)
        listed |= {(code, each.result.ref): each for each in found}
    return Vendors(listed, listing, silent)


def _fetch(provider: c.PaymentProvider, ref: str) -> c.PaymentResult:
    with outside("reconcile_fetch"):
        return provider.fetch(ref)


def _look_up(shop: Shop, book: Sequence[Entry], vendors: Vendors) -> Vendors:
    """Ask about payments of ours that no list named: of another time, or of a provider that has
    no lists. One that it does not know stays out; a provider that can't be asked is silent."""
    listed, silent = dict(vendors.listed), dict(vendors.silent)
    providers = shop.providers.payments()
    for entry in book:
        for kept in entry.attempts:
            payment = kept.payment
            key, provider = (payment.provider, payment.ref), providers.get(payment.provider)
            if not payment.ref or key in listed or payment.provider in silent:
                continue
            if payment.status in FINAL and not kept.captured:
                continue
            if provider is None:
                silent[payment.provider] = (
                    f"{payment.title} ({payment.provider}) is not enabled here, so nothing of it "
                    "was compared. The Plugins page says what its plugin lacks."
                )
                continue
            try:
                result = _fetch(provider, payment.ref)
            except c.ProviderError as error:
                if error.retryable:
                    silent[payment.provider] = f"{provider.title} could not be asked: {error}"
                continue
            attempt = str(payment.attempt)
            listed[key] = c.ListedPayment(
                result=result,
                attempt=attempt,
                order_number=entry.order.number,
                at=payment.created_at,
            )
    return replace(vendors, listed=listed, silent=silent)


def _book(
    db: Session,
    which: ColumnElement[bool],
    attempts: Iterable[str],
    listed: Iterable[tuple[str, str]],
) -> list[Entry]:
    """The orders that fit, and those that the listed payments belong to, by what is our own id of
    the attempt or the vendor's ref."""
    known = [uuid.UUID(text) for text in attempts if _is_uuid(text)]
    refs = [ref for _, ref in listed if ref]
    of_listed = select(Payment.order_id).where(
        or_(Payment.attempt.in_(known), Payment.ref.in_(refs))
    )
    rows = db.scalars(select(Order).where(or_(which, Order.id.in_(of_listed))).order_by(Order.id))
    book = {order.id: Entry(order) for order in rows}
    sums = _sums(db, book)
    for payment in db.scalars(
        select(Payment).where(Payment.order_id.in_(book)).order_by(Payment.id)
    ):
        by_kind = sums[payment.id]
        moved = {kind: amount for kind, (amount, _) in by_kind.items()}
        about = {kind: told for kind, (_, told) in by_kind.items()}
        ended = about.get("refunded", 0) + about.get("refund_failed", 0)
        book[payment.order_id].attempts.append(
            Kept(
                payment,
                captured=moved.get("captured", 0),
                refunded=-moved.get("refunded", 0) - moved.get("refund_failed", 0),
                refunding=max(0, about.get("refund_intended", 0) - ended),
                lost=-moved.get("dispute_closed", 0),
            )
        )
    kept = {each.payment.id: each for entry in book.values() for each in entry.attempts}
    for claim in db.scalars(select(Dispute).where(Dispute.payment_id.in_(kept))):
        kept[claim.payment_id].disputes[claim.ref] = claim.status
    return list(book.values())


def _sums(db: Session, order_ids: Collection[int]) -> Mapping[int, dict[str, tuple[int, int]]]:
    """By payment and kind of event: what moved, and what was spoken of."""
    event = PaymentEvent
    rows = db.execute(
        select(event.payment_id, event.kind, func.sum(event.amount), func.sum(event.about))
        .join(Payment, Payment.id == event.payment_id)
        .where(Payment.order_id.in_(order_ids))
        .group_by(event.payment_id, event.kind)
    )
    found: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for payment_id, kind, amount, about in rows:
        found[payment_id][kind] = (int(amount), int(about))
    return found


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


# --- comparing: pure ------------------------------------------------------------------------------


def _silent(vendors: Vendors) -> Iterator[Difference]:
    for code, sentence in vendors.silent.items():
        yield Difference(kind="silent", sentence=sentence, provider=code)


def differences(book: Sequence[Entry], vendors: Vendors, quiet: datetime) -> Iterator[Difference]:
    """What does not agree, order by order, then the money of no order. What is younger than
    `quiet` may still be on its way and is left out."""
    ours = {(k.payment.provider, k.payment.ref) for entry in book for k in entry.attempts}
    strays: dict[str, list[tuple[str, c.ListedPayment]]] = defaultdict(list)
    for (provider, ref), listed in vendors.listed.items():
        if (provider, ref) not in ours:
            strays[listed.attempt].append((provider, listed))
    for entry in book:
        if entry.order.placed_at > quiet:
            continue
        for kept in entry.attempts:
            if kept.payment.created_at <= quiet:
                mine = strays.pop(str(kept.payment.attempt), [])
                yield from _of_attempt(entry, kept, vendors, mine)
        yield from _of_order(entry)
    by_number = {entry.order.number: entry for entry in book}
    for provider, listed in (pair for group in strays.values() for pair in group):
        if listed.at <= quiet and listed.result.state in HAS_MONEY and net(listed.result) > 0:
            yield _stray(provider, listed, by_number.get(listed.order_number))


def net(result: c.PaymentResult) -> int:
    """What the provider still has of it, in minor units."""
    taken = result.captured if result.captured is not None else result.money
    return taken.minor - (result.refunded.minor if result.refunded is not None else 0)


def _of_attempt(
    entry: Entry, kept: Kept, vendors: Vendors, strays: Sequence[tuple[str, c.ListedPayment]]
) -> Iterator[Difference]:
    order, payment = entry.order, kept.payment
    about = Difference(
        kind="",
        sentence="",
        number=order.number,
        provider=payment.provider,
        attempt=str(payment.attempt),
        ref=payment.ref,
    )
    for _, stray in strays:
        if stray.result.state in HAS_MONEY and net(stray.result) > 0:
            yield replace(
                about,
                kind="unlinked",
                sentence=f"{payment.title} holds {stray.result.money.format()} for order "
                f"{order.number} ({stray.result.ref}), which our books do not link to it.",
                ref=stray.result.ref,
                at=stray.at,
                # Money that has a reference already came once more.
                repairs=("return",) if kept.captured and payment.ref else ("link",),
            )
    listed = vendors.listed.get((payment.provider, payment.ref))
    if listed is not None:
        found = _moved(order, kept, listed.result, payment.provider in vendors.listing)
        if found is not None:
            kind, sentence, repairs = found
            yield replace(about, kind=kind, sentence=sentence, repairs=repairs, at=listed.at)
    elif payment.provider in vendors.listing and payment.status in HAS_MONEY and payment.ref:
        yield replace(
            about,
            kind="missing",
            sentence=f"Our ledger says that {_money(payment, payment.amount)} of order "
            f"{order.number} was {STATES[payment.status]} through {payment.title} "
            f"({payment.ref}), which knows no such payment.",
        )


def _money(payment: Payment, minor: int) -> str:
    return Money(minor, payment.currency).format()


def _moved(
    order: Order, kept: Kept, said: c.PaymentResult, remembers: bool
) -> tuple[str, str, tuple[str, ...]] | None:
    """The first thing that one attempt and its provider do not agree on: kind, sentence, repairs.
    A provider that `remembers` knows better than our books what did not happen."""
    payment = kept.payment
    asked = Money(payment.amount, payment.currency)
    title, number = payment.title, order.number
    if said.state in HAS_MONEY and said.money != asked and net(said) > 0:
        sentence = (
            f"{title} reports {said.money.format()} for order {number}; its payment is "
            f"{asked.format()}."
        )
        return "amount", sentence, () if kept.captured else ("return",)
    if _is_ahead(said.state, payment.status):
        sentence = (
            f"At {title} the payment of {asked.format()} for order {number} is "
            f"{STATES[said.state]}; our ledger says that it is {STATES[payment.status]}."
        )
        return "behind", sentence, ("settle",)
    if remembers and _is_ahead(payment.status, said.state):
        sentence = (
            f"Our ledger says that the payment of {asked.format()} for order {number} is "
            f"{STATES[payment.status]}; at {title} it is {STATES[said.state]}."
        )
        return "ahead", sentence, ()
    back = said.refunded.minor if said.refunded is not None else kept.refunded
    if back not in (kept.refunded, kept.refunded + kept.refunding):
        sentence = (
            f"{title} paid {_money(payment, back)} of order {number} back; our ledger says "
            f"{_money(payment, kept.refunded)}."
        )
        return "refunds", sentence, ("settle",)
    return next(_claimed(kept, said, f"At {title} a dispute about {{}} of order {number} "), None)


def _claimed(
    kept: Kept, said: c.PaymentResult, about: str
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Disputes of which the provider knows more than we do, or another end."""
    for claim in said.disputes:
        ours = kept.disputes.get(claim.ref)
        sentence = about.format(claim.money.format()) + CLAIMS[claim.status]
        if ours is None:
            yield "dispute", f"{sentence}; our ledger does not know of it.", ("settle",)
        elif disputes.RANK[claim.status] > disputes.RANK[ours]:
            yield "dispute", f"{sentence}; in our ledger it {CLAIMS[ours]}.", ("settle",)
        elif claim.status != ours and claim.status not in disputes.OPEN:
            yield "dispute", f"{sentence}; in our ledger it {CLAIMS[ours]}.", ()


def _is_ahead(one: str, other: str) -> bool:
    """Whether a payment in state `one` knows of something that `other` does not: of money, or of
    the end of one that is still open."""
    if one in HAS_MONEY:
        return other not in HAS_MONEY or RANK[one] > RANK[other]
    return one in FINAL and other not in FINAL and other != "captured"


def _of_order(entry: Entry) -> Iterator[Difference]:
    """What an order's own row says beside its ledger."""
    order = entry.order
    held = sum(kept.net for kept in entry.attempts)
    refunding = sum(kept.refunding for kept in entry.attempts)
    last = next((k.payment for k in reversed(entry.attempts) if k.net > 0), None)
    said = Money(held, order.currency).format()
    if last is not None and order.status == "canceled" and held > refunding:
        yield Difference(
            kind="kept",
            sentence=f"Order {order.number} is canceled, but {said} of it was not paid back.",
            number=order.number,
            provider=last.provider,
            attempt=str(last.attempt),
            ref=last.ref,
            repairs=("return",),
        )
    elif last is not None and held - refunding > order.total:
        yield Difference(
            kind="twice",
            sentence=f"Order {order.number} costs {Money(order.total, order.currency).format()}, "
            f"but {said} was kept for it.",
            number=order.number,
            provider=last.provider,
            attempt=str(last.attempt),
            ref=last.ref,
            repairs=("return",),
        )
    yield from _held(entry)
    states = {kept.payment.status for kept in entry.attempts}
    captured = sum(kept.captured for kept in entry.attempts)
    status = projected(order.status, order.total, captured, held, states)
    if status != order.payment_status:
        yield Difference(
            kind="status",
            sentence=f"Order {order.number} is shown as {STATUSES[order.payment_status]}; by its "
            f"ledger it is {STATUSES[status]}.",
            number=order.number,
            repairs=("status",),
        )


def _held(entry: Entry) -> Iterator[Difference]:
    """What is only authorized for an order that nobody will send."""
    order = entry.order
    for payment in (kept.payment for kept in entry.attempts):
        if order.status == "canceled" and payment.status == "authorized":
            yield Difference(
                kind="held",
                sentence=f"Order {order.number} is canceled, but {_money(payment, payment.amount)} "
                f"of it is still authorized through {payment.title}.",
                number=order.number,
                provider=payment.provider,
                attempt=str(payment.attempt),
                ref=payment.ref,
                repairs=("return",),
            )


def _stray(provider: str, listed: c.ListedPayment, entry: Entry | None) -> Difference:
    """Money at a provider that our books know nothing of."""
    result = listed.result
    sentence = f"{result.money.format()} at {provider} ({result.ref}) belongs to no order here"
    repairs = ["return"]
    if entry is None:
        sentence += f"; it names {listed.order_number}." if listed.order_number else "."
    else:
        order = entry.order
        sentence += f", though it names order {order.number}."
        if result.money == Money(order.total, order.currency) and order.payment_status == "unpaid":
            repairs.insert(0, "link")
    return Difference(
        kind="stray",
        sentence=sentence,
        number=listed.order_number if entry is not None else "",
        provider=provider,
        attempt=listed.attempt,
        ref=result.ref,
        at=listed.at,
        repairs=tuple(repairs),
    )
