"""Reading the file: its letters, its separators, its rows with their line numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opticworks.plugin import escaped_cell, unescaped_cell
from opticworks_catalog.exchange import columns

MOST_BYTES = 64 * 1024 * 1024
MOST_CELL = 4 * 1024 * 1024  #: characters; beyond any description, far below the memory
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe\x00\x00", "utf-32", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32", "UTF-32"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
WESTERN = (
    "The file isn't UTF-8; it was read as Windows-1252 (Western European). If letters with "
    "accents look wrong, save it as UTF-8 and import it again."
)


class BadFile(ValueError):
    """The file as a whole can't be read; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `line` is where it begins in the file, the header being line 1;
    `wrong` is a sentence when the row can't be trusted."""

    line: int
    cells: Mapping[str, str]
    wrong: str = ""

    def get(self, column: str) -> str:
        """The cell without spaces around it; empty when the file has no such column."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that was read. `notes` say what is worth knowing about it as a whole."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def read_sheet(content: bytes, encoding: str = "") -> Sheet:
    """The rows of a file. Raises BadFile when it isn't one that this can be said of."""
    if len(content) > MOST_BYTES:
        size = len(content) // (1024 * 1024)
        raise BadFile(f"The file has {size} MB; at most {MOST_BYTES // 1024**2} MB can be read.")
    text, notes = _decoded(content, encoding)
    if not text.strip():
        raise BadFile("The file is empty.")
    _allow_long_cells()
    header, delimiter = _header(text)
    if delimiter != ",":
        name = {";": "semicolons", "\t": "tabs"}[delimiter]
        notes.append(f"Its cells are separated by {name} instead of commas.")
    rows = tuple(_rows(text, delimiter, header))
    if not rows:
        raise BadFile("The file has a header and no products below it.")
    notes += _about(header)
    return Sheet(columns=header, rows=rows, notes=tuple(notes))


def _decoded(content: bytes, encoding: str) -> tuple[str, list[str]]:
    if encoding:
        try:
            return content.decode(encoding), []
        except LookupError:
            raise BadFile(f"There is no encoding {encoding!r}. Try utf-8 or cp1252.") from None
        except UnicodeError:
            raise BadFile(f"The file isn't written in {encoding}.") from None
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            try:
                notes = [] if name == "UTF-8" else [f"The file is {name}, and was read as such."]
                return content.decode(codec), notes
            except UnicodeDecodeError:
                raise BadFile(
                    f"The file begins like {name}, but isn't. Save it as UTF-8 and try again."
                ) from None
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile(
            "This is a spreadsheet, not a CSV file. Save it as CSV (UTF-8) and try again."
        )
    if b"\0\0" in (content[:4:2], content[1:4:2]):
        raise BadFile(
            "There are zero bytes between the letters, as in UTF-16 without the mark that says so. "
            "Save the file as UTF-8 and try again."
        )
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), [WESTERN]
    except UnicodeDecodeError:
        raise BadFile(
            "The file is neither UTF-8 nor Windows-1252. Save it as UTF-8 and try again."
        ) from None


def _allow_long_cells() -> None:
    """Python has one limit for a whole process. It is only ever raised, before each file: a
    thread that put it back would cut short what another is reading."""
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CELL))


def _header(text: str) -> tuple[tuple[str, ...], str]:
    """The names of the columns, and what separates cells: whatever makes a Handle of them."""
    for delimiter in (",", ";", "\t"):
        try:
            first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except (csv.Error, StopIteration):
            continue
        names = [columns.known_as(cell) for cell in first]
        while names and not names[-1]:
            names.pop()
        if columns.HANDLE in names:
            break
    else:
        raise BadFile(
            'The file has no column "Handle". Its first line must name the columns, as in '
            "a product file that Shopify exports."
        )
    if any("\0" in name for name in names):
        raise BadFile("The first line contains the character NUL, which is no text. Remove it.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise BadFile(f'The file has two columns "{twice[0]}". Remove one of them.')
    if "" in names:
        place = names.index("") + 1
        raise BadFile(f"Column {place} has no name in the first line. Name it, or remove it.")
    return tuple(names), delimiter


def _rows(text: str, delimiter: str, header: tuple[str, ...]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        next(reader)
        while True:
            line = reader.line_num + 1
            cells = next(reader)
            if any(len(cell) > MOST_CELL for cell in cells):  # another part may allow longer ones
                raise csv.Error("field limit")
            if any(cell.strip() for cell in cells):
                yield _row(line, cells, header)
    except StopIteration:
        return
    except csv.Error as error:
        if "field limit" in str(error):
            raise BadFile(
                f"Line {line} has a cell of more than {MOST_CELL:,} characters."
            ) from None
        raise BadFile(
            f"The row that begins in line {line} has a quotation mark that is opened and not "
            "closed, or closed too early. Nothing was read."
        ) from None


def _row(line: int, cells: list[str], header: tuple[str, ...]) -> Row:
    while len(cells) > len(header) and not cells[-1].strip():
        cells.pop()
    wrong = ""
    if len(cells) != len(header):
        wrong = (
            f"It has {len(cells)} cells where the first line names {len(header)} columns. "
            "Is the file cut off, or a comma not in quotation marks?"
        )
    if any("\0" in cell for cell in cells):  # which no database can keep, in a report neither
        wrong = wrong or "It contains the character NUL, which is no text. Remove it."
        cells = [cell.replace("\0", "\N{REPLACEMENT CHARACTER}") for cell in cells]
    pairs = zip(header, (unescaped_cell(cell) for cell in cells), strict=False)
    return Row(line, dict(pairs), wrong)


def _about(header: tuple[str, ...]) -> Iterator[str]:
    kept = [name for name in header if name not in columns.UNDERSTOOD | set(columns.ORDER)]
    if kept:
        names = ", ".join(kept[:8]) + (" and more" if len(kept) > 8 else "")
        yield f"These columns mean nothing here; they are kept for an export: {names}."
    for name, effect in (
        (columns.TITLE, "products keep their titles, and new ones can't be made"),
        (columns.PRICE, "prices stay as they are, and new variants can't be made"),
    ):
        if name not in header:
            yield f'The file has no column "{name}": {effect}.'


def write_sheet(header: tuple[str, ...], rows: Iterator[Mapping[str, str]]) -> Iterator[str]:
    """The file, line by line."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for cells in _with_header(header, rows):
        writer.writerow([escaped_cell(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _with_header(header: tuple[str, ...], rows: Iterator[Mapping[str, str]]) -> Iterator[list[str]]:
    yield list(header)
    for row in rows:
        yield [row.get(name, "") for name in header]
