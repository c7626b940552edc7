"""From records and stock to what the templates print. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from opticworks import kernel
from opticworks.contracts import Picture, PriceDisplay, Rating, say
from opticworks.money import Money
from opticworks_catalog.pages import (
    Card,
    CollectionLink,
    ComponentView,
    OptionValueView,
    OptionView,
    ProductPage,
    VariantView,
)
from opticworks_catalog.records import CollectionRecord, ProductRecord, VariantRecord
from opticworks_catalog.selection import after_choosing, closest
from opticworks_catalog.stock import Levels, buyable, stock_view

#: Up to so many variants are all in the page, so that script changes between them; of more the
#: page has the one that is shown, and a choice is a request.
MOST_INLINE = 60
_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch  #: what an address shows as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The shop's settings that decide what is shown."""

    locale: str
    low_stock: int
    max_quantity: int
    display: PriceDisplay = field(default_factory=PriceDisplay)
    ratings: Mapping[str, Rating] = field(default_factory=dict)  #: by SKU

    def rating(self, product: ProductRecord) -> Rating | None:
        """That of all its variants together."""
        given = [self.ratings[sku] for sku in product.own_skus if sku in self.ratings]
        if not given:
            return None
        rating = sum(given, Rating())
        return rating if rating.count else None


def product_path(handle: str, sku: str = "") -> str:
    """A product's address, or that of one of its variants."""
    if not sku:
        return f"/products/{handle}"
    return f"/products/{handle}?variant={sku if _plain(sku) else quote_plus(sku)}"


def collection_path(handle: str) -> str:
    return f"/collections/{handle}"


def collection_link(collection: CollectionRecord) -> CollectionLink:
    return CollectionLink(
        handle=collection.handle,
        title=collection.title,
        url=collection_path(collection.handle),
        description=collection.description,
        image=collection.image,
    )


def select_variant(
    product: ProductRecord, levels: Levels, sku: str, wanted: Mapping[str, str]
) -> VariantRecord:
    """The variant to show: the one asked for, the one closest to the options asked for, or the
    first that can be bought."""
    for variant in product.variants:
        if variant.sku == sku:
            return variant
    can_buy = [variant for variant in product.variants if buyable(variant, levels) != 0]
    if wanted:
        return closest(product.variants, wanted, product.option_names)
    return (can_buy or list(product.variants))[0]


def asked_options(product: ProductRecord, query: Mapping[str, str]) -> dict[str, str]:
    """The options that a query string names, letter case aside; anything else is ignored."""
    given = {name.casefold(): value.casefold() for name, value in query.items()}
    return {
        option.name: value
        for option in product.options
        for value, _ in option.values
        if given.get(option.name.casefold()) == value.casefold()
    }


def product_page(
    product: ProductRecord,
    related: Iterable[ProductRecord],
    collections: Iterable[CollectionRecord],
    levels: Levels,
    selected: VariantRecord,
    rules: Rules,
) -> ProductPage:
    """The page of a product with one of its variants selected."""
    many = len(product.variants) > MOST_INLINE
    inline = [selected] if many else product.variants
    views = {variant.sku: _variant(product, variant, levels, rules) for variant in inline}
    return ProductPage(
        handle=product.handle,
        url=product_path(product.handle),
        title=product.title,
        subtitle=product.subtitle,
        description_html=kernel.to_html(product.description, below=1),
        highlights=product.highlights,
        specs=product.specs,
        options=_options(product, selected, levels, rules.display),
        variants=tuple(views.values()),
        many=many,
        selected=views[selected.sku],
        images=tuple(image.picture for image in product.images),
        collections=tuple(
            collection_link(one) for one in collections if one.handle in product.collections
        ),
        components=_components(selected, inline),
        related=tuple(card(other, levels, rules) for other in related),
        vendor=product.vendor,
        locale=rules.locale,
        skus=product.own_skus,
        rating=rules.rating(product),
    )


def _components(
    selected: VariantRecord, inline: Iterable[VariantRecord]
) -> tuple[ComponentView, ...]:
    """What is in the box, and behind it what would be in that of another choice."""
    inside = {part.sku: part for part in selected.components}
    others = {part.sku: part for one in inline for part in one.components}
    return tuple(
        ComponentView(
            sku=sku,
            title=part.title,
            options=part.options,
            quantity=part.quantity,
            url=product_path(part.handle, part.sku) if part.on_sale else "",
            image=part.image,
            hidden=sku not in inside,
        )
        for sku, part in {**inside, **{k: v for k, v in others.items() if k not in inside}}.items()
    )


def _variant(
    product: ProductRecord, variant: VariantRecord, levels: Levels, rules: Rules
) -> VariantView:
    images = product.images_of(variant)
    variant = variant.shown(rules.display)
    return VariantView(
        sku=variant.sku,
        options=variant.options,
        title=variant.title,
        price=variant.price,
        compare_at=variant.compare_at,
        url=product_path(product.handle, variant.sku if len(product.variants) > 1 else ""),
        image_index=images[0] if images else 0,
        image_indexes=images,
        parts=tuple((part.sku, part.quantity) for part in variant.components),
        stock=stock_view(
            variant, levels, low_stock=rules.low_stock, max_quantity=rules.max_quantity
        ),
    )


def _options(
    product: ProductRecord, selected: VariantRecord, levels: Levels, display: PriceDisplay
) -> tuple[OptionView, ...]:
    """The choices that lead somewhere: values that no variant has are left out."""
    names = product.option_names
    views = []
    for option in product.options:
        found = [
            (value, swatch, target)
            for value, swatch in option.values
            if (target := after_choosing(product.variants, selected, option.name, value, names))
        ]
        surcharges = _surcharges([target for _, _, target in found], display)
        values = [
            OptionValueView(
                value=value,
                swatch=swatch,
                selected=selected.options.get(option.name) == value,
                available=buyable(target, levels) != 0,
                url=product_path(product.handle, target.sku),
                surcharge=surcharge,
            )
            for (value, swatch, target), surcharge in zip(found, surcharges, strict=True)
        ]
        if values:
            views.append(OptionView(name=option.name, values=tuple(values)))
    return tuple(views)


def _surcharges(targets: Sequence[VariantRecord], display: PriceDisplay) -> Sequence[Money | None]:
    """What each choice of a bundle's part costs more than the cheapest one; nothing for what is
    no such choice, since then it is the product itself that differs."""
    if all(target.components == targets[0].components for target in targets):
        return [None] * len(targets)
    prices = [target.shown(display).price for target in targets]
    least = min(price.minor for price in prices)
    return [
        Money(price.minor - least, price.currency) if price.minor > least else None
        for price in prices
    ]


def card(product: ProductRecord, levels: Levels, rules: Rules) -> Card:
    """The product in a listing: the price of its cheapest variant, and of those that can be
    bought if there are any."""
    variants = [variant.shown(rules.display) for variant in product.variants]
    can_buy = [variant for variant in variants if buyable(variant, levels) != 0]
    shown = can_buy or variants
    cheapest = min(shown, key=lambda variant: variant.price.minor)
    first, second = card_images(product, shown[0])
    return Card(
        url=product_path(product.handle),
        title=product.title,
        subtitle=product.subtitle,
        price=cheapest.price,
        price_varies=any(variant.price != cheapest.price for variant in variants),
        compare_at=cheapest.compare_at,
        image=first,
        second_image=second,
        badge=_badge(cheapest, not can_buy, rules),
        sold_out=not can_buy,
        sku=shown[0].sku,
        single=len(product.variants) == 1,
        rating=rules.rating(product),
    )


def card_images(
    product: ProductRecord, variant: VariantRecord
) -> tuple[Picture | None, Picture | None]:
    """The first two pictures of that variant."""
    pictures: list[Picture | None] = [
        product.images[index].picture for index in product.images_of(variant)
    ]
    first, second, *_ = [*pictures, None, None]
    return first, second


def _badge(variant: VariantRecord, sold_out: bool, rules: Rules) -> str:
    if sold_out:
        return say("Sold out")
    if variant.compare_at is None:
        return ""
    saved = (variant.compare_at - variant.price).format(rules.locale)
    return say("Save {amount}", amount=re.sub(r"[.,]00(?!\d)", "", saved))
