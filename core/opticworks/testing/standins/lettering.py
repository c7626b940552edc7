"""Names in any script on what stand-ins draw, in the fonts of the shop's own documents."""

from __future__ import annotations

from pathlib import Path

from opticworks.documents import fonts


def pieces(text: str) -> list[tuple[Path, str]]:
    """The text in pieces of one font each: (the font's file, piece)."""
    return [(fonts.FOLDER / fonts.FILES[name], piece) for name, piece in fonts.runs(text)]
