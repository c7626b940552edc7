"""Reads the catalogue's tables into records; one statement per call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Row
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.contracts import Picture
from opticworks.money import Money
from opticworks_catalog import statements
from opticworks_catalog.finding.statements import Shape, page
from opticworks_catalog.images import picture
from opticworks_catalog.records import (
    CollectionRecord,
    ComponentRecord,
    ImageRecord,
    OptionRecord,
    ProductRecord,
    VariantRecord,
)

Kept = Mapping[str, Picture]  #: the kernel's pictures by id

# Menus and listings of one page ask for the collections several times within a transaction.
_collections: WeakKeyDictionary[Any, tuple[CollectionRecord, ...]] = WeakKeyDictionary()


def read_collections(db: Session) -> tuple[CollectionRecord, ...]:
    """The published collections, in order; read once per transaction."""
    transaction = db.get_transaction()
    known = _collections.get(transaction) if transaction is not None else None
    if known is None:
        rows = db.execute(statements.collections()).all()
        kept = kernel.pictures(db, kept_ids(row.image for row in rows))
        known = tuple(
            CollectionRecord(
                handle=row.handle,
                title=row.title,
                description=row.description,
                image=optional_picture(row.image, kept),
                seo_title=row.seo_title,
                seo_description=row.seo_description,
            )
            for row in rows
        )
        _collections[db.get_transaction()] = known
    return known


def forget_collections(db: Session) -> None:
    """Call after changing collections in a transaction that goes on to show them."""
    _collections.pop(db.get_transaction(), None)


def read_product(
    db: Session, handle: str, currency: str, related: int
) -> tuple[ProductRecord, tuple[ProductRecord, ...]] | None:
    """The product of that handle with products related to it; None when it isn't published."""
    rows = db.execute(
        statements.product_with_related(related),
        {"handle": handle, "currency": currency},
    ).all()
    if not rows:
        return None
    kept = _kept_of(db, rows)
    product, *others = (_product(row, currency, kept) for row in rows)
    return product, tuple(others)


def read_listing(
    db: Session,
    currency: str,
    *,
    limit: int,
    collection: str = "",
    sort: str = "featured",
    offset: int = 0,
) -> tuple[tuple[ProductRecord, ...], int]:
    """A page of products and how many there are on all pages (0 behind the last one)."""
    shape = Shape(sort=sort, collection=bool(collection))
    values = {"currency": currency, "collection": collection, "limit": limit, "offset": offset}
    return read_page(db, shape, values)


def read_page(
    db: Session, shape: Shape, values: Mapping[str, Any]
) -> tuple[tuple[ProductRecord, ...], int]:
    """The page of products of that shape; `values` are what its statement takes."""
    rows = db.execute(page(shape), values).all()
    kept = _kept_of(db, rows)
    products = tuple(_product(row, values["currency"], kept) for row in rows)
    return products, rows[0].total if rows else 0


def kept_ids(images: Iterable[Mapping[str, Any] | None]) -> set[str]:
    """Ids of the pictures among those images that the kernel keeps."""
    return {image["picture"] for image in images if image and image["picture"]}


def _kept_of(db: Session, rows: Sequence[Row[Any]]) -> Kept:
    """The kernel's pictures on products, in one question for all of them (and none if a process
    knows them already)."""
    ids = kept_ids(entry["image"] for row in rows for entry in row.images)
    ids |= kept_ids(
        part["image"] for row in rows for variant in row.variants for part in variant["components"]
    )
    return kernel.pictures(db, ids)


def optional_picture(row: Mapping[str, Any] | None, kept: Kept) -> Picture | None:
    return picture(row, kept) if row else None


def component_record(row: Mapping[str, Any], kept: Kept) -> ComponentRecord:
    return ComponentRecord(
        sku=row["sku"],
        quantity=row["quantity"],
        stock_policy=row["stock_policy"],
        on_sale=row["on_sale"],
        handle=row["handle"],
        title=row["title"],
        options=" / ".join(value for _, value in row["options"]),
        image=optional_picture(row["image"], kept),
        price=Money(row["price"], row["currency"]),
        tax_code=row["tax_code"],
    )


def _variant(row: Mapping[str, Any], currency: str, kept: Kept) -> VariantRecord:
    before = row["compare_at"]
    return VariantRecord(
        sku=row["sku"],
        barcode=row["barcode"],
        price=Money(row["price"], currency),
        compare_at=None if before is None else Money(before, currency),
        weight=row["weight"],
        stock_policy=row["stock_policy"],
        options=dict(row["options"]),
        components=tuple(component_record(part, kept) for part in row["components"]),
        tax_code=row["tax_code"],
    )


def _product(row: Row[Any], currency: str, kept: Kept) -> ProductRecord:
    return ProductRecord(
        handle=row.handle,
        title=row.title,
        subtitle=row.subtitle,
        description=row.description,
        highlights=tuple(row.highlights),
        specs=tuple((name, value) for name, value in row.specs),
        seo_title=row.seo_title,
        seo_description=row.seo_description,
        updated_at=row.updated_at,
        vendor=row.vendor,
        options=tuple(
            OptionRecord(
                name=option["name"],
                values=tuple((value, swatch) for value, swatch in option["values"]),
            )
            for option in row.options
        ),
        variants=tuple(_variant(variant, currency, kept) for variant in row.variants),
        images=tuple(
            ImageRecord(picture=shown, options=_by_option(entry["options"]))
            for entry in row.images
            if (shown := picture(entry["image"], kept)) is not None
        ),
        collections=tuple(row.collections),
    )


def _by_option(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for option, value in pairs:
        values[option] = (*values.get(option, ()), value)
    return values
