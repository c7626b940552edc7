"""Comparing what orders, the ledger and the providers say of the same money.

Settling keeps them together; this finds what slipped through: a webhook that never came while the
sweeper was down, a hand in the database, a payment made or paid back in a provider's dashboard.
Comparing writes nothing, and it asks the providers first, so that what moves meanwhile is at most
newer here than there. What differs is told in `differences.py`; repairing is in `repair.py`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout.differences import (
    Difference,
    Entry,
    Kept,
    Vendors,
    differences,
    silent,
)
from opticworks.faults import outside
from opticworks.orders.models import Order
from opticworks.payments.models import Dispute, Payment, PaymentEvent
from opticworks.payments.service import FINAL
from opticworks.shop import Shop

#: Seconds in which a payment may still be on its way through here: younger ones are left alone.
SETTLING = 120


class TooMany(Exception):
    """There is more to compare than the caller wants to wait for."""


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
    return [*silent(vendors), *differences(book, vendors, quiet)]


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
