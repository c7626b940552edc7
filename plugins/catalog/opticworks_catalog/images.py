"""Pictures: their addresses, and the files behind them.

A picture's files are named `<stem>-<width>.<format>`. They are kept in `media/catalog` under the
shop's var folder, where the demo's are too once it is loaded from the package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opticworks.contracts import Picture

MIME_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "png": "image/png",
}
FILE_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[1-9][0-9]{0,4}\.(?P<format>avif|webp|jpg|png)")
FALLBACK_WIDTH = 800
DEMO_FOLDER = Path(__file__).parent / "demo" / "images"


def image_path(stem: str, width: int, format: str, version: str = "") -> str:
    """The address of one file; with a version it may be cached for ever."""
    path = f"/catalog/images/{stem}-{width}.{format}"
    return f"{path}?v={version}" if version else path


def picture(row: Mapping[str, Any]) -> Picture:
    """A Picture of an image's row: every width in every format, the best format first."""
    widths: Sequence[int] = sorted(row["widths"])
    formats = [name for name in MIME_TYPES if name in row["formats"]]

    def address(width: int, format: str) -> str:
        return image_path(row["stem"], width, format, row["version"])

    fallback = min(widths, key=lambda width: (abs(width - FALLBACK_WIDTH), -width))
    return Picture(
        src=address(fallback, formats[-1]),
        width=row["width"],
        height=row["height"],
        alt=row["alt"],
        srcset={
            MIME_TYPES[name]: ", ".join(f"{address(width, name)} {width}w" for width in widths)
            for name in formats
        },
    )


def find_file(name: str, media: Path) -> tuple[Path, str] | None:
    """The file of that name and its MIME type, or None: a name is never a way out of the folder."""
    match = FILE_NAME.fullmatch(name)
    if match is None:
        return None
    for folder in (media, DEMO_FOLDER):
        path = folder / name
        if path.is_file():
            return path, MIME_TYPES[match["format"]]
    return None
