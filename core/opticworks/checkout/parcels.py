"""What staff pack: an order's lines put into parcels, over as many days as it takes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.audit import service as audit
from opticworks.checkout import capturing, demand
from opticworks.checkout.demand import LineDemand
from opticworks.checkout.settle import Refused
from opticworks.money import Money
from opticworks.notifications.service import emit
from opticworks.orders import service as orders
from opticworks.orders.models import Order, OrderLine
from opticworks.orders.parts import kits
from opticworks.payments import refunds
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel, ShippingProblem
from opticworks.shipping.packing import pack, pieces_of
from opticworks.shop import Shop
from opticworks.stock import service as stock

#: Payment statuses in which goods leave: the money is here, or promised by its bank.
PAID = ("paid", "authorized", "part_refunded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A parcel as staff want it: quantities by SKU, the box, and its weight if it was weighed."""

    lines: Mapping[str, int]
    box: str = ""
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """An order on the packing bench: its lines that are shipped, and what is left of each."""

    order: Order
    lines: Sequence[OrderLine]
    left: Mapping[int, int] = field(default_factory=dict)
    wanted: Mapping[int, LineDemand] = field(default_factory=dict)

    @property
    def by_sku(self) -> dict[str, OrderLine]:
        return {line.sku: line for line in self.lines}

    @property
    def without(self) -> dict[int, dict[str, int]]:
        """Parts that the bundles which are left go without, by line id and SKU."""
        return self.lacking(self.left)

    def lacking(
        self, units: Mapping[int, int], before: Mapping[int, int] | None = None
    ) -> dict[int, dict[str, int]]:
        """Parts that so many of the bundles which are left go without: the last ones do."""
        return {
            line_id: missing
            for line_id, count in units.items()
            if (missing := self.wanted[line_id].without(count, (before or {}).get(line_id, 0)))
        }


def bench(db: Session, order: Order) -> Bench:
    """What has to be shipped of the order, and what of it neither lies in a parcel nor was paid
    back before it left."""
    return benches(db, [order])[0]


def benches(db: Session, found: Sequence[Order]) -> list[Bench]:
    """The bench of each of these orders, in as many statements as for one."""
    wanted = demand.of_orders(db, found)
    made = []
    for order in found:
        lines = [each.line for each in wanted[order.id].values() if each.line.ships]
        still = {line.id: wanted[order.id][line.id].open for line in lines}
        made.append(Bench(order, lines, still, wanted[order.id]))
    return made


def ready(db: Session, number: str, *, lock: bool = True) -> Order:
    """The order, if it may be sent. Raises Refused with the reason."""
    order = orders.lock(db, number) if lock else orders.by_number(db, number)
    if order is None:
        raise Refused(f"There is no order {number}.")
    check(db, order)
    return order


def check(db: Session, order: Order) -> None:
    """Raises Refused, with the reason, if the order may not be sent."""
    if reason := objections(db, [order]).get(order.id):
        raise Refused(reason)


def objections(db: Session, found: Sequence[Order]) -> dict[int, str]:
    """Why orders may not be sent, by order id; those that may are left out. One statement."""
    given_away = refunds.given_away(db, [order.id for order in found])
    reasons = {order.id: _objection(order, order.id in given_away) for order in found}
    return {order_id: reason for order_id, reason in reasons.items() if reason}


def _objection(order: Order, given_away: bool) -> str:
    number = order.number
    if order.status == "canceled":
        return f"Order {number} is canceled."
    if order.payment_status == "refunded":
        return f"The money of order {number} was paid back, so it is not sent."
    if order.payment_status not in PAID:
        return f"Order {number} is not paid yet. Mark it paid first."
    if given_away:
        return f"The money of order {number} is being paid back, so it is not sent."
    return ""


def shipping_lines(
    lines: Sequence[OrderLine],
    quantities: Mapping[int, int],
    currency: str,
    without: Mapping[int, Mapping[str, int]] | None = None,
) -> tuple[c.ShippingLine, ...]:
    """The order's lines as carriers are told of them, with these quantities by line id. Bundles
    that go without a part are lines of their own: they weigh less and are worth less."""
    return tuple(
        _shipping_line(line, units, currency, lacks)
        for line in lines
        if (quantity := quantities.get(line.id, 0)) > 0
        for units, lacks in kits(quantity, demand.each_of(line), (without or {}).get(line.id, {}))
    )


def declared(db: Session, found: Bench) -> tuple[c.ShippingLine, ...]:
    """All that the order sends, packed or not, as customs are told of it."""
    packed = shipments.boxed(db, found.order.id)["packed"]
    without = {line_id: Counter(lacks) for line_id, lacks in found.without.items()}
    for (line_id, sku), count in packed.without.items():
        without.setdefault(line_id, Counter())[sku] += count
    units = {line.id: found.wanted[line.id].kept for line in found.lines}
    return shipping_lines(found.lines, units, found.order.currency, without)


def _shipping_line(
    line: OrderLine, units: int, currency: str, lacks: Mapping[str, int]
) -> c.ShippingLine:
    size = line.item.get("size")
    return c.ShippingLine(
        sku=line.sku,
        title=f"{line.title}, {demand.said_without(line, lacks)}" if lacks else line.title,
        quantity=units,
        weight=max(0, line.item.get("weight", 0) - weight_of(line, lacks)),
        size=tuple(size) if size else None,
        unit_price=Money(line.unit_price - _price_of(line, lacks), currency),
        hs_code=line.item.get("hs_code", ""),
        origin_country=line.item.get("origin_country", ""),
    )


def weight_of(line: OrderLine, parts: Mapping[str, int]) -> int:
    """What these parts of the line's bundles weigh, in grams, as far as that was known."""
    weights = {part["sku"]: part.get("weight", 0) for part in line.components}
    return sum(weights[sku] * count for sku, count in parts.items())


def _price_of(line: OrderLine, parts: Mapping[str, int]) -> int:
    """What these parts stand for of the price of one bundle, by their shares of the line."""
    if not line.total:
        return 0
    found = 0
    for part in line.components:
        count = parts.get(part["sku"], 0)
        found += line.unit_price * part["share"] * count // (line.total * part["quantity"])
    return min(found, line.unit_price)


def suggestion(shop: Shop, found: Bench) -> list[Wanted]:
    """How the packer would pack what is left."""
    lines = shipping_lines(found.lines, found.left, found.order.currency, found.without)
    boxes = shop.settings["shipping"].boxes
    return [
        Wanted(lines=parcel.lines, box=parcel.box) for parcel in pack(list(pieces_of(lines)), boxes)
    ]


def pack_order(
    shop: Shop,
    number: str,
    *,
    actor: str,
    parcels: Sequence[Wanted] | None = None,
    shipment_id: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Put lines into parcels, which lie here until they are labelled or handed over; their ids.

    Without `parcels` everything that is left is packed as the packer suggests. With a
    `shipment_id` made when the form was shown, a second click packs nothing. Raises Refused.
    """
    with shop.unit("pack") as db:
        order = ready(db, number)
        known = shipments.shipment(db, shipment_id) if shipment_id is not None else None
        if known is not None and known.order_id == order.id:
            return [parcel.id for parcel in known.parcels]
        found = bench(db, order)
        wanted = suggestion(shop, found) if parcels is None else list(parcels)
        if not wanted:
            raise Refused(f"Everything of order {number} is packed already.")
        made = _parcels(shop, found, wanted)
        shipments.add(db, order.id, made, actor, shipment_id)
        what = [f"{quantity} × {sku}" for each in wanted for sku, quantity in each.lines.items()]
        said = ", ".join(what)
        audit.record(db, actor, "parcel.packed", f"order {number}", parcels=len(made), what=said)
        return [parcel.id for parcel in made]


def _parcels(shop: Shop, found: Bench, wanted: Sequence[Wanted]) -> list[Parcel]:
    boxes = {box.name: box for box in shop.settings["shipping"].boxes}
    left, by_sku, made = dict(found.left), found.by_sku, []
    for each in wanted:
        if each.box and each.box not in boxes:
            raise Refused(f"There is no box {each.box} any more. Choose another one.")
        quantities, weight = {}, 0
        for sku, quantity in each.lines.items():
            line = by_sku.get(sku)
            if line is None:
                raise Refused(f"{sku} is not part of this order.")
            if quantity < 0 or quantity > left[line.id]:
                raise Refused(f"{left[line.id]} of {line.title} are left to pack, not {quantity}.")
            if quantity:
                quantities[line.id] = quantity
                weight += line.item.get("weight", 0) * quantity
        if not quantities:
            raise Refused("Choose at least one item for the parcel.")
        packed = {line_id: count - left[line_id] for line_id, count in found.left.items()}
        without = found.lacking(quantities, packed)
        for line_id, quantity in quantities.items():
            line = found.wanted[line_id].line
            left[line_id] -= quantity
            weight -= min(weight, weight_of(line, without.get(line_id, {})))
        box = boxes.get(each.box)
        made.append(
            Parcel(
                lines=shipments.lines_of(quantities, without),
                box=each.box,
                size=list(box.size) if box else _alone(each, by_sku),
                weight=each.weight or weight + (box.weight if box else 0),
            )
        )
    return made


def _alone(wanted: Wanted, by_sku: Mapping[str, OrderLine]) -> list[int] | None:
    """The size of the only thing in a parcel without a box."""
    units = {sku: quantity for sku, quantity in wanted.lines.items() if quantity}
    if list(units.values()) != [1]:
        return None
    size = by_sku[next(iter(units))].item.get("size")
    return list(size) if size else None


def unpack(shop: Shop, parcel_id: uuid.UUID, *, actor: str) -> None:
    """Take a parcel without a label apart again: what is in it can be packed otherwise."""
    with shop.unit("unpack") as db:
        order, parcel = locked(db, parcel_id)
        if parcel.status == "dropped":
            return
        if parcel.status not in ("draft", "prepared"):
            raise Refused(
                "A label is being bought for this parcel. Look it up first."
                if parcel.status == "buying"
                else "This parcel has a label. Void the label first."
            )
        parcel.status = "dropped"
        audit.record(db, actor, "parcel.unpacked", f"order {order.number}")


def hand_over(shop: Shop, parcel_ids: Sequence[uuid.UUID], *, actor: str) -> None:
    """These labelled parcels were given to the carrier; the customers are told. Money that was
    only authorized is taken first. Raises Refused, and then none of them counts as handed over."""
    for number in _orders_of(shop, parcel_ids):
        capturing.before_sending(shop, number)
    with shop.unit("hand_over") as db:
        for parcel_id in sorted(parcel_ids):
            order, parcel = locked(db, parcel_id)
            if parcel.shipped_at is not None:
                continue
            if parcel.status != "bought":
                raise Refused("This parcel has no label yet. Buy one, or ship it by hand.")
            if parcel.void:
                raise Refused("Its label was to be given back. Look up first whether it was.")
            leave(shop, db, order, parcel, actor=actor)
            audit.record(
                db,
                actor,
                "order.fulfilled",
                f"order {order.number}",
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
            )


def _orders_of(shop: Shop, parcel_ids: Sequence[uuid.UUID]) -> list[str]:
    """The orders whose parcels these are, without those that were handed over already."""
    with shop.unit() as db:
        found = [shipments.get(db, parcel_id) for parcel_id in sorted(parcel_ids)]
        waiting = {each.order_id for each in found if each is not None and each.shipped_at is None}
        return [order.number for id in sorted(waiting) if (order := orders.by_id(db, id))]


def locked(db: Session, parcel_id: uuid.UUID) -> tuple[Order, Parcel]:
    """The parcel and its order, both kept from everyone else. Raises Refused."""
    found = shipments.get(db, parcel_id)
    order = orders.by_id(db, found.order_id) if found is not None else None
    if found is None or order is None:
        raise Refused("There is no such parcel. Open the order again.")
    kept = orders.lock(db, order.number) or order
    return kept, shipments.get(db, parcel_id, lock=True) or found


def take_off_shelf(db: Session, number: str, goods: Mapping[str, int], actor: str) -> None:
    """Take goods that the order holds off the shelf. Raises Refused when they never
    were on it, as the books have it."""
    try:
        stock.ship(db, number, goods, actor=actor)
    except stock.SoldOut as short:
        names = ", ".join(shortage.sku for shortage in short.shortages)
        raise Refused(f"Not on the shelf yet: {names}. Book the arrival first.") from None
    except ValueError as error:
        raise Refused(str(error)) from None


def leave(shop: Shop, db: Session, order: Order, parcel: Parcel, *, actor: str) -> None:
    """The parcel is on its way: its goods are off the shelf, the customer is told, once. Raises
    Refused as `take_off_shelf`."""
    goods = orders.demand(orders.lines_of(db, order.id), *inside(parcel))
    take_off_shelf(db, order.number, goods, actor)
    parcel.status, parcel.shipped_at = "shipped", parcel.shipped_at or shop.now()
    parcel.sent_to = parcel.sent_to or order.address
    db.flush()
    derive(shop, db, order)
    emit(db, events.SHIPMENT_SHIPPED, order.number, {"shipment": str(parcel.id)})
    shipments.close_problems(
        db,
        shop.now(),
        ShippingProblem.order_id == order.id,
        ShippingProblem.kind == "stock",
        ShippingProblem.about == str(parcel.id),
    )


def inside(parcel: Parcel) -> tuple[dict[int, int], dict[int, dict[str, int]]]:
    """What lies in the parcel, by order line id: units, and the parts that they go without."""
    return (
        {part.order_line_id: part.quantity for part in parcel.lines},
        {part.order_line_id: part.without for part in parcel.lines if part.without},
    )


def derive(shop: Shop, db: Session, order: Order) -> None:
    """Write the order's fulfilment status as its parcels have it; paid and all of it delivered,
    the order is complete. With its first parcel on the way its authorized money is taken."""
    order.fulfilment_status = demand.fulfilment(demand.of_order(db, order))
    if order.fulfilment_status != "unfulfilled":
        capturing.when_sent(db, order)
    done = order.fulfilment_status == "delivered" and order.payment_status == "paid"
    if done and order.status == "confirmed":
        order.status = "completed"
        emit(db, events.ORDER_COMPLETED, order.number, {})
