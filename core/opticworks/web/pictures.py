"""The HTML of a picture. Pages show dozens of them, so it is put together here and not in a
template; the macro `picture` of macros.pt, which themes may replace, is what templates use."""

from __future__ import annotations

from html import escape

from opticworks.contracts import Picture
from opticworks.web.engine import Markup

SOURCES = ("image/avif", "image/webp")  #: the best first


def picture_html(
    picture: Picture, sizes: str, *, eager: bool = False, cls: str | None = None, alt: str
) -> Markup:
    """The picture with its formats. `eager` for the one that is seen first."""
    sizes = escape(sizes)
    parts = ["<picture>"]
    for mime in SOURCES:
        if srcset := picture.srcset.get(mime):
            parts.append(f'<source type="{mime}" srcset="{escape(srcset)}" sizes="{sizes}" />')
    parts.append("<img" if cls is None else f'<img class="{escape(cls)}"')
    how = 'loading="eager" fetchpriority="high"' if eager else 'loading="lazy" decoding="async"'
    parts.append(
        f' src="{escape(picture.src)}" width="{picture.width}" height="{picture.height}"'
        f' alt="{escape(alt)}" {how} /></picture>'
    )
    return Markup("".join(parts))
