"""Options and the variants that come of them. Pure: rows in, rows out."""

from __future__ import annotations

from itertools import product as combinations
from math import prod

from opticworks_catalog.admin.form import COMMON, OptionRow, ProductForm, VariantRow, slug

MOST_NEW = 1000  #: variants made at once


def fit(form: ProductForm) -> list[VariantRow]:
    """Make the variants follow the options: a renamed value is renamed in each, a new option
    gives them its first value. The rows whose value was taken away, which it leaves out."""
    names = {option.was: option for option in form.options if option.was}
    renamed = {
        (option.was, value.was): value.text
        for option in form.options
        for value in option.values
        if value.was
    }
    kept, lost = [], []
    for row in form.variants:
        values: dict[str, str] = {}
        for option in form.options:
            before = row.values.get(option.was) if option.was else None
            if before is None:
                before = row.values.get(option.name)
                text = before or (option.values[0].text if option.values else "")
            else:
                text = renamed.get((option.was, before), "")
                if not text and any(value.text == before for value in option.values):
                    text = before
            if text:
                values[option.name] = text
        if len(values) < len(form.options):
            lost.append(row)
        else:
            row.values = values
            kept.append(row)
    for was, option in names.items():
        if was != option.name:
            option.was = option.name
    for option in form.options:
        option.was = option.name
        for value in option.values:
            value.was = value.text
    form.variants = kept
    return [row for row in lost if not row.is_new]


def restore(form: ProductForm, rows: list[VariantRow], stored: ProductForm) -> None:
    """Put the rows back, and for those that are to stay the values that were taken away."""
    before = {option.name: option.values for option in stored.options}
    form.variants += rows
    for row in rows:
        for option in form.options if not row.remove else ():
            text = row.values.get(option.name, "")
            there = [value.text for value in option.values]
            was = before.get(option.name, [])
            if text in there or text not in (value.text for value in was):
                continue
            place = next(i for i, value in enumerate(was) if value.text == text)
            later = {value.text for value in was[place:]}
            at = next((i for i, name in enumerate(there) if name in later), len(there))
            option.values.insert(at, was[place])


def complete(form: ProductForm) -> int:
    """Add a row for every combination that has none; how many. New ones are like the first.

    Raises ValueError when there would be too many.
    """
    options = [option for option in form.options if option.name and option.values]
    if not options:
        return 0
    count = prod(len(option.values) for option in options)
    if count > MOST_NEW:
        raise ValueError(
            f"These options make {count:,} variants, and a product has at most {MOST_NEW:,}. "
            "Take some values away, or make two products of it."
        )
    names = [option.name for option in options]
    have = {tuple(row.values.get(name, "") for name in names): row for row in form.variants}
    first = form.variants[0].cells if form.variants else {}
    common = {name: first.get(name, "") for name in COMMON}
    rows, added = [], 0
    for values in combinations(*([value.text for value in option.values] for option in options)):
        row = have.pop(values, None)
        if row is None:
            row = VariantRow(dict(zip(names, values, strict=True)), dict(common))
            added += 1
        rows.append(row)
    form.variants = rows + list(have.values())
    name_new(form)
    return added


def name_new(form: ProductForm) -> None:
    """Propose a SKU for each variant that has none: the handle and the values."""
    taken = {row["sku"] for row in form.variants}
    stem = slug(form["handle"] or form["title"]).upper()
    for row in form.variants:
        parts = [stem, *filter(None, (slug(value).upper() for value in row.values.values()))]
        shorter = {"-".join(parts[:count]) for count in range(1, len(parts))}
        if not stem or (row["sku"] and not (row.is_new and row["sku"] in shorter)):
            continue  # its own; one proposed before an option was added is proposed anew
        taken.discard(row["sku"])
        proposed = "-".join(parts)[:200]
        sku, number = proposed, 2
        while sku in taken:
            sku, number = f"{proposed}-{number}", number + 1
        taken.add(sku)
        row.cells["sku"] = sku


def clean(options: list[OptionRow]) -> None:
    """Names that differ in nothing but spaces are the same."""
    for option in options:
        option.name = " ".join(option.name.split())
        for value in option.values:
            value.text = " ".join(value.text.split())
