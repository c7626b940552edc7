"""The columns of the file: their names, their order in an export, other names they go by.

What Shopify's format has no column for stands in columns named like its metafields, which other
shops leave alone.
"""

from __future__ import annotations

HANDLE = "Handle"
TITLE = "Title"
BODY = "Body (HTML)"
VENDOR = "Vendor"
TYPE = "Type"
TAGS = "Tags"
PUBLISHED = "Published"
STATUS = "Status"
SKU = "Variant SKU"
GRAMS = "Variant Grams"
TRACKER = "Variant Inventory Tracker"
QUANTITY = "Variant Inventory Qty"
POLICY = "Variant Inventory Policy"
PRICE = "Variant Price"
COMPARE_AT = "Variant Compare At Price"
REQUIRES_SHIPPING = "Variant Requires Shipping"
BARCODE = "Variant Barcode"
TAX_CODE = "Variant Tax Code"
IMAGE = "Image Src"
IMAGE_POSITION = "Image Position"
IMAGE_ALT = "Image Alt Text"
VARIANT_IMAGE = "Variant Image"
GIFT_CARD = "Gift Card"
SEO_TITLE = "SEO Title"
SEO_DESCRIPTION = "SEO Description"


def _own(title: str, key: str, owner: str = "product") -> str:
    return f"{title} ({owner}.metafields.opticworks.{key})"


SUBTITLE = _own("Subtitle", "subtitle")
HIGHLIGHTS = _own("Highlights", "highlights")
SPECS = _own("Specifications", "specs")
SWATCHES = _own("Swatches", "swatches")
CHOICES = _own("Bundle Choices", "choices")
COLLECTIONS = _own("Collections", "collections")
COMPONENTS = _own("Bundle", "components", "variant")
PERCENT_OFF = _own("Bundle Percent Off", "percent_off", "variant")
SIZE = _own("Size", "size", "variant")
HS_CODE = _own("HS Code", "hs_code", "variant")
ORIGIN = _own("Country of Origin", "origin_country", "variant")
BACKORDER_LIMIT = _own("Backorder Limit", "backorder_limit", "variant")
VARIANT_STATUS = _own("Variant Status", "status", "variant")

MOST_OPTIONS = 10


def option_name(number: int) -> str:
    """The column with the name of the option of that number, from 1."""
    return f"Option{number} Name"


def option_value(number: int) -> str:
    return f"Option{number} Value"


_GOOGLE = (
    *("Google Product Category", "Gender", "Age Group", "MPN", "AdWords Grouping"),
    *("AdWords Labels", "Condition", "Custom Product"),
    *(f"Custom Label {number}" for number in range(5)),
)
#: An export has these, in this order; more options and kept columns come behind.
ORDER = (
    *(HANDLE, TITLE, BODY, VENDOR, TYPE, TAGS, PUBLISHED),
    *(name for n in (1, 2, 3) for name in (option_name(n), option_value(n))),
    *(SKU, GRAMS, TRACKER, QUANTITY, POLICY, "Variant Fulfillment Service", PRICE, COMPARE_AT),
    *(REQUIRES_SHIPPING, "Variant Taxable", BARCODE, IMAGE, IMAGE_POSITION, IMAGE_ALT, GIFT_CARD),
    *(SEO_TITLE, SEO_DESCRIPTION),
    *(f"Google Shopping / {name}" for name in _GOOGLE),
    *(VARIANT_IMAGE, "Variant Weight Unit", TAX_CODE, "Cost per item", STATUS),
    *(SUBTITLE, HIGHLIGHTS, SPECS, SWATCHES, CHOICES, COLLECTIONS),
    *(COMPONENTS, PERCENT_OFF, SIZE),
    *(HS_CODE, ORIGIN, BACKORDER_LIMIT, VARIANT_STATUS),
)

#: Columns that mean something here; every other one is only kept.
UNDERSTOOD = frozenset(
    {
        *(HANDLE, TITLE, BODY, VENDOR, TYPE, TAGS, PUBLISHED, STATUS, SKU, GRAMS, TRACKER),
        *(QUANTITY, POLICY, PRICE, COMPARE_AT, REQUIRES_SHIPPING, BARCODE, TAX_CODE, IMAGE),
        *(IMAGE_POSITION, IMAGE_ALT, VARIANT_IMAGE, GIFT_CARD, SEO_TITLE, SEO_DESCRIPTION),
        *(SUBTITLE, HIGHLIGHTS, SPECS, SWATCHES, CHOICES, COLLECTIONS),
        *(COMPONENTS, PERCENT_OFF, SIZE),
        *(HS_CODE, ORIGIN, BACKORDER_LIMIT, VARIANT_STATUS),
        *(option_name(number) for number in range(1, MOST_OPTIONS + 1)),
        *(option_value(number) for number in range(1, MOST_OPTIONS + 1)),
    }
)

#: What a kept column says of a product that never said anything; such a value isn't kept.
USUAL = {
    "Variant Fulfillment Service": "manual",
    "Variant Taxable": "true",
    "Variant Weight Unit": "g",
    GIFT_CARD: "false",
}

#: Names of the same columns in other editions of the format, in small letters.
ALIASES = {
    "url handle": HANDLE,
    "description": BODY,
    "body html": BODY,
    "published on online store": PUBLISHED,
    "sku": SKU,
    "barcode": BARCODE,
    "price": PRICE,
    "compare-at price": COMPARE_AT,
    "compare at price": COMPARE_AT,
    "inventory tracker": TRACKER,
    "inventory quantity": QUANTITY,
    "continue selling when out of stock": POLICY,
    "weight value (grams)": GRAMS,
    "weight unit for display": "Variant Weight Unit",
    "requires shipping": REQUIRES_SHIPPING,
    "fulfillment service": "Variant Fulfillment Service",
    "charge tax": "Variant Taxable",
    "tax code": TAX_CODE,
    "product image url": IMAGE,
    "variant image url": VARIANT_IMAGE,
}
_KNOWN = {name.casefold(): name for name in (*ORDER, *UNDERSTOOD)}


def known_as(header: str) -> str:
    """The name this module has for a column of a file; the header itself when it has none."""
    plain = " ".join(header.split())
    folded = plain.casefold()
    return _KNOWN.get(folded) or ALIASES.get(folded) or plain


def belongs_to_variant(column: str) -> bool:
    """Whether a kept column says something about a variant rather than about its product."""
    return column.startswith("Variant ") or "(variant." in column or column == "Cost per item"
