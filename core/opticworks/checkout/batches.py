"""Many orders at once: each is packed and labelled by a job of its own, and all are handed over.

Whatever goes wrong with one holds up none of the others. A batch is rows: a worker that is killed
leaves its jobs to the next, and staff may have the rest done again at any time.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from opticworks.checkout import labels, parcels
from opticworks.checkout.purchase import Unanswered
from opticworks.checkout.settle import Refused
from opticworks.jobs import Permanent, defer, task
from opticworks.orders.models import Order
from opticworks.shipping.models import LEFT, LabelBatch, LabelBatchOrder, Parcel
from opticworks.shop import Shop

MOST_ORDERS = 250  #: of one batch
PATIENCE = 20.0  #: seconds that one click hands parcels over
RANK = {"failed": 0, "waiting": 1, "done": 2}


def begin_batch(
    shop: Shop,
    numbers: Sequence[str],
    *,
    actor: str,
    most: int | None = None,
    batch_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Have the labels of many orders bought, each by a job of its own; the batch's id.

    `most` is what one order's labels may cost together (minor units). With a `batch_id` made when
    the form was shown, a second click begins nothing.
    """
    with shop.unit("label_batch") as db:
        if batch_id is not None and db.get(LabelBatch, batch_id) is not None:
            return batch_id
        batch = LabelBatch(id=batch_id or uuid.uuid4(), actor=actor, most=most)
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
        labels.label_order(shop, number, actor=begun.actor, most=begun.most)
    except Refused as error:
        _note(shop, batch, number, "failed", str(error))
        if isinstance(error, Unanswered):
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
    rows = db.scalars(select(LabelBatchOrder).where(LabelBatchOrder.batch_id == batch_id)).all()
    return batch, sorted(rows, key=lambda row: (RANK[row.status], row.number))


def parcels_of(db: Session, batch_id: uuid.UUID) -> list[tuple[str, Parcel]]:
    """The labelled parcels of the batch's orders, by order number, as they lie on the bench: those
    that left before the batch was begun are not among them."""
    rows = db.execute(
        select(Order.number, Parcel)
        .join(LabelBatchOrder, LabelBatchOrder.number == Order.number)
        .join(LabelBatch, LabelBatch.id == LabelBatchOrder.batch_id)
        .join(Parcel, Parcel.order_id == Order.id)
        .where(
            LabelBatch.id == batch_id,
            or_(
                Parcel.status == "bought",
                Parcel.status.in_(LEFT) & (Parcel.bought_at >= LabelBatch.created_at),
            ),
        )
        .order_by(Order.number, Parcel.bought_at, Parcel.position)
    )
    return [(number, parcel) for number, parcel in rows]


def again(shop: Shop, batch_id: uuid.UUID) -> int:
    """Have what failed or still waits done once more; how many orders. A label that is there is
    not bought again."""
    with shop.unit("label_batch_again") as db:
        rows = db.scalars(
            select(LabelBatchOrder)
            .where(LabelBatchOrder.batch_id == batch_id, LabelBatchOrder.status != "done")
            .order_by(LabelBatchOrder.number)
            .with_for_update()
        ).all()
        for row in rows:
            row.status, row.sentence = "waiting", ""
            defer(db, "shipping.batch_label", batch=str(batch_id), number=row.number)
        return len(rows)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """How many parcels left, a sentence about each that could not, and how many nobody got to."""

    number: int
    refused: Sequence[str]
    left: int


def hand_over_all(
    shop: Shop, batch_id: uuid.UUID, *, actor: str, seconds: float = PATIENCE
) -> HandedOver:
    """Hand over the labelled parcels of the batch that are still here, one by one, for so many
    seconds: where money is taken first, each asks its provider."""
    until = time.monotonic() + seconds
    with shop.unit() as db:
        here = [
            (number, parcel.id)
            for number, parcel in parcels_of(db, batch_id)
            if parcel.status == "bought"
        ]
    refused: list[str] = []
    tried = 0
    for number, parcel_id in here:
        if time.monotonic() > until:
            break
        tried += 1
        try:
            parcels.hand_over(shop, [parcel_id], actor=actor)
        except Refused as error:
            refused.append(f"{number}: {error}")
    return HandedOver(tried - len(refused), refused, len(here) - tried)
