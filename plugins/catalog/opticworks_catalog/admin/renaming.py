"""Giving a variant another SKU: its stock moves along, bundles follow, orders keep the old one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks_catalog import writing
from opticworks_catalog.admin.form import ProductForm
from opticworks_catalog.models import Variant
from opticworks_catalog.writing import ProductInput


def of(form: ProductForm) -> dict[str, str]:
    """Which SKUs were changed, old to new."""
    return {
        row["sku_was"]: row["sku"]
        for row in form.variants
        if row["sku_was"] and row["sku"] and row["sku"] != row["sku_was"]
    }


def with_skus(product: ProductInput, names: dict[str, str]) -> ProductInput:
    """The product with these SKUs called otherwise."""
    return replace(
        product,
        variants=tuple(
            replace(variant, sku=names.get(variant.sku, variant.sku))
            for variant in product.variants
        ),
    )


def rename(db: Session, product_id: int, names: dict[str, str], actor: str) -> None:
    """Change the SKUs and move their stock. Raises ValueError with a sentence.

    Bundles that name them follow by the foreign key.
    """
    levels = kernel.availability(db, {*names, *names.values()})
    taken = set(db.scalars(select(Variant.sku).where(Variant.sku.in_(names.values()))))
    for old, new in names.items():
        if len(new) > 255:
            raise ValueError(f"The new SKU of {old} is too long; 255 characters are the most.")
        if levels[old].held:
            raise ValueError(
                f"Orders keep {levels[old].held} of {old}, so its SKU can't change until they are "
                "sent or canceled."
            )
        if new in taken:
            raise ValueError(f"Another variant has the SKU {new}. Choose another one for {old}.")
        if levels[new].on_hand or levels[new].held:
            raise ValueError(f"There is stock of {new} already. Choose another SKU for {old}.")
    for old, new in names.items():
        db.execute(
            update(Variant)
            .where(Variant.product_id == product_id, Variant.sku == old)
            .values(sku=new)
            .execution_options(synchronize_session=False)
        )
        if levels[old].on_hand:
            moved = {old: 0, new: levels[old].on_hand}
            kernel.count_stock(db, moved, reason=f"SKU {old} is now {new}", actor=actor)
    writing.touched(db, [product_id])
