"""A product as somebody wants it: what an editor, an importer or a program hands to `writing`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opticworks_catalog.models import ACTIVE, DRAFT

Components = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceInput:
    """What a value of an option puts into a bundle: `quantity` of `sku`, for `surcharge` minor
    units more."""

    value: str
    sku: str
    quantity: int = 1
    surcharge: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionInput:
    """A choice and its values in order, each `(value, swatch)`; a swatch is "#rrggbb" or "".
    `choices` are the parts that values bring into a bundle, in the order of the values: a variant
    has those of its values in `components`, and their surcharges in `price`."""

    name: str
    values: tuple[tuple[str, str], ...]
    choices: tuple[ChoiceInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantInput:
    """What is sold, found again by its SKU. `values` has one value for each of the product's
    options, in their order. Prices are minor units, weight grams, size (length, width, height) in
    millimetres. `components` are (SKU, quantity) of a bundle's parts; with `percent_off` the
    bundle costs so many percent less than they do together, and `price` is what that was last.
    `extra` keeps unknown columns of a file; None leaves what is kept as it is."""

    sku: str
    price: int
    values: tuple[str, ...] = ()
    compare_at: int | None = None
    percent_off: Decimal | None = None
    barcode: str = ""
    weight: int = 0
    size: tuple[int, int, int] | None = None
    hs_code: str = ""
    origin_country: str = ""
    tax_code: str = ""
    stock_policy: str = "deny"
    requires_shipping: bool = True
    status: str = ACTIVE
    components: Components = ()
    extra: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductInput:
    """A whole product: what isn't in it, it will not have. Every price is in `currency`;
    `description` is Markdown, `collections` are handles of collections that exist."""

    handle: str
    title: str
    currency: str
    subtitle: str = ""
    description: str = ""
    highlights: tuple[str, ...] = ()
    specs: tuple[tuple[str, str], ...] = ()
    status: str = DRAFT
    seo_title: str = ""
    seo_description: str = ""
    vendor: str = ""
    product_type: str = ""
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    options: tuple[OptionInput, ...] = ()
    variants: tuple[VariantInput, ...] = ()
    extra: Mapping[str, str] | None = None


def brought(options: Sequence[OptionInput], values: Sequence[str]) -> tuple[ChoiceInput, ...]:
    """What a variant that takes these values gets with them, in the order of the options."""
    return tuple(
        choice
        for option, value in zip(options, values, strict=False)
        for choice in option.choices
        if choice.value == value
    )


def together(parts: Iterable[tuple[str, int]]) -> Components:
    """One recipe of these parts: what is there twice is counted together."""
    found: dict[str, int] = {}
    for sku, quantity in parts:
        found[sku] = found.get(sku, 0) + quantity
    return tuple(found.items())


@dataclass(frozen=True, slots=True)
class Change:
    """A product to be written: a new one, or the one of that id. A new one comes last in the
    shop's order, or takes that `position`."""

    product: ProductInput
    product_id: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did. `changes` says it in words for people; nothing when nothing differed."""

    product_id: int
    created: bool = False
    changes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)
