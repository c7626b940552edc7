"""From rows to products: which rows belong together, and which is a variant or a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from opticworks_catalog.exchange import cells, columns
from opticworks_catalog.exchange.report import Report
from opticworks_catalog.exchange.sheet import Row, Sheet


@dataclass(slots=True)
class Group:
    """The rows of one product. `wrong` are reasons not to import it, each with its line."""

    handle: str
    rows: list[Row] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def variants(self) -> list[Row]:
        return [row for row in self.rows if is_variant(row)]

    @property
    def pictures(self) -> list[Row]:
        return [row for row in self.rows if row.get(columns.IMAGE)]

    @property
    def has_bundle(self) -> bool:
        return any(row.get(columns.COMPONENTS) for row in self.rows)

    @property
    def skus(self) -> set[str]:
        """The SKUs of its variants; an empty one for those that the file gives none."""
        return {row.get(columns.SKU) for row in self.variants}

    @property
    def parts(self) -> set[str]:
        """The SKUs that its bundles are made of, as far as they can be read."""
        found: set[str] = set()
        for row in self.rows:
            with contextlib.suppress(ValueError):  # said when the row is imported
                found |= {sku for sku, _ in cells.components(row.get(columns.COMPONENTS))}
        return found


def is_variant(row: Row) -> bool:
    """Whether the row says something about a variant; others bring a picture only."""
    options = (columns.option_value(n) for n in range(1, columns.MOST_OPTIONS + 1))
    return any(row.get(name) for name in (columns.SKU, columns.PRICE, *options))


def products(sheet: Sheet, report: Report) -> list[Group]:
    """The file's products, in the order of their first rows; those with `wrong` can't be had."""
    groups: dict[str, Group] = {}
    for row in sheet.rows:
        handle = _handle(row, report)
        if not handle:
            continue
        group = groups.setdefault(handle, Group(handle))
        group.rows.append(row)
        if row.wrong:
            group.wrong.append((row.line, row.wrong))
    found = list(groups.values())
    _check_skus(found)
    for group in found:
        for row in group.rows[1:]:
            if not row.wrong and not is_variant(row) and not row.get(columns.IMAGE):
                report.add(row.line, group.handle, "ignored", "It has neither variant nor picture.")
    return found


def _handle(row: Row, report: Report) -> str:
    """The product that the row is about; empty when that can't be known."""
    cell, title = row.get(columns.HANDLE), row.get(columns.TITLE)
    handle = cells.handle(cell or title)
    if not cell and not title:
        report.add(row.line, "", "ignored", "It has no handle, so its product is not known.")
        return ""
    if not handle:
        sentence = f"No handle can be made of {cells.shown(cell or title)}. Write one in its row."
        report.add(row.line, "", "skipped", sentence)
        report.skipped += bool(title)
        return ""
    if handle != cell and title:
        was = f"The handle {cells.shown(cell)} can't be an address" if cell else "It has no handle"
        report.add(row.line, handle, "note", f"{was}; it became {handle}.")
    return handle


def _check_skus(groups: Sequence[Group]) -> None:
    """The first row that has a SKU keeps it."""
    lines: dict[str, tuple[int, Group]] = {}
    for group in groups:
        for row in group.rows:
            sku = row.get(columns.SKU)
            if not sku:
                continue
            line, owner = lines.setdefault(sku, (row.line, group))
            if line != row.line:
                where = "" if owner is group else f" of {owner.handle}"
                sentence = f"The SKU {sku} is in line {line}{where} already. Each needs its own."
                group.wrong.append((row.line, sentence))
