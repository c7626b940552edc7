"""Reads the catalogue's tables into records: one statement per call, or none where the process
remembers what it read and nothing was changed since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from sys import intern
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from opticworks import kernel
from opticworks.contracts import Picture
from opticworks.money import Money
from opticworks.plugin import Memory, remembered
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


def read_collections(db: Session) -> tuple[CollectionRecord, ...]:
    """The published collections, in order."""

    def read(memory: Memory) -> tuple[tuple[CollectionRecord, ...], bool]:
        rows = db.execute(statements.collections()).all()
        ids = kept_ids(row.image for row in rows)
        kept = kernel.pictures(db, ids)
        found = tuple(
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
        return found, complete(ids, kept)

    return remembered(db, SCOPE, "collections", read)


Found = tuple[ProductRecord, tuple[ProductRecord, ...]]
Listed = tuple[tuple[ProductRecord, ...], int]
SCOPE = "catalog"  #: of what is remembered: see the migration catalog_0008
MOST_LISTED = 100  #: products of a page that is remembered


def read_product(db: Session, handle: str, currency: str, related: int) -> Found | None:
    """The product of that handle with products related to it; None when it isn't published."""

    def read(memory: Memory) -> tuple[Found | None, bool]:
        rows = db.execute(
            statements.product_with_related(related),
            {"handle": handle, "currency": currency},
        ).all()
        if not rows:
            return None, False
        ids = _ids_of(rows)
        kept = kernel.pictures(db, ids)
        lasting = complete(ids, kept)
        memory = memory if lasting else Memory(None)
        product, *others = (_product(row, currency, kept, memory) for row in rows)
        cards = (memory.shared(("related", one.handle, currency), one) for one in others)
        return (_whole(product, currency, memory), tuple(cards)), lasting

    return remembered(db, SCOPE, ("product", handle, currency, related), read)


def read_listing(
    db: Session,
    currency: str,
    *,
    limit: int,
    collection: str = "",
    sort: str = "featured",
    offset: int = 0,
) -> Listed:
    """A page of products and how many there are on all pages (0 behind the last one)."""
    shape = Shape(sort=sort, collection=bool(collection))
    values = {"currency": currency, "collection": collection, "limit": limit, "offset": offset}
    return read_page(db, shape, values)


def read_page(db: Session, shape: Shape, values: Mapping[str, Any]) -> Listed:
    """The page of products of that shape; `values` are what its statement takes."""

    def read(memory: Memory) -> tuple[Listed, bool]:
        rows = db.execute(page(shape), values).all()
        ids = _ids_of(rows)
        kept = kernel.pictures(db, ids)
        lasting = complete(ids, kept)
        memory = memory if lasting else Memory(None)
        currency = values["currency"]
        made = (_product(row, currency, kept, memory) for row in rows)
        products = tuple(_whole(one, currency, memory) for one in made)
        return (products, rows[0].total if rows else 0), lasting

    if shape.query or shape.narrowed or values["limit"] > MOST_LISTED:
        return read(Memory(None))[0]
    own = tuple(values[name] for name in ("currency", "collection", "limit", "offset"))
    return remembered(db, SCOPE, ("page", shape, own), read)


def kept_ids(images: Iterable[Mapping[str, Any] | None]) -> set[str]:
    """Ids of the pictures among those images that the kernel keeps."""
    return {image["picture"] for image in images if image and image["picture"]}


def _ids_of(rows: Sequence[Row[Any]]) -> set[str]:
    """Of all the pictures on products, so that the kernel is asked once for all of them."""
    ids = kept_ids(entry["image"] for row in rows for entry in row.images)
    return ids | kept_ids(
        part["image"] for row in rows for variant in row.variants for part in variant["components"]
    )


def complete(ids: Collection[str], kept: Kept) -> bool:
    """Whether every picture is there with all its files: one that is still being made changes
    without a change of the catalogue."""
    return len(ids) == len(kept) and all(picture.srcset for picture in kept.values())


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


def _whole(product: ProductRecord, currency: str, memory: Memory) -> ProductRecord:
    """The product, once for its own page and the listings that show it."""
    return memory.shared(("product", product.handle, currency), product)


def _variant(row: Mapping[str, Any], currency: str, kept: Kept) -> VariantRecord:
    before = row["compare_at"]
    return VariantRecord(
        sku=row["sku"],
        barcode=row["barcode"],
        price=Money(row["price"], currency),
        compare_at=None if before is None else Money(before, currency),
        weight=row["weight"],
        stock_policy=row["stock_policy"],
        options={intern(name): intern(value) for name, value in row["options"]},
        components=tuple(component_record(part, kept) for part in row["components"]),
        tax_code=row["tax_code"],
    )


def _product(row: Row[Any], currency: str, kept: Kept, memory: Memory) -> ProductRecord:
    # The largest part of a product is the same where it is a card beside others, and there once.
    description, specs, variants, images = memory.shared(
        ("details", row.handle, currency),
        (
            row.description,
            tuple((name, value) for name, value in row.specs),
            tuple(_variant(variant, currency, kept) for variant in row.variants),
            _images(row, kept, memory),
        ),
    )
    return ProductRecord(
        handle=row.handle,
        title=row.title,
        subtitle=row.subtitle,
        description=description,
        highlights=tuple(row.highlights),
        specs=specs,
        seo_title=row.seo_title,
        seo_description=row.seo_description,
        updated_at=row.updated_at,
        vendor=row.vendor,
        options=tuple(
            OptionRecord(
                name=intern(option["name"]),
                values=tuple((intern(value), swatch) for value, swatch in option["values"]),
            )
            for option in row.options
        ),
        variants=variants,
        images=images,
        collections=tuple(row.collections),
    )


def _images(row: Row[Any], kept: Kept, memory: Memory) -> tuple[ImageRecord, ...]:
    return tuple(
        ImageRecord(
            picture=memory.shared((shown.src, shown.alt), shown),
            options=_by_option(entry["options"]),
        )
        for entry in row.images
        if (shown := picture(entry["image"], kept)) is not None
    )


def _by_option(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for option, value in pairs:
        values[option] = (*values.get(option, ()), value)
    return values
