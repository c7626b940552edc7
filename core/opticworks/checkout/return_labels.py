"""Prepaid labels for returns: prepared, bought once, kept and given back, as those of parcels are.

The vendor's id is committed before anything is bought, then what is about to be bought; whoever
finds a purchase begun looks at the vendor first (see checkout.labels). So it is with giving back.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.audit import service as audit
from opticworks.checkout import demand, parcels, returns
from opticworks.checkout.labels import (
    RATED_HOURS,
    VOID_DAYS,
    Unanswered,
    contents_of,
    provider_for,
    said,
    seller,
    turn,
)
from opticworks.checkout.settle import Refused
from opticworks.checkout.shipping_jobs import fetch_file
from opticworks.faults import outside
from opticworks.jobs import defer, task
from opticworks.media.recognise import BadPicture
from opticworks.orders.models import Order
from opticworks.returns import service as cases
from opticworks.returns.models import Return, ReturnLabel
from opticworks.shipping import rates as rates_room
from opticworks.shipping import service as shipments
from opticworks.shop import Shop

log = logging.getLogger(__name__)

WATCHED = timedelta(days=90)  #: how long an unused label of a return is looked at
AT_ONCE = 200  #: labels that one run looks at
SOON = timedelta(minutes=5)  #: until somebody looks, should we die in between
COMING = ("approved", "in_transit")  #: states in which a customer may use a label


@dataclass(frozen=True, slots=True)
class Work:
    """A return as a vendor must know it, read before the transaction ends. `id` is the return's,
    `label` that of its label, or of the one to come."""

    id: uuid.UUID
    label: uuid.UUID
    number: str
    state: str
    status: str
    provider: str
    ref: str
    contents: str
    rates: tuple[c.Rate, ...]
    rated_at: datetime | None
    rate: c.Rate | None
    options: Mapping[str, Any]
    request: c.ShipmentRequest

    def fresh(self, now: datetime) -> bool:
        recent = self.rated_at is not None and now - self.rated_at < timedelta(hours=RATED_HOURS)
        return bool(self.ref) and recent and self.contents == contents_of(self.request)


def read(shop: Shop, number: str) -> Work:
    """The return and what its vendor is told. Raises Refused."""
    with shop.unit() as db:
        order, case = returns.locked(db, number)
        return _work(shop, db, order, case)


def _work(shop: Shop, db: Session, order: Order, case: Return) -> Work:
    quantities = {line.order_line_id: line.coming for line in case.lines if line.coming}
    if not quantities:
        raise Refused("Nothing of this return is to come back in a parcel.")
    label = cases.label_of(db, case.id)
    label_id = label.id if label is not None else uuid.uuid4()
    wanted = demand.of_order(db, order)
    lacking = {line_id: wanted[line_id].lacks(units) for line_id, units in quantities.items()}
    lines = parcels.shipping_lines(
        [each.line for each in wanted.values()], quantities, order.currency, lacking
    )
    origin = shop.settings["shop"].origin
    destination = c.Address.model_validate(order.address)
    abroad = origin.country != destination.country
    signer = shop.settings["shipping"].customs_signer
    request = c.ShipmentRequest(
        reference=str(label_id),
        order_number=order.number,
        parcel=c.Parcel(
            weight=sum(line.weight * line.quantity for line in lines),
            lines={wanted[line_id].line.sku: units for line_id, units in quantities.items()},
        ),
        lines=lines,
        origin=origin,
        destination=destination,
        email=order.email,
        customs=c.Customs(contents="returned_goods", signer=signer) if abroad else None,
        is_return=True,
    )
    rate = label.rate if label is not None else None
    return Work(
        id=case.id,
        label=label_id,
        number=case.number,
        state=case.state,
        status=label.status if label is not None else "",
        provider=label.provider if label is not None else provider_for(shop, order),
        ref=label.ref if label is not None else "",
        contents=label.contents if label is not None else "",
        rates=tuple(map(rates_room.rate_from_json, label.rates)) if label is not None else (),
        rated_at=label.rated_at if label is not None else None,
        rate=rates_room.rate_from_json(rate) if rate else None,
        options=label.options if label is not None else {},
        request=request,
    )


def _wanted(state: str) -> None:
    """Raises Refused where a return in that state needs no label (any more)."""
    if state not in ("requested", "approved"):
        raise Refused(f"A label is of no use. {returns.TOO_LATE[state]}")


def prepare(shop: Shop, number: str) -> tuple[c.Rate, ...]:
    """What a label costs now; nothing is bought. Raises Refused, and Unanswered when the vendor
    does not answer."""
    work = read(shop, number)
    _wanted(work.state)
    if work.status in ("buying", "bought"):
        raise Refused("This return has a label already, or one is being bought.")
    if work.fresh(shop.now()):
        return work.rates
    provider = seller(shop, work.provider)
    try:
        with outside("return_label_prepare"):
            state = provider.prepare(work.request)
    except c.ProviderError as error:
        raise said(provider, "has no prices for this return", error) from None
    sound = _sound(provider, state.rates, work.request.lines[0].unit_price.currency)
    with shop.unit("return_label_prepare") as db:
        order, case = returns.locked(db, number)
        now = _work(shop, db, order, case)
        if now.status in ("buying", "bought") or now.fresh(shop.now()):
            return now.rates  # somebody else was quicker
        label = cases.label_of(db, case.id, lock=True)
        if label is None:
            label = ReturnLabel(
                id=work.label, return_id=case.id, provider=work.provider, created_at=shop.now()
            )
            db.add(label)
        label.ref, label.status = state.ref, "prepared"
        label.rates = [rates_room.rate_to_json(rate) for rate in sound]
        label.rated_at, label.contents = shop.now(), contents_of(work.request)
    return sound


def _sound(
    provider: c.ShippingProvider, offered: Sequence[c.Rate], currency: str
) -> tuple[c.Rate, ...]:
    """The rates with a number that can be used; why the others are dropped is logged."""
    for rate in offered:
        if wrong := rates_room.unsound(rate, currency):
            log.warning("A rate of %s was dropped: %s", provider.title, wrong)
    return tuple(rate for rate in offered if not rates_room.unsound(rate, currency))


def buy(shop: Shop, number: str, *, rate_code: str, most: int | None, actor: str) -> None:
    """Buy the return's label once, however often this is asked, and approve the return with it.

    `most` is what the person saw it costs (minor units). Raises Refused with nothing bought, and
    Unanswered where that is not known: asked again, the vendor is looked at first.
    """
    with turn(shop, read(shop, number).id):
        work = read(shop, number)
        if work.status == "bought":
            return
        begun = work.status == "buying"
        if not begun:
            _choose(shop, number, rate_code, most)
            work = read(shop, number)
        _finish(shop, work, begun, actor)


def _choose(shop: Shop, number: str, rate_code: str, most: int | None) -> None:
    """Commit what is about to be bought."""
    offered = prepare(shop, number)
    rate = next((each for each in offered if each.code == rate_code), None)
    if rate is None:
        raise Refused("That way of shipping is not offered any more. Choose another one.")
    if most is not None and rate.amount.minor > most:
        raise Refused(f"{rate.title} costs {rate.amount.format()} now. Look at it again.")
    with shop.unit("return_label_choose") as db:
        _, case = returns.locked(db, number)
        label = cases.label_of(db, case.id, lock=True)
        _wanted(case.state)
        if label is None or label.status != "prepared":
            raise Refused("This label was changed meanwhile. Open the return again.")
        label.rate, label.status = rates_room.rate_to_json(rate), "buying"
        label.options = {"label_format": "PDF"}  # what a customer can print
        label.look_at = shop.now() + SOON


def _finish(shop: Shop, work: Work, begun: bool, actor: str) -> None:
    """Buy what was chosen, unless the vendor has sold it already, and write it down."""
    provider, rate = seller(shop, work.provider), work.rate
    if rate is None:
        raise Refused("No rate was chosen for this label. Choose one.")
    refusal: c.ProviderError | None = None
    bought: c.Label | None = None
    try:
        with outside("return_label_buy"):
            bought = provider.fetch(work.ref).label if begun else None
            if bought is None:
                bought = provider.buy(work.ref, rate, work.options, f"{work.label}:{work.ref}")
    except c.ProviderError as error:
        if error.retryable:
            raise Unanswered(
                f"{provider.title} did not say whether the label was bought: {error} Buy again: "
                "it is looked up first, and nothing is bought twice."
            ) from None
        refusal = error
    with shop.unit("return_label_store") as db:
        order, case = returns.locked(db, work.number)
        label = cases.label_of(db, case.id, lock=True)
        if label is not None and label.status == "buying" and bought is not None:
            _store(shop, db, order, case, label, bought, actor)
        elif label is not None and label.status == "buying":
            label.status, label.rated_at, label.look_at = "prepared", None, None
    if refusal is not None:
        raise Refused(f"{provider.title} sold no label: {refusal}") from None


def _store(
    shop: Shop,
    db: Session,
    order: Order,
    case: Return,
    label: ReturnLabel,
    bought: c.Label,
    actor: str,
) -> None:
    label.status, label.bought_at, label.look_at = "bought", shop.now(), None
    label.carrier, label.service = bought.carrier, bought.service
    label.tracking_number = bought.tracking_number
    label.tracking_url = bought.tracking_url or shipments.tracking_page(
        bought.carrier, bought.tracking_number
    )
    label.cost, label.currency = bought.cost.minor, bought.cost.currency
    elsewhere = {}
    for format, file in bought.files.items():
        if isinstance(file, bytes):
            cases.keep_file(db, label.id, format, file)
        else:
            elsewhere[format] = file
    label.addresses = elsewhere
    carrier = f"{bought.carrier} {bought.service}".strip()
    cases.tell(db, case, "label", actor=actor, note=f"{carrier}, {bought.cost.format()}")
    audit.record(
        db,
        actor,
        "return.label_bought",
        f"order {order.number}",
        number=case.number,
        carrier=carrier,
        cost=bought.cost.format(),
    )
    if elsewhere:  # the customer is told once the file is here
        defer(db, "returns.fetch_label", number=case.number, actor=actor)
    else:
        _with_label(db, order, case, actor)


def _with_label(db: Session, order: Order, case: Return, actor: str) -> None:
    """Approve the return if nobody has; the customer gets the label either way, as long as there
    is a parcel to stick it on."""
    if case.state == "requested":
        returns.approve(db, case.number, actor=actor)
    elif case.state in COMING:
        returns.announce(db, events.RETURN_APPROVED, order, case, label=True)


@task("returns.fetch_label")
def fetch_label(shop: Shop, number: str, actor: str) -> None:
    """Keep a copy of a return label that its vendor only gave an address of, and send it."""
    with shop.unit() as db:
        case = cases.by_number(db, number)
        label = cases.label_of(db, case.id) if case is not None else None
        if case is None or label is None:
            return
        kept = {file.format for file in cases.label_files(db, label.id)}
        missing = {f: at for f, at in label.addresses.items() if f not in kept}
    found = {}
    for format, address in missing.items():
        try:
            found[format] = fetch_file(shop, address)
        except (BadPicture, OSError) as error:
            raise c.ProviderError(f"The label could not be fetched: {error}") from None
    if found:
        keep_label(shop, number, found, actor)


def keep_label(shop: Shop, number: str, files: dict[str, bytes], actor: str) -> None:
    """Keep a label's files and tell the customer, once."""
    with shop.unit("return_label_file") as db:
        order, case = returns.locked(db, number)
        label = cases.label_of(db, case.id, lock=True)
        if label is None or not label.usable:
            return  # given back meanwhile
        known = {file.format for file in cases.label_files(db, label.id)}
        for format, content in files.items():
            cases.keep_file(db, label.id, format, content)
        if not known & files.keys():
            _with_label(db, order, case, actor)


# --- giving back ----------------------------------------------------------------------------------


def void(shop: Shop, label_id: uuid.UUID, *, actor: str) -> None:
    """Give an unused label back: the customer no longer gets it, another one may be bought, and
    what becomes of its money is followed (`follow_void`).

    Raises Refused, and Unanswered where it is not known whether the vendor took it: asked again,
    the vendor is looked at first.
    """
    with turn(shop, _found(shop, label_id).return_id):
        known = _found(shop, label_id)
        begun = known.void == "asking"
        if known.status == "voided":
            return
        _give_up(shop, label_id)
        provider, refusal = seller(shop, known.provider), ""
        try:
            with outside("return_label_void"):
                answer = provider.fetch(known.ref).void if begun else ""
                answer = answer or provider.void(known.ref, f"{known.id}:void")
        except c.ProviderError as error:
            if error.retryable:
                raise Unanswered(
                    f"{provider.title} did not say whether it takes the label back: {error} It is "
                    "looked up in a few minutes, or void it again."
                ) from None
            answer, refusal = "failed", f"{provider.title} did not take the label back: {error}"
        _given_back(shop, label_id, answer, actor)
        if answer == "failed":
            raise Refused(
                refusal
                or f"{provider.title} does not take this label back: it was used, or is too old."
            )


def _found(shop: Shop, label_id: uuid.UUID) -> ReturnLabel:
    with shop.unit() as db:
        label = cases.label(db, label_id)
    if label is None:
        raise Refused("There is no such label. Open the return again.")
    return label


def _locked(db: Session, label_id: uuid.UUID) -> tuple[Order, Return, ReturnLabel]:
    """The label, its return and its order, kept from everyone else. Raises Refused."""
    known = cases.label(db, label_id)
    case = cases.get(db, known.return_id) if known is not None else None
    if known is None or case is None:
        raise Refused("There is no such label. Open the return again.")
    order, case = returns.locked(db, case.number)
    return order, case, cases.label(db, label_id, lock=True) or known


def _give_up(shop: Shop, label_id: uuid.UUID) -> None:
    """Commit that the label is about to be given back: from now on nobody is to use it."""
    with shop.unit("return_label_give_up") as db:
        _, _, label = _locked(db, label_id)
        if label.status != "bought":
            raise Refused("There is no unused label to void: none was bought.")
        if label.tracking in shipments.MOVING and label.void != "asking":
            raise Refused(
                f"{label.carrier} has scanned this parcel, so its label is used: it can't be "
                "voided any more."
            )
        label.void, label.look_at = "asking", shop.now() + SOON


def _given_back(shop: Shop, label_id: uuid.UUID, answer: str, actor: str) -> None:
    """Write down whether the vendor took the label back; if so, its customer is told."""
    with shop.unit("return_label_void") as db:
        order, case, label = _locked(db, label_id)
        if label.void != "asking":
            return
        if answer == "failed":
            label.void, label.look_at = "", None
            return
        label.status, label.void, label.void_tries = "voided", answer, 1
        label.voided_at, label.look_at = shop.now(), _next_look(shop, answer)
        cases.tell(db, case, "label_voided", actor=actor, note=label.tracking_number)
        audit.record(
            db,
            actor,
            "return.label_voided",
            f"order {order.number}",
            number=case.number,
            tracking_number=label.tracking_number,
        )
        if case.state in COMING:
            returns.announce(db, events.RETURN_LABEL_VOIDED, order, case)


def _next_look(shop: Shop, void: str) -> datetime | None:
    return shop.now() + timedelta(days=1) if void == "pending" else None


def follow_void(shop: Shop, label_id: uuid.UUID) -> None:
    """See what became of a label's money, as of that of a parcel's (labels.follow_void)."""
    known = _found(shop, label_id)
    if known.void != "pending":
        return
    provider, tries = seller(shop, known.provider), known.void_tries
    with outside("return_label_follow"):
        answer = provider.fetch(known.ref).void
        if answer == "failed" and tries < 2:
            answer, tries = provider.void(known.ref, f"{known.id}:void:{tries}"), tries + 1
    since = known.voided_at or shop.now()
    if answer != "done" and shop.now() - since > timedelta(days=VOID_DAYS):
        answer = "failed"
    with shop.unit("return_label_follow") as db:
        order, case, label = _locked(db, label_id)
        if label.void != "pending":
            return
        label.void, label.void_tries = answer or "pending", tries
        label.look_at = _next_look(shop, label.void)
        if label.void == "pending":
            return
        cases.tell(db, case, f"label_void_{label.void}", note=label.tracking_number)
        if label.void == "failed":
            shipments.open_problem(
                db,
                order.id,
                "void",
                f"{provider.title} pays nothing back for the label {label.tracking_number} of the "
                f"return {case.number}; it may have been used. Ask the carrier, or accept its "
                "cost.",
                label.id,
            )


# --- on its way -----------------------------------------------------------------------------------


def sync(shop: Shop, provider_code: str, ref: str, reference: str = "") -> bool:
    """Bring a return up to what its carrier reports; False if no return has such a label. Raises
    ProviderError when the vendor can't say."""
    with shop.unit() as db:
        label = cases.label_by_ref(db, provider_code, ref, reference)
        if label is None:
            return False
        return_id, ref, bought = label.return_id, label.ref, label.status == "bought"
    if label.void == "pending":
        follow_void(shop, label.id)
    provider = shop.providers.shipping().get(provider_code)
    if not bought or provider is None:
        return True
    with outside("return_track"):
        updates = provider.track(ref)
    newest = shipments.newest([(each.status, each.occurred_at) for each in updates])
    with shop.unit("return_track") as db:
        case = cases.get(db, return_id)
        label = cases.label(db, label.id, lock=True)
        if case is None or label is None or newest == label.tracking:
            return True
        label.tracking = newest
        moving = newest in shipments.MOVING or newest == "delivered"
        if moving and case.state == "approved":
            returns.on_its_way(db, case.number, actor=label.carrier)
    return True


@task("returns.poll_labels", schedule="23 */3 * * *")
def poll_labels(shop: Shop) -> None:
    """Look at the labels of returns that are not here yet, for what no webhook told of."""
    since = shop.now() - WATCHED
    with shop.unit() as db:
        waiting = db.execute(
            select(ReturnLabel.provider, ReturnLabel.ref)
            .join(Return, Return.id == ReturnLabel.return_id)
            .where(
                ReturnLabel.status == "bought",
                ReturnLabel.tracking != "delivered",
                ReturnLabel.bought_at > since,
                Return.state.in_(("approved", "in_transit")),
            )
            .order_by(ReturnLabel.bought_at)
            .limit(AT_ONCE)
        ).all()
    for provider, ref in waiting:
        try:
            sync(shop, provider, ref)
        except c.ProviderError as error:
            log.warning("The label %s of a return could not be looked at: %s", ref, error)


@task("returns.look_at_labels", schedule="*/10 * * * *")
def look_at_labels(shop: Shop) -> None:
    """Ask the vendors what a crash or a time-out left open, and what becomes of the money of
    labels that were given back."""
    with shop.unit() as db:
        due = db.scalars(
            select(ReturnLabel.id)
            .where(ReturnLabel.look_at <= shop.now())
            .order_by(ReturnLabel.look_at)
            .limit(AT_ONCE)
        ).all()
    for label_id in due:
        try:
            look(shop, label_id)
        except (c.ProviderError, Refused) as error:
            log.warning("The label %s of a return could not be looked at: %s", label_id, error)


def look(shop: Shop, label_id: uuid.UUID) -> None:
    """Go on with what was begun with a label. Raises ProviderError, Refused and Unanswered."""
    with shop.unit() as db:
        label = cases.label(db, label_id)
        case = cases.get(db, label.return_id) if label is not None else None
    if label is None or case is None:
        return
    if label.status == "buying":
        buy(shop, case.number, rate_code="", most=None, actor="automatic")
    elif label.void == "asking":
        void(shop, label_id, actor="automatic")
    else:
        follow_void(shop, label_id)
