"""Products as they are in the tables, with the ids that a save needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from opticworks_catalog.inputs import ChoiceInput, OptionInput, ProductInput, VariantInput
from opticworks_catalog.models import (
    Choice,
    CollectionProduct,
    Component,
    Option,
    OptionValue,
    Product,
    Variant,
    VariantValue,
)
from opticworks_catalog.models import Collection as CollectionTable

#: Columns of a product that its input has under the same name.
PRODUCT_FIELDS = (
    *("handle", "title", "subtitle", "description", "status", "seo_title", "seo_description"),
    *("vendor", "product_type"),
)
VARIANT_FIELDS = (
    *("sku", "barcode", "price", "compare_at", "weight", "hs_code", "origin_country", "tax_code"),
    *("stock_policy", "requires_shipping", "status", "percent_off"),
)


@dataclass(slots=True)
class StoredOption:
    id: int
    name: str
    position: int
    #: id, value, swatch, position; of what it brings: sku (or None), quantity, surcharge
    values: list[RowMapping] = field(default_factory=list)

    @property
    def choices(self) -> tuple[ChoiceInput, ...]:
        return tuple(
            ChoiceInput(
                value=row["value"],
                sku=row["sku"],
                quantity=row["quantity"],
                surcharge=row["surcharge"],
            )
            for row in self.values
            if row["sku"] is not None
        )


@dataclass(slots=True)
class StoredVariant:
    id: int
    row: RowMapping
    values: dict[int, int] = field(default_factory=dict)  #: value's id by the option's
    components: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class StoredProduct:
    id: int
    row: RowMapping
    options: list[StoredOption] = field(default_factory=list)
    variants: list[StoredVariant] = field(default_factory=list)
    collections: list[tuple[int, str]] = field(default_factory=list)  #: id and handle

    def as_input(self) -> ProductInput:
        words = {value["id"]: value["value"] for o in self.options for value in o.values}
        return ProductInput(
            **{name: self.row[name] for name in PRODUCT_FIELDS},
            currency=self.variants[0].row["currency"] if self.variants else "",
            highlights=tuple(self.row["highlights"]),
            specs=tuple((name, value) for name, value in self.row["specs"]),
            tags=tuple(self.row["tags"]),
            collections=tuple(handle for _, handle in self.collections),
            extra=self.row["extra"],
            options=tuple(
                OptionInput(
                    name=option.name,
                    values=tuple((value["value"], value["swatch"]) for value in option.values),
                    choices=option.choices,
                )
                for option in self.options
            ),
            variants=tuple(self._variant(variant, words) for variant in self.variants),
        )

    def _variant(self, variant: StoredVariant, words: Mapping[int, str]) -> VariantInput:
        row = variant.row
        size = (row["length"], row["width"], row["height"])
        return VariantInput(
            **{name: row[name] for name in VARIANT_FIELDS},
            size=None if row["length"] is None else size,
            extra=row["extra"],
            values=tuple(words.get(variant.values.get(o.id, 0), "") for o in self.options),
            components=tuple(variant.components),
        )


def read_stored(
    db: Session, product_ids: Collection[int], *, lock: bool = False
) -> dict[int, StoredProduct]:
    """Those products by id, in that order; with `lock` nobody else changes them meanwhile."""
    if not product_ids:
        return {}
    wanted = select(Product.__table__).where(Product.id.in_(product_ids)).order_by(Product.id)
    rows = db.execute(wanted.with_for_update() if lock else wanted).mappings()
    found = {row["id"]: StoredProduct(row["id"], row) for row in rows}
    if found:
        _read_options(db, found)
        _read_variants(db, found)
        _read_collections(db, found)
    return found


def _read_options(db: Session, found: dict[int, StoredProduct]) -> None:
    options: dict[int, StoredOption] = {}
    rows = (
        select(Option.id, Option.product_id, Option.name, Option.position)
        .where(Option.product_id.in_(found))
        .order_by(Option.position, Option.id)
    )
    for row in db.execute(rows):
        options[row.id] = StoredOption(row.id, row.name, row.position)
        found[row.product_id].options.append(options[row.id])
    if options:
        values = (
            select(OptionValue.__table__, Choice.sku, Choice.quantity, Choice.surcharge)
            .outerjoin(Choice, Choice.value_id == OptionValue.id)
            .where(OptionValue.option_id.in_(options))
            .order_by(OptionValue.position, OptionValue.id)
        )
        for value in db.execute(values).mappings():
            options[value["option_id"]].values.append(value)


def _read_variants(db: Session, found: dict[int, StoredProduct]) -> None:
    rows = (
        select(Variant.__table__)
        .where(Variant.product_id.in_(found))
        .order_by(Variant.position, Variant.id)
    )
    variants: dict[int, StoredVariant] = {}
    for row in db.execute(rows).mappings():
        variants[row["id"]] = StoredVariant(row["id"], row)
        found[row["product_id"]].variants.append(variants[row["id"]])
    if not variants:
        return
    pairs = select(VariantValue.variant_id, VariantValue.option_id, VariantValue.value_id).where(
        VariantValue.variant_id.in_(variants)
    )
    for variant_id, option_id, value_id in db.execute(pairs):
        variants[variant_id].values[option_id] = value_id
    parts = (
        select(Component.variant_id, Component.sku, Component.quantity)
        .where(Component.variant_id.in_(variants))
        .order_by(Component.position, Component.sku)
    )
    for variant_id, sku, quantity in db.execute(parts):
        variants[variant_id].components.append((sku, quantity))


def _read_collections(db: Session, found: dict[int, StoredProduct]) -> None:
    links: dict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = (
        select(CollectionProduct.product_id, CollectionTable.id, CollectionTable.handle)
        .join(CollectionTable, CollectionTable.id == CollectionProduct.collection_id)
        .where(CollectionProduct.product_id.in_(found))
        .order_by(CollectionTable.position, CollectionTable.id)
    )
    for product_id, collection_id, handle in db.execute(rows):
        links[product_id].append((collection_id, handle))
    for product_id, own in links.items():
        found[product_id].collections = own
