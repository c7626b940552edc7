"""Two people edit one product: what each changed, put together, and where they disagree."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from opticworks.money import Money
from opticworks_catalog.writing import ChoiceInput, OptionInput, ProductInput, VariantInput

MOST = 4_000_000  #: characters of what a form carries along, unpacked

NAMES = {
    "seo_title": "Title for search engines",
    "seo_description": "Description for search engines",
    "product_type": "Type",
    "specs": "Specifications",
    "handle": "Address",
    "compare_at": "Price before",
    "sku": "SKU",
    "hs_code": "Customs number",
    "origin_country": "Country of origin",
    "tax_code": "Tax code",
    "requires_shipping": "Whether it is shipped",
    "components": "Parts",
    "percent_off": "Percent off",
    "values": "Options",
}


@dataclass(slots=True)
class Merged:
    """The product with both people's changes; `taken` is what the other one changed, `disputed`
    what both did: (what, mine, theirs). Mine stands in the product."""

    product: ProductInput
    taken: list[str] = field(default_factory=list)
    disputed: list[tuple[str, str, str]] = field(default_factory=list)


def pack(product: ProductInput | None) -> str:
    """The product as a hidden field carries it, so that the next save knows what was seen."""
    if product is None:
        return ""
    text = json.dumps(asdict(product), separators=(",", ":"), default=str)
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def unpack(text: str) -> ProductInput:
    """What `pack` made. Raises ValueError for anything else."""
    try:
        worker = zlib.decompressobj()
        raw = worker.decompress(base64.b64decode(text, validate=True), MOST)
        values = json.loads(raw)
        values["options"] = tuple(
            OptionInput(
                name=one["name"],
                values=_frozen(one["values"]),
                choices=tuple(ChoiceInput(**choice) for choice in one["choices"]),
            )
            for one in values["options"]
        )
        values["variants"] = tuple(
            VariantInput(
                **{
                    name: _frozen(value) if name != "percent_off" else _number(value)
                    for name, value in one.items()
                }
            )
            for one in values["variants"]
        )
        return ProductInput(
            **{
                name: value if name in ("options", "variants") else _frozen(value)
                for name, value in values.items()
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as error:
        raise ValueError("This form is incomplete. Reload the page.") from error


def _number(value: Any) -> Any:
    try:
        return None if value is None else Decimal(value)
    except ArithmeticError as error:
        raise ValueError("That is no number.") from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def merge(base: ProductInput, mine: ProductInput, theirs: ProductInput) -> Merged:
    """`mine` and `theirs` were both made from `base`."""
    merged = Merged(mine)
    changes: dict[str, Any] = {}
    for one in fields(ProductInput):
        name = one.name
        if name in ("variants", "currency", "extra"):
            continue
        changes[name] = _choose(
            merged, NAMES.get(name, name.capitalize()), name, (base, mine, theirs), mine.currency
        )
    changes["variants"] = _variants(merged, base, mine, theirs)
    merged.product = replace(mine, **changes)
    return merged


def _choose(
    merged: Merged, what: str, name: str, versions: tuple[Any, Any, Any], currency: str
) -> Any:
    base, mine, theirs = (getattr(version, name) for version in versions)
    if theirs in (base, mine):
        return mine
    if mine == base:
        merged.taken.append(what)
        return theirs
    merged.disputed.append((what, say(mine, what, currency), say(theirs, what, currency)))
    return mine


def _variants(
    merged: Merged, base: ProductInput, mine: ProductInput, theirs: ProductInput
) -> tuple[VariantInput, ...]:
    before, other = _by_sku(base), _by_sku(theirs)
    found = []
    for variant in mine.variants:
        old, new = before.get(variant.sku), other.pop(variant.sku, None)
        if old is None or new is None:
            if old is not None:
                merged.taken.append(f"{variant.sku} was removed; saving adds it again")
            found.append(variant)
            continue
        found.append(
            replace(
                variant,
                **{
                    one.name: _choose(
                        merged,
                        f"{NAMES.get(one.name, one.name.capitalize())} of {variant.sku}",
                        one.name,
                        (old, variant, new),
                        mine.currency,
                    )
                    for one in fields(VariantInput)
                    if one.name not in ("sku", "extra")
                },
            )
        )
    for sku, variant in other.items():
        if sku not in before and len(variant.values) == len(mine.options):
            merged.taken.append(f"{sku} was added")
            found.append(variant)
    return tuple(found)


def _by_sku(product: ProductInput) -> dict[str, VariantInput]:
    return {variant.sku: variant for variant in product.variants}


def say(value: Any, what: str, currency: str) -> str:
    """A value as a person reads it, short."""
    if value is None or value == "" or value == ():
        return "(nothing)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and what.startswith("Price"):
        return Money(value, currency).format()
    if isinstance(value, tuple):
        value = ", ".join(_part(each) for each in value)
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}…"


def _part(value: Any) -> str:
    if isinstance(value, OptionInput):
        parts = {each.value: f" ({each.quantity} x {each.sku})" for each in value.choices}
        return f"{value.name}: {', '.join(text + parts.get(text, '') for text, _ in value.values)}"
    if isinstance(value, tuple):
        return ": ".join(str(each) for each in value)
    return str(value)
