"""What shipping does by itself: invoices and labels of paid orders, files, tracking, voids."""

from __future__ import annotations

import logging
import urllib.request
import uuid
from urllib.parse import urlsplit

from sqlalchemy import select

from opticworks import contracts as c
from opticworks import events
from opticworks.checkout import addresses, credit_notes, labels, tracking
from opticworks.checkout.purchase import Unanswered
from opticworks.checkout.settle import Refused
from opticworks.hookspecs import hookimpl
from opticworks.jobs import defer, task
from opticworks.media.fetch import Fetcher
from opticworks.media.recognise import BadPicture
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.shipping import service as shipments
from opticworks.shipping.models import Parcel
from opticworks.shop import Shop

log = logging.getLogger(__name__)

AT_ONCE = 200  #: parcels looked at in one go of the poller
LABEL_BYTES = 10_000_000


@hookimpl
def on_event(event: events.Event, ctx: c.Ctx) -> None:
    """A paid order gets its invoice by itself, if the shop says so; and its labels, as soon as it
    is paid, or stands with its money authorized, which is taken when it leaves."""
    paid = event.kind == events.PAYMENT_PAID
    if paid and ctx.settings["documents"].invoices and event.order is not None:
        credit_notes.write_invoice(ctx, event.order)
    if not ctx.settings["shipping"].automatic_labels:
        return
    if paid or event.kind == events.PAYMENT_AUTHORIZED:
        lock = f"label:{event.subject}"
        defer(ctx.db, "shipping.buy_label", queueing_lock=lock, number=event.subject)


@task("shipping.buy_label")
def buy_label(shop: Shop, number: str) -> None:
    """Buy the labels of an order whose money is there; what can't be done by a rule is put before
    staff."""
    settings = shop.settings["shipping"]
    if not settings.automatic_labels:
        return
    with shop.unit() as db:
        order = orders.by_number(db, number)
    if order is None or order.fulfilment_status != "unfulfilled":
        return
    most = Money.parse(settings.most_cost, order.currency).minor
    check = addresses.of_order(order)
    try:
        if check is not None and check.state == "undeliverable":
            raise Refused(
                f"{check.by} does not find the address: {' '.join(check.messages)} Ask the "
                "customer, or buy the label yourself."
            )
        labels.label_order(shop, number, actor="automatic", most=most)
    except Refused as error:
        with shop.unit("label_problem") as db:
            shipments.open_problem(db, order.id, "label", f"No label was bought: {error}")
        if isinstance(error, Unanswered):
            raise  # tried again: the vendor is looked at before anything is bought


@task("shipping.fetch_label")
def fetch_label(shop: Shop, parcel: str) -> None:
    """Keep a copy of a label that its vendor only gave an address of."""
    with shop.unit() as db:
        found = shipments.get(db, uuid.UUID(parcel))
        files = dict((found.label or {}).get("files", {})) if found is not None else {}
        kept = {file.format for file in shipments.label_files(db, uuid.UUID(parcel))}
    for format, address in files.items():
        if format in kept:
            continue
        try:
            content = fetch_file(shop, address)
        except (BadPicture, OSError) as error:
            raise c.ProviderError(f"The label could not be fetched: {error}") from None
        keep_label(shop, uuid.UUID(parcel), format, content)


def keep_label(shop: Shop, parcel_id: uuid.UUID, format: str, content: bytes) -> None:
    """Keep a label's file, byte for byte; once, however often."""
    with shop.unit("label_file") as db:
        shipments.keep_file(db, parcel_id, format, content)


def fetch_file(shop: Shop, address: str) -> bytes:
    """A label's or a form's bytes, from a public https address, or from a stand-in that the shop
    was started with. Raises BadPicture or OSError."""
    if any(address.startswith(_origin(place) + "/") for place in shop.config.standins.values()):
        with urllib.request.urlopen(address, timeout=10) as answer:
            content: bytes = answer.read(LABEL_BYTES)
        _is_a_label(content)
        return content
    return Fetcher(limit=LABEL_BYTES, what="label", check=_is_a_label).fetch(address)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _is_a_label(content: bytes) -> None:
    if not content.startswith((b"%PDF", b"\x89PNG", b"^XA", b"GIF8", b"\xff\xd8")):
        raise BadPicture("What came is neither a PDF nor a picture nor ZPL.")


# --- looking by itself ----------------------------------------------------------------------------


@task("shipping.poll_trackers", schedule="*/10 * * * *")
def poll_trackers(shop: Shop) -> None:
    """Look at what no webhook told of for a while: parcels on their way, labels whose money is
    awaited, purchases and voids that a crash interrupted."""
    with shop.unit("shipping_poll") as db:
        due = db.scalars(
            select(Parcel.id)
            .where(Parcel.look_at <= shop.now())
            .order_by(Parcel.look_at)
            .limit(AT_ONCE)
        ).all()
        for parcel in due:
            lock = f"look:{parcel}"
            defer(db, "shipping.look", queueing_lock=lock, parcel=str(parcel))


@task("shipping.look")
def look(shop: Shop, parcel: str) -> None:
    """Ask the vendor how one parcel stands."""
    with shop.unit() as db:
        found = shipments.get(db, uuid.UUID(parcel))
    if found is None or found.look_at is None or found.look_at > shop.now():
        return
    if found.status == "buying":
        labels.buy(shop, found.id, rate_code="", actor="automatic")
    elif found.void == "asking":
        labels.void(shop, found.id, actor="automatic")
    elif found.ref:
        tracking.sync(shop, found.provider, found.ref)
