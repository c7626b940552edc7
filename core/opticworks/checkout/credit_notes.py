"""Credit notes: one document for each refund, with what it takes off the invoice.

It is issued in the transaction that writes down that a provider agreed to the refund, whoever
asked for it, under the order's lock; what it is about is the refund's key, so there is one however
often that is told. A refund that fails afterwards has its credit note reversed by another document.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.checkout import credit_split
from opticworks.checkout.credit_split import Charge, Charges, Rate, Taxes
from opticworks.contracts import N_
from opticworks.contracts.goods import named
from opticworks.documents import facts as facts_room
from opticworks.documents import service as documents
from opticworks.documents.models import CREDITS, Document
from opticworks.money import split_minor
from opticworks.orders import service as orders
from opticworks.orders import trace as steps
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments import service as payments
from opticworks.payments.models import Payment, Refund
from opticworks.returns import service as cases
from opticworks.returns.models import Return

KIND, REVERSAL = "credit_note", "credit_reversal"
REVERSED = N_("The refund did not go through, so the credit note named above no longer applies.")


def unsent_request(return_id: uuid.UUID) -> uuid.UUID:
    """The request of the refund for what a withdrawal took out before it left."""
    return uuid.uuid5(return_id, "unsent")


def canceled_request(return_id: uuid.UUID) -> uuid.UUID:
    """The request of the refunds for an order that was canceled by a withdrawal."""
    return uuid.uuid5(return_id, "canceled")


def requests_of(case: Return) -> tuple[uuid.UUID, ...]:
    """The requests of all refunds that are a return's."""
    return unsent_request(case.id), canceled_request(case.id), case.id


# --- which there are ------------------------------------------------------------------------------


def by_refund(
    db: Session, order: Order, rows: Sequence[Refund]
) -> dict[uuid.UUID, tuple[Document, ...]]:
    """The documents of each of the order's refunds by its key: the credit note, and what reversed
    it. Given all of them, the oldest first."""
    if not rows:
        return {}
    papers = [each for each in documents.of_order(db, order.number) if each.kind in CREDITS]
    origins = refunds.origins(rows)
    found = {}
    for row in rows:
        # Credit notes of returns were about their request once.
        about = (str(row.key), str(origins[row.key]))
        found[row.key] = tuple(paper for paper in papers if paper.about in about)
    return found


def standing(papers: Sequence[Document]) -> Document | None:
    """Of a refund's documents the credit note, unless it was reversed."""
    if any(paper.kind == REVERSAL for paper in papers):
        return None
    return next(iter(papers), None)


def links(
    order: Order, papers: Mapping[uuid.UUID, tuple[Document, ...]], base_url: str
) -> dict[uuid.UUID, tuple[str, str]]:
    """Number and customer's address of each credit note that stands, by its refund's key."""
    return {
        key: (note.number, f"{base_url}{orders.path(order)}/documents/{note.id}.pdf")
        for key, found in papers.items()
        if (note := standing(found)) is not None
    }


def by_return(
    returned: Sequence[Return],
    rows: Sequence[Refund],
    linked: Mapping[uuid.UUID, tuple[str, str]],
) -> dict[uuid.UUID, tuple[tuple[str, str], ...]]:
    """Of `links` those of each return, each once."""
    origins = refunds.origins(rows)
    return {
        case.id: tuple(
            dict.fromkeys(
                linked[row.key]
                for row in rows
                if row.key in linked and origins[row.key] in requests_of(case)
            )
        )
        for case in returned
    }


# --- issuing --------------------------------------------------------------------------------------


def follow(ctx: c.Ctx, order: Order, payment: Payment, refund: Refund) -> None:
    """Write down what a refund's state means for the invoice. The order is locked.

    Nothing for money that was never invoiced: what came twice or too late goes back as it came,
    and an order without an invoice has nothing to be credited for. A return is told apart: its
    goods are back, so its customer gets a credit note in any case.
    """
    if payment.returned:
        return
    rows = refunds.of_order(ctx.db, order.id)
    known = by_refund(ctx.db, order, rows)[refund.key]
    if refund.status in refunds.ACCEPTED and not known:
        case = _case_of(ctx.db, order, refund, rows)
        invoice = documents.find(ctx.db, "invoice", order.number)
        if invoice is None and case is None:
            return
        note = _issue(ctx, order, refund, invoice)
        if note is not None and case is not None:
            cases.tell(ctx.db, case, "credit_note", note=note.number)
    note = standing(known)
    if refund.status == "failed" and note is not None and note.about == str(refund.key):
        _issue_as(ctx, order, REVERSAL, refund, _reversed(ctx, note))


def write_invoice(ctx: c.Ctx, view: c.OrderView) -> Document | None:
    """The order's invoice, issued now if it has none, with a credit note for each refund that was
    quicker; None while the order is not paid."""
    order = orders.lock(ctx.db, view.number)
    invoice = documents.invoice_of(ctx.db, view, ctx.settings, ctx.now)
    if invoice is None or order is None:
        return invoice
    if rows := refunds.of_order(ctx.db, order.id):
        paid_with = {payment.id: payment for payment in payments.of_order(ctx.db, order.id)}
        for refund in rows:
            follow(ctx, order, paid_with[refund.payment_id], refund)
    return invoice


def _case_of(db: Session, order: Order, refund: Refund, rows: Sequence[Refund]) -> Return | None:
    """The return that a refund belongs to."""
    origin = refunds.origins(rows)[refund.key]
    return next((c for c in cases.of_order(db, order.id) if origin in requests_of(c)), None)


def _issue(ctx: c.Ctx, order: Order, refund: Refund, invoice: Document | None) -> Document | None:
    """The credit note of a refund; None if all was credited already."""
    left = _left(ctx.db, order)
    amount = min(refund.amount, sum(charge.gross for charge in left.values()))
    if amount <= 0:
        return None
    parts = _parts(ctx.db, order, refund)
    wanted: Charges = {}
    for part in parts:
        credit_split.add(wanted, part.rates, part.charge)
    taken = credit_split.split(left, wanted, amount)
    facts = _facts(ctx, order, refund, parts, taken, invoice)
    return _issue_as(ctx, order, KIND, refund, facts)


def _issue_as(
    ctx: c.Ctx, order: Order, kind: str, refund: Refund, facts: Mapping[str, Any]
) -> Document:
    series = ctx.settings["returns"].credit_prefix
    return documents.issue(
        ctx.db, kind, order.number, series, facts, ctx.now, about=str(refund.key)
    )


# --- what it comes to -----------------------------------------------------------------------------


def _trace(order: Order) -> list[c.Adjustment]:
    return [steps.from_json(raw, order.currency) for raw in order.trace]


def _left(db: Session, order: Order) -> Charges:
    """What of the invoice is not credited: an invoice is of the whole order."""
    left = credit_split.charged(_trace(order))
    for paper in documents.of_order(db, order.number):
        if paper.kind in CREDITS:
            stored = paper.facts.get("credits")
            if stored is None:  # from before it was kept
                most = min(paper.facts["total"], sum(each.gross for each in left.values()))
                credited = credit_split.split(left, {}, most)
            else:
                credited = credit_split.from_json(stored)
            for rates, charge in credited.items():
                credit_split.add(left, rates, charge, -1)
    return left


class _Part(NamedTuple):
    """What is paid back of one target of the order's calculation: with its taxes, each of them by
    its rate, and how much of them was added to prices that don't contain it."""

    rates: tuple[Rate, ...]
    gross: int
    taxes: Taxes
    added: int

    @property
    def charge(self) -> Charge:
        return Charge(self.gross, self.taxes)


def _parts(db: Session, order: Order, refund: Refund) -> list[_Part]:
    """Each entry of a refund, and its delivery as the last."""
    targets = credit_split.by_target(_trace(order))
    lines = {line.id: line for line in orders.lines_of(db, order.id)}
    found = []
    for entry in refund.lines.get("lines", []):
        inside = (each for each in lines[entry["line"]].components if "part" in entry)
        component = next((each for each in inside if each["sku"] == entry["part"]), None)
        on = targets.get(f"line:{entry['sku']}", ())
        found.append(_part(on, entry["amount"], entry["tax"], component))
    on, shipping = targets.get("shipping", ()), refund.lines.get("shipping", 0)
    tax = sum(step.amount.minor for step in _taxes(on) if not step.included)
    tax = credit_split.share(tax, shipping, order.shipping_total)
    return [*found, _part(on, shipping, tax, None)]


def _taxes(on: Iterable[c.Adjustment]) -> list[c.Adjustment]:
    return [step for step in on if step.stage == "tax" and step.amount]


def _part(
    on: Sequence[c.Adjustment], gross: int, tax: int, component: Mapping[str, Any] | None
) -> _Part:
    """`tax` is what was added to the price; what the price contains is its share of what the whole
    contains, or of what that part of a bundle does."""
    taxes = _taxes(on)
    if component is not None:
        taxes = [s for s in taxes if not s.parts or component["sku"] in s.parts] or taxes
    added = [step for step in taxes if not step.included]
    inside = [step for step in taxes if step.included]
    found = list(zip(added, _split(tax, added), strict=True))
    if component is not None:
        within = credit_split.share(component.get("tax", 0), gross, component["share"])
        found += zip(inside, _split(within, inside), strict=True)
    else:
        whole = sum(step.amount.minor for step in on if not step.included)
        found += [(s, credit_split.share(s.amount.minor, gross, whole)) for s in inside]
    by_rate: Taxes = {}
    for step, share in found:
        rate = credit_split.rate_of(step)
        by_rate[rate] = by_rate.get(rate, 0) + share
    return _Part(credit_split.rates_of(on), gross, by_rate, tax if added else 0)


def _split(tax: int, over: Sequence[c.Adjustment]) -> list[int]:
    return split_minor(tax, [abs(step.amount.minor) for step in over]) if over else []


# --- what stands on it ----------------------------------------------------------------------------


def _facts(
    ctx: c.Ctx,
    order: Order,
    refund: Refund,
    parts: Sequence[_Part],
    taken: Charges,
    invoice: Document | None,
) -> dict[str, Any]:
    """As opticworks.documents.facts has it: prices with or without their taxes, as on the invoice;
    to the buyer whom that names, wherever the order is sent by now."""
    shop = ctx.settings["shop"].written_in(order.locale)
    zone = ZoneInfo(shop.timezone)
    address = c.Address.model_validate(order.address)
    buyer = {name: invoice.facts[name] for name in ("buyer", "buyer_tax_id")} if invoice else {}
    included = all(step.included for step in _taxes(_trace(order)))
    total = sum(charge.gross for charge in taken.values())
    taxes = credit_split.rows(taken)
    lines, sums = _rows(ctx.db, order, refund, parts, total, () if included else taxes)
    return {
        "kind": KIND,
        "issued": ctx.now.astimezone(zone).date().isoformat(),
        "order": order.number,
        "placed": order.placed_at.astimezone(zone).date().isoformat(),
        **facts_room.parties(address, shop, ctx.settings["documents"]),
        **buyer,
        "currency": order.currency,
        "lines": lines,
        "sums": [each for each in sums if each["amount"]],
        "total": total,
        "taxes": taxes,
        "tax_included": included,
        "remarks": [],
        "paid": "",
        "refers_to": invoice.number if invoice is not None else "",
        "credits": credit_split.to_json(taken),
    }


def _rows(
    db: Session,
    order: Order,
    refund: Refund,
    parts: Sequence[_Part],
    total: int,
    added: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows, and what leads from them to the total. `added`: taxes that prices don't contain.

    What was paid back beside the items is the adjustment, which has a row of its own where there
    are no items.
    """
    *items, delivery = (part.gross - part.added if added else part.gross for part in parts)
    taxes = [_sum("tax", row["label"], row["tax"], row["rate"]) for row in added]
    adjusted = total - sum(items) - delivery - sum(each["amount"] for each in taxes)
    title = (order.shipping or {}).get("title", "")
    entries = refund.lines.get("lines", [])
    if entries:
        options = {line.sku: line.options for line in orders.lines_of(db, order.id)}
        rows = [
            _line(entry, price, options.get(entry["sku"], ""))
            for entry, price in zip(entries, items, strict=True)
        ]
        sums = [
            _sum("subtotal", "", sum(items)),
            _sum("shipping", title, delivery),
            *taxes,
            _sum("adjustment", "Adjustment", adjusted),
        ]
        return rows, sums
    name = N_("Price reduction") if adjusted > 0 else N_("Adjustment")
    own = ((N_("Shipping"), title, delivery), (name, "", adjusted))
    rows = [_own(name, note, price) for name, note, price in own if price]
    return rows, [_sum("subtotal", "", delivery + adjusted), *taxes]


def _sum(kind: str, label: str, amount: int, rate: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "label": label, "amount": amount, "rate": rate}


def _own(title: str, note: str, price: int) -> dict[str, Any]:
    """A row in the shop's own words."""
    row = {"title": title, "note": note, "quantity": 1, "unit": price, "total": price}
    return {**row, "ours": True}


def _line(entry: Mapping[str, Any], price: int, options: str) -> dict[str, Any]:
    """A row for what is paid back of a line; without the price of one where it is no round one."""
    quantity = max(1, refunds.count_of(entry))
    return {
        "title": entry.get("name") or named(entry["title"], options),
        "note": entry.get("part") or entry["sku"],
        "of": entry.get("of", ""),
        "without": entry.get("without", ""),
        "quantity": quantity,
        "unit": None if price % quantity else price // quantity,
        "total": price,
    }


def _reversed(ctx: c.Ctx, note: Document) -> dict[str, Any]:
    """A credit note's facts with every amount below zero."""
    facts = note.facts
    zone = ZoneInfo(ctx.settings["shop"].timezone)
    return {
        **facts,
        "kind": REVERSAL,
        "issued": ctx.now.astimezone(zone).date().isoformat(),
        "lines": [_negative(line, "unit", "total") for line in facts["lines"]],
        "sums": [_negative(row, "amount") for row in facts["sums"]],
        "total": -facts["total"],
        "taxes": [_negative(row, "net", "tax") for row in facts["taxes"]],
        "remarks": [REVERSED],
        "reverses": note.number,
        "credits": [
            {
                "gross": -each["gross"],
                "taxes": [[label, rate, -tax] for label, rate, tax in each["taxes"]],
            }
            for each in facts["credits"]
        ],
    }


def _negative(row: Mapping[str, Any], *amounts: str) -> dict[str, Any]:
    changed = {name: -row[name] for name in amounts if row[name] is not None}
    return {**row, **changed}
