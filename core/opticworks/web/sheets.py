"""Cells of files that people open in a spreadsheet, which would calculate some of them."""

from __future__ import annotations

# An apostrophe in front makes a cell text; where there is one already, another, so that what was
# written comes back.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def escaped_cell(cell: str) -> str:
    """The cell as no spreadsheet calculates it; `unescaped_cell` gives it back."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def unescaped_cell(cell: str) -> str:
    """What `escaped_cell` was given."""
    if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell
