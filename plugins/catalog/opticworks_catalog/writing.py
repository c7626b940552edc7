"""Writing products: creates or updates exactly what differs, and says what that was.

The admin's editor, the importer and whatever fills a shop go through here. Every function works in
the caller's transaction, locks the products it changes in the order of their ids, and needs a
number of statements that doesn't grow with products or variants.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from opticworks_catalog import bundles
from opticworks_catalog.checks import Problems, problems, problems_of
from opticworks_catalog.differences import Batch
from opticworks_catalog.finding import handles, index
from opticworks_catalog.finding.handles import PRODUCT, Target
from opticworks_catalog.inputs import (
    Change,
    ChoiceInput,
    OptionInput,
    ProductInput,
    Saved,
    VariantInput,
)
from opticworks_catalog.models import (
    ARCHIVED,
    Choice,
    Component,
    Option,
    OptionValue,
    Product,
    Variant,
)
from opticworks_catalog.stored import read_stored

__all__ = [
    "Change",
    "ChoiceInput",
    "Invalid",
    "OptionInput",
    "Problems",
    "ProductInput",
    "Saved",
    "VariantInput",
    "archive",
    "delete",
    "find",
    "needed",
    "problems",
    "read",
    "read_many",
    "save",
    "save_all",
    "touched",
]

MEANWHILE = (
    "Somebody else saved the same handle or SKU at this moment. Look at it again, then save."
)


class Invalid(ValueError):
    """A product can't be saved as it is; `problems` says why, by the path of each field."""

    def __init__(self, found: Problems) -> None:
        super().__init__(" ".join(dict.fromkeys(found.values())))
        self.problems = found


def save(db: Session, product: ProductInput, *, product_id: int | None = None) -> Saved:
    """Create the product, or make the one of that id be like it. Variants are found again by
    their SKU. Raises Invalid, and then writes nothing."""
    answer = save_all(db, [Change(product, product_id)])[0]
    if isinstance(answer, Saved):
        return answer
    raise Invalid(answer)


def save_all(db: Session, changes: Sequence[Change]) -> list[Saved | Problems]:
    """Save every product that has no problem; the answer for another one is its problems."""
    if not changes:
        return []
    try:
        with db.begin_nested():
            return _save_all(db, changes)
    except IntegrityError:  # another transaction took a handle or SKU after we looked
        if len(changes) > 1:
            return [answer for change in changes for answer in save_all(db, [change])]
        return [problems_of(db, changes)[0] or {"": MEANWHILE}]


def _save_all(db: Session, changes: Sequence[Change]) -> list[Saved | Problems]:
    bundles.take_turns(db, changes)
    stored = read_stored(db, [c.product_id for c in changes if c.product_id is not None], lock=True)
    for change in changes:
        if change.product_id is not None and change.product_id not in stored:
            raise LookupError(f"There is no product with the id {change.product_id}.")
    found = problems_of(db, changes)
    batch = Batch(db)
    places = {}
    for i, change in enumerate(changes):
        if not found[i]:
            old = None if change.product_id is None else stored[change.product_id]
            places[i] = batch.add(change.product, old, change.position)
    saved = batch.write()
    handles.changed(
        db,
        [
            handles.Change(
                Target(PRODUCT, saved[place].product_id),
                "" if (own := changes[i].product_id) is None else stored[own].row["handle"],
                changes[i].product.handle,
            )
            for i, place in places.items()
        ],
    )
    touched(db, {one.product_id for one in saved if one.changed})
    return [saved[places[i]] if i in places else found[i] for i in range(len(changes))]


def touched(db: Session, product_ids: Collection[int]) -> None:
    """Everything that follows from a change of these products, whatever changed them: call it in
    the same transaction after writing to their tables by other ways."""
    if product_ids:
        product_ids = {*product_ids, *bundles.price_again(db, product_ids)}
        db.execute(
            update(Product)
            .where(Product.id.in_(product_ids))
            .values(updated_at=func.now())
            .execution_options(synchronize_session=False)
        )
        db.expire_all()
        index.refresh(db, product_ids)


def find(db: Session, handles: Collection[str]) -> dict[str, int]:
    """The ids of the products that have these handles."""
    rows = db.execute(select(Product.handle, Product.id).where(Product.handle.in_(handles)))
    return dict(rows.all())


def read(db: Session, product_id: int) -> ProductInput:
    """The product as it could be saved again without a difference. Raises LookupError."""
    found = read_many(db, [product_id])
    if not found:
        raise LookupError(f"There is no product with the id {product_id}.")
    return found[product_id]


def read_many(db: Session, product_ids: Collection[int]) -> dict[int, ProductInput]:
    """Products by id; those that don't exist are missing."""
    return {key: one.as_input() for key, one in read_stored(db, product_ids).items()}


def archive(db: Session, product_id: int) -> Saved:
    """Take a product out of the shop and out of the way, with everything it has kept."""
    stored = read_stored(db, [product_id], lock=True)
    if not stored:
        raise LookupError(f"There is no product with the id {product_id}.")
    if stored[product_id].row["status"] == ARCHIVED:
        return Saved(product_id)
    db.execute(
        update(Product)
        .where(Product.id == product_id)
        .values(status=ARCHIVED)
        .execution_options(synchronize_session=False)
    )
    touched(db, [product_id])
    return Saved(product_id, changes=("status",))


def needed(db: Session, skus: Collection[str]) -> str:
    """Why a product can't be deleted that has these variants; empty if it can."""
    for part, bundle in bundles.needing(db, skus).items():
        hint = "Archive the product, or change the bundle first."
        return f"{part} is a part of the bundle {bundle}. {hint}"
    return ""


def delete(db: Session, product_id: int, *, target: Target | None = None) -> None:
    """Remove a product for good; orders keep their own record of it. Its addresses lead to
    `target` from now on, or say that it is gone. Raises Invalid while another product's bundle
    has a part of it."""
    skus = db.scalars(select(Variant.sku).where(Variant.product_id == product_id)).all()
    if sentence := needed(db, skus):
        raise Invalid({"": sentence})
    own = select(Variant.id).where(Variant.product_id == product_id)
    db.execute(delete_rows(Component).where(Component.variant_id.in_(own)))
    values = select(OptionValue.id).join(Option).where(Option.product_id == product_id)
    db.execute(delete_rows(Choice).where(Choice.value_id.in_(values)))
    handle = db.scalar(select(Product.handle).where(Product.id == product_id))
    if handle is not None:
        handles.retire(db, Target(PRODUCT, product_id), handle, target)
    db.execute(delete_rows(Product).where(Product.id == product_id))
    db.expire_all()
