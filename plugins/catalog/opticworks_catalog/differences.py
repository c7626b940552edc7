"""From what is stored to what is wanted: the rows to write for many products at once.

An option that only got another name, or a value that the same variants keep under another name,
is renamed, so that pictures of it stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from opticworks_catalog.inputs import OptionInput, ProductInput, Saved, VariantInput
from opticworks_catalog.models import (
    PUBLISHED,
    Choice,
    Collection,
    CollectionProduct,
    Component,
    Option,
    OptionValue,
    Product,
    Variant,
    VariantValue,
)
from opticworks_catalog.stored import (
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    StoredOption,
    StoredProduct,
    StoredVariant,
)

Row = dict[str, Any]

WORDS = {
    "seo_title": "title for search engines",
    "seo_description": "description for search engines",
    "product_type": "type",
    "specs": "specifications",
    "extra": "columns that are only kept",
    "compare_at": "price before",
    "hs_code": "customs number",
    "origin_country": "country of origin",
    "tax_code": "tax code",
    "percent_off": "percent off",
    "stock_policy": "stock policy",
    "requires_shipping": "whether it is shipped",
    "sku": "SKU",
}


@dataclass(slots=True)
class _Plan:
    """One product on its way: ids are filled in as rows are written."""

    wanted: ProductInput
    stored: StoredProduct | None
    product_id: int = 0
    position: int | None = None
    changes: list[str] = field(default_factory=list)
    options: list[StoredOption | None] = field(default_factory=list)
    option_ids: list[int] = field(default_factory=list)
    value_ids: list[dict[str, int]] = field(default_factory=list)  #: per option, by value

    def values_of(self, variant: VariantInput) -> dict[int, int]:
        """The ids of the values it takes, by the option's."""
        return {
            option_id: ids[value]
            for option_id, ids, value in zip(
                self.option_ids, self.value_ids, variant.values, strict=True
            )
        }


class Batch:
    """Products to be written together. `add` each, then `write` once."""

    def __init__(self, db: Session) -> None:
        self.db = db
        self.plans: list[_Plan] = []

    def add(
        self, wanted: ProductInput, stored: StoredProduct | None, position: int | None = None
    ) -> int:
        """The place of this product in the answer of `write`. It must have no problems."""
        if stored is not None:
            wanted = _complete(wanted, stored)
        self.plans.append(_Plan(wanted, stored, stored.id if stored else 0, position))
        return len(self.plans) - 1

    def write(self) -> list[Saved]:
        """Write what differs; what it was, for each product in the order they were added."""
        for plan in self.plans:
            plan.changes = ["created"] if plan.stored is None else _words(plan.wanted, plan.stored)
        different = [plan for plan in self.plans if plan.changes]
        if different:
            self._products(different)
            self._options(different)
            self._values(different)
            self._variants(different)
            self._collections(different)
        return [
            Saved(plan.product_id, plan.stored is None, tuple(plan.changes)) for plan in self.plans
        ]

    def _products(self, plans: Sequence[_Plan]) -> None:
        now = datetime.now(UTC)
        new = [plan for plan in plans if plan.stored is None]
        if new:
            last = self.db.scalar(select(func.max(Product.position)))
            next_one = 0 if last is None else last + 1
            rows = [
                {
                    **_product_row(plan, now),
                    "position": next_one + place if plan.position is None else plan.position,
                }
                for place, plan in enumerate(new)
            ]
            self._insert_with_ids(Product, rows, [_setter(plan, "product_id") for plan in new])
        rows = [
            {"key": plan.product_id, **_product_row(plan, now)}
            for plan in plans
            if plan.stored is not None
        ]
        self._update(Product, rows)

    def _options(self, plans: Sequence[_Plan]) -> None:
        gone: list[int] = []
        changed: list[Row] = []
        new: list[tuple[_Plan, int, Row]] = []
        for plan in plans:
            old = plan.stored.options if plan.stored else []
            plan.options = _matched(old, plan.wanted.options)
            plan.option_ids = [0 if option is None else option.id for option in plan.options]
            gone += [option.id for option in old if option.id not in plan.option_ids]
            for place, (before, option) in enumerate(
                zip(plan.options, plan.wanted.options, strict=True)
            ):
                row = {"name": option.name, "position": place}
                if before is None:
                    new.append((plan, place, {**row, "product_id": plan.product_id}))
                elif (before.name, before.position) != (option.name, place):
                    changed.append({"key": before.id, **row})
        self._delete(Option, gone)
        self._update(Option, changed)
        self._insert_with_ids(
            Option,
            [row for _, _, row in new],
            [_item_setter(plan.option_ids, place) for plan, place, _ in new],
        )

    def _values(self, plans: Sequence[_Plan]) -> None:
        gone: list[int] = []
        changed: list[Row] = []
        new: list[tuple[dict[str, int], Row]] = []
        for plan in plans:
            plan.value_ids = [{} for _ in plan.wanted.options]
            for i, option in enumerate(plan.wanted.options):
                before = plan.options[i]
                kept = _matched_values(plan, i) if before is not None else {}
                if before is not None:
                    ids = {row["id"] for row in kept.values()}
                    gone += [row["id"] for row in before.values if row["id"] not in ids]
                for place, (value, swatch) in enumerate(option.values):
                    row = {"value": value, "swatch": swatch, "position": place}
                    old = kept.get(value)
                    if old is None:
                        row["option_id"] = plan.option_ids[i]
                        new.append((plan.value_ids[i], row))
                        continue
                    plan.value_ids[i][value] = old["id"]
                    if any(old[name] != row[name] for name in row):
                        changed.append({"key": old["id"], **row})
        self._delete(OptionValue, gone)
        self._update(OptionValue, changed)
        self._insert_with_ids(
            OptionValue,
            [row for _, row in new],
            [_item_setter(ids, row["value"]) for ids, row in new],
        )

    def _variants(self, plans: Sequence[_Plan]) -> None:
        gone: list[int] = []
        changed: list[Row] = []
        new: list[Row] = []
        ids: dict[str, int] = {}
        wanted: list[tuple[_Plan, VariantInput, StoredVariant | None]] = []
        for plan in plans:
            old = {v.row["sku"]: v for v in plan.stored.variants} if plan.stored else {}
            kept = {variant.sku for variant in plan.wanted.variants}
            gone += [variant.id for sku, variant in old.items() if sku not in kept]
            for place, variant in enumerate(plan.wanted.variants):
                before = old.get(variant.sku)
                wanted.append((plan, variant, before))
                row = _variant_row(variant, place, plan.wanted.currency)
                if before is None:
                    new.append({**row, "product_id": plan.product_id})
                    continue
                ids[variant.sku] = before.id
                if any(before.row[name] != row[name] for name in row):
                    changed.append({"key": before.id, **row})
        recipes = [
            (variant, before)
            for _, variant, before in wanted
            if tuple(before.components if before else ()) != variant.components
        ]
        brought = self._forget_choices([plan for plan in plans if plan.wanted.options])
        rewritten = [before.id for _, before in recipes if before is not None]
        if rewritten or gone:
            self.db.execute(delete(Component).where(Component.variant_id.in_(rewritten + gone)))
        self._delete(Variant, gone)
        self._update(Variant, changed)
        self._insert_with_ids(Variant, new, [_item_setter(ids, row["sku"]) for row in new])
        self._choices(ids, wanted)
        self._insert(
            Component,
            [
                {"variant_id": ids[variant.sku], "sku": sku, "quantity": q, "position": place}
                for variant, _ in recipes
                for place, (sku, q) in enumerate(variant.components)
            ],
        )
        self._insert(Choice, brought)

    def _forget_choices(self, plans: Sequence[_Plan]) -> list[Row]:
        """Delete what values bring no longer, before its SKU may go; the rows to write then."""
        gone: list[int] = []
        new: list[Row] = []
        for plan in plans:
            before = {
                row["id"]: (row["sku"], row["quantity"], row["surcharge"])
                for option in (plan.stored.options if plan.stored else ())
                for row in option.values
                if row["sku"] is not None
            }
            after = {
                ids[choice.value]: (choice.sku, choice.quantity, choice.surcharge)
                for ids, option in zip(plan.value_ids, plan.wanted.options, strict=True)
                for choice in option.choices
            }
            gone += [key for key, was in before.items() if after.get(key) != was]
            new += [
                {"value_id": key, "sku": sku, "quantity": quantity, "surcharge": surcharge}
                for key, (sku, quantity, surcharge) in after.items()
                if before.get(key) != (sku, quantity, surcharge)
            ]
        if gone:
            self.db.execute(delete(Choice).where(Choice.value_id.in_(gone)))
        return new

    def _choices(
        self,
        ids: Mapping[str, int],
        wanted: Sequence[tuple[_Plan, VariantInput, StoredVariant | None]],
    ) -> None:
        """The values that variants take of the options."""
        again: list[int] = []
        rows: list[Row] = []
        for plan, variant, before in wanted:
            values = plan.values_of(variant)
            if before is not None:
                if before.values == values:
                    continue
                again.append(before.id)
            rows += [
                {"variant_id": ids[variant.sku], "option_id": option_id, "value_id": value_id}
                for option_id, value_id in values.items()
            ]
        if again:
            self.db.execute(delete(VariantValue).where(VariantValue.variant_id.in_(again)))
        self._insert(VariantValue, rows)

    def _collections(self, plans: Sequence[_Plan]) -> None:
        handles = {handle for plan in plans for handle in plan.wanted.collections}
        known: dict[str, int] = {}
        if handles:
            rows = self.db.execute(
                select(Collection.handle, Collection.id).where(Collection.handle.in_(handles))
            )
            known = dict(rows.all())
        gone: list[tuple[int, int]] = []
        new: list[Row] = []
        for plan in plans:
            old = {key for key, _ in plan.stored.collections} if plan.stored else set()
            wanted = {known[handle] for handle in plan.wanted.collections}
            gone += [(key, plan.product_id) for key in sorted(old - wanted)]
            new += [
                {"collection_id": key, "product_id": plan.product_id}
                for key in sorted(wanted - old)
            ]
        if gone:
            pair = tuple_(CollectionProduct.collection_id, CollectionProduct.product_id)
            self.db.execute(delete(CollectionProduct).where(pair.in_(gone)))
        if new:
            last = dict(
                self.db.execute(
                    select(CollectionProduct.collection_id, func.max(CollectionProduct.position))
                    .where(
                        CollectionProduct.collection_id.in_({row["collection_id"] for row in new})
                    )
                    .group_by(CollectionProduct.collection_id)
                ).all()
            )
            for row in new:
                key = row["collection_id"]
                row["position"] = last[key] = last.get(key, -1) + 1
            self._insert(CollectionProduct, new)

    def _insert(self, table: Any, rows: list[Row]) -> None:
        if rows:
            self.db.execute(insert(table), rows)

    def _insert_with_ids(self, table: Any, rows: list[Row], setters: Sequence[Any]) -> None:
        """Insert the rows and hand each one's id to its setter."""
        if rows:
            statement = insert(table).returning(table.id, sort_by_parameter_order=True)
            for setter, key in zip(setters, self.db.scalars(statement, rows), strict=True):
                setter(key)

    def _update(self, table: Any, rows: list[Row]) -> None:
        if rows:
            core = table.__table__
            names = [name for name in rows[0] if name != "key"]
            self.db.connection().execute(
                update(core)
                .where(core.c.id == bindparam("key"))
                .values({name: bindparam(name) for name in names}),
                rows,
            )

    def _delete(self, table: Any, ids: Iterable[int]) -> None:
        wanted = list(ids)
        if wanted:
            self.db.execute(
                delete(table)
                .where(table.id.in_(wanted))
                .execution_options(synchronize_session=False)
            )


def _setter(plan: _Plan, name: str) -> Any:
    return lambda key: setattr(plan, name, key)


def _item_setter(target: Any, place: Any) -> Any:
    return lambda key: target.__setitem__(place, key)


def _complete(wanted: ProductInput, stored: StoredProduct) -> ProductInput:
    """With what is kept where the input says nothing."""
    rows = {variant.row["sku"]: variant.row for variant in stored.variants}
    return replace(
        wanted,
        extra=stored.row["extra"] if wanted.extra is None else wanted.extra,
        variants=tuple(
            _complete_variant(variant, rows.get(variant.sku)) for variant in wanted.variants
        ),
    )


def _complete_variant(variant: VariantInput, row: RowMapping | None) -> VariantInput:
    if variant.extra is None:
        variant = replace(variant, extra=row["extra"] if row else {})
    if row is not None and variant.percent_off is not None and row["percent_off"] is not None:
        # Its price follows from its parts, whatever anybody says.
        variant = replace(variant, price=row["price"], compare_at=row["compare_at"])
    return variant


def _product_row(plan: _Plan, now: datetime) -> Row:
    wanted = plan.wanted
    published = plan.stored.row["published_at"] if plan.stored else None
    return {
        **{name: getattr(wanted, name) for name in PRODUCT_FIELDS},
        "highlights": list(wanted.highlights),
        "specs": [list(pair) for pair in wanted.specs],
        "tags": list(wanted.tags),
        "extra": dict(wanted.extra or {}),
        "published_at": now if published is None and wanted.status == PUBLISHED else published,
    }


def _variant_row(variant: VariantInput, place: int, currency: str) -> Row:
    length, width, height = variant.size or (None, None, None)
    return {
        **{name: getattr(variant, name) for name in VARIANT_FIELDS},
        "currency": currency,
        "length": length,
        "width": width,
        "height": height,
        "extra": dict(variant.extra or {}),
        "position": place,
    }


def _words(wanted: ProductInput, stored: StoredProduct) -> list[str]:
    """What differs, as people say it; empty when nothing does."""
    before = stored.as_input()
    changes = [
        WORDS.get(name, name)
        for name in (*PRODUCT_FIELDS, "highlights", "specs", "tags", "extra")
        if getattr(wanted, name) != getattr(before, name)
    ]
    if set(wanted.collections) != set(before.collections):
        changes.append("collections")
    if wanted.options != before.options:
        changes.append("options")
    if before.variants and wanted.currency != before.currency:
        changes.append("currency")
    return changes + _variant_words(wanted.variants, before.variants)


def _variant_words(wanted: Sequence[VariantInput], stored: Sequence[VariantInput]) -> list[str]:
    changes = []
    before = {variant.sku: variant for variant in stored}
    for variant in wanted:
        old = before.pop(variant.sku, None)
        if old is None:
            changes.append(f"{variant.sku} added")
        elif old != variant:
            names = [
                WORDS.get(name, name)
                for name in (*VARIANT_FIELDS, "values", "size", "components", "extra")
                if getattr(variant, name) != getattr(old, name)
            ]
            changes.append(f"{', '.join(names)} of {variant.sku}")
    changes += [f"{sku} removed" for sku in before]
    if not changes and [v.sku for v in wanted] != [v.sku for v in stored]:
        changes.append("order of the variants")
    return changes


def _matched(
    stored: Sequence[StoredOption], wanted: Sequence[OptionInput]
) -> list[StoredOption | None]:
    """Which stored option each wanted one is: that of its name, or the next that is left over."""
    by_name = {option.name: option for option in stored}
    names = {option.name for option in wanted}
    left = iter([option for option in stored if option.name not in names])
    return [by_name.get(option.name) or next(left, None) for option in wanted]


def _matched_values(plan: _Plan, place: int) -> dict[str, RowMapping]:
    """The stored value that each wanted one is: of the same name, or that of a same variant."""
    option, before = plan.wanted.options[place], plan.options[place]
    assert before is not None
    assert plan.stored is not None
    by_value = {row["value"]: row for row in before.values}
    names = {value for value, _ in option.values}
    found = {value: by_value[value] for value in names & by_value.keys()}
    left = {row["id"]: row for row in before.values if row["value"] not in names}
    if not left:
        return found
    had = {v.row["sku"]: v.values.get(before.id) for v in plan.stored.variants}
    for variant in plan.wanted.variants:
        value, old = variant.values[place], had.get(variant.sku)
        if value not in found and old in left:
            found[value] = left.pop(old)
    return found
