"""From the form's texts to a product that can be saved, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opticworks.money import Money
from opticworks.plugin import whole
from opticworks_catalog.admin.form import ProductForm, ValueRow, VariantRow, lines, slug
from opticworks_catalog.exchange.cells import percent
from opticworks_catalog.inputs import brought
from opticworks_catalog.models import ACTIVE
from opticworks_catalog.writing import ChoiceInput, OptionInput, ProductInput, VariantInput

MOST_STOCK = 10_000_000
MOST_PARTS = 10_000  #: of one SKU in one bundle


def to_product(form: ProductForm, currency: str, stored: ProductInput | None) -> ProductInput:
    """The product that the form means. What can't be read is noted in `form.errors`."""
    if not form["handle"]:
        form.texts["handle"] = slug(form["title"])
    options = _options(form, currency)
    parts = _recipes(form, options)
    known = {variant.sku: variant for variant in stored.variants} if stored else {}
    return ProductInput(
        title=form["title"],
        handle=form["handle"],
        subtitle=form["subtitle"],
        description=form["description"],
        seo_title=form["seo_title"],
        seo_description=form["seo_description"],
        vendor=form["vendor"],
        product_type=form["product_type"],
        status=form["status"] or "draft",
        currency=currency,
        highlights=tuple(lines(form["highlights"])),
        specs=tuple(form.specs),
        tags=tuple(dict.fromkeys(tag.strip() for tag in form["tags"].split(",") if tag.strip())),
        collections=tuple(form.collections),
        options=options,
        variants=tuple(
            _with_choices(
                _variant(
                    form, i, row, currency, parts.get(row["sku"], ()), known.get(row["sku_was"])
                ),
                options,
            )
            for i, row in enumerate(form.variants)
        ),
    )


def _options(form: ProductForm, currency: str) -> tuple[OptionInput, ...]:
    return tuple(
        OptionInput(
            name=option.name,
            values=tuple((value.text, value.swatch) for value in option.values),
            choices=tuple(
                choice
                for j, value in enumerate(option.values)
                if (choice := _choice(form, f"options.{i}.values.{j}", value, currency))
            ),
        )
        for i, option in enumerate(form.options)
    )


def _choice(form: ProductForm, at: str, row: ValueRow, currency: str) -> ChoiceInput | None:
    """What the value brings into a bundle; None when it brings nothing."""
    if not row.part:
        if row.quantity or row.surcharge:
            form.errors[at] = f"Enter the SKU of the part that {row.text} brings."
        return None
    quantity = _whole(row.quantity or "1")
    if not quantity or quantity > MOST_PARTS:
        form.errors[at] = "How many of it are in one? Enter a number from 1."
    surcharge = 0
    try:
        surcharge = _money(row.surcharge, currency) or 0
    except ValueError as error:
        form.errors[at] = str(error)
    return ChoiceInput(value=row.text, sku=row.part, quantity=quantity or 1, surcharge=surcharge)


def _with_choices(variant: VariantInput, options: Sequence[OptionInput]) -> VariantInput:
    """The price that was typed, with what its choices add to it."""
    more = sum(choice.surcharge for choice in brought(options, variant.values))
    before = variant.compare_at
    return replace(
        variant,
        price=variant.price + more,
        compare_at=None if before is None else before + more,
    )


def _variant(
    form: ProductForm,
    i: int,
    row: VariantRow,
    currency: str,
    parts: tuple[tuple[str, int], ...],
    before: VariantInput | None,
) -> VariantInput:
    def wrong(name: str, sentence: str) -> None:
        form.errors[f"variants.{i}.{name}"] = sentence

    def money(name: str, *, required: bool = False) -> int | None:
        try:
            return _money(row[name], currency, required=required)
        except ValueError as error:
            wrong(name, str(error))
            return None

    sides = [_whole(row[name]) for name in ("length", "width", "height")]
    if None in sides:
        wrong("size", "Sizes are whole millimetres, like 120.")
    elif any(sides) and not all(sides):
        wrong("size", "Enter length, width and height, or none of them.")
    weight = _whole(row["weight"])
    if weight is None:
        wrong("weight", "The weight is a whole number of grams, like 250.")
    percent_off = None
    try:
        percent_off = percent(row["percent_off"])
    except ValueError as error:
        wrong("percent_off", str(error))
    return VariantInput(
        sku=row["sku"],
        percent_off=percent_off,
        price=money("price", required=True) or 0,
        compare_at=money("compare_at"),
        values=tuple(row.values.values()),
        barcode=row["barcode"],
        weight=weight or 0,
        size=(sides[0], sides[1], sides[2]) if all(sides) else None,  # type: ignore[arg-type]
        hs_code=row["hs_code"],
        origin_country=row["origin_country"],
        tax_code=row["tax_code"],
        stock_policy=row["stock_policy"] or "deny",
        requires_shipping=row["ships"] != "no",
        status=row["status"] or ACTIVE,
        components=parts,
        extra=before.extra if before else None,
    )


def _money(text: str, currency: str, *, required: bool = False) -> int | None:
    """Minor units, None for nothing. Raises ValueError with a sentence."""
    if text.strip():
        return Money.typed(text, currency).minor
    if required:
        raise ValueError("Enter a price, like 12.50.")
    return None


def _whole(text: str) -> int | None:
    """0 for nothing, None for what is no whole number."""
    number = whole(text or "0", -1, digits=9)
    return number if number >= 0 else None


def _recipes(
    form: ProductForm, options: Sequence[OptionInput]
) -> dict[str, tuple[tuple[str, int], ...]]:
    """The recipes by the SKU of the bundle: its own parts, and what its choices bring."""
    skus = [row["sku"] for row in form.variants]
    found: dict[str, list[tuple[str, int, str]]] = {sku: [] for sku in skus}
    for i, part in enumerate(form.parts):
        quantity = _whole(part.quantity or "1")
        if part.of and part.of not in found:
            form.errors[f"parts.{i}"] = "Say which variant of this product the part belongs to."
        elif not part.sku:
            form.errors[f"parts.{i}"] = "Enter the SKU of the part."
        elif not quantity or quantity > MOST_PARTS:
            form.errors[f"parts.{i}"] = "How many of it are in one? Enter a number from 1."
        else:
            part.quantity = str(quantity)
            for sku in [part.of] if part.of else found:
                found[sku].append((part.sku, quantity, f"parts.{i}"))
    places = {
        (option.name, value.text): f"options.{i}.values.{j}"
        for i, option in enumerate(form.options)
        for j, value in enumerate(option.values)
    }
    for row in form.variants:
        for option in options:
            value = row.values.get(option.name, "")
            for choice in option.choices:
                if choice.value == value:
                    at = places[option.name, value]
                    found[row["sku"]].append((choice.sku, choice.quantity, at))
    return {of: _recipe(form, of, parts) for of, parts in found.items()}


def _recipe(
    form: ProductForm, of: str, parts: Sequence[tuple[str, int, str]]
) -> tuple[tuple[str, int], ...]:
    """Parts that a choice brings are counted with its own; its own twice is a slip."""
    recipe: list[tuple[str, int]] = []
    sources: list[str] = []
    for sku, quantity, at in parts:
        place = next((i for i, (known, _) in enumerate(recipe) if known == sku), None)
        if place is not None and at.startswith("options"):
            recipe[place] = (sku, recipe[place][1] + quantity)
            continue
        recipe.append((sku, quantity))
        sources.append(at)
    form.sources[of] = sources
    return tuple(recipe)


def recipe_errors(form: ProductForm, product: ProductInput, problems: dict[str, str]) -> None:
    """Move problems of recipes to the rows they were typed in."""
    for path in [path for path in problems if ".components" in path]:
        _, number, _, *rest = path.split(".")
        rows = form.sources.get(product.variants[int(number)].sku, [])
        at = int(rest[0]) if rest else 0
        if at < len(rows):
            problems[rows[at]] = problems.pop(path)


def stock_of(form: ProductForm, product: ProductInput) -> tuple[dict[str, int], dict[str, int]]:
    """What is to be on the shelf by SKU where it was changed, and what was seen there before."""
    wanted: dict[str, int] = {}
    seen: dict[str, int] = {}
    bundles = {variant.sku for variant in product.variants if variant.components}
    for i, row in enumerate(form.variants):
        text, was = row["stock"].replace(",", ""), row["stock_was"]
        if text in ("", was) or row["sku"] in bundles or row["stock_policy"] == "untracked":
            continue
        number, before = _whole(text), _whole(was)
        if number is None or before is None or number > MOST_STOCK:
            form.errors[f"variants.{i}.stock"] = "Stock is a whole number, like 40."
            continue
        wanted[row["sku"]], seen[row["sku"]] = number, before
    return wanted, seen


def summary(errors: dict[str, str], form: ProductForm) -> list[tuple[str, str]]:
    """Every error as (id of the field, sentence), the variant named where it is one's."""
    found: list[tuple[str, str]] = []
    for path, sentence in errors.items():
        at = field_id(path)
        words: Any = path.split(".")
        if words[0] == "variants" and len(words) > 1 and int(words[1]) < len(form.variants):
            row = form.variants[int(words[1])]
            name = row.title or row["sku"]
            sentence = f"{name}: {sentence}" if name else sentence
        found.append((at, sentence))
    return found


def field_id(path: str) -> str:
    """The id of the field that a problem's path speaks of."""
    words = path.split(".")
    kind = words[0]
    if kind == "variants":
        if len(words) < 3:
            return "variants"
        name = {"size": "length", "values": "sku", "components": "sku"}.get(words[2], words[2])
        return f"variant.{words[1]}.{name}"
    if kind == "options":
        if len(words) >= 4:
            return f"option.{words[1]}.value.{words[3]}.text"
        return f"option.{words[1]}.name" if len(words) > 1 else "options"
    if kind == "parts":
        return f"part.{words[1]}.sku"
    if kind == "status":  # the page's own region for messages has that id
        return "product-status"
    return kind
