"""Pictures for tests, made on the spot."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from opticworks import kernel
from opticworks.shop import Shop

Colour = tuple[int, int, int]


def a_picture(
    width: int = 700,
    height: int = 500,
    colour: Colour = (180, 40, 40),
    kind: str = "JPEG",
    **options: Any,
) -> bytes:
    """A picture of one colour, saved by Pillow as that kind of file with those options."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind, **options)
    return out.getvalue()


def add(shop: Shop, width: int) -> None:
    """What a process does to add a picture of that width."""
    with shop.unit("picture_added") as db:
        kernel.add_picture(db, a_picture(width))
