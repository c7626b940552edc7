"""Labels: prepared, bought once, kept, and given back.

A vendor without idempotency keys sells twice if asked twice. So its id of the parcel is committed
before anything is bought (`prepare`), then what is about to be bought, and only then is the vendor
asked to sell. Whoever finds a purchase begun looks at the vendor first. Two clicks take turns.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.audit import service as audit
from opticworks.checkout import parcels as bench_room
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.jobs import defer
from opticworks.money import Money
from opticworks.orders.models import Order
from opticworks.payments import disputes
from opticworks.shipping import rates as rates_room
from opticworks.shipping import rules
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel, ShippingProblem
from opticworks.shop import Shop

log = logging.getLogger(__name__)

RATED_HOURS = 24  #: how long a vendor's offer may be bought without asking again
TURN_SECONDS = 30.0  #: how long a second click waits for the first
FIRST_LOOK = timedelta(hours=6)  #: after buying, should no webhook tell that the parcel moves


class Unanswered(Refused):
    """The vendor did not answer: what it did is looked up before anything is done again."""


@dataclass(frozen=True, slots=True)
class Work:
    """A parcel as its vendor must know it, read before the transaction ends."""

    id: uuid.UUID
    number: str
    status: str
    provider: str
    ref: str
    contents: str
    rates: tuple[c.Rate, ...]
    rated_at: datetime | None
    rate: c.Rate | None
    options: Mapping[str, Any]
    request: c.ShipmentRequest

    @property
    def key(self) -> str:
        """What tells the vendor that a purchase is the same one again."""
        return f"{self.id}:{self.ref}"

    def fresh(self, now: datetime) -> bool:
        """Whether what the vendor offered may still be bought: not old, and for these contents."""
        recent = self.rated_at is not None and now - self.rated_at < timedelta(hours=RATED_HOURS)
        return bool(self.ref) and recent and self.contents == contents_of(self.request)


def contents_of(request: c.ShipmentRequest) -> str:
    """A fingerprint of what a vendor's price depends on."""
    return hashlib.sha256(repr(request).encode()).hexdigest()[:32]


def label_providers(shop: Shop) -> dict[str, c.ShippingProvider]:
    """The enabled providers that sell labels, by code."""
    return {code: each for code, each in shop.providers.shipping().items() if each.labels}


def seller(shop: Shop, code: str) -> c.ShippingProvider:
    """The enabled provider of that code that sells labels. Raises Refused."""
    provider = label_providers(shop).get(code)
    if provider is None:
        raise Refused(
            f"The shipping provider {code!r} is not enabled; enable its plugin again."
            if code
            else "No plugin that sells labels is enabled. Enable one, or ship by hand."
        )
    return provider


def read(shop: Shop, parcel_id: uuid.UUID, signature: str = "") -> Work:
    """The parcel and what its vendor is told, with another signature if one is named. Raises
    Refused."""
    with shop.unit() as db:
        parcel = shipments.get(db, parcel_id)
        if parcel is None:
            raise Refused("There is no such parcel. Open the order again.")
        order = db.get_one(Order, parcel.order_id)
        return _work(shop, db, order, parcel, signature)


def _work(shop: Shop, db: Session, order: Order, parcel: Parcel, signature: str = "") -> Work:
    found = bench_room.bench(db, order)
    quantities = {part.order_line_id: part.quantity for part in parcel.lines}
    lines = bench_room.shipping_lines(found.lines, quantities, order.currency)
    origin = shop.settings["shop"].origin
    destination = c.Address.model_validate(order.address)
    abroad = origin.country != destination.country
    request = c.ShipmentRequest(
        reference=str(parcel.id),
        order_number=order.number,
        parcel=c.Parcel(
            weight=parcel.weight,
            size=tuple(parcel.size) if parcel.size else None,  # type: ignore[arg-type]
            box=parcel.box,
            lines={line.sku: line.quantity for line in lines},
        ),
        lines=lines,
        origin=origin,
        destination=destination,
        email=order.email,
        customs=c.Customs(signer=shop.settings["shipping"].customs_signer) if abroad else None,
        options=c.BuyOptions(signature=_signature(shop, parcel, signature)),
    )
    return Work(
        id=parcel.id,
        number=order.number,
        status=parcel.status,
        provider=parcel.provider or provider_for(shop, order),
        ref=parcel.ref,
        contents=parcel.contents,
        rates=tuple(rates_room.rate_from_json(rate) for rate in parcel.rates),
        rated_at=parcel.rated_at,
        rate=rates_room.rate_from_json(parcel.rate) if parcel.rate else None,
        options=parcel.options,
        request=request,
    )


def _signature(shop: Shop, parcel: Parcel, wanted: str) -> Any:
    """Who signs for the parcel: as is wanted now, as was rated, or else as the shop has it."""
    return wanted or parcel.options.get("signature") or shop.settings["shipping"].signature


def provider_for(shop: Shop, order: Order) -> str:
    """Who sells the labels of an order: whose rate its customer chose, else the first that does."""
    known = label_providers(shop)
    chosen = (order.shipping or {}).get("provider", "")
    return chosen if chosen in known else next(iter(known), "")


# --- preparing ------------------------------------------------------------------------------------


def prepare(shop: Shop, parcel_id: uuid.UUID, signature: str = "") -> tuple[c.Rate, ...]:
    """What labels for the parcel cost now. The vendor's id of it is committed; nothing is bought.
    A `signature` that is asked for belongs to the parcel from then on: it changes the prices.

    An offer of the last day for the same contents is given again. Raises Refused, and Unanswered
    when the vendor does not answer.
    """
    work = read(shop, parcel_id, signature)
    if work.status not in ("draft", "prepared"):
        raise Refused("This parcel has a label already, or one is being bought.")
    if work.fresh(shop.now()):
        return work.rates
    provider = seller(shop, work.provider)
    try:
        with outside("label_prepare"):
            state = provider.prepare(work.request)
    except c.ProviderError as error:
        raise said(provider, "has no prices for this parcel", error) from None
    currency = work.request.lines[0].unit_price.currency
    sound = [rate for rate in state.rates if not rates_room.unsound(rate, currency)]
    for rate in state.rates:
        if wrong := rates_room.unsound(rate, currency):
            log.warning("A rate of %s was dropped: %s", provider.title, wrong)
    with shop.unit("label_prepare") as db:
        order, parcel = bench_room.locked(db, parcel_id)
        now = _work(shop, db, order, parcel, signature)
        if parcel.status not in ("draft", "prepared") or now.fresh(shop.now()):
            return now.rates  # somebody else was quicker
        parcel.provider, parcel.ref, parcel.status = work.provider, state.ref, "prepared"
        parcel.rates = [rates_room.rate_to_json(rate) for rate in sound]
        parcel.rated_at, parcel.contents = shop.now(), contents_of(work.request)
        parcel.options = {"signature": work.request.options["signature"]}
    return tuple(sound)


def said(provider: c.ShippingProvider, what: str, error: c.ProviderError) -> Refused:
    """What a provider's error is to staff."""
    sentence = f"{provider.title} {what}: {error}"
    return Unanswered(sentence) if error.retryable else Refused(sentence)


# --- buying ---------------------------------------------------------------------------------------


def buy(
    shop: Shop,
    parcel_id: uuid.UUID,
    *,
    rate_code: str,
    actor: str,
    most: int | None = None,
    options: c.BuyOptions | None = None,
) -> None:
    """Buy the parcel's label once, however often this is asked.

    `most` is what the label may cost (minor units): what the person saw, or the shop's limit. An
    offer that is old or for other contents is asked for anew first. Raises Refused with nothing
    bought, and Unanswered where that is not known: asked again, the vendor is looked at first.
    """
    with turn(shop, parcel_id):
        work = read(shop, parcel_id)
        if work.status in ("bought", "shipped", "delivered"):
            return
        if work.status in ("voided", "dropped"):
            raise Refused("This parcel is not packed any more. Open the order again.")
        begun = work.status == "buying"
        if not begun:
            _same_signature(work, options)
            _choose(shop, parcel_id, rate_code, most, options)
            work = read(shop, parcel_id)
        _finish(shop, work, begun, actor)


def _same_signature(work: Work, options: c.BuyOptions | None) -> None:
    """Refuse a signature other than the one that the parcel's prices are for: it would be left out,
    or paid for unseen."""
    if (options or {}).get("signature", "") not in ("", work.request.options["signature"]):
        raise Refused(
            "These prices are for another signature than the one that is chosen now. Get prices "
            "again, then buy the label."
        )


def _choose(
    shop: Shop,
    parcel_id: uuid.UUID,
    rate_code: str,
    most: int | None,
    options: c.BuyOptions | None,
) -> None:
    """Commit what is about to be bought."""
    offered = prepare(shop, parcel_id)
    rate = next((each for each in offered if each.code == rate_code), None)
    if rate is None:
        raise Refused("That way of shipping is not offered any more. Choose another one.")
    if most is not None and rate.amount.minor > most:
        limit = Money(most, rate.amount.currency).format()
        raise Refused(f"{rate.title} costs {rate.amount.format()} now, more than {limit}.")
    settings = shop.settings["shipping"]
    wanted: dict[str, Any] = {"label_format": settings.label_format}
    with shop.unit("label_choose") as db:
        order, parcel = bench_room.locked(db, parcel_id)
        bench_room.ready(db, order.number)
        if parcel.status != "prepared":
            raise Refused("This parcel was changed meanwhile. Open the order again.")
        # With the signature that was rated, whatever the settings say by now.
        parcel.options = {**wanted, **parcel.options, **(options or {})}
        parcel.rate = rates_room.rate_to_json(rate)
        parcel.status = "buying"
        parcel.look_at = shop.now() + timedelta(minutes=5)  # somebody looks, should we die here


def _finish(shop: Shop, work: Work, begun: bool, actor: str) -> None:
    """Buy what was chosen, unless the vendor has sold it already, and write it down."""
    provider, rate = seller(shop, work.provider), work.rate
    if rate is None:
        raise Refused("No rate was chosen for this parcel. Choose one.")
    refusal: c.ProviderError | None = None
    label: c.Label | None = None
    try:
        with outside("label_buy"):
            label = provider.fetch(work.ref).label if begun else None
            wanted = work.options.get("label_format")
            if label is None:
                label = provider.buy(work.ref, rate, work.options, work.key)
            elif wanted and wanted not in label.files:
                # To buy once more what is bought answers it in the format that was chosen. A label
                # that can't be converted is a label all the same.
                with suppress(c.ProviderError):
                    label = provider.buy(work.ref, rate, work.options, work.key)
    except c.ProviderError as error:
        if error.retryable:
            raise Unanswered(
                f"{provider.title} did not say whether the label was bought: {error} Buy again: "
                "it is looked up first, and nothing is bought twice."
            ) from None
        refusal = error
    with shop.unit("label_store") as db:
        order, parcel = bench_room.locked(db, work.id)
        if parcel.status == "buying" and label is not None:
            _store(shop, db, order, parcel, label, actor)
        elif parcel.status == "buying":
            parcel.status, parcel.rated_at, parcel.look_at = "prepared", None, None
    if refusal is not None:
        raise Refused(f"{provider.title} sold no label: {refusal}") from None


def _store(
    shop: Shop, db: Session, order: Order, parcel: Parcel, label: c.Label, actor: str
) -> None:
    parcel.status, parcel.bought_at = "bought", shop.now()
    parcel.carrier, parcel.service = label.carrier, label.service
    parcel.tracking_number = label.tracking_number
    parcel.tracking_url = label.tracking_url or shipments.tracking_page(
        label.carrier, label.tracking_number
    )
    parcel.cost, parcel.currency = label.cost.minor, label.cost.currency
    parcel.look_at = shop.now() + FIRST_LOOK
    elsewhere = {}
    for format, file in label.files.items():
        if isinstance(file, bytes):
            shipments.keep_file(db, parcel.id, format, file)
        else:
            elsewhere[format] = file
    parcel.label = {"ref": label.ref, "files": elsewhere}
    if elsewhere:
        defer(db, "shipping.fetch_label", parcel=str(parcel.id))
    for about in (str(parcel.id), ""):
        shipments.close_problems(
            db,
            shop.now(),
            ShippingProblem.order_id == order.id,
            ShippingProblem.kind == "label",
            ShippingProblem.about == about,
        )
    audit.record(
        db,
        actor,
        "label.bought",
        f"order {order.number}",
        carrier=parcel.way,
        tracking_number=label.tracking_number,
        cost=label.cost.format(),
    )


@contextmanager
def turn(shop: Shop, parcel_id: uuid.UUID) -> Iterator[None]:
    """One at a time for each parcel (or return), over all processes; a process that dies gives its
    turn up.

    The lock of PostgreSQL stays with a connection of its own, without a transaction.
    """
    digest = hashlib.sha256(f"label:{parcel_id}".encode()).digest()
    key = {"key": int.from_bytes(digest[:8], signed=True)}
    until = time.monotonic() + TURN_SECONDS
    engine = shop.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            if time.monotonic() > until:
                raise Unanswered("This label is being worked on right now. Look again in a minute.")
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


# --- giving back ----------------------------------------------------------------------------------


def void(shop: Shop, parcel_id: uuid.UUID, *, actor: str) -> None:
    """Give an unused label back: its lines can be packed again at once, and what becomes of its
    money is followed (`follow_void`). Raises Refused."""
    with turn(shop, parcel_id):
        work = read(shop, parcel_id)
        if work.status == "voided":
            return
        if work.status != "bought":
            raise Refused("There is no unused label to void: none was bought, or the parcel left.")
        provider = seller(shop, work.provider)
        try:
            with outside("label_void"):
                answer = provider.void(work.ref, f"{work.id}:void")
        except c.ProviderError as error:
            raise said(provider, "did not take the label back", error) from None
        if answer == "failed":
            raise Refused(
                f"{provider.title} does not take this label back: it was used, or is too old."
            )
        with shop.unit("label_void") as db:
            order, parcel = bench_room.locked(db, parcel_id)
            if parcel.status != "bought":
                raise Refused("The parcel left meanwhile. Open the order again.")
            parcel.status, parcel.void, parcel.void_tries = "voided", answer, 1
            parcel.voided_at = shop.now()
            parcel.look_at = shop.now() + timedelta(days=1) if answer == "pending" else None
            audit.record(
                db,
                actor,
                "label.voided",
                f"order {order.number}",
                tracking_number=parcel.tracking_number,
            )


VOID_DAYS = 45  #: after which nobody waits for the money of a label any more


def follow_void(shop: Shop, parcel_id: uuid.UUID) -> None:
    """See what became of a label's money. A first refusal is asked once more: vendors refuse too
    early at times. What is refused in the end is for staff to see."""
    work = read(shop, parcel_id)
    provider = seller(shop, work.provider)
    with shop.unit() as db:
        known = shipments.get(db, parcel_id)
        if known is None or known.void != "pending":
            return
        tries, since = known.void_tries, known.voided_at or shop.now()
    with outside("label_follow"):
        answer = provider.fetch(work.ref).void
        if answer == "failed" and tries < 2:
            answer, tries = provider.void(work.ref, f"{work.id}:void:{tries}"), tries + 1
    if answer != "done" and shop.now() - since > timedelta(days=VOID_DAYS):
        answer = "failed"
    with shop.unit("label_follow") as db:
        order, parcel = bench_room.locked(db, parcel_id)
        if parcel.void != "pending":
            return
        parcel.void, parcel.void_tries = answer or "pending", tries
        parcel.look_at = shop.now() + timedelta(days=1) if parcel.void == "pending" else None
        if parcel.void == "failed":
            shipments.open_problem(
                db,
                order.id,
                "void",
                f"{provider.title} pays nothing back for the label {parcel.tracking_number}. Ask "
                "the carrier, or accept its cost.",
                parcel.id,
            )


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
        begun = read(shop, parcel_id)
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
