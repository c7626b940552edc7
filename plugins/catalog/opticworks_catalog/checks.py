"""What keeps a product from being saved, each as a sentence beside the path of its field.

A path names the field in the input: "title", "options.0.values.1", "variants.2.price".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from opticworks_catalog.finding import handles
from opticworks_catalog.inputs import (
    Change,
    OptionInput,
    ProductInput,
    VariantInput,
    brought,
    together,
)
from opticworks_catalog.models import (
    ACTIVE,
    ARCHIVED,
    HANDLE,
    PRODUCT_STATUSES,
    PUBLISHED,
    Collection,
    Component,
    Product,
    Variant,
)

Problems = dict[str, str]

LENGTHS = {
    "handle": 255,
    "title": 255,
    "subtitle": 300,
    "description": 100_000,
    "seo_title": 255,
    "seo_description": 400,
    "vendor": 255,
    "product_type": 255,
}
VARIANT_LENGTHS = {"sku": 255, "barcode": 40, "hs_code": 20, "tax_code": 40}
OPTION_LENGTH = 255
TAG_LENGTH = 255
MOST_OPTIONS, MOST_VARIANTS = 10, 2048
MOST_MONEY = 10**12  #: minor units; beyond any price, well inside the column
MOST_COUNT = 1_000_000  #: grams, millimetres, parts of a bundle

FOLLOWS = (
    "With percent off a bundle costs what its parts do, and a choice adds nothing of its own. "
    "Clear the surcharge, or the percentage."
)


def problems(db: Session, product: ProductInput, *, product_id: int | None = None) -> Problems:
    """What is wrong with it, by path; empty when it can be saved. One statement per question."""
    return problems_of(db, [Change(product, product_id)])[0]


def problems_of(db: Session, changes: Sequence[Change]) -> list[Problems]:
    """The problems of each, in a number of statements that doesn't grow with them."""
    found: list[Problems] = [
        {"": "It contains the character NUL, which no text can hold. Remove it."}
        if any("\x00" in text for text in _strings(change.product))
        else dict(_own(change.product))
        for change in changes
    ]
    sound = [change for change, wrong in zip(changes, found, strict=True) if "" not in wrong]
    known = _Known(db, sound)
    for change, wrong in zip(changes, found, strict=True):
        if "" not in wrong:
            wrong.update(known.problems(change))
    _without_their_parts(known, changes, found)
    return found


def _without_their_parts(
    known: _Known, changes: Sequence[Change], found: Sequence[Problems]
) -> None:
    """A bundle whose part comes with a product that has problems has one too, and so has one whose
    price follows parts that are priced in another currency."""
    coming = {
        variant.sku: change.product.currency
        for change, wrong in zip(changes, found, strict=True)
        if not wrong
        for variant in change.product.variants
    }
    for change, wrong in zip(changes, found, strict=True):
        for i, variant in enumerate(change.product.variants):
            for j, (sku, _) in enumerate(variant.components):
                if wrong:
                    break
                part = coming.get(sku) or known.currencies.get(sku)
                if part is None:
                    sentence = f"The product of its part {sku} can't be saved."
                elif variant.percent_off is not None and part != change.product.currency:
                    sentence = f"Its part {sku} has no price in {change.product.currency} yet."
                else:
                    continue
                wrong[f"variants.{i}.components.{j}"] = sentence


def _strings(value: object) -> Iterator[str]:
    """Every text in an input, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings(tuple(value.items()))
    elif isinstance(value, tuple):
        for part in value:
            yield from _strings(part)
    elif is_dataclass(value):
        for part in fields(value):
            yield from _strings(getattr(value, part.name))


def _own(product: ProductInput) -> Iterator[tuple[str, str]]:
    """What can be seen without a look at the rest of the shop."""
    yield from _texts(product)
    if product.status not in PRODUCT_STATUSES:
        yield "status", f"A product is draft, published or archived, not {product.status!r}."
    if len(product.options) > MOST_OPTIONS:
        yield "options", f"A product has at most {MOST_OPTIONS} options."
    if len(product.variants) > MOST_VARIANTS:
        yield "variants", f"A product has at most {MOST_VARIANTS} variants."
    if product.status == PUBLISHED and not product.variants:
        yield "variants", "A product without a variant can't be published. Add one with a price."
    yield from _twice("options", "option", [option.name for option in product.options])
    for i, option in enumerate(product.options):
        yield from _option(f"options.{i}", option)
        taken = {variant.values[i] for variant in product.variants if len(variant.values) > i}
        yield from _choices(f"options.{i}", option, taken, product.variants)
    skus = [variant.sku for variant in product.variants]
    for i, sku in enumerate(skus):
        if sku and sku in skus[:i]:
            yield f"variants.{i}.sku", f"Two variants have the SKU {sku}. Each needs its own."
    chosen = [variant.values for variant in product.variants]
    for i, values in enumerate(chosen):
        if values in chosen[:i]:
            what = " / ".join(values)
            yield (
                f"variants.{i}.values",
                f"Two variants are {what}. Each needs a choice of its own."
                if what
                else "There are two variants, but no option to tell them apart.",
            )
    for i, variant in enumerate(product.variants):
        for field, sentence in _variant(variant, product.options):
            yield f"variants.{i}.{field}", sentence


def _texts(product: ProductInput) -> Iterator[tuple[str, str]]:
    if not product.title.strip():
        yield "title", "A product needs a title."
    named = bool(product.handle or product.title.strip())  # the address follows from the title
    if named and not re.fullmatch(HANDLE, product.handle):
        yield (
            "handle",
            'An address has small letters, digits and single hyphens between, like "desk-lamp".',
        )
    for name, most in LENGTHS.items():
        yield from _too_long(name, getattr(product, name), most)
    for i, tag in enumerate(product.tags):
        if not tag.strip() or "," in tag:
            yield f"tags.{i}", "A tag is a word or a few, without a comma."
        yield from _too_long(f"tags.{i}", tag, TAG_LENGTH)


def _too_long(path: str, text: str, most: int) -> Iterator[tuple[str, str]]:
    if len(text) > most:
        yield path, f"It has {len(text):,} characters; there is room for {most:,}."


def _twice(path: str, word: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    folded = [name.strip().casefold() for name in names]
    for i, name in enumerate(folded):
        if name and name in folded[:i]:
            yield f"{path}.{i}", f"There are two {word}s called {names[i]}."


def _option(path: str, option: OptionInput) -> Iterator[tuple[str, str]]:
    if not option.name.strip():
        yield path, "An option needs a name."
    yield from _too_long(path, option.name, OPTION_LENGTH)
    values = [value for value, _ in option.values]
    if not values:
        yield path, f"The option {option.name} needs at least one value."
    exact = Counter(values)
    for i, (value, swatch) in enumerate(option.values):
        if not value.strip():
            yield f"{path}.values.{i}", f"A value of {option.name} is empty."
        elif exact[value] > 1 and value in values[:i]:
            yield f"{path}.values.{i}", f"{option.name} has the value {value} twice."
        yield from _too_long(f"{path}.values.{i}", value, OPTION_LENGTH)
        if not re.fullmatch("(#[0-9a-f]{6})?", swatch):
            yield f"{path}.values.{i}", f'The colour {swatch} is not like "#2f3437".'


def _choices(
    path: str, option: OptionInput, taken: set[str], variants: Sequence[VariantInput]
) -> Iterator[tuple[str, str]]:
    """What its values bring into a bundle."""
    places = {value: f"{path}.values.{i}" for i, (value, _) in enumerate(option.values)}
    follows = any(variant.percent_off is not None for variant in variants)
    for i, choice in enumerate(option.choices):
        at = places.get(choice.value, path)
        if choice.value not in places:
            yield at, f"{option.name} has no value {choice.value!r} to bring {choice.sku}."
        elif choice.value in [other.value for other in option.choices[:i]]:
            yield at, f"{choice.value} brings one part with it, not two."
        elif choice.value not in taken:
            yield (
                at,
                f"No variant takes {choice.value} yet. Make the variants, or take its part away.",
            )
        if not choice.sku.strip():
            yield at, f"Enter the SKU of the part that {choice.value} brings."
        if not 0 < choice.quantity <= MOST_COUNT:
            yield at, f"So many of {choice.sku} can't be in a bundle: {choice.quantity}."
        if not 0 <= choice.surcharge <= MOST_MONEY:
            yield at, f"{choice.value} can't cost so much more."
        elif choice.surcharge and follows:
            yield at, FOLLOWS


def _variant(variant: VariantInput, options: Sequence[OptionInput]) -> Iterator[tuple[str, str]]:
    if not variant.sku.strip() or variant.sku != variant.sku.strip():
        yield "sku", "A variant needs a SKU, without spaces around it."
    for name, most in VARIANT_LENGTHS.items():
        yield from _too_long(name, getattr(variant, name), most)
    if len(variant.values) != len(options):
        yield "values", f"{variant.sku} must have a value for each option of the product."
    else:
        for option, value in zip(options, variant.values, strict=True):
            if value not in [known for known, _ in option.values]:
                yield "values", f"{option.name} has no value {value!r}."
    yield from _amounts(variant)
    if variant.stock_policy not in ("deny", "backorder", "untracked"):
        yield "stock_policy", f"There is no stock policy {variant.stock_policy!r}."
    if variant.status not in (ACTIVE, ARCHIVED):
        yield "status", f"A variant is active or archived, not {variant.status!r}."
    if not re.fullmatch("([A-Z]{2})?", variant.origin_country):
        yield "origin_country", "A country is its code of two capital letters, like US."
    yield from _brought(variant, options)
    parts = [sku for sku, _ in variant.components]
    for i, (sku, quantity) in enumerate(variant.components):
        if sku in parts[:i]:
            yield f"components.{i}", f"The part {sku} is there twice. Write its number once."
        if sku == variant.sku:
            yield f"components.{i}", "A bundle can't be a part of itself."
        if not 0 < quantity <= MOST_COUNT:
            yield f"components.{i}", f"So many of {sku} can't be in a bundle: {quantity}."


def _brought(variant: VariantInput, options: Sequence[OptionInput]) -> Iterator[tuple[str, str]]:
    """Whether its recipe and its price have what its values bring."""
    choices = brought(options, variant.values)
    inside = dict(variant.components)
    for sku, quantity in together((choice.sku, choice.quantity) for choice in choices):
        if inside.get(sku, 0) < quantity:
            what = " / ".join(variant.values)
            yield "components", f"{variant.sku} needs {quantity} x {sku} in it, since it is {what}."
    more = sum(choice.surcharge for choice in choices)
    if variant.percent_off is None and 0 <= variant.price < more:
        yield "price", f"The price of {variant.sku} is less than what its choices add to it."


def _amounts(variant: VariantInput) -> Iterator[tuple[str, str]]:
    if variant.price < 0:
        yield "price", "A price can't be below zero."
    if variant.price > MOST_MONEY or (variant.compare_at or 0) > MOST_MONEY:
        yield "price", "That price is beyond what the shop can count."
    if variant.percent_off is not None:
        if not variant.components:
            yield "percent_off", "Only a bundle can cost less than its parts. Give it parts first."
        if not 0 <= variant.percent_off <= 100:
            yield "percent_off", "Percent off is a number from 0 to 100."
    elif variant.compare_at is not None and variant.compare_at <= variant.price:
        yield "compare_at", "The price before must be higher than the price."
    if not 0 <= variant.weight <= MOST_COUNT * 1000:
        yield "weight", f"A weight of {variant.weight} g can't be."
    if variant.size is not None and not all(0 < side <= MOST_COUNT for side in variant.size):
        yield "size", "A size needs length, width and height above zero."


class _Known:
    """What the shop has already, as far as these changes touch it."""

    def __init__(self, db: Session, changes: Sequence[Change]) -> None:
        products = [change.product for change in changes]
        self.handles: Mapping[str, int] = dict(
            db.execute(
                select(Product.handle, Product.id).where(
                    Product.handle.in_({product.handle for product in products})
                )
            ).all()
        )
        self.reserved = handles.reserved(
            db, handles.PRODUCT, {product.handle for product in products}
        )
        wanted = {handle for product in products for handle in product.collections}
        self.collections: set[str] = (
            set(db.scalars(select(Collection.handle).where(Collection.handle.in_(wanted))))
            if wanted
            else set()
        )
        ids = {change.product_id for change in changes if change.product_id is not None}
        self._variants(db, products, ids)
        self._bundles(db)
        self.coming: dict[str, VariantInput] = {}
        self.coming_of: dict[str, ProductInput] = {}
        self.handle_of: dict[str, ProductInput] = {}
        for product in products:
            self.handle_of.setdefault(product.handle, product)
            for variant in product.variants:
                self.coming.setdefault(variant.sku, variant)
                self.coming_of.setdefault(variant.sku, product)

    def _variants(self, db: Session, products: Sequence[ProductInput], ids: set[int]) -> None:
        named = {variant.sku for product in products for variant in product.variants}
        parts = {
            sku
            for product in products
            for variant in product.variants
            for sku, _ in variant.components
        }
        rows = db.execute(
            select(Variant.sku, Variant.product_id, Variant.currency).where(
                Variant.sku.in_(named | parts) | Variant.product_id.in_(ids)
            )
        ).all()
        self.owners: dict[str, int] = {sku: product_id for sku, product_id, _ in rows}
        self.currencies: dict[str, str] = {sku: currency for sku, _, currency in rows}

    def _bundles(self, db: Session) -> None:
        """Which of these SKUs are bundles, and which are parts of which bundle."""
        self.contained: dict[str, tuple[str, int]] = {}
        self.bundles: set[str] = set()
        if not self.owners:
            return
        bundle = aliased(Variant)
        for part, sku, owner in db.execute(
            select(Component.sku, bundle.sku, bundle.product_id)
            .join(bundle, bundle.id == Component.variant_id)
            .where(Component.sku.in_(self.owners) | bundle.sku.in_(self.owners))
            .order_by(bundle.id)
        ):
            self.bundles.add(sku)
            self.contained.setdefault(part, (sku, owner))

    def problems(self, change: Change) -> Iterator[tuple[str, str]]:
        product, own = change.product, change.product_id
        other = self.handles.get(product.handle)
        first = self.handle_of[product.handle]
        if (other is not None and other != own) or first is not product:
            yield "handle", f"Another product has the handle {product.handle}. Choose another one."
        kept_for = self.reserved.get(product.handle)
        if kept_for is not None and kept_for != handles.Target(handles.PRODUCT, own or 0):
            yield "handle", handles.kept(handles.PRODUCT, product.handle)
        for i, handle in enumerate(product.collections):
            if handle not in self.collections:
                yield f"collections.{i}", f"There is no collection {handle}."
        for i, variant in enumerate(product.variants):
            owner = self.owners.get(variant.sku)
            first = self.coming_of[variant.sku]
            if (owner is not None and owner != own) or first is not product:
                yield (
                    f"variants.{i}.sku",
                    f"Another product has the SKU {variant.sku}. Each needs its own.",
                )
            yield from self._recipe(f"variants.{i}.components", variant, own)
        yield from self._removed(change)

    def _recipe(
        self, path: str, variant: VariantInput, own: int | None
    ) -> Iterator[tuple[str, str]]:
        for i, (sku, _) in enumerate(variant.components):
            coming = self.coming.get(sku)
            if coming is None and sku not in self.owners:
                yield f"{path}.{i}", f"There is no variant with the SKU {sku}."
            elif sku != variant.sku and (
                coming.components if coming is not None else sku in self.bundles
            ):
                yield f"{path}.{i}", f"{sku} is a bundle itself, and can't be a part of another."
        inside = self.contained.get(variant.sku)
        if variant.components and inside is not None:
            yield path, f"{variant.sku} is a part of the bundle {inside[0]}, so it can't be one."

    def _removed(self, change: Change) -> Iterator[tuple[str, str]]:
        if change.product_id is None:
            return
        kept = {variant.sku for variant in change.product.variants}
        gone = {sku for sku, owner in self.owners.items() if owner == change.product_id} - kept
        for sku in sorted(gone & self.contained.keys()):
            bundle, owner = self.contained[sku]
            if owner != change.product_id or bundle in kept:
                hint = "Archive it, or change the bundle first."
                yield "variants", f"{sku} is a part of the bundle {bundle}. {hint}"
