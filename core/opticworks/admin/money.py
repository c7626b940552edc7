"""The money of an order as its page shows it: sums, attempts, refunds, disputes, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from opticworks.admin import words
from opticworks.admin.words import Word
from opticworks.checkout import credit_notes
from opticworks.documents.models import Document
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.payments import disputes, refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Dispute, Payment, Refund


@dataclass(frozen=True, slots=True)
class Sum:
    """A line of the balance. `strong` is what it comes to."""

    label: str
    amount: Money
    strong: bool = False
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt, a refund or a dispute: what, how much, how it stands, a sentence, a link.
    `key` is that of a refund that waits for somebody; `papers` are its credit note and what
    reversed that."""

    title: str
    amount: Money
    word: Word
    at: datetime
    sentence: str = ""
    detail: str = ""
    url: str = ""
    key: str = ""
    papers: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """The order's money. `left` is what can be paid back now."""

    sums: tuple[Sum, ...]
    attempts: tuple[Entry, ...]
    refunds: tuple[Entry, ...]
    disputes: tuple[Entry, ...]
    left: Money


def of_order(db: Session, order: Order) -> Panel:
    attempts = {payment.id: payment for payment in payments.of_order(db, order.id)}
    left = sum(source.left for source in refunds.sources(db, order.id))
    rows = refunds.of_order(db, order.id)
    papers = credit_notes.by_refund(db, order, rows)
    return Panel(
        sums=tuple(_sums(db, order)),
        attempts=tuple(_attempt(each) for each in attempts.values()),
        refunds=tuple(_refund(each, attempts[each.payment_id], papers[each.key]) for each in rows),
        disputes=tuple(_dispute(each, order.currency) for each in disputes.of_order(db, order.id)),
        left=Money(left, order.currency),
    )


def _sums(db: Session, order: Order) -> Sequence[Sum]:
    sums = payments.sums(db, order.id)

    def line(label: str, minor: int, strong: bool = False, tone: str = "") -> Sum:
        return Sum(label, Money(minor, order.currency), strong, tone)

    rows = [line("Order total", order.total)]
    if sums.authorized:
        rows.append(line("Authorized, not taken yet", sums.authorized))
    rows.append(line("Received", sums.captured))
    if sums.refunded:
        rows.append(line("Refunded", -sums.refunded))
    if sums.lost:
        rows.append(line("Lost to disputes", -sums.lost, tone="bad"))
    if sums.captured:
        rows.append(line("Kept", sums.kept, strong=True))
    if sums.refunding:
        rows.append(line("Being refunded", sums.refunding, tone="waiting"))
    if sums.disputed:
        rows.append(line("Disputed by the bank", sums.disputed, tone="bad"))
    if sums.outstanding and order.status != "canceled":
        rows.append(line("Outstanding", sums.outstanding, strong=True, tone="waiting"))
    return rows


def _attempt(payment: Payment) -> Entry:
    sentence = payment.message
    if payment.surplus:
        sentence = "The order was paid already, so this payment goes back by itself."
    return Entry(
        title=payment.title,
        amount=Money(payment.amount, payment.currency),
        word=words.of(words.ATTEMPT, payment.status),
        at=payment.created_at,
        sentence=sentence,
        detail=payment.ref,
    )


def _refund(refund: Refund, payment: Payment, papers: tuple[Document, ...]) -> Entry:
    said = refund.message
    sentence = {
        "intended": f"{payment.title} has not answered yet. It is asked again by itself, and pays "
        "back once at most.",
        "pending": f"{payment.title} has accepted it. It takes some days until it arrives.",
        "done": said,
        "failed": f"{said or 'The provider gave no reason.'} The money is still the shop's.",
    }[refund.status]
    parts = [refunds.said(entry) for entry in refund.lines.get("lines", [])]
    if refund.lines.get("shipping"):
        parts.append("delivery")
    reason = words.REFUND_REASONS.get(refund.reason) or (
        words.reason(refund.reason) if refund.reason else ""
    )
    about = ", ".join(parts) or ("" if refund.lines else "An amount")
    return Entry(
        title=payment.title,
        amount=Money(refund.amount, payment.currency),
        word=words.of(words.REFUND, refund.status),
        at=refund.settled_at or refund.created_at,
        sentence=sentence,
        detail=" · ".join(part for part in (about, reason, refund.note, refund.actor) if part),
        key=str(refund.key) if refund.unseen else "",
        papers=papers,
    )


def _dispute(dispute: Dispute, currency: str) -> Entry:
    sentence = {
        "needs_response": "The customer's bank wants this money back. Answer at the provider with "
        "what proves the sale, and send nothing meanwhile.",
        "under_review": "The bank looks at the evidence. Nothing is to be done until it decides.",
        "won": "The bank decided for the shop.",
        "lost": "The bank decided for the customer and kept the money.",
    }[dispute.status]
    due = dispute.due_by if disputes.is_open(dispute) else None
    return Entry(
        title=(dispute.reason or "Dispute").capitalize(),
        amount=Money(dispute.amount, currency),
        word=words.of(words.DISPUTE, dispute.status),
        at=due or dispute.closed_at or dispute.opened_at,
        sentence=sentence,
        detail="due" if due else "",
        url=dispute.url,
    )


@dataclass(frozen=True, slots=True)
class Item:
    """What an entry of a refund comes to, and what it leaves: "2 stay and cost $20.00"."""

    title: str
    amount: Money
    stays: str = ""


def items(entries: Iterable[Mapping[str, Any]], currency: str) -> tuple[Item, ...]:
    """The entries of a refund, one by one."""
    return tuple(
        Item(refunds.said(entry), Money(entry["amount"], currency), _stays(entry, currency))
        for entry in entries
    )


def _stays(entry: Mapping[str, Any], currency: str) -> str:
    """What is left of goods that were bought together, and costs what."""
    if "stays" not in entry:
        return ""
    units, cost = entry["stays"]["units"], Money(entry["stays"]["amount"], currency).format()
    verb = "stays and costs" if units == 1 else "stay and cost"
    return f"{units} {verb} {cost} with “{entry['stays']['label']}”"
