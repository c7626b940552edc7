"""What a refund is for, entry by entry, and what each comes to. Pure arithmetic in minor units.

A line's entry is the difference between what is gone of it now, in all, and what was paid for it
before: any portions in any order add up to the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opticworks.checkout.demand import most_units
from opticworks.checkout.refund_left import Left, LineLeft, PartLeft, Portion
from opticworks.checkout.settle import Refused
from opticworks.contracts.goods import contents_of
from opticworks.orders import sets
from opticworks.orders.shares import Share, first

Entry = dict[str, Any]


def entries_of(left: Left, portions: Mapping[str, Portion]) -> tuple[Entry, ...]:
    """What these portions come to, by line. Units that stay and were cheaper because of units
    that go have an entry without units, below zero. Raises Refused with a sentence."""
    asked = {each.line.sku: portions.get(each.line.sku, Portion()) for each in left.lines}
    for each in left.lines:
        _check(each, asked[each.line.sku])
    taken = {each.line.sku: _taken(each, asked[each.line.sku]) for each in left.lines}
    offs = _Offs(left, {sku: each.portion for sku, each in taken.items()})
    found = [entry for each in left.lines for entry in _entries(each, taken[each.line.sku], offs)]
    return tuple(_never_below_zero(found))


def asked_for(entries: Iterable[Entry]) -> dict[tuple[str, str, str], int]:
    """What was wished for that these entries were made of, by SKU, place and part ("" for whole
    units): to tell a form that was sent twice from another one."""
    found: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        sku, part = entry["sku"], entry.get("part", "")
        if part:
            counts = {("here", part): entry.get("left_out", 0), ("there", part): entry["back"]}
        else:
            counts = {("there", ""): entry["sent"], ("here", ""): entry["unsent"]}
            for name, count in entry.get("asked", {}).items():
                counts["here", name] = count
        for (where, name), count in counts.items():
            found[sku, where, name] = found.get((sku, where, name), 0) + count
    return {key: count for key, count in found.items() if count}


def wished(portions: Mapping[str, Portion]) -> dict[tuple[str, str, str], int]:
    """The same, of a wish."""
    found = {}
    for sku, portion in portions.items():
        found[sku, "here", ""], found[sku, "there", ""] = portion.unsent, portion.sent
        for part, count in portion.unsent_parts.items():
            found[sku, "here", part] = count
        for part, count in portion.parts.items():
            found[sku, "there", part] = count
    return {key: count for key, count in found.items() if count}


def _check(each: LineLeft, portion: Portion) -> None:
    for wanted, most, where in (
        (portion.unsent, each.unsent, "not sent yet and not paid back"),
        (portion.sent, each.sent, "sent and not paid back"),
    ):
        if not 0 <= wanted <= most:
            raise Refused(f"{most} of {each.line.title} are {where}, not {wanted}.{_boxed(each)}")
    known = {part.sku: part for part in each.parts}
    for where, counts, units, may in (
        ("here", portion.unsent_parts, portion.unsent, "can be taken out by themselves"),
        ("there", portion.parts, portion.sent, "can come back by themselves"),
    ):
        for sku, count in counts.items():
            part = known.get(sku)
            if part is None:
                raise Refused(f"{sku} is not part of {each.line.title}.")
            most = part.left(where, units)
            if not 0 <= count <= most:
                boxed = _boxed(each) if where == "here" else ""
                raise Refused(f"{most} of {part.name} {may}, not {count}.{boxed}")


def _boxed(each: LineLeft) -> str:
    if not each.boxed:
        return ""
    lie = "1 lies" if each.boxed == 1 else f"{each.boxed} lie"
    return f" {lie} in a parcel: take it apart, or void its label, first."


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is really taken of a line: a wish that leaves nothing of a bundle takes the bundle.
    By part: what the units from here and from there had lost before, and what was asked for of
    those that the bundle took along ("" for units)."""

    portion: Portion
    out: Mapping[str, int]
    came: Mapping[str, int]
    asked: Mapping[str, int]


def _taken(each: LineLeft, portion: Portion) -> _Taken:
    came = {part.sku: part.missing("there", portion.sent) for part in each.parts}
    out = {part.sku: part.missing("here", portion.unsent) for part in each.parts}
    parts = {part.sku: portion.unsent_parts.get(part.sku, 0) for part in each.parts}
    asked: dict[str, int] = {}
    stay = {part.sku: part.left("here", portion.unsent) - parts[part.sku] for part in each.parts}
    sizes = {part.sku: part.each for part in each.parts}
    whole = each.unsent - portion.unsent - most_units(sizes, stay)
    if whole > 0 and any(parts.values()):
        units = portion.unsent + whole
        asked = {"": portion.unsent}
        for part in each.parts:
            gone = part.left("here") - stay[part.sku]
            inside = min(units * part.each, gone)
            out[part.sku] = units * part.each - inside
            asked[part.sku] = parts[part.sku] - (gone - inside)
            parts[part.sku] = gone - inside
        portion = replace(portion, unsent=units)
    kept = {sku: count for sku, count in parts.items() if count}
    return _Taken(
        replace(portion, unsent_parts=kept),
        {sku: count for sku, count in out.items() if count},
        {sku: count for sku, count in came.items() if count},
        asked,
    )


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


def _entries(each: LineLeft, taken: _Taken, offs: _Offs) -> Iterator[Entry]:
    line, portion = each.line, taken.portion
    units = portion.unsent + portion.sent
    gone = each.refunded + units
    stay = line.quantity - gone
    label = offs.labels.get(line.sku, "")
    stays: Share | None = None
    if line.sku in offs.was:
        stays = sets.kept(line, stay, offs.was[line.sku], offs.now[line.sku])
        bundles = Share(line.total, line.tax, line.discount) - stays
    else:
        bundles = first(line, gone)
    # Whole bundles bring what they had lost before: it was paid back already.
    counts = {
        part.sku: part.paid - taken.out.get(part.sku, 0) - taken.came.get(part.sku, 0)
        for part in each.parts
    }
    before = each.with_parts(bundles, gone, counts)
    share = before - each.paid
    if units or (stays is not None and share.amount):
        entry = _entry(each, taken, share)
        if not units:
            less = "less" if share.amount < 0 else "more"
            entry["title"] = f"{line.title}: {less} off with “{label}”"
        if stays is not None and stay:
            entry["stays"] = {"units": stay, "amount": stays.amount, "label": label}
        yield entry
    for part in each.parts:
        for key, wanted in (("left_out", portion.unsent_parts), ("back", portion.parts)):
            if count := wanted.get(part.sku, 0):
                counts[part.sku] += count
                after = each.with_parts(bundles, gone, counts)
                yield _part_entry(each, portion, part, key, count, after - before)
                before = after


def _entry(each: LineLeft, taken: _Taken, share: Share) -> Entry:
    line, portion = each.line, taken.portion
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
    # Parts that these bundles had lost before: they are on the shelf already.
    entry |= {key: dict(lost) for key in ("out", "came") if (lost := getattr(taken, key))}
    if taken.asked:
        entry["asked"] = dict(taken.asked)
    if lacks := contents_of(
        (lost, part.name)
        for part in each.parts
        if (lost := taken.out.get(part.sku, 0) + taken.came.get(part.sku, 0))
    ):
        entry["without"] = lacks
    return entry


def _part_entry(
    each: LineLeft, portion: Portion, part: PartLeft, key: str, count: int, share: Share
) -> Entry:
    """An entry of single parts: `key` says whether they were "left_out" of what is sent, or came
    "back"."""
    return {
        "line": each.line.id,
        "sku": each.line.sku,
        "title": f"{part.name}, part of {each.line.title}",
        "name": part.name,
        "of": each.line.title,
        "quantity": 0,
        "count": count,
        "part": part.sku,
        "back": 0,
        key: count,
        "restock": portion.restock,
        "restock_sent": key == "back" and part.tracked and part.sku in portion.restock_parts,
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
