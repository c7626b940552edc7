"""The HTML of a picture. Pages show dozens of them, so it is put together here and not in a
template; the macro `picture` of macros.pt, which themes may replace, is what templates use."""

from __future__ import annotations

import re
from html import escape

from opticworks.contracts import Picture
from opticworks.web.engine import Markup

SOURCES = ("image/avif", "image/webp")  #: the best first
DENSEST = 3  #: pixels of a screen to one of CSS
_special = re.compile("[&<>\"']").search
_fixed = re.compile(r"(\d+)px").fullmatch


def _text(text: str) -> str:
    return escape(text) if _special(text) else text


def _needed(srcset: str, sizes: str) -> str:
    """Of the files, which come by width, those that can be shown: a thumbnail ("80px") needs none
    beyond the first that is sharp on every screen."""
    if (fixed := _fixed(sizes)) is None:
        return srcset
    enough, files = int(fixed[1]) * DENSEST, srcset.split(", ")
    for count, file in enumerate(files, 1):
        width = file.rpartition(" ")[2].removesuffix("w")
        if width.isdigit() and int(width) >= enough:
            return ", ".join(files[:count])
    return srcset


def picture_html(
    picture: Picture, sizes: str, *, eager: bool = False, cls: str | None = None, alt: str
) -> Markup:
    """The picture with its formats. `eager` for the one that is seen first."""
    sizes = _text(sizes)
    parts = ["<picture>"]
    for mime in SOURCES:
        if srcset := picture.srcset.get(mime):
            files = _text(_needed(srcset, sizes))
            parts.append(f'<source type="{mime}" srcset="{files}" sizes="{sizes}" />')
    parts.append("<img" if cls is None else f'<img class="{_text(cls)}"')
    how = 'loading="eager" fetchpriority="high"' if eager else 'loading="lazy" decoding="async"'
    parts.append(
        f' src="{_text(picture.src)}" width="{picture.width}" height="{picture.height}"'
        f' alt="{_text(alt)}" {how} /></picture>'
    )
    return Markup("".join(parts))
