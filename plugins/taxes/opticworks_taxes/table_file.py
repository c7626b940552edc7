"""The table of rates as a CSV file: read whole or not at all, and written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from opticworks.plugin import escaped_cell, unescaped_cell
from opticworks_taxes.forms import RateEntry, percent_of
from opticworks_taxes.models import Rate

#: The file's columns, and the entry's field behind each.
COLUMNS = {
    "country": "country",
    "state": "state",
    "postal code": "postal",
    "name": "title",
    "percent": "percent",
    "class": "tax_class",
    "shipping": "shipping",
    "layer": "layer",
    "from": "starts",
}
NEEDED = ("country", "name", "percent", "from")
MOST_ROWS = 50_000
YES, NO = ("yes", "true", "1", "y"), ("no", "false", "0", "n", "")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that can't be used, and why; line 0 is the file itself."""

    line: int
    sentence: str


@dataclass(slots=True)
class Reading:
    entries: list[RateEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def decode(content: bytes) -> str:
    """The text of a file. Raises ValueError when it isn't UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("This file is not UTF-8. Save it as CSV in UTF-8 and try again.") from None


def read(text: str) -> Reading:
    """Every rate of the file, or what is wrong, line by line."""
    result = Reading()
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in NEEDED if name not in header]
        if missing:
            said = f"The first line must name the columns; {', '.join(missing)} is missing."
            return Reading(problems=[Problem(0, said)])
        seen: dict[Any, int] = {}
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _row(result, reader.line_num, dict(zip(header, cells, strict=False)), seen)
            if len(result.entries) > MOST_ROWS:
                return Reading(problems=[Problem(0, f"A file may hold {MOST_ROWS:,} rates.")])
    except csv.Error as error:
        result.problems.append(Problem(reader.line_num, f"This is no CSV: {error}."))
    if not result.entries and not result.problems:
        result.problems.append(Problem(0, "There is no rate in it."))
    return result


def _row(result: Reading, line: int, cells: dict[str, str], seen: dict[Any, int]) -> None:
    values: dict[str, Any] = {}
    for column, name in COLUMNS.items():
        cell = unescaped_cell(cells.get(column, "").strip())
        if name == "percent":
            cell = cell.removesuffix("%").strip()
        if name == "shipping":
            if cell.lower() not in (*YES, *NO):
                result.problems.append(Problem(line, f"shipping: write yes or no, not {cell!r}."))
                return
            values[name] = cell.lower() in YES
        elif cell or name in ("country", "title", "percent", "starts"):
            values[name] = cell
    try:
        entry = RateEntry.model_validate(values)
    except ValidationError as error:
        columns = {name: column for column, name in COLUMNS.items()}
        for problem in error.errors():
            name = columns.get(str(problem["loc"][0]), "") if problem["loc"] else ""
            result.problems.append(Problem(line, f"{name}: {_plain(problem)}"))
        return
    if entry.key in seen:
        said = f"Line {seen[entry.key]} has a rate for the same place, class, layer and day."
        result.problems.append(Problem(line, said))
        return
    seen[entry.key] = line
    result.entries.append(entry)


def _plain(problem: Any) -> str:
    given = str(problem.get("input", ""))[:40]
    if problem["type"].startswith("date"):
        return f"{given!r} is no day; write it like 2026-01-31."
    if problem["type"].startswith("decimal") or problem["type"].startswith("int"):
        return f"{given!r} is no number that can be used here."
    if problem["type"] == "string_too_short":
        return "this is needed."
    return f"{problem['msg']}."


@dataclass(frozen=True, slots=True)
class Written:
    added: int
    changed: int
    same: int


def write(db: Session, entries: Iterable[RateEntry]) -> Written:
    """Add and change rates; those that the file doesn't name stay."""
    rows = {RateEntry.of(row).key: row for row in db.scalars(select(Rate))}
    added = changed = same = 0
    for entry in entries:
        row = rows.get(entry.key)
        if row is None:
            row = Rate()
            entry.write(row)
            db.add(row)
            added += 1
        elif RateEntry.of(row) != entry:
            entry.write(row)
            changed += 1
        else:
            same += 1
    db.flush()
    return Written(added, changed, same)


def dump(rows: Sequence[Rate]) -> str:
    """The table as a file that `read` takes back without a difference."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            [
                row.country,
                row.state,
                row.postal,
                escaped_cell(row.title),
                percent_of(row.rate),
                row.tax_class,
                "yes" if row.shipping else "no",
                row.layer,
                row.starts.isoformat(),
            ]
        )
    return out.getvalue()
