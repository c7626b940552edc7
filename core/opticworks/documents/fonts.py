"""Fonts of printed documents: a name is drawn whatever it is written in."""

from __future__ import annotations

import threading
from functools import cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).with_name("fonts")
REGULAR, BOLD, EAST = "NotoSans", "NotoSans-Bold", "DroidSansFallback"
FILES = {
    REGULAR: "NotoSans-Regular.ttf",
    BOLD: "NotoSans-Bold.ttf",
    EAST: "DroidSansFallbackFull.ttf",
}
_lock = threading.RLock()


@cache
def _font(name: str) -> TTFont:
    """The font, read when it is first needed: the eastern one takes half a second."""
    with _lock:
        font = TTFont(name, FOLDER / FILES[name])
        pdfmetrics.registerFont(font)
        return font


def ready() -> None:
    """Make the fonts known that every document uses."""
    for name in (REGULAR, BOLD):
        _font(name)


def _known(name: str, character: str) -> bool:
    return ord(character) in _font(name).face.charToGlyph


def runs(text: str, bold: bool = False) -> list[tuple[str, str]]:
    """The text in pieces of one font each: (font, piece). What no font has is drawn as a box."""
    own = BOLD if bold else REGULAR

    def font(character: str) -> str:
        if character.isspace() or _known(own, character):
            return own
        return EAST if _known(EAST, character) else own

    clean = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return [(name, "".join(part)) for name, part in groupby(clean, font)]


def markup(text: str, bold: bool = False) -> str:
    """The text as a paragraph of reportlab's, in fonts that have its characters."""
    return "".join(
        f'<font name="{name}">{escape(piece)}</font>' for name, piece in runs(str(text), bold)
    )
