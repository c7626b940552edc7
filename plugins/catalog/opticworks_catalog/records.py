"""Products as read from the tables in one go: frozen, with rules that need no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    #: What is sold here, the variants' SKUs, and every SKU whose stock matters: the variants' own,
    #: or those of a bundle's parts. Every page of the product asks for both.
    own_skus: tuple[str, ...] = field(init=False, repr=False, compare=False)
    skus: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _shown: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = tuple(variant.sku for variant in self.variants)
        stocked = tuple(dict.fromkeys(sku for one in self.variants for sku in one.stocked))
        shown = {variant.sku: self._images_of(variant) for variant in self.variants}
        object.__setattr__(self, "own_skus", own)
        object.__setattr__(self, "skus", own if stocked == own else stocked)
        object.__setattr__(self, "_shown", shown)

    @property
    def option_names(self) -> tuple[str, ...]:
        return tuple(option.name for option in self.options)

    def images_of(self, variant: VariantRecord) -> tuple[int, ...]:
        """Which pictures show the variant; all of them when none does."""
        return self._shown[variant.sku]

    def _images_of(self, variant: VariantRecord) -> tuple[int, ...]:
        shown = tuple(i for i, image in enumerate(self.images) if image.shows(variant))
        return shown or tuple(range(len(self.images)))
