"""What the catalogue's templates are given: frozen, ready to print, no database behind it.

Addresses are paths unless they say otherwise. Money is shown with the template global `money`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from opticworks.contracts import Picture, Rating
from opticworks.money import Money

StockState = Literal["in_stock", "low", "backorder", "sold_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionLink:
    """A collection as a menu, a listing or the home page names it."""

    handle: str
    title: str
    url: str
    description: str = ""
    image: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A product in a listing.

    `price` is that of its cheapest variant, `price_varies` when another one costs more.
    `sku` is the variant to put into the cart when the product has a single one (`single`).
    `badge` is empty or at most two words. `rating` is None where nobody has given one.
    """

    url: str
    title: str
    subtitle: str
    price: Money
    price_varies: bool
    compare_at: Money | None
    image: Picture | None
    second_image: Picture | None
    badge: str
    sold_out: bool
    sku: str
    single: bool
    rating: Rating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SortView:
    """A way to sort a listing, as a link."""

    code: str
    title: str
    url: str
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A number of a listing's pages, as a link; without an address it stands for a gap."""

    number: int
    url: str
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """`links` is empty when everything is on one page; `previous` and `next` are paths or ""."""

    total: int
    links: tuple[PageLink, ...] = ()
    previous: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter that is on; `url` is the listing without it."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """An option's value to filter by; `count` products would be shown with it."""

    id: str
    value: str
    swatch: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """An option to filter by; `field` is the name of its check boxes."""

    name: str
    field: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPanel:
    """The filters of a listing as a form. Amounts are as a person types them, in `currency`
    (`wrong` names the fields, "min" and "max", with what is none);
    `lowest` and `highest` are those of the products. `hidden` keeps query and sorting."""

    action: str
    count: int
    in_stock: bool
    in_stock_count: int
    low: str
    high: str
    lowest: str
    highest: str
    currency: str
    options: tuple[Facet, ...]
    hidden: tuple[tuple[str, str], ...]
    chips: tuple[Chip, ...]
    clear: str
    wrong: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionValueView:
    """A value of an option. `available` is false when choosing it leads to something sold out
    (it can be chosen all the same); `url` keeps the other choices where that variant exists."""

    value: str
    swatch: str
    selected: bool
    available: bool
    url: str
    surcharge: Money | None = None  #: what this part of a bundle costs more than the cheapest


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    """A choice to make. `name` is also the name of its field in a GET form to the product page,
    which answers with the variant closest to what was chosen."""

    name: str
    values: tuple[OptionValueView, ...]

    @property
    def chosen(self) -> str:
        return next((value.value for value in self.values if value.selected), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class StockView:
    """What may be bought: `max` pieces in one order, 0 when sold out."""

    state: StockState
    sentence: str
    max: int

    @property
    def buyable(self) -> bool:
        return self.max > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantView:
    """`image_index` is the picture to show first, `image_indexes` all that show this variant.
    `parts` are (SKU, quantity) of what is in a bundle."""

    sku: str
    options: Mapping[str, str]
    title: str
    price: Money
    compare_at: Money | None
    url: str
    image_index: int
    image_indexes: tuple[int, ...]
    stock: StockView
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    """A part of the selected bundle: `quantity` of `title` in one bundle; a `hidden` one is in it
    only after another choice."""

    sku: str
    title: str
    options: str
    quantity: int
    url: str
    image: Picture | None
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPage:
    """`images` holds every picture of the product; `gallery` those of the selected variant.
    `variants` are all of them, or the selected one alone where there are `many`; `skus` are
    those of all. `rating` is None where nobody has given one."""

    handle: str
    url: str
    title: str
    subtitle: str
    description_html: str
    highlights: tuple[str, ...]
    specs: tuple[tuple[str, str], ...]
    options: tuple[OptionView, ...]
    variants: tuple[VariantView, ...]
    selected: VariantView
    images: tuple[Picture, ...]
    collections: tuple[CollectionLink, ...]
    components: tuple[ComponentView, ...]
    related: tuple[Card, ...]
    vendor: str = ""
    many: bool = False
    skus: tuple[str, ...] = ()
    rating: Rating | None = None
    locale: str = field(default="en_US", repr=False)

    @property
    def gallery(self) -> tuple[Picture, ...]:
        return tuple(self.images[index] for index in self.selected.image_indexes)

    @property
    def slides(self) -> tuple[int, ...]:
        """The pictures that are in the page: those of the selected variant first, then what
        script shows for the others."""
        shown = self.selected.image_indexes
        others = range(0 if self.many else len(self.images))
        return (*shown, *(index for index in others if index not in shown))

    @property
    def script_data(self) -> str:
        """Every variant as JSON for `<script type="application/json">`: switching between them
        needs no request. Characters that could end the element are escaped."""
        data = [
            {
                "sku": variant.sku,
                "options": dict(variant.options),
                "title": variant.title,
                "price": variant.price.format(self.locale),
                "compareAt": variant.compare_at.format(self.locale) if variant.compare_at else "",
                "url": variant.url,
                "image": variant.image_index,
                "images": variant.image_indexes,
                **({"parts": dict(variant.parts)} if variant.parts else {}),
                "stock": {
                    "state": variant.stock.state,
                    "sentence": variant.stock.sentence,
                    "max": variant.stock.max,
                },
            }
            for variant in self.variants
        ]
        return json_for_html(data)


def json_for_html(data: Any) -> str:
    """JSON that is safe inside a `<script>` element of any type."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
