"""Pictures for tests, made on the spot."""

from __future__ import annotations

import io

from PIL import Image

from opticworks import kernel
from opticworks.shop import Shop

Colour = tuple[int, int, int]


def a_picture(width: int = 700, height: int = 500, colour: Colour = (180, 40, 40)) -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG")
    return out.getvalue()


def add(shop: Shop, width: int) -> None:
    """What a process does to add a picture of that width."""
    with shop.unit("picture_added") as db:
        kernel.add_picture(db, a_picture(width))
