"""What became of every row: for a person at a shell, on a page, or in a file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from opticworks.plugin import escaped_cell

#: What an entry is about, and how it reads before its sentence.
KINDS = {
    "skipped": "not imported",
    "ignored": "ignored",
    "stock": "stock kept",
    "picture": "no picture",
    "sku": "note",
    "uncounted": "note",
    "repriced": "note",
    "note": "note",
}
#: Notes that every row may have: said once, with their number, when there are many.
ALIKE = {
    "sku": "{} variants have no SKU in the file; theirs are made of handle and options, and stay "
    "the same in every import.",
    "uncounted": 'The stock of {} variants is not counted, because their "Variant Inventory '
    'Tracker" is empty: they can always be bought.',
    "repriced": "{} products have prices in a former currency of the shop, which are replaced by "
    "those of the file.",
}
FEW = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to know about a row; `line` is its line in the file, 0 for the whole file."""

    line: int
    handle: str
    kind: str
    sentence: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.handle}" if self.line else "the file"
        return f"{where}: {KINDS[self.kind]}: {self.sentence}"


@dataclass(slots=True)
class Report:
    """The outcome of an import, or of a try."""

    dry_run: bool = False
    rows: int = 0
    products: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    counted: int = 0  #: variants whose stock was set
    pictures: int = 0  #: pictures fetched
    entries: list[Entry] = field(default_factory=list)

    def add(self, line: int, handle: str, kind: str, sentence: str) -> None:
        self.entries.append(Entry(line, handle, kind, sentence))

    @property
    def sorted(self) -> list[Entry]:
        """The entries in the order of the file."""
        return sorted(self.entries, key=lambda entry: (entry.line, list(KINDS).index(entry.kind)))

    @property
    def summary(self) -> str:
        """One sentence: "3 new, 0 changed, 17 as they were, 1 not imported."."""
        would = "Would be: " if self.dry_run else ""
        text = (
            f"{would}{self.created} new, {self.changed} changed, {self.unchanged} as they were, "
            f"{self.skipped} not imported"
        )
        if self.counted:
            text += f"; stock of {_number(self.counted, 'variant')} set"
        if self.pictures:
            text += f"; {_number(self.pictures, 'picture')} fetched"
        return f"{text}."

    @property
    def gathered(self) -> tuple[list[Entry], list[Entry]]:
        """The entries in the order of the file, and what stands for many alike ones instead."""
        counts = Counter(entry.kind for entry in self.entries)
        many = {kind: text for kind, text in ALIKE.items() if counts[kind] > FEW}
        one_by_one = [entry for entry in self.sorted if entry.kind not in many]
        together = [Entry(0, "", kind, text.format(counts[kind])) for kind, text in many.items()]
        return one_by_one, together

    def lines(self) -> Iterator[str]:
        """What a person reads at a shell: every entry, but many alike ones only once."""
        one_by_one, together = self.gathered
        yield from map(str, one_by_one)
        yield from (entry.sentence for entry in together)

    def as_csv(self) -> str:
        """Every entry as a table, safe to be opened in a spreadsheet."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(["Line", "Handle", "Result", "Why"])
        for entry in self.sorted:
            cells = (str(entry.line or ""), entry.handle, KINDS[entry.kind], entry.sentence)
            writer.writerow([escaped_cell(cell) for cell in cells])
        return buffer.getvalue()

    def as_json(self) -> dict[str, Any]:
        """As it is kept beside an import that ran in the background."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        return {
            **numbers,
            "dry_run": self.dry_run,
            "entries": [[e.line, e.handle, e.kind, e.sentence] for e in self.entries],
        }

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> Report:
        entries: Iterable[Any] = data["entries"]
        return cls(
            dry_run=data["dry_run"],
            entries=[Entry(*entry) for entry in entries],
            **{name: data[name] for name in _NUMBERS},
        )


_NUMBERS = (
    *("rows", "products", "created", "changed", "unchanged", "skipped", "counted", "pictures"),
)


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
