"""Labels of parcels: bought once, given back (checkout.purchase), by hand or by the shop's rule."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.checkout import parcels as bench_room
from opticworks.checkout.purchase import Purchase, Work, provider_for
from opticworks.checkout.settle import Refused
from opticworks.jobs import defer
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.payments import disputes
from opticworks.shipping import rates as rates_room
from opticworks.shipping import rules
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel, ShippingProblem
from opticworks.shop import Shop


class ParcelLabel(Purchase[Parcel]):
    """The label of a parcel. A `signature` that is asked for belongs to the parcel from the next
    prices on: it changes them."""

    what, page = "parcel", "order"
    first_look = timedelta(hours=6)

    def __init__(self, shop: Shop, parcel_id: uuid.UUID, signature: str = "") -> None:
        super().__init__(shop, parcel_id)
        self.id, self.signature = parcel_id, signature

    def work(self, db: Session, *, lock: bool = False) -> Work:
        if lock:
            order, parcel = bench_room.locked(db, self.id)
        else:
            found = shipments.get(db, self.id)
            if found is None:
                raise Refused("There is no such parcel. Open the order again.")
            order, parcel = db.get_one(Order, found.order_id), found
        return Work.of(parcel, provider_for(self.shop, order), self._request(db, order, parcel))

    def _request(self, db: Session, order: Order, parcel: Parcel) -> c.ShipmentRequest:
        found = bench_room.bench(db, order)
        quantities, without = bench_room.inside(parcel)
        lines = bench_room.shipping_lines(found.lines, quantities, order.currency, without)
        settings = self.shop.settings["shipping"]
        origin = self.shop.settings["shop"].origin
        destination = c.Address.model_validate(order.address)
        abroad = origin.country != destination.country
        return c.ShipmentRequest(
            reference=str(parcel.id),
            order_number=order.number,
            parcel=c.Parcel(
                weight=parcel.weight,
                size=tuple(parcel.size) if parcel.size else None,  # type: ignore[arg-type]
                box=parcel.box,
                lines={
                    line.sku: quantities[line.id] for line in found.lines if line.id in quantities
                },
            ),
            lines=lines,
            origin=origin,
            destination=destination,
            email=order.email,
            customs=c.Customs(signer=settings.customs_signer) if abroad else None,
            options=c.BuyOptions(signature=self._signature(parcel)),
        )

    def _signature(self, parcel: Parcel) -> Any:
        """Who signs for it: as is wanted now, as was rated, or else as the shop has it."""
        settings = self.shop.settings["shipping"]
        return self.signature or parcel.options.get("signature") or settings.signature

    def held(self, db: Session, label: uuid.UUID) -> tuple[Order, Parcel]:
        return bench_room.locked(db, label)

    def label_format(self) -> str:
        return str(self.shop.settings["shipping"].label_format)

    def ready(self, db: Session, order: Order) -> None:
        bench_room.ready(db, order.number)

    def keep(self, db: Session, row: Parcel, format: str, content: bytes) -> None:
        shipments.keep_file(db, row.id, format, content)

    def bought(
        self,
        db: Session,
        order: Order,
        row: Parcel,
        label: c.Label,
        elsewhere: dict[str, str],
        actor: str,
    ) -> None:
        row.label = {"ref": label.ref, "files": elsewhere}
        if elsewhere:
            defer(db, "shipping.fetch_label", parcel=str(row.id))
        for about in (str(row.id), ""):
            shipments.close_problems(
                db,
                self.shop.now(),
                ShippingProblem.order_id == order.id,
                ShippingProblem.kind == "label",
                ShippingProblem.about == about,
            )
        audit.record(
            db,
            actor,
            "label.bought",
            f"order {order.number}",
            carrier=f"{label.carrier} {label.service}".strip(),
            tracking_number=label.tracking_number,
            cost=label.cost.format(),
        )

    def unused(self, row: Parcel) -> None:
        if row.status != "bought":
            raise Refused("There is no unused label to void: none was bought, or the parcel left.")

    def given_back(self, db: Session, order: Order, row: Parcel, actor: str) -> None:
        about = f"order {order.number}"
        audit.record(db, actor, "label.voided", about, tracking_number=row.tracking_number)


def prepare(shop: Shop, parcel_id: uuid.UUID, signature: str = "") -> tuple[c.Rate, ...]:
    """What labels for the parcel cost now; nothing is bought (Purchase.prepare)."""
    return ParcelLabel(shop, parcel_id, signature).prepare()


def buy(
    shop: Shop,
    parcel_id: uuid.UUID,
    *,
    rate_code: str,
    actor: str,
    most: int | None = None,
    options: c.BuyOptions | None = None,
) -> None:
    """Buy the parcel's label once, however often this is asked (Purchase.buy)."""
    ParcelLabel(shop, parcel_id).buy(rate_code=rate_code, actor=actor, most=most, options=options)


def void(shop: Shop, parcel_id: uuid.UUID, *, actor: str) -> None:
    """Give an unused label back: its lines can be packed again at once (Purchase.void)."""
    ParcelLabel(shop, parcel_id).void(parcel_id, actor=actor)


def follow_void(shop: Shop, parcel_id: uuid.UUID) -> None:
    """See what became of a label's money (Purchase.follow)."""
    ParcelLabel(shop, parcel_id).follow(parcel_id)


# --- labels by themselves -------------------------------------------------------------------------


def label_order(shop: Shop, number: str, *, actor: str, most: int | None = None) -> int:
    """Pack what is left of an order and buy its labels by the shop's rule; how many labels. One
    whose payment is disputed is left to a person.

    `most` is what they may cost together (minor units). Raises Refused with the reason.
    """
    with shop.unit() as db:
        order = bench_room.ready(db, number, lock=False)
        if any(map(disputes.is_open, disputes.of_order(db, order.id))):
            raise Refused(
                "The customer's bank disputes the payment, so what is sent now may be lost. Buy it "
                "on the order's own page if it is to be sent all the same."
            )
        waiting = [
            parcel.id
            for parcel in shipments.of_order(db, order.id, ("draft", "prepared", "buying"))
        ]
        left = any(bench_room.bench(db, order).left.values())
        choice = rates_room.from_json(order.shipping) if order.shipping else None
    if left:
        waiting += bench_room.pack_order(shop, number, actor=actor)
    picked: list[tuple[uuid.UUID, c.Rate | None]] = []
    for parcel_id in waiting:
        begun = ParcelLabel(shop, parcel_id).read()
        rate = begun.rate
        if begun.status != "buying":
            offered = prepare(shop, parcel_id)
            rate = rules.choose(offered, shop.settings["shipping"], choice)
            if rate is None:
                raise Refused(_none_fits(offered))
        picked.append((parcel_id, rate))
    cost = sum(rate.amount.minor for _, rate in picked if rate is not None)
    if most is not None and cost > most:
        currency = picked[0][1].amount.currency if picked[0][1] is not None else "USD"
        raise Refused(
            f"The label costs {Money(cost, currency).format()}, more than the limit of "
            f"{Money(most, currency).format()}. Look at it and buy it yourself."
        )
    for parcel_id, rate in picked:
        buy(shop, parcel_id, rate_code=rate.code if rate else "", actor=actor)
    return len(picked)


def _none_fits(offered: Sequence[c.Rate]) -> str:
    if not offered:
        return "No carrier offers to ship this parcel. Look at its address, weight and size."
    return "No rate keeps the shop's rule for labels. Choose one yourself."
