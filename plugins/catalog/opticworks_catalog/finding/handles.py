"""Addresses that were: a changed handle leads to the new one in one step, for ever.

A former handle names the product or collection itself, so a chain of changes is one redirect, a
loop can't be written down, and going back to an old handle just forgets it. It stays reserved for
as long as it leads somewhere. Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from opticworks_catalog.finding.models import FormerHandle
from opticworks_catalog.models import PUBLISHED, Collection, Product
from opticworks_catalog.present import collection_path, product_path

PRODUCT, COLLECTION = "product", "collection"


@dataclass(frozen=True, slots=True)
class Target:
    """A product or a collection, by its id."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Former:
    """Where a former handle leads: a path, empty when what it named is gone for good."""

    path: str


@dataclass(frozen=True, slots=True)
class Change:
    """The thing has the handle `now` and had `before` (empty for a new one)."""

    own: Target
    before: str
    now: str


def changed(db: Session, changes: Iterable[Change]) -> None:
    """Remember the handles that were, in two statements for any number of changes."""
    real = [one for one in changes if one.before != one.now]
    for kind in {one.own.kind for one in real}:
        mine = [one for one in real if one.own.kind == kind]
        db.execute(
            delete(FormerHandle).where(
                FormerHandle.kind == kind, FormerHandle.handle.in_({one.now for one in mine})
            )
        )
    _write(db, [(one.own.kind, one.before, one.own) for one in real if one.before])


def retire(db: Session, own: Target, handle: str, target: Target | None = None) -> None:
    """The thing is about to be deleted: its addresses lead to `target`, or say that it is gone.

    Raises ValueError when it would lead to itself.
    """
    if target == own:
        raise ValueError("An address can't lead to what is being deleted. Choose another target.")
    db.execute(update(FormerHandle).where(_column(own.kind) == own.id).values(_columns(target)))
    _write(db, [(own.kind, handle, target)])


def reserved(db: Session, kind: str, handles: Some[str]) -> dict[str, Target]:
    """Which of these handles are kept for an address that was, and for what."""
    rows = db.scalars(
        select(FormerHandle).where(FormerHandle.kind == kind, FormerHandle.handle.in_(handles))
    )
    return {row.handle: target for row in rows if (target := _target(row)) is not None}


def problem(db: Session, kind: str, handle: str, own_id: int | None = None) -> str:
    """Why the thing can't have that handle, as a sentence; empty when it can. Whether another one
    has it now is the caller's question."""
    target = reserved(db, kind, [handle]).get(handle)
    if target is None or target == Target(kind, own_id or 0):
        return ""
    return kept(kind, handle)


def kept(kind: str, handle: str) -> str:
    """What is wrong with taking a handle whose address still leads to something else."""
    return (
        f"The address {handle} once belonged to another {kind} and still leads to it. "
        "Choose another handle."
    )


def lookup(db: Session, kind: str, handle: str) -> Former | None:
    """Where the address with that handle leads now; None when it never was one, or when what it
    leads to is not shown at the moment."""
    row = db.execute(
        select(
            FormerHandle.product_id,
            FormerHandle.collection_id,
            Product.handle.label("product"),
            Product.status.label("product_status"),
            Collection.handle.label("collection"),
            Collection.status.label("collection_status"),
        )
        .outerjoin(Product, Product.id == FormerHandle.product_id)
        .outerjoin(Collection, Collection.id == FormerHandle.collection_id)
        .where(FormerHandle.kind == kind, FormerHandle.handle == handle)
    ).first()
    if row is None:
        return None
    if row.product_id is not None:
        return Former(product_path(row.product)) if row.product_status == PUBLISHED else None
    if row.collection_id is not None:
        shown = row.collection_status == PUBLISHED
        return Former(collection_path(row.collection)) if shown else None
    return Former("")


def _write(db: Session, formers: Sequence[tuple[str, str, Target | None]]) -> None:
    if not formers:
        return
    statement = upsert(FormerHandle)
    columns = ("product_id", "collection_id")
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "handle"],
            set_={name: statement.excluded[name] for name in columns},
        ),
        [
            {"kind": kind, "handle": handle, **_columns(target)}
            for kind, handle, target in sorted(formers, key=lambda one: one[:2])
        ],
    )


def _columns(target: Target | None) -> dict[str, int | None]:
    return {
        "product_id": target.id if target and target.kind == PRODUCT else None,
        "collection_id": target.id if target and target.kind == COLLECTION else None,
    }


def _column(kind: str) -> Any:
    return FormerHandle.product_id if kind == PRODUCT else FormerHandle.collection_id


def _target(row: FormerHandle) -> Target | None:
    if row.product_id is not None:
        return Target(PRODUCT, row.product_id)
    return None if row.collection_id is None else Target(COLLECTION, row.collection_id)
