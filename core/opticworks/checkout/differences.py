"""What orders, the ledger and the providers don't agree on, once all three were read. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from opticworks import contracts as c
from opticworks.checkout.standing import projected
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.payments import disputes
from opticworks.payments.models import Payment
from opticworks.payments.service import FINAL, HAS_MONEY, RANK

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


def silent(vendors: Vendors) -> Iterator[Difference]:
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
    about = _about(order, payment)
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


def _about(order: Order, payment: Payment) -> Difference:
    """A difference about that attempt, of which it is still to be said what it is."""
    return Difference(
        kind="",
        sentence="",
        number=order.number,
        provider=payment.provider,
        attempt=str(payment.attempt),
        ref=payment.ref,
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
        yield replace(
            _about(order, last),
            kind="kept",
            sentence=f"Order {order.number} is canceled, but {said} of it was not paid back.",
            repairs=("return",),
        )
    elif last is not None and held - refunding > order.total:
        yield replace(
            _about(order, last),
            kind="twice",
            sentence=f"Order {order.number} costs {Money(order.total, order.currency).format()}, "
            f"but {said} was kept for it.",
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
            yield replace(
                _about(order, payment),
                kind="held",
                sentence=f"Order {order.number} is canceled, but {_money(payment, payment.amount)} "
                f"of it is still authorized through {payment.title}.",
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
