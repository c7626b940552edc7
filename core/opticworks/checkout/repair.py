"""Putting right what comparing with the providers has found: one deed per difference.

Every repair looks again first, so that a page that is an hour old does nothing to what was put
right meanwhile, and who asked for it is written down before anything is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.checkout import reconcile, staff
from opticworks.checkout import settle as settling
from opticworks.checkout.differences import Difference, net
from opticworks.checkout.settle import Refused
from opticworks.checkout.standing import payment_status
from opticworks.faults import outside
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.payments import service as payments
from opticworks.payments.models import Payment
from opticworks.shop import Shop


class Deed(NamedTuple):
    """A repair in words: the button, and what was done."""

    label: str
    done: str


REPAIRS: Mapping[str, Deed] = {
    "settle": Deed("Settle again", "The order was settled with its provider again."),
    "link": Deed("Link to the order", "The payment belongs to its order now."),
    "return": Deed("Pay back", "The money goes back."),
    "status": Deed("Follow the ledger", "The order shows what its ledger says."),
}


def repair(shop: Shop, known: Difference, deed: str, *, actor: str) -> None:
    """Do one of a difference's repairs. Raises Refused with a sentence when there is nothing to
    repair any more, or it can't be done."""
    try:
        found = [each for each in reconcile.look(shop, known) if deed in each.repairs]
    except c.ProviderError as error:
        raise Refused(
            f"Nothing was changed, because the provider can't be asked: {error}"
        ) from None
    if not found:
        raise Refused("That is not so any more. Nothing was changed; compare again.")
    now = found[0]
    with shop.unit("reconcile") as db:
        attempt = _written(shop, db, now, deed)
        subject = f"order {now.number}" if now.number else f"payment {now.ref}"
        audit.record(db, actor, "payment.reconciled", subject, deed=deed, found=now.sentence)
    try:
        _act(shop, now, deed, attempt, actor)
    except c.ProviderError as error:
        raise Refused(f"It could not be done: {error} Compare again and repeat it.") from None


def _written(shop: Shop, db: Session, found: Difference, deed: str) -> str:
    """What a repair changes in our own books; the attempt that it is about."""
    if deed == "status":
        order = orders.lock(db, found.number)
        if order is not None:
            order.payment_status = payment_status(db, order)
    if deed != "link":
        return found.attempt
    order = orders.lock(db, found.number)
    if order is None:
        raise Refused(f"There is no order {found.number}.")
    payment = None
    if (key := _uuid(found.attempt)) is not None:
        payment = payments.by_attempt(db, key, lock=True)
    if payment is None:
        payment = _adopt(shop, db, found, order.id, order.total, order.currency)
    payment.ref = found.ref
    return str(payment.attempt)


def _adopt(
    shop: Shop, db: Session, found: Difference, order_id: int, total: int, currency: str
) -> Payment:
    """A payment that was made elsewhere becomes an attempt of the order that it names."""
    provider = settling.provider_of(shop, found.provider)
    payment = Payment(
        attempt=_uuid(found.attempt) or uuid.uuid4(),
        order_id=order_id,
        provider=provider.code,
        title=provider.title,
        amount=total,
        currency=currency,
        data={},
        expires_at=shop.now() + timedelta(days=1),
    )
    db.add(payment)
    db.flush()
    return payment


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _act(shop: Shop, found: Difference, deed: str, attempt: str, actor: str) -> None:
    """What a repair asks of a provider, after it was written down."""
    if deed in ("settle", "link"):
        settling.settle(shop, found.number, attempt)
    elif deed == "return":
        if found.kind in ("kept", "twice", "held"):
            staff.return_money(shop, found.number, attempt=attempt, actor=actor)
        else:
            _give_back(shop, found)


def _give_back(shop: Shop, found: Difference) -> None:
    """Void or refund money that no ledger of ours has: all that is left of it, and once."""
    provider = settling.provider_of(shop, found.provider)
    with outside("reconcile"):
        said = provider.fetch(found.ref)
        key = f"reconcile:{found.ref}"
        if said.state == "authorized":
            provider.cancel(found.ref, key)
            return
        left = Money(net(said), said.money.currency)
        answer = provider.refund(found.ref, left, key)
    if answer.state == "failed":
        raise Refused(f"The refund failed: {answer.message or 'the provider gave no reason.'}")
