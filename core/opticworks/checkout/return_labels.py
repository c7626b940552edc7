"""Prepaid labels of returns: bought once and given back (checkout.purchase), like parcels'."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.audit import service as audit
from opticworks.checkout import demand, parcels, returns
from opticworks.checkout.purchase import Purchase, Work, provider_for
from opticworks.checkout.settle import Refused
from opticworks.checkout.shipping_jobs import fetch_file
from opticworks.faults import outside
from opticworks.jobs import defer, task
from opticworks.media.recognise import BadPicture
from opticworks.orders.models import Order
from opticworks.returns import service as cases
from opticworks.returns.models import Return, ReturnLabel
from opticworks.shipping import service as shipments
from opticworks.shop import Shop

log = logging.getLogger(__name__)

WATCHED = timedelta(days=90)  #: how long an unused label of a return is looked at
AT_ONCE = 200  #: labels that one run looks at
COMING = ("approved", "in_transit")  #: states in which a customer may use a label


class CaseLabel(Purchase[ReturnLabel]):
    """The label of a return; with it the return is approved."""

    what, page = "return", "return"

    def __init__(self, shop: Shop, number: str) -> None:
        super().__init__(shop, number)
        self.number = number

    def work(self, db: Session, *, lock: bool = False) -> Work:
        order, case = returns.locked(db, self.number)
        row = cases.label_of(db, case.id) or _new(uuid.uuid4(), case.id)
        if row.status == "prepared" and case.state not in ("requested", "approved"):
            raise Refused(f"A label is of no use. {returns.TOO_LATE[case.state]}")
        return Work.of(row, provider_for(self.shop, order), self._request(db, order, case, row.id))

    def _request(
        self, db: Session, order: Order, case: Return, label: uuid.UUID
    ) -> c.ShipmentRequest:
        quantities = {line.order_line_id: line.coming for line in case.lines if line.coming}
        if not quantities:
            raise Refused("Nothing of this return is to come back in a parcel.")
        wanted = demand.of_order(db, order)
        lacking = {line_id: wanted[line_id].lacks(units) for line_id, units in quantities.items()}
        lines = parcels.shipping_lines(
            [each.line for each in wanted.values()], quantities, order.currency, lacking
        )
        origin = self.shop.settings["shop"].origin
        destination = c.Address.model_validate(order.address)
        abroad = origin.country != destination.country
        signer = self.shop.settings["shipping"].customs_signer
        return c.ShipmentRequest(
            reference=str(label),
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

    def held(self, db: Session, label: uuid.UUID) -> tuple[Order, ReturnLabel]:
        order, _ = returns.locked(db, self.number)
        row = cases.label(db, label, lock=True)
        if row is None:
            raise Refused("There is no such label. Open the return again.")
        return order, row

    def begin(self, db: Session, label: uuid.UUID) -> ReturnLabel:
        """The row of that id, made with the first prices that are asked for."""
        row = cases.label(db, label, lock=True)
        if row is None:
            row = _new(label, self._case(db).id)
            row.created_at = self.shop.now()
            db.add(row)
        return row

    def _case(self, db: Session) -> Return:
        return returns.locked(db, self.number)[1]

    def label_format(self) -> str:
        return "PDF"  # what a customer can print

    def keep(self, db: Session, row: ReturnLabel, format: str, content: bytes) -> None:
        cases.keep_file(db, row.id, format, content)

    def bought(
        self,
        db: Session,
        order: Order,
        row: ReturnLabel,
        label: c.Label,
        elsewhere: dict[str, str],
        actor: str,
    ) -> None:
        case = self._case(db)
        row.addresses = elsewhere
        carrier, cost = f"{label.carrier} {label.service}".strip(), label.cost.format()
        cases.tell(db, case, "label", actor=actor, note=f"{carrier}, {cost}")
        about = {"number": case.number, "carrier": carrier, "cost": cost}
        audit.record(db, actor, "return.label_bought", f"order {order.number}", **about)
        if elsewhere:  # the customer is told once the file is here
            defer(db, "returns.fetch_label", number=case.number, actor=actor)
        else:
            _with_label(db, order, case, actor)

    def unused(self, row: ReturnLabel) -> None:
        if row.status != "bought":
            raise Refused("There is no unused label to void: none was bought.")
        if row.tracking in shipments.MOVING:
            raise Refused(
                f"{row.carrier} has scanned this parcel, so its label is used: it can't be voided "
                "any more."
            )

    def given_back(self, db: Session, order: Order, row: ReturnLabel, actor: str) -> None:
        """Whoever may have printed the label is told not to use it."""
        case = self._case(db)
        cases.tell(db, case, "label_voided", actor=actor, note=row.tracking_number)
        about = {"number": case.number, "tracking_number": row.tracking_number}
        audit.record(db, actor, "return.label_voided", f"order {order.number}", **about)
        if case.state in COMING:
            returns.announce(db, events.RETURN_LABEL_VOIDED, order, case)

    def paid_back(self, db: Session, row: ReturnLabel) -> str:
        case = self._case(db)
        cases.tell(db, case, f"label_void_{row.void}", note=row.tracking_number)
        return f" of the return {case.number}; it may have been used"


def _new(label: uuid.UUID, return_id: uuid.UUID) -> ReturnLabel:
    """A label that nobody has been asked about yet."""
    return ReturnLabel(
        id=label,
        return_id=return_id,
        status="prepared",
        provider="",
        ref="",
        contents="",
        rates=[],
        options={},
    )


def prepare(shop: Shop, number: str) -> tuple[c.Rate, ...]:
    """What a label for that return costs now; nothing is bought (Purchase.prepare)."""
    return CaseLabel(shop, number).prepare()


def buy(shop: Shop, number: str, *, rate_code: str, most: int | None, actor: str) -> None:
    """Buy the return's label once, however often this is asked, and approve the return with it
    (Purchase.buy)."""
    CaseLabel(shop, number).buy(rate_code=rate_code, most=most, actor=actor)


def void(shop: Shop, label_id: uuid.UUID, *, actor: str) -> None:
    """Give an unused label back: the customer no longer gets it (Purchase.void)."""
    CaseLabel(shop, _number_of(shop, label_id)).void(label_id, actor=actor)


def follow_void(shop: Shop, label_id: uuid.UUID) -> None:
    """See what became of a label's money (Purchase.follow)."""
    CaseLabel(shop, _number_of(shop, label_id)).follow(label_id)


def _number_of(shop: Shop, label_id: uuid.UUID) -> str:
    """The return that the label is, or was, of. Raises Refused."""
    with shop.unit() as db:
        label = cases.label(db, label_id)
        case = cases.get(db, label.return_id) if label is not None else None
    if case is None:
        raise Refused("There is no such label. Open the return again.")
    return case.number


# --- its files ------------------------------------------------------------------------------------


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
