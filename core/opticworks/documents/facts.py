"""What stands on an invoice, a credit note or the reversal of one, as plain JSON: frozen when it
is issued.

Amounts are minor units of `currency`. Whoever issues another kind of document fills the same
keys, and `opticworks.documents.sheet` draws it:

    kind, issued, order, placed     the day of issue and of the order (ISO), the order's number
    seller, buyer, ship_to          lines of an address; `ship_to` is empty where it is the buyer's
    tax_ids, buyer_tax_id           as they are printed
    lines                           title, note, quantity, unit, total: one row each; `unit` is None
                                    where the total is no multiple of one price, `of` names the
                                    bundle of a single part, `without` what a bundle lacks;
                                    `ours`: its title is the shop's own word, and translated
    sums, total                     kind, label, amount, rate: what leads from the rows to the total
    taxes                           label, rate, net, tax: one row per rate, and
    tax_included                    whether the prices contain them
    remarks, paid, refers_to        sentences; how it was paid; the number that a credit note is of
    reverses                        the number of the credit note that a reversal is of
    credits                         what is taken off each rate (checkout.credit_split), for the
                                    next credit note to count with
    locale, paper, footer           how it looks
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from opticworks import contracts as c
from opticworks.contracts.goods import named
from opticworks.web.totals import totals


def invoice(
    order: c.OrderView, shop: c.ShopSettings, papers: c.DocumentSettings, issued: date
) -> dict[str, Any]:
    """The facts of an order's invoice."""
    sums = totals(order)
    placed = order.placed_at.astimezone(ZoneInfo(shop.timezone)).date()
    return {
        "kind": "invoice",
        "issued": issued.isoformat(),
        "order": order.number,
        "placed": placed.isoformat(),
        **parties(order.address, shop, papers),
        "currency": order.currency,
        "lines": [
            {
                "title": named(line.title, line.options),
                "note": " · ".join(part for part in (line.sku, line.contents) if part),
                "quantity": line.quantity,
                "unit": line.unit_price.minor,
                "total": line.subtotal.minor,
            }
            for line in order.lines
        ],
        "sums": [
            {
                "kind": row.kind,
                "label": row.label or order.shipping_title if row.kind == "shipping" else row.label,
                "amount": row.amount.minor,
                "rate": str(row.rate) if row.rate is not None else None,
            }
            for row in sums.rows
        ],
        "total": order.total.minor,
        "taxes": taxes(order.trace),
        "tax_included": bool(sums.included),
        "remarks": list(sums.remarks),
        "paid": order.payment.title if order.payment is not None else "",
        "refers_to": "",
    }


def parties(address: c.Address, shop: c.ShopSettings, papers: c.DocumentSettings) -> dict[str, Any]:
    """Who writes the document and to whom, and how it looks."""
    own = [line.strip() for line in papers.seller.splitlines() if line.strip()]
    origin = lines_of(shop.origin, shop.locale)
    if shop.name not in origin[:2]:
        origin = [shop.name, *origin]
    return {
        "seller": own or origin,
        "contact": shop.email,
        "tax_ids": [line.strip() for line in papers.tax_ids.splitlines() if line.strip()],
        "buyer": lines_of(address, shop.locale),
        "buyer_tax_id": address.vat_id,
        "locale": shop.locale,
        "paper": papers.paper,
        "footer": papers.footer,
    }


def lines_of(address: c.Address, locale: str) -> list[str]:
    """An address as it is written on an envelope."""
    country = Locale.parse(locale).territories.get(address.country, address.country)
    parts = (address.name, address.company, address.line1, address.line2, address.town, country)
    return [text for part in parts if (text := str(part).strip(" ,"))]


def taxes(trace: Sequence[c.Adjustment]) -> list[dict[str, Any]]:
    """Each tax by its rate: what it is on, without any tax, and how much it is."""
    net: dict[str, int] = {}
    for step in trace:
        if step.stage != "tax":
            net[step.target] = net.get(step.target, 0) + step.amount.minor
        elif step.included:
            net[step.target] = net.get(step.target, 0) - step.amount.minor
    found: dict[tuple[str, Decimal | None], tuple[set[str], int]] = {}
    for step in trace:
        if step.stage == "tax" and step.amount:
            targets, tax = found.get((step.label, step.rate), (set(), 0))
            found[step.label, step.rate] = ({*targets, step.target}, tax + step.amount.minor)
    return [
        {
            "label": label,
            "rate": str(rate) if rate is not None else None,
            "net": sum(net.get(target, 0) for target in targets),
            "tax": tax,
        }
        for (label, rate), (targets, tax) in found.items()
    ]
