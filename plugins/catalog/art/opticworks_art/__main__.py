"""Render the pictures: python -m opticworks_art [stem ...] [--scale S] [--samples N]."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from . import studio
from .encode import encode
from .shots import SHOTS

ROOT = Path(__file__).parents[4]
PRODUCTS = ROOT / "plugins/catalog/opticworks_catalog/demo/images"
BRAND = ROOT / "themes/default/opticworks_theme_default/static/brand"


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the demo shop's pictures into PNG files.")
    parser.add_argument("stems", nargs="*", help="pictures to render (default: all)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the PNG files")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size")
    parser.add_argument("--samples", type=int, default=20, help="samples per pixel")
    parser.add_argument("--missing", action="store_true", help="skip pictures that exist")
    parser.add_argument("--encode", action="store_true", help="write the web sizes afterwards")
    options = parser.parse_args()
    unknown = sorted(set(options.stems) - set(SHOTS))
    if unknown:
        parser.error(f"no such picture: {', '.join(unknown)}. Known: {', '.join(SHOTS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    for stem in options.stems or SHOTS:
        path = (options.out / f"{stem}.png").resolve()
        if options.missing and path.exists():
            continue
        make, width, height = SHOTS[stem]
        started = time.monotonic()
        studio.reset()
        make()
        built = time.monotonic() - started
        studio.render(
            str(path), round(width * options.scale), round(height * options.scale), options.samples
        )
        print(f"{stem}: {built:.0f} + {time.monotonic() - started - built:.0f} s", flush=True)
    if options.encode:
        encode(options.out, PRODUCTS, BRAND, options.stems)


if __name__ == "__main__":
    main()
