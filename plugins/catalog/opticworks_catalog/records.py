"""Products as read from the tables in one go: frozen, with rules that need no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from opticworks.contracts import Component, Item, Picture, PriceDisplay
from opticworks.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRecord:
    """A part of a bundle; `on_sale` is false when it is archived or its product is a draft,
    `price` is what it costs alone."""

    sku: str
    quantity: int
    stock_policy: str
    on_sale: bool
    handle: str
    title: str
    options: str
    image: Picture | None
    price: Money | None = None
    tax_code: str = ""

    @property
    def component(self) -> Component:
        """The part as the kernel prices it."""
        return Component(
            sku=self.sku,
            quantity=self.quantity,
            unit_price=self.price,
            tax_code=self.tax_code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    sku: str
    barcode: str
    price: Money
    compare_at: Money | None
    weight: int
    stock_policy: str
    options: Mapping[str, str]
    components: tuple[ComponentRecord, ...]
    tax_code: str = ""

    def shown(self, display: PriceDisplay) -> VariantRecord:
        """The variant with its prices as pages show them."""
        if not display.factors:
            return self
        item = Item(
            sku=self.sku,
            title="",
            unit_price=self.price,
            compare_at_price=self.compare_at,
            tax_code=self.tax_code,
            components=tuple(part.component for part in self.components),
        )
        item = display.item(item)
        return replace(self, price=item.unit_price, compare_at=item.compare_at_price)

    @property
    def title(self) -> str:
        """The chosen options as a person says them: "Pro / Graphite"."""
        return " / ".join(self.options.values())

    @property
    def stocked(self) -> tuple[str, ...]:
        """The SKUs that stock is counted by: its own, or those of its parts."""
        return tuple(part.sku for part in self.components) or (self.sku,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """A picture and the values it shows of each option it speaks of (of none: every variant)."""

    picture: Picture
    options: Mapping[str, tuple[str, ...]]

    def shows(self, variant: VariantRecord) -> bool:
        return all(variant.options.get(name) in values for name, values in self.options.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRecord:
    """An option with its values and their swatches, in order."""

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRecord:
    handle: str
    title: str
    description: str
    image: Picture | None
    seo_title: str
    seo_description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRecord:
    """A published product with its active variants."""

    handle: str
    title: str
    subtitle: str
    description: str
    highlights: tuple[str, ...]
    specs: tuple[tuple[str, str], ...]
    seo_title: str
    seo_description: str
    updated_at: datetime
    vendor: str = ""
    options: tuple[OptionRecord, ...]
    variants: tuple[VariantRecord, ...]
    images: tuple[ImageRecord, ...]
    collections: tuple[str, ...]  #: handles

    @property
    def option_names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    @property
    def skus(self) -> frozenset[str]:
        """Every SKU whose stock matters here: the variants' own, or those of a bundle's parts."""
        return frozenset(sku for variant in self.variants for sku in variant.stocked)

    @property
    def own_skus(self) -> tuple[str, ...]:
        """What is sold here: the variants' SKUs."""
        return tuple(variant.sku for variant in self.variants)

    def images_of(self, variant: VariantRecord) -> tuple[int, ...]:
        """Which pictures show the variant; all of them when none does."""
        shown = tuple(i for i, image in enumerate(self.images) if image.shows(variant))
        return shown or tuple(range(len(self.images)))
