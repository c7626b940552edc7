"""What shipping does by itself: labels of paid orders, batches, files, tracking, voided labels."""

from __future__ import annotations

import logging
import urllib.request
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks import events
from opticworks.checkout import labels, tracking
from opticworks.checkout.settle import Refused
from opticworks.documents import service as documents
from opticworks.hookspecs import hookimpl
from opticworks.jobs import Permanent, defer, task
from opticworks.media.fetch import Fetcher
from opticworks.media.recognise import BadPicture
from opticworks.money import Money
from opticworks.orders import service as orders
from opticworks.shipping import service as shipments
from opticworks.shipping.models import LabelBatch, LabelBatchOrder, Parcel
from opticworks.shop import Shop

log = logging.getLogger(__name__)

AT_ONCE = 200  #: parcels looked at in one go of the poller
LABEL_BYTES = 10_000_000


@hookimpl
def on_event(event: events.Event, ctx: c.Ctx) -> None:
    """A paid order gets its invoice and its labels by itself, if the shop says so."""
    if event.kind != events.PAYMENT_PAID:
        return
    if ctx.settings["documents"].invoices and event.order is not None:
        documents.invoice_of(ctx.db, event.order, ctx.settings, ctx.now)
    if ctx.settings["shipping"].automatic_labels:
        lock = f"label:{event.subject}"
        defer(ctx.db, "shipping.buy_label", queueing_lock=lock, number=event.subject)


@task("shipping.buy_label")
def buy_label(shop: Shop, number: str) -> None:
    """Buy the labels of a paid order; what can't be done by a rule is put before staff."""
    settings = shop.settings["shipping"]
    if not settings.automatic_labels:
        return
    with shop.unit() as db:
        order = orders.by_number(db, number)
    if order is None or order.fulfilment_status != "unfulfilled":
        return
    most = Money.parse(settings.most_cost, order.currency).minor
    try:
        labels.label_order(shop, number, actor="automatic", most=most)
    except Refused as error:
        with shop.unit("label_problem") as db:
            shipments.open_problem(db, order.id, "label", f"No label was bought: {error}")
        if isinstance(error, labels.Unanswered):
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
            content = _fetch(shop, address)
        except (BadPicture, OSError) as error:
            raise c.ProviderError(f"The label could not be fetched: {error}") from None
        keep_label(shop, uuid.UUID(parcel), format, content)


def keep_label(shop: Shop, parcel_id: uuid.UUID, format: str, content: bytes) -> None:
    """Keep a label's file, byte for byte; once, however often."""
    with shop.unit("label_file") as db:
        shipments.keep_file(db, parcel_id, format, content)


def _fetch(shop: Shop, address: str) -> bytes:
    """The label's bytes, from a public https address, or from a stand-in that the shop was
    started with. Raises BadPicture or OSError."""
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
    awaited, purchases that a crash interrupted."""
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
    elif found.ref:
        tracking.sync(shop, found.provider, found.ref)


# --- batches --------------------------------------------------------------------------------------


def begin_batch(shop: Shop, numbers: Sequence[str], *, actor: str) -> uuid.UUID:
    """Have the labels of many orders bought, each by a job of its own; the batch's id."""
    with shop.unit("label_batch") as db:
        batch = LabelBatch(id=uuid.uuid4(), actor=actor)
        db.add(batch)
        db.flush()
        for number in dict.fromkeys(numbers):
            db.add(LabelBatchOrder(batch_id=batch.id, number=number, status="waiting"))
            defer(db, "shipping.batch_label", batch=str(batch.id), number=number)
        return batch.id


@task("shipping.batch_label", retry=3)
def batch_label(shop: Shop, batch: str, number: str) -> None:
    """One order of a batch: whatever goes wrong with it holds up none of the others."""
    with shop.unit() as db:
        begun = db.get(LabelBatch, uuid.UUID(batch))
    if begun is None:
        return
    try:
        labels.label_order(shop, number, actor=begun.actor)
    except Refused as error:
        _note(shop, batch, number, "failed", str(error))
        if isinstance(error, labels.Unanswered):
            raise
    except Exception as error:
        _note(shop, batch, number, "failed", f"It went wrong: {error}")
        raise Permanent(f"The label of order {number} could not be bought: {error}") from error
    else:
        _note(shop, batch, number, "done", "")


def _note(shop: Shop, batch: str, number: str, status: str, sentence: str) -> None:
    with shop.unit("label_batch_order") as db:
        db.execute(
            update(LabelBatchOrder)
            .where(LabelBatchOrder.batch_id == uuid.UUID(batch), LabelBatchOrder.number == number)
            .values(status=status, sentence=sentence[:500])
        )


def batch_of(
    db: Session, batch_id: uuid.UUID
) -> tuple[LabelBatch, Sequence[LabelBatchOrder]] | None:
    """A batch and how each of its orders stands, what failed first."""
    batch = db.get(LabelBatch, batch_id)
    if batch is None:
        return None
    rank = {"failed": 0, "waiting": 1, "done": 2}
    rows = db.scalars(select(LabelBatchOrder).where(LabelBatchOrder.batch_id == batch_id)).all()
    return batch, sorted(rows, key=lambda row: (rank[row.status], row.number))
