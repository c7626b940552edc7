"""schema.org data of a product: what the page shows, for machines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opticworks.contracts import PriceDisplay, say
from opticworks.money import Money
from opticworks.plugin import shortened, text_of
from opticworks_catalog.pages import ProductPage, VariantView
from opticworks_catalog.records import ProductRecord

AVAILABILITY = {
    "in_stock": "https://schema.org/InStock",
    "low": "https://schema.org/InStock",
    "backorder": "https://schema.org/BackOrder",
    "sold_out": "https://schema.org/OutOfStock",
}
#: Options that schema.org has a property for.
PROPERTIES = {"color": "color", "colour": "color", "size": "size", "material": "material"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """What is the same for every offer. `return_days` is 0 where the shop doesn't say; prices
    that are taxed say whether the tax is in them."""

    brand: str
    countries: tuple[str, ...] = ()
    return_days: int = 0
    display: PriceDisplay = field(default_factory=PriceDisplay)

    def price(self, money: Money) -> dict[str, Any]:
        price = {"price": str(money.to_decimal()), "priceCurrency": money.currency}
        if not self.display.label:
            return price
        specification = {
            "@type": "UnitPriceSpecification",
            **price,
            "valueAddedTaxIncluded": self.display.includes_tax,
        }
        return {**price, "priceSpecification": specification}

    def terms(self) -> dict[str, Any]:
        if not self.return_days:
            return {}
        return {
            "hasMerchantReturnPolicy": {
                "@type": "MerchantReturnPolicy",
                "applicableCountry": list(self.countries),
                "returnPolicyCategory": "https://schema.org/MerchantReturnFiniteReturnWindow",
                "merchantReturnDays": self.return_days,
                "returnMethod": "https://schema.org/ReturnByMail",
            }
        }


def describe(product: ProductRecord, description_html: str, shop_name: str) -> str:
    """What the product is in a sentence or two: as staff wrote it, or how its text begins."""
    own = product.seo_description or product.subtitle or text_of(description_html)
    return shortened(own, 300) or say("{product} at {shop}.", product=product.title, shop=shop_name)


def product_data(
    product: ProductRecord, page: ProductPage, base_url: str, seller: Seller, description: str
) -> dict[str, Any]:
    """A `ProductGroup` with the variants of the page, or a `Product` when there is only one."""
    barcodes = {variant.sku: variant.barcode for variant in product.variants}
    common: dict[str, Any] = {
        "@context": "https://schema.org",
        "name": page.title,
        "description": description,
        "url": base_url + page.url,
        "brand": {"@type": "Brand", "name": seller.brand},
    }
    if page.rating is not None:
        common["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": str(page.rating.average),
            "reviewCount": page.rating.count,
            "bestRating": 5,
            "worstRating": 1,
        }
    if len(product.variants) == 1:
        only = _variant(page.variants[0], page, base_url, barcodes, seller)
        return {**common, "@type": "Product", **only}
    return {
        **common,
        "@type": "ProductGroup",
        "productGroupID": page.handle,
        "variesBy": [_property(option.name) for option in page.options],
        "hasVariant": [
            {
                "@type": "Product",
                "name": f"{page.title}, {variant.title}",
                **_variant(variant, page, base_url, barcodes, seller),
                **_choices(variant.options),
            }
            for variant in page.variants
        ],
    }


def breadcrumb_data(crumbs: Sequence[tuple[str, str]], title: str, base_url: str) -> dict[str, Any]:
    """The way to a page as it is shown: (title, path) of each step, then the page itself."""
    steps: list[dict[str, Any]] = [
        {"@type": "ListItem", "position": place, "name": name, "item": base_url + path}
        for place, (name, path) in enumerate(crumbs, 1)
    ]
    steps.append({"@type": "ListItem", "position": len(steps) + 1, "name": title})
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": steps,
    }


def _property(option: str) -> str:
    known = PROPERTIES.get(option.casefold())
    return f"https://schema.org/{known}" if known else option


def _choices(options: Mapping[str, str]) -> dict[str, Any]:
    named = {PROPERTIES[n.casefold()]: v for n, v in options.items() if n.casefold() in PROPERTIES}
    others = [
        {"@type": "PropertyValue", "name": name, "value": value}
        for name, value in options.items()
        if name.casefold() not in PROPERTIES
    ]
    return {**named, **({"additionalProperty": others} if others else {})}


def _variant(
    variant: VariantView,
    page: ProductPage,
    base_url: str,
    barcodes: Mapping[str, str],
    seller: Seller,
) -> dict[str, Any]:
    barcode = barcodes[variant.sku]
    data: dict[str, Any] = {"sku": variant.sku}
    if barcode.isdigit() and len(barcode) in (8, 12, 13, 14):
        data["gtin"] = barcode
    if page.images:
        sources = (page.images[index].src for index in variant.image_indexes)
        data["image"] = [src if "://" in src else base_url + src for src in sources]
    data["offers"] = {
        "@type": "Offer",
        "url": base_url + variant.url,
        **seller.price(variant.price),
        "availability": AVAILABILITY[variant.stock.state],
        "itemCondition": "https://schema.org/NewCondition",
        **seller.terms(),
    }
    return data
