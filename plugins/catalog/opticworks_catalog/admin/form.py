"""A product as its page shows it and sends it back: text in fields, with what is wrong beside it.

Fields are named by what they are and their row: "title", "option.0.value.2.text",
"variant.3.price". A field that is missing from what was sent leaves what is stored as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from opticworks.money import Money
from opticworks.plugin import whole
from opticworks_catalog.exchange.cells import percent_text
from opticworks_catalog.inputs import brought
from opticworks_catalog.writing import OptionInput, ProductInput, VariantInput

MOST_ROWS = 2100
TEXTS = (
    *("title", "handle", "subtitle", "description", "highlights", "status", "seo_title"),
    *("seo_description", "vendor", "product_type", "tags"),
)
CELLS = (
    *("sku", "sku_was", "price", "compare_at", "stock", "stock_was", "barcode", "weight"),
    *("length", "width", "height", "stock_policy", "ships", "tax_code", "hs_code"),
    *("origin_country", "status", "percent_off"),
)
#: Cells that a new variant takes over from the first one.
COMMON = (
    *("price", "compare_at", "weight", "length", "width", "height", "stock_policy", "ships"),
    *("tax_code", "hs_code", "origin_country"),
)


@dataclass(slots=True)
class ValueRow:
    """A value of an option: as typed, its colour, and what it was called when it was shown. What
    it brings into a bundle: so many of `part`, for `surcharge` more."""

    text: str = ""
    swatch: str = ""
    was: str = ""
    part: str = ""
    quantity: str = ""
    surcharge: str = ""


@dataclass(slots=True)
class OptionRow:
    name: str = ""
    was: str = ""
    values: list[ValueRow] = field(default_factory=list)
    choice: bool = False  #: whether its values bring parts into a bundle


@dataclass(slots=True)
class VariantRow:
    """A line of the grid. `values` are its option values by the option's name, `cells` texts."""

    values: dict[str, str] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    remove: bool = False

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    @property
    def is_new(self) -> bool:
        return not self["sku_was"]

    @property
    def title(self) -> str:
        return " / ".join(self.values.values())


@dataclass(slots=True)
class PartRow:
    """A part of a bundle: so many of `sku` in one of the variant `of`, or of every variant."""

    of: str = ""
    sku: str = ""
    quantity: str = ""


@dataclass(slots=True)
class ProductForm:
    """Everything on the page. `errors` are sentences by field."""

    texts: dict[str, str] = field(default_factory=dict)
    specs: list[tuple[str, str]] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    options: list[OptionRow] = field(default_factory=list)
    variants: list[VariantRow] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    #: By the bundle's SKU: where each part of its recipe was typed, as the path of a problem.
    sources: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


# --- from what is stored --------------------------------------------------------------------------


def amount(minor: int | None, currency: str) -> str:
    """Minor units as a person types them: "12.50"."""
    return "" if minor is None else str(Money(minor, currency).to_decimal())


def from_product(product: ProductInput, currency: str, stock: Mapping[str, int]) -> ProductForm:
    """The form of a stored product; `stock` is what is on the shelf, by SKU."""
    texts = {name: getattr(product, name) for name in TEXTS if name not in ("highlights", "tags")}
    texts["highlights"] = "\n".join(product.highlights)
    texts["tags"] = ", ".join(product.tags)
    names = [option.name for option in product.options]
    return ProductForm(
        texts=texts,
        specs=list(product.specs),
        collections=list(product.collections),
        options=[
            OptionRow(
                option.name,
                option.name,
                _value_rows(option, currency),
                bool(option.choices),
            )
            for option in product.options
        ],
        variants=[
            _variant_row(_alone(variant, product.options), names, currency, stock)
            for variant in product.variants
        ],
        parts=_part_rows(product),
    )


def _value_rows(option: OptionInput, currency: str) -> list[ValueRow]:
    rows = [ValueRow(value, swatch, value) for value, swatch in option.values]
    by_value = {row.text: row for row in rows}
    for choice in option.choices:
        row = by_value[choice.value]
        row.part, row.quantity = choice.sku, str(choice.quantity)
        row.surcharge = amount(choice.surcharge or None, currency)
    return rows


def _alone(variant: VariantInput, options: Sequence[OptionInput]) -> VariantInput:
    """The variant with the price that its choices are added to."""
    more = sum(choice.surcharge for choice in brought(options, variant.values))
    before = variant.compare_at
    return replace(
        variant,
        price=variant.price - more,
        compare_at=None if before is None else before - more,
    )


def _part_rows(product: ProductInput) -> list[PartRow]:
    """The parts that no choice brings; what is in every variant stands there once."""
    recipes = {}
    for variant in product.variants:
        left = dict(variant.components)
        for choice in brought(product.options, variant.values):
            left[choice.sku] = left.get(choice.sku, 0) - choice.quantity
        recipes[variant.sku] = [(sku, quantity) for sku, quantity in left.items() if quantity > 0]
    if len(recipes) < 2:
        common = []
    else:
        first = next(iter(recipes.values()))
        common = [part for part in first if all(part in each for each in recipes.values())]
    rows = [PartRow("", sku, str(quantity)) for sku, quantity in common]
    return rows + [
        PartRow(of, sku, str(quantity))
        for of, parts in recipes.items()
        for sku, quantity in parts
        if (sku, quantity) not in common
    ]


def _variant_row(
    variant: VariantInput, names: list[str], currency: str, stock: Mapping[str, int]
) -> VariantRow:
    length, width, height = map(str, variant.size or ("", "", ""))
    counted = variant.stock_policy != "untracked" and not variant.components
    on_hand = str(stock.get(variant.sku, 0)) if counted else ""
    return VariantRow(
        values=dict(zip(names, variant.values, strict=True)),
        cells={
            "sku": variant.sku,
            "sku_was": variant.sku,
            "price": amount(variant.price, currency),
            "compare_at": amount(variant.compare_at, currency),
            "stock": on_hand,
            "stock_was": on_hand,
            "barcode": variant.barcode,
            "weight": str(variant.weight) if variant.weight else "",
            "length": length,
            "width": width,
            "height": height,
            "stock_policy": variant.stock_policy,
            "ships": "yes" if variant.requires_shipping else "no",
            "tax_code": variant.tax_code,
            "hs_code": variant.hs_code,
            "origin_country": variant.origin_country,
            "status": variant.status,
            "percent_off": percent_text(variant.percent_off),
        },
    )


# --- from what was sent ---------------------------------------------------------------------------

_ROW = re.compile(r"(option|variant|spec|part)\.(\d{1,6})\.(.+)")
_VALUE = re.compile(r"value\.(\d{1,6})\.(text|swatch|was|part|quantity|surcharge)")


def read(post: Any, stored: ProductForm) -> ProductForm:
    """What was sent, over what is stored. Rows come in the order of their places, then as sent."""
    sent: dict[str, str] = {}
    for name, value in post.items():
        if isinstance(value, str):
            sent.setdefault(name, value)
    form = ProductForm(texts=dict(stored.texts), collections=list(stored.collections))
    for name in TEXTS:
        if name in sent:
            form.texts[name] = sent[name].replace("\r\n", "\n").strip()
    if "collections" in sent:  # a hidden empty one is always there
        chosen = [value for value in post.getall("collection") if isinstance(value, str)]
        form.collections = list(dict.fromkeys(chosen))[:500]
    rows = _rows(sent)
    form.specs = (
        [(row.get("name", ""), row.get("value", "")) for row in rows["spec"]]
        if "specs" in sent
        else list(stored.specs)
    )
    form.specs = [pair for pair in form.specs if any(pair)]
    form.options = _options(rows["option"]) if "options" in sent else stored.options
    if "parts" in sent:
        parts = [
            PartRow(*(row.get(name, "") for name in ("of", "sku", "quantity")))
            for row in rows["part"]
        ]
        form.parts = [part for part in parts if part.sku or part.quantity]
    else:
        form.parts = list(stored.parts)
    form.variants = _variants(rows["variant"], stored)
    return form


def _rows(sent: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """The fields of each row, rows in order; those that were to be removed are left out, except
    variants, which are asked about first."""
    found: dict[str, dict[int, dict[str, str]]] = {
        kind: {} for kind in ("option", "variant", "spec", "part")
    }
    for name, value in sent.items():
        if match := _ROW.fullmatch(name):
            kind, number, rest = match[1], int(match[2]), match[3]
            if number in found[kind] or len(found[kind]) < MOST_ROWS:
                text = value.replace("\r\n", "\n").strip()
                found[kind].setdefault(number, {})[rest] = text
    return {
        kind: [
            row
            for row in sorted(rows.values(), key=_place)
            if kind == "variant" or not row.get("remove")
        ]
        for kind, rows in found.items()
    }


def _place(row: Mapping[str, str]) -> int:
    return whole(row.get("place"), 1_000_000, digits=6)


def _options(rows: list[dict[str, str]]) -> list[OptionRow]:
    found = []
    for row in rows:
        values: dict[int, dict[str, str]] = {}
        for name, text in row.items():
            if match := _VALUE.fullmatch(name):
                values.setdefault(int(match[1]), {})[match[2]] = text
        option = OptionRow(
            row.get("name", ""),
            row.get("was", ""),
            [
                _value(value, choice=bool(row.get("choice")))
                for value in sorted(values.values(), key=_place)
                if value.get("text")
            ][:MOST_ROWS],
            bool(row.get("choice")),
        )
        if option.name or option.values:
            found.append(option)
    return found


def _value(sent: Mapping[str, str], *, choice: bool) -> ValueRow:
    """Without `choice` it is a plain option, whatever is in the fields that are not seen then."""
    row = ValueRow(sent["text"], sent.get("swatch", "").lower(), sent.get("was", ""))
    if choice:
        row.part, row.quantity = sent.get("part", ""), sent.get("quantity", "")
        row.surcharge = sent.get("surcharge", "")
    return row


def _variants(rows: list[dict[str, str]], stored: ProductForm) -> list[VariantRow]:
    """The grid's lines; a stored variant that was not sent stays as it is."""
    known = {row["sku"]: row for row in stored.variants}
    found = []
    for row in rows:
        before = known.pop(row.get("sku_was", ""), None)
        cells = dict(before.cells) if before else {}
        cells |= {name: row[name] for name in CELLS if name in row}
        cells["sku_was"] = before["sku"] if before else ""
        cells["origin_country"] = cells.get("origin_country", "").upper()
        values = {
            name.removeprefix("of."): text for name, text in row.items() if name.startswith("of.")
        }
        variant = VariantRow(values or (dict(before.values) if before else {}), cells)
        variant.remove = bool(row.get("remove"))
        if not (variant.is_new and variant.remove):
            found.append(variant)
    return found + list(known.values())


def slug(text: str) -> str:
    """The text as a handle: small letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:200]


def lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.split("\n") if line.strip())
