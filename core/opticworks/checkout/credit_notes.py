"""Credit notes: one document for each refund of a return, with what it takes off the invoice."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.contracts.goods import named
from opticworks.documents import facts as facts_room
from opticworks.documents import service as documents
from opticworks.documents.models import Document
from opticworks.money import split_minor
from opticworks.orders import service as orders
from opticworks.orders import trace as steps
from opticworks.orders.models import Order
from opticworks.payments import refunds
from opticworks.payments.models import Refund
from opticworks.returns.models import Return

KIND = "credit_note"


def unsent_request(return_id: uuid.UUID) -> uuid.UUID:
    """The request of the refund for what a withdrawal took out before it left."""
    return uuid.uuid5(return_id, "unsent")


def known(db: Session, order: Order, request: uuid.UUID) -> bool:
    """Whether that refund has its credit note."""
    return documents.find(db, KIND, order.number, str(request)) is not None


def by_return(
    db: Session, order: Order, returned: Sequence[Return], base_url: str
) -> dict[uuid.UUID, tuple[tuple[str, str], ...]]:
    """Number and address of each credit note, by return."""
    if not returned:
        return {}
    issued = {
        paper.about: (paper.number, f"{base_url}{orders.path(order)}/documents/{paper.id}.pdf")
        for paper in documents.of_order(db, order.number)
        if paper.kind == KIND
    }
    found = {}
    for case in returned:
        requests = (str(unsent_request(case.id)), str(case.id))
        found[case.id] = tuple(issued[each] for each in requests if each in issued)
    return found


def issue(ctx: c.Ctx, order: Order, request: uuid.UUID, rows: Sequence[Refund]) -> Document:
    """The credit note of these refunds of one request, in the order's transaction."""
    invoice = documents.find(ctx.db, "invoice", order.number)
    return documents.issue(
        ctx.db,
        KIND,
        order.number,
        ctx.settings["returns"].credit_prefix,
        _facts(ctx, order, rows, invoice.number if invoice is not None else ""),
        ctx.now,
        about=str(request),
    )


def _facts(ctx: c.Ctx, order: Order, rows: Sequence[Refund], refers_to: str) -> dict[str, Any]:
    """What stands on it, as opticworks.documents.facts has it: prices with or without their taxes,
    as on the invoice."""
    shop = ctx.settings["shop"].written_in(order.locale)
    zone = ZoneInfo(shop.timezone)
    entries = [entry for row in rows for entry in row.lines.get("lines", [])]
    shipping = sum(row.lines.get("shipping", 0) for row in rows)
    total = sum(row.amount for row in rows)
    *items, delivery = parts = _parts(order, entries, shipping)
    taxes = _taxes(order, parts)
    listed = sum(row["tax"] for row in taxes)
    # Only what is named as a tax below may be left out of the prices.
    included = not _added(order) or listed != sum(part.tax for part in parts)
    prices = [part.gross if included else part.gross - part.tax for part in parts]
    title = (order.shipping or {}).get("title", "")
    sums = [("subtotal", "", sum(prices[:-1]), None), ("shipping", title, prices[-1], None)]
    if not included:
        sums += [("tax", row["label"], row["tax"], row["rate"]) for row in taxes]
    adjusted = total - sum(part.gross for part in (*items, delivery))
    sums.append(("adjustment", "Adjustment", adjusted, None))
    options = {line.sku: line.options for line in orders.lines_of(ctx.db, order.id)}
    return {
        "kind": KIND,
        "issued": ctx.now.astimezone(zone).date().isoformat(),
        "order": order.number,
        "placed": order.placed_at.astimezone(zone).date().isoformat(),
        **facts_room.parties(
            c.Address.model_validate(order.address), shop, ctx.settings["documents"]
        ),
        "currency": order.currency,
        "lines": [
            _line(entry, price, options.get(entry["sku"], ""))
            for entry, price in zip(entries, prices, strict=False)
        ],
        "sums": [
            {"kind": kind, "label": label, "amount": amount, "rate": rate}
            for kind, label, amount, rate in sums
            if amount
        ],
        "total": total,
        "taxes": taxes,
        "tax_included": included,
        "remarks": [],
        "paid": "",
        "refers_to": refers_to,
    }


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


class _Part(NamedTuple):
    """What is paid back of one target of the order's calculation, with and of which is tax."""

    target: str
    gross: int
    tax: int


def _charged(order: Order) -> dict[str, list[c.Adjustment]]:
    """The taxes of the order, by what they are on."""
    found: dict[str, list[c.Adjustment]] = {}
    for raw in order.trace:
        step = steps.from_json(raw, order.currency)
        if step.stage == "tax" and step.amount:
            found.setdefault(step.target, []).append(step)
    return found


def _added(order: Order) -> bool:
    """Whether taxes were added to the order's prices, and not contained in them."""
    return any(not step.included for of_it in _charged(order).values() for step in of_it)


def _parts(order: Order, entries: Sequence[Mapping[str, Any]], shipping: int) -> list[_Part]:
    """Each entry, and the delivery as the last."""
    tax = 0
    if shipping and order.shipping_total:
        whole = sum(step.amount.minor for step in _charged(order).get("shipping", ()))
        tax = round(whole * shipping / order.shipping_total)
    items = [_Part(f"line:{entry['sku']}", entry["amount"], entry["tax"]) for entry in entries]
    return [*items, _Part("shipping", shipping, tax)]


def _taxes(order: Order, parts: Sequence[_Part]) -> list[dict[str, Any]]:
    """Each tax that is given back, by its rate: as the order had them, in proportion."""
    charged = _charged(order)
    found: dict[tuple[str, str | None], list[int]] = {}
    for target, gross, tax in parts:
        of_it = charged.get(target, ())
        if not of_it or not tax:
            continue
        shares = split_minor(tax, [abs(step.amount.minor) for step in of_it])
        for step, share in zip(of_it, shares, strict=True):
            rate = str(step.rate) if step.rate is not None else None
            row = found.setdefault((step.label, rate), [0, 0])
            row[0] += gross - tax
            row[1] += share
    return [
        {"label": label, "rate": rate, "net": net, "tax": tax}
        for (label, rate), (net, tax) in found.items()
    ]
