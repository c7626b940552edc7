"""The staff's list of returns: tabs with counts, search, and pages found by key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, column, exists, func, or_, select, table, tuple_
from sqlalchemy.orm import Session

from opticworks.returns.models import KINDS, Return, ReturnLabel

PAGE = 25
# Rooms don't import each other: a list that looks across them names the columns it needs.
ORDER = table("orders", column("id"), column("number"), column("email"), column("customer_name"))

#: What waits for somebody: an answer, a refund, or a withdrawal that got stuck.
WAITING = or_(Return.state.in_(("requested", "received")), Return.problem != "")


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    conditions: tuple[ColumnElement[bool], ...] = ()


TABS: Mapping[str, Tab] = {
    "waiting": Tab("To do", (WAITING,)),
    "coming": Tab("On their way", (Return.state.in_(("approved", "in_transit")),)),
    "done": Tab("Done", (Return.state.in_(("refunded", "closed", "declined", "canceled")),)),
    "all": Tab("All"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    tab: str = "waiting"
    text: str = ""
    kind: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        tab, kind = given.get("tab", ""), given.get("kind", "")
        return cls(
            tab if tab in TABS else "waiting",
            given.get("q", "").strip()[:100],
            kind if kind in KINDS else "",
        )

    def params(self, **more: str) -> dict[str, str]:
        """As an address names them, without what is empty."""
        found = {"tab": self.tab, "q": self.text, "kind": self.kind, **more}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the list: (return, order number, customer, e-mail), and where the next begins."""

    rows: Sequence[Any]
    older: str = ""


def find(db: Session, filters: Filters, after: str = "") -> Found:
    """The newest returns that fit, from after the one of that id on."""
    query = (
        select(Return, ORDER.c.number, ORDER.c.customer_name, ORDER.c.email)
        .join(ORDER, ORDER.c.id == Return.order_id)
        .where(*TABS[filters.tab].conditions)
        .order_by(Return.created_at.desc(), Return.id.desc())
    )
    if filters.kind:
        query = query.where(Return.kind == filters.kind)
    if filters.text:
        query = query.where(_matches(filters.text))
    if (last := _last(db, after)) is not None:
        query = query.where(tuple_(Return.created_at, Return.id) < (last.created_at, last.id))
    rows = db.execute(query.limit(PAGE + 1)).all()
    more = str(rows[PAGE - 1][0].id) if len(rows) > PAGE else ""
    return Found(rows[:PAGE], more)


def _last(db: Session, after: str) -> Return | None:
    try:
        return db.get(Return, uuid.UUID(after))
    except ValueError:
        return None


def _matches(text: str) -> ColumnElement[bool]:
    """Number of the return or its order, name, e-mail, or the label's tracking number."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    label = exists().where(ReturnLabel.return_id == Return.id, ReturnLabel.tracking_number == text)
    return or_(
        Return.number.ilike(f"{escaped}%"),
        ORDER.c.email.ilike(f"{escaped}%"),
        ORDER.c.customer_name.ilike(f"%{escaped}%"),
        label,
    )


def counts(db: Session) -> dict[str, int]:
    """How many returns each tab has, in one statement."""
    parts = [
        func.count().filter(*tab.conditions).label(name)
        if tab.conditions
        else func.count().label(name)
        for name, tab in TABS.items()
    ]
    return dict(db.execute(select(*parts).select_from(Return)).one()._mapping)
