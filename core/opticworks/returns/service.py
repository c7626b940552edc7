"""What comes back: the returns of an order, their steps, history and labels.

Every function that writes works in the caller's transaction, which holds the order's lock.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from opticworks import contracts as c
from opticworks.returns.models import (
    STEPS,
    VOID,
    Return,
    ReturnEvent,
    ReturnLabel,
    ReturnLabelFile,
    ReturnLine,
    Withdrawal,
)

#: Why customers send goods back.
REASONS = {
    "unwanted": c.N_("I changed my mind"),
    "fit": c.N_("It does not fit my purpose"),
    "description": c.N_("It is not as described"),
    "damaged": c.N_("It arrived damaged"),
    "defective": c.N_("It does not work"),
    "wrong": c.N_("It is not what I ordered"),
    "other": c.N_("Another reason"),
}
BROKEN = frozenset({"damaged", "defective"})


#: In which condition goods come back.
CONDITIONS = {
    "new": "As new",
    "opened": "Opened",
    "used": "Used",
    "damaged": "Damaged",
    "incomplete": "Parts are missing",
}


class Misstep(Exception):
    """The return is in a state from which it can't go there."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Part:
    """So many units of an order's line; `unsent` of them have not left."""

    line_id: int
    quantity: int
    reason: str = ""
    unsent: int = 0


def open_case(
    db: Session,
    return_id: uuid.UUID,
    order_id: int,
    order_number: str,
    parts: Sequence[Part],
    *,
    now: datetime,
    kind: str = "return",
    note: str = "",
) -> Return:
    """Write down what comes back. A withdrawal waits for nobody's approval."""
    known = select(func.count()).where(Return.order_id == order_id)
    case = Return(
        id=return_id,
        number=f"{order_number}-R{(db.scalar(known) or 0) + 1}",
        order_id=order_id,
        kind=kind,
        state="approved" if kind == "withdrawal" else "requested",
        note=note,
        answer="",
        problem="",
        created_at=now,
        lines=[
            ReturnLine(
                order_line_id=part.line_id,
                quantity=part.quantity,
                unsent=part.unsent,
                reason=part.reason,
                condition="",
                restock=False,
            )
            for part in sorted(parts, key=lambda part: part.line_id)
        ],
    )
    db.add(case)
    db.flush()
    return case


def get(db: Session, return_id: uuid.UUID) -> Return | None:
    """As the database has it now: a lock was waited for meanwhile."""
    query = select(Return).where(Return.id == return_id)
    return db.scalars(query.execution_options(populate_existing=True)).one_or_none()


def by_number(db: Session, number: str) -> Return | None:
    return db.scalars(select(Return).where(Return.number == number)).one_or_none()


def of_order(db: Session, order_id: int) -> Sequence[Return]:
    """The order's returns, oldest first."""
    return db.scalars(
        select(Return)
        .where(Return.order_id == order_id)
        .order_by(Return.created_at, Return.number)
        .execution_options(populate_existing=True)
    ).all()


def spoken_for(cases: Sequence[Return], *, refunded: bool = True) -> Counter[int]:
    """Units that come, or came, back with these returns, by order line id. Without `refunded`
    those whose money went back are left out: the refunds tell of them."""
    found: Counter[int] = Counter()
    for case in cases:
        if case.state not in VOID and (refunded or case.state != "refunded"):
            found.update(case.units)
    return found


def waiting_unsent(cases: Sequence[Return]) -> Counter[int]:
    """Units that customers withdrew from before they left, and that are still in the order."""
    found: Counter[int] = Counter()
    for case in cases:
        if case.kind == "withdrawal" and case.carried_out_at is None and case.state not in VOID:
            found.update({line.order_line_id: line.unsent for line in case.lines})
    return found


def move(db: Session, case: Return, state: str, *, actor: str = "", note: str = "") -> None:
    """Take the return to its next state and write that down. Raises Misstep."""
    if state not in STEPS.get(case.state, ()):
        raise Misstep(case.state)
    case.state = state
    tell(db, case, state, actor=actor, note=note)


def tell(db: Session, case: Return, kind: str, *, actor: str = "", note: str = "") -> None:
    """A line of the return's history."""
    db.add(ReturnEvent(return_id=case.id, kind=kind, actor=actor, note=note))
    db.flush()


def history(db: Session, return_id: uuid.UUID) -> Sequence[ReturnEvent]:
    """What happened to it, the latest first."""
    query = select(ReturnEvent).where(ReturnEvent.return_id == return_id)
    return db.scalars(query.order_by(ReturnEvent.id.desc())).all()


def withdrawal(db: Session, return_id: uuid.UUID) -> Withdrawal | None:
    return db.get(Withdrawal, return_id)


# --- labels ---------------------------------------------------------------------------------------


def label_of(db: Session, return_id: uuid.UUID, *, lock: bool = False) -> ReturnLabel | None:
    """The return's label; one that was given back is none."""
    return _label(db, lock, ReturnLabel.return_id == return_id, ReturnLabel.status != "voided")


def label(db: Session, label_id: uuid.UUID, *, lock: bool = False) -> ReturnLabel | None:
    """The label of that id, given back or not."""
    return _label(db, lock, ReturnLabel.id == label_id)


def _label(db: Session, lock: bool, *conditions: ColumnElement[bool]) -> ReturnLabel | None:
    query = select(ReturnLabel).where(*conditions)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.scalars(query).one_or_none()


def labels_of(db: Session, return_id: uuid.UUID) -> Sequence[ReturnLabel]:
    """All labels that the return has and had, oldest first."""
    query = select(ReturnLabel).where(ReturnLabel.return_id == return_id)
    return db.scalars(query.order_by(ReturnLabel.created_at, ReturnLabel.id)).all()


def label_by_ref(db: Session, provider: str, ref: str, reference: str = "") -> ReturnLabel | None:
    """The label that a vendor speaks of: by our id first, which it may know before we know its
    own."""
    try:
        found = label(db, uuid.UUID(reference))
    except ValueError:
        found = None
    if found is None and ref:
        found = _label(db, False, ReturnLabel.provider == provider, ReturnLabel.ref == ref)
    return found


def label_files(db: Session, label_id: uuid.UUID) -> Sequence[ReturnLabelFile]:
    """The label in each format it is kept in, the newest first."""
    query = select(ReturnLabelFile).where(ReturnLabelFile.label_id == label_id)
    return db.scalars(query.order_by(ReturnLabelFile.id.desc())).all()


def files_to_use(db: Session, return_id: uuid.UUID) -> Sequence[ReturnLabelFile]:
    """The label that may be stuck on the return's parcel now, in each format; none of one that
    was given back, or is about to be."""
    found = label_of(db, return_id)
    return label_files(db, found.id) if found is not None and found.usable else ()


def keep_file(db: Session, label_id: uuid.UUID, format: str, content: bytes) -> None:
    """Keep a label's file; the very same one is kept once."""
    statement = insert(ReturnLabelFile).values(
        label_id=label_id,
        format=format,
        digest=hashlib.sha256(content).hexdigest(),
        content=content,
    )
    columns = ["label_id", "format", "digest"]
    db.execute(statement.on_conflict_do_nothing(index_elements=columns))


# --- as others see them ---------------------------------------------------------------------------


def views(
    db: Session,
    cases: Sequence[Return],
    names: Mapping[int, tuple[str, str]],
    order_url: str,
    notes: Mapping[uuid.UUID, tuple[tuple[str, str], ...]],
) -> tuple[c.ReturnView, ...]:
    """The returns as plugins, mails and pages see them; `names` are SKU and title by line id,
    `notes` number and address of each credit note by return."""
    if not cases:
        return ()
    ids = [case.id for case in cases]
    live = select(ReturnLabel).where(
        ReturnLabel.return_id.in_(ids), ReturnLabel.status == "bought", ReturnLabel.void == ""
    )
    labels = {label.return_id: label for label in db.scalars(live)}
    formats: dict[uuid.UUID, set[str]] = {}
    kept = select(ReturnLabelFile.label_id, ReturnLabelFile.format)
    known = [label.id for label in labels.values()]
    for label_id, format in db.execute(kept.where(ReturnLabelFile.label_id.in_(known))):
        formats.setdefault(label_id, set()).add(format)
    declared = {
        row.return_id: row.statement
        for row in db.scalars(select(Withdrawal).where(Withdrawal.return_id.in_(ids)))
    }
    return tuple(
        _view(
            case,
            names,
            order_url,
            found := labels.get(case.id),
            tuple(sorted(formats.get(found.id, ()))) if found is not None else (),
            notes.get(case.id, ()),
            declared.get(case.id, ""),
        )
        for case in cases
    )


def _view(
    case: Return,
    names: Mapping[int, tuple[str, str]],
    order_url: str,
    label: ReturnLabel | None,
    formats: tuple[str, ...],
    notes: tuple[tuple[str, str], ...],
    statement: str,
) -> c.ReturnView:
    return c.ReturnView(
        number=case.number,
        kind=cast(Any, case.kind),
        state=cast(Any, case.state),
        at=case.created_at,
        url=f"{order_url}/returns/{case.number}",
        lines=tuple((*names[line.order_line_id], line.quantity) for line in case.lines),
        note=case.note,
        answer=case.answer,
        labels=formats,
        carrier=label.carrier if label is not None else "",
        tracking_number=label.tracking_number if label is not None else "",
        tracking_url=label.tracking_url if label is not None else "",
        coming=sum(line.back for line in case.lines),
        credit_notes=notes,
        statement=statement,
    )
