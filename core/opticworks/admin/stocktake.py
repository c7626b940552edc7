"""Reading a stocktake: a table of SKUs and what was counted, pasted or uploaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

MOST_LINES = 20_000
MOST = 10_000_000
HEADS = {"sku", "article", "item", "variant sku"}


@dataclass(frozen=True, slots=True)
class Counted:
    """One line: how many of a SKU were counted."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that can't be used, and why; line 0 is about the whole."""

    line: int
    sentence: str


def decode(content: bytes) -> str:
    """The text of a file. Raises ValueError with a sentence when it is none."""
    for encoding in ("utf-8-sig", "utf-16"):
        if encoding == "utf-16" and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError("This file is no text in UTF-8. Save the table as CSV (UTF-8), and try again.")


def read(text: str) -> tuple[list[Counted], list[Problem]]:
    """The lines of "SKU, counted" with commas, semicolons or tabs; a head line may come first."""
    counted: list[Counted] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for number, cells in _lines(text):
        if len(counted) + len(problems) >= MOST_LINES:
            problems.append(Problem(0, f"Count at most {MOST_LINES:,} SKUs at once."))
            break
        if not counted and not problems and cells[0].casefold() in HEADS:
            continue
        sku = cells[0]
        problem = ""
        if len(cells) < 2 or not sku:
            problem = "Write a SKU and a number on each line, like: RS1-PRO-WHT, 12"
        elif len(sku) > 255:
            problem = "A SKU has at most 255 characters."
        elif sku in seen:
            problem = f"{sku} is on line {seen[sku]} already. Add the two up, and list it once."
        elif not _is_count(cells[1]):
            given = cells[1][:20]
            problem = f"What was counted must be a whole number from 0 to {MOST:,}, not {given!r}."
        if problem:
            problems.append(Problem(number, problem))
        else:
            seen[sku] = number
            counted.append(Counted(number, sku, int(cells[1])))
    if not counted and not problems:
        problems.append(Problem(0, "There are no lines yet. Paste SKUs and what was counted."))
    return counted, problems


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MOST


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not empty, with its number, its cells trimmed."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max("\t;,", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:  # a cell without end
            yield rows.line_num, [""]
            return
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield rows.line_num, cells
