"""What a refund is for, entry by entry, and what each comes to. Pure arithmetic in minor units.

A line's entry is the difference between what is gone of it now, in all, and what was paid for it
before: any portions in any order add up to the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opticworks.checkout.refund_left import Left, LineLeft, PartLeft, Portion
from opticworks.checkout.settle import Refused
from opticworks.orders import sets
from opticworks.orders.shares import Share, first

Entry = dict[str, Any]


def entries_of(left: Left, portions: Mapping[str, Portion]) -> tuple[Entry, ...]:
    """What these portions come to, by line. Units that stay and were cheaper because of units
    that go have an entry without units, below zero. Raises Refused with a sentence."""
    wanted = {each.line.sku: portions.get(each.line.sku, Portion()) for each in left.lines}
    for each in left.lines:
        _check(each, wanted[each.line.sku])
    offs = _Offs(left, wanted)
    found = [entry for each in left.lines for entry in _entries(each, wanted[each.line.sku], offs)]
    return tuple(_never_below_zero(found))


def _check(each: LineLeft, portion: Portion) -> None:
    for wanted, most, where in (
        (portion.unsent, each.unsent, "not sent yet and not paid back"),
        (portion.sent, each.sent, "sent and not paid back"),
    ):
        if not 0 <= wanted <= most:
            raise Refused(f"{most} of {each.line.title} are {where}, not {wanted}.")
    known = {part.sku: part for part in each.parts}
    for sku, count in portion.parts.items():
        part = known.get(sku)
        if part is None:
            raise Refused(f"{sku} is not part of {each.line.title}.")
        most = each.parts_left(part, portion.sent)
        if not 0 <= count <= most:
            raise Refused(f"{most} of {part.name} can come back by themselves, not {count}.")


class _Offs:
    """What discounts for buying several together take off each line: when the order was placed,
    and off what stays of it."""

    def __init__(self, left: Left, wanted: Mapping[str, Portion]) -> None:
        lines = {each.line.sku: each for each in left.lines}
        prices = {sku: each.line.unit_price for sku, each in lines.items()}
        stay = {
            sku: each.line.quantity - each.refunded - wanted[sku].unsent - wanted[sku].sent
            for sku, each in lines.items()
        }
        self.was: dict[str, int] = {}
        self.now: dict[str, int] = {}
        self.labels: dict[str, str] = {}
        for discount in left.sets:
            still = discount.still(stay, prices)
            for sku, off in discount.off.items():
                self.was[sku] = self.was.get(sku, 0) + off
                self.now[sku] = self.now.get(sku, 0) + still[sku]
                self.labels.setdefault(sku, discount.label)
            for sku in (*discount.terms.buys, *discount.terms.gets):
                self.labels.setdefault(sku, discount.label)


def _entries(each: LineLeft, portion: Portion, offs: _Offs) -> Iterator[Entry]:
    line, units = each.line, portion.unsent + portion.sent
    gone = each.refunded + units
    stay = line.quantity - gone
    label = offs.labels.get(line.sku, "")
    stays: Share | None = None
    if line.sku in offs.was:
        stays = sets.kept(line, stay, offs.was[line.sku], offs.now[line.sku])
        bundles = Share(line.total, line.tax, line.discount) - stays
    else:
        bundles = first(line, gone)
    counts = {part.sku: part.paid for part in each.parts}
    before = each.with_parts(bundles, gone, counts)
    share = before - each.paid
    if units or (stays is not None and share.amount):
        entry = _entry(each, portion, share)
        if not units:
            less = "less" if share.amount < 0 else "more"
            entry["title"] = f"{line.title}: {less} off with “{label}”"
        if stays is not None and stay:
            entry["stays"] = {"units": stay, "amount": stays.amount, "label": label}
        yield entry
    for part in each.parts:
        if count := portion.parts.get(part.sku, 0):
            counts[part.sku] += count
            after = each.with_parts(bundles, gone, counts)
            yield _part_entry(each, portion, part, count, after - before)
            before = after


def _entry(each: LineLeft, portion: Portion, share: Share) -> Entry:
    line = each.line
    entry: Entry = {
        "line": line.id,
        "sku": line.sku,
        "title": line.title,
        "quantity": portion.unsent + portion.sent,
        "unsent": portion.unsent,
        "sent": portion.sent,
        "restock": portion.restock,
        "restock_sent": portion.restock_sent,
        "amount": share.amount,
        "tax": share.tax,
        "discount": share.discount,
    }
    # Parts of the bundles that come back now and came back before, so that they aren't counted
    # onto the shelf twice.
    came = {
        part.sku: missing
        for part in each.parts
        if (missing := part.back - (each.sent - portion.sent) * part.each) > 0
    }
    if portion.sent and came:
        room = {part.sku: part.each * portion.sent for part in each.parts}
        entry["came"] = {sku: min(missing, room[sku]) for sku, missing in came.items()}
    return entry


def _part_entry(
    each: LineLeft, portion: Portion, part: PartLeft, count: int, share: Share
) -> Entry:
    return {
        "line": each.line.id,
        "sku": each.line.sku,
        "title": f"{part.name}, part of {each.line.title}",
        "quantity": 0,
        "count": count,
        "part": part.sku,
        "back": count,
        "restock_sent": part.tracked and part.sku in portion.restock_parts,
        "amount": share.amount,
        "tax": share.tax,
        "discount": share.discount,
    }


def _never_below_zero(entries: list[Entry]) -> list[Entry]:
    """Nobody has to pay for sending something back: what can't be taken back now is when more
    comes back."""
    lacking = -sum(entry["amount"] for entry in entries)
    for entry in entries:
        if lacking > 0 > entry["amount"]:
            less = min(lacking, -entry["amount"])
            lacking -= less
            entry["tax"] = round(entry["tax"] * (entry["amount"] + less) / entry["amount"])
            entry["amount"] += less
    return entries
