"""Issuing documents, and finding those that were issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.documents import facts as facts_room
from opticworks.documents.models import Document, DocumentSeries

#: Payment statuses in which an invoice may be written: the money came.
INVOICED = ("paid", "part_refunded", "refunded")


def invoice_of(
    db: Session, order: c.OrderView, settings: Mapping[str, Any], now: datetime
) -> Document | None:
    """The order's invoice, issued now if it has none; None while it is not paid.

    The number counts only if the caller's transaction commits.
    """
    known = find(db, "invoice", order.number)
    if known is not None or order.payment_status not in INVOICED:
        return known
    shop, papers = settings["shop"].written_in(order.locale), settings["documents"]
    day = now.astimezone(ZoneInfo(shop.timezone)).date()
    return issue(
        db,
        "invoice",
        order.number,
        papers.prefix,
        facts_room.invoice(order, shop, papers, day),
        now,
    )


def issue(
    db: Session,
    kind: str,
    order_number: str,
    series: str,
    facts: Mapping[str, Any],
    now: datetime,
    about: str = "",
) -> Document:
    """A document with the next number of its series, or the one there is. Two who issue at once
    take turns: a series is counted by one transaction at a time."""
    statement = insert(DocumentSeries).values(prefix=series, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["prefix"], set_={"last": DocumentSeries.last + 1}
    )
    with db.begin_nested() as savepoint:
        position = db.execute(statement.returning(DocumentSeries.last)).scalar_one()
        known = find(db, kind, order_number, about)  # somebody was quicker while we waited
        if known is not None:
            savepoint.rollback()
            return known
        document = Document(
            kind=kind,
            number=f"{series}{position:05d}",
            series=series,
            position=position,
            order_number=order_number,
            about=about,
            facts=dict(facts),
            issued_at=now,
        )
        db.add(document)
        db.flush()
    return document


def find(db: Session, kind: str, order_number: str, about: str = "") -> Document | None:
    """The order's document of that kind, about that."""
    return db.scalars(
        select(Document).where(
            Document.kind == kind,
            Document.order_number == order_number,
            Document.about == about,
        )
    ).one_or_none()


_OF_ORDER = (
    select(Document).where(Document.order_number == bindparam("order")).order_by(Document.id)
)


def of_order(db: Session, order_number: str) -> Sequence[Document]:
    """Every document of the order, the oldest first."""
    return db.scalars(_OF_ORDER, {"order": order_number}).all()
