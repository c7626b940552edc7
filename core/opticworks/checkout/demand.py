"""What an order still wants, line by line and part by part, and what of it is with its customer.

The one derivation of it: the bench, refunds, returns and the order's status all ask here, so that
none of them counts what another has taken out. A part of a bundle may be taken out by itself; of
several bundles the last to be packed go without it, and the first to be paid back have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from opticworks.contracts.goods import contents_of, named
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.payments import refunds
from opticworks.shipping import service as shipments
from opticworks.shipping.service import Boxed


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDemand:
    """Where the units of a line are: so many lie in parcels (of which so many have `left` and
    `arrived`), so many were taken out before they left, so many came back.

    `here` counts by SKU the parts of bundles that are still to be packed, `there` those that are
    with the customer; of what is no bundle both are empty."""

    line: OrderLine
    packed: int = 0
    left: int = 0
    arrived: int = 0
    removed: int = 0
    back: int = 0
    here: Mapping[str, int] = field(default_factory=dict)
    there: Mapping[str, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Units that the customer gets, or has: all but those taken out before they left."""
        return self.line.quantity - self.removed

    @property
    def open(self) -> int:
        """Units that are still to be packed."""
        return self.kept - self.packed

    @property
    def sent(self) -> int:
        """Units with the customer that were not paid back; a bundle without parts is none."""
        units = max(0, self.left - self.back)
        if not self.line.components:
            return units
        return min(units, most_units(self.each, self.there))

    @property
    def each(self) -> dict[str, int]:
        """How many of each part are in one bundle."""
        return each_of(self.line)

    def without(self, units: int, before: int = 0) -> dict[str, int]:
        """Which parts so many of the open bundles lack, after as many `before` them."""
        return lacking(self.each, self.here, units, before)

    def lacks(self, units: int, before: int = 0) -> dict[str, int]:
        """Which parts so many of the bundles with the customer lack, after `before` came back."""
        return lacking(self.each, self.there, units, before)


def each_of(line: OrderLine) -> dict[str, int]:
    """How many of each part are in one bundle of that line."""
    return {part["sku"]: part["quantity"] for part in line.components}


def said_without(line: OrderLine, lacks: Mapping[str, int]) -> str:
    """The parts that a bundle lacks, in words: "without 1 × Sensor"; empty for a whole one."""
    if said := said_parts(line, lacks):
        return f"without {said}"
    return ""


def said_parts(line: OrderLine, parts: Mapping[str, int]) -> str:
    """Parts of the line's bundles in one phrase: "2 × Lamp (Black), 1 × Bulb"."""
    return contents_of(
        (count, named(part.get("title") or part["sku"], part.get("options", "")))
        for part in line.components
        if (count := parts.get(part["sku"], 0))
    )


def most_units(each: Mapping[str, int], parts: Mapping[str, int]) -> int:
    """How many bundles there are of these parts, the incomplete ones included."""
    return max((-(-max(0, parts[sku]) // count) for sku, count in each.items()), default=0)


def lacking(
    each: Mapping[str, int], parts: Mapping[str, int], units: int, before: int = 0
) -> dict[str, int]:
    """What is missing from `units` bundles that are made of these parts, whole ones first, after
    as many as `before` were made of them."""
    found = {}
    for sku, count in each.items():
        rest = max(0, parts.get(sku, 0) - before * count)
        if missing := units * count - min(units * count, rest):
            found[sku] = missing
    return found


def of_order(db: Session, order: Order, gone: refunds.Units | None = None) -> dict[int, LineDemand]:
    """What the order wants now, by line id; `gone` if the caller has counted its refunds."""
    gone = gone or refunds.units(refunds.of_order(db, order.id))
    boxed = shipments.boxed(db, order.id)
    return {line.id: line_demand(line, gone, boxed) for line in orders.lines_of(db, order.id)}


def of_orders(db: Session, found: Sequence[Order]) -> dict[int, dict[int, LineDemand]]:
    """What each of these orders wants now, by order id and line id, in as many statements as for
    one."""
    ids = [order.id for order in found]
    gone = refunds.units(refunds.of_order(db, *ids))
    boxed = shipments.boxed(db, *ids)
    return {
        order_id: {line.id: line_demand(line, gone, boxed) for line in lines}
        for order_id, lines in orders.lines_of_orders(db, ids).items()
    }


def line_demand(line: OrderLine, gone: refunds.Units, boxed: Mapping[str, Boxed]) -> LineDemand:
    """What a line wants after these refunds and with these parcels."""
    packed, left = boxed["packed"], boxed["left"]
    removed, back = gone.removed.get(line.id, 0), gone.back.get(line.id, 0)
    here, there = {}, {}
    for sku, each in each_of(line).items():
        key = (line.id, sku)
        inside = packed.units.get(line.id, 0) * each - packed.without.get(key, 0)
        out = removed * each + gone.parts_removed.get(key, 0)
        here[sku] = line.quantity * each - inside - out
        sent = left.units.get(line.id, 0) * each - left.without.get(key, 0)
        there[sku] = sent - back * each - gone.parts_back.get(key, 0)
    return LineDemand(
        line=line,
        packed=packed.units.get(line.id, 0),
        left=left.units.get(line.id, 0),
        arrived=boxed["delivered"].units.get(line.id, 0),
        removed=removed,
        back=back,
        here=here,
        there=there,
    )


def fulfilment(wanted: Mapping[int, LineDemand]) -> str:
    """The order's fulfilment status: from the units that are shipped at all."""
    lines = [each for each in wanted.values() if each.line.ships]
    return shipments.fulfilment(
        {each.line.id: each.kept for each in lines},
        {each.line.id: each.left for each in wanted.values()},
        {each.line.id: each.arrived for each in wanted.values()},
    )
