"""Letters on what a stand-in draws: a name is printed whatever it is written in."""

from __future__ import annotations

from opticworks.documents import fonts


def pieces(text: str) -> list[tuple[str, str]]:
    """A line in pieces of one font each: (path of the font's file, piece)."""
    return [(str(fonts.FOLDER / fonts.FILES[name]), piece) for name, piece in fonts.runs(text)]
