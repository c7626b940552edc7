"""Make the web pictures from the rendered PNG files: AVIF and WebP at several widths."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

WIDTHS = (320, 640, 960, 1440)
# Pictures of the theme's own pages, which no product names.
BRAND = {"hero": (800, 1200, 1600), "hero-portrait": (480, 720, 960), "og": (1200,)}
SETTINGS: dict[str, dict[str, int | str | bool]] = {
    "avif": {"quality": 80, "speed": 6, "subsampling": "4:4:4"},
    "webp": {"quality": 88, "method": 4},
    "jpg": {"quality": 86, "optimize": True, "progressive": True},
}


def encode(source: Path, products: Path, brand: Path, stems: Iterable[str] | None = None) -> None:
    """Write every size of the rendered pictures and bring images.json up to date.

    Pictures are never enlarged. Services that show link previews want JPEG, so `og` gets that.
    """
    index = products / "images.json"
    known = json.loads(index.read_text()) if index.exists() else {}
    for stem in sorted(stems or (path.stem for path in source.glob("*.png"))):
        with Image.open(source / f"{stem}.png") as opened:
            picture = opened.convert("RGB")
        folder = brand if stem in BRAND else products
        folder.mkdir(parents=True, exist_ok=True)
        widths = [width for width in BRAND.get(stem, WIDTHS) if width <= picture.width]
        formats = ["jpg"] if stem == "og" else ["avif", "webp"]
        for old in folder.glob(f"{stem}-[0-9]*.*"):
            old.unlink()
        for width in widths:
            height = round(picture.height * width / picture.width)
            sized = picture.resize((width, height), Image.Resampling.LANCZOS)
            for kind in formats:
                sized.save(folder / f"{stem}-{width}.{kind}", **SETTINGS[kind])
        if stem not in BRAND:
            known[stem] = {
                "width": picture.width,
                "height": picture.height,
                "widths": widths,
                "formats": formats,
            }
    index.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")
