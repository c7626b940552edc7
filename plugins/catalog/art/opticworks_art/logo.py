"""Write the theme's brand files: python -m opticworks_art.logo FOLDER."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from . import brand

TEAL = "#0f766e"


def _path(strokes: list[brand.Stroke], width: float) -> str:
    """SVG for strokes, y flipped to point down; dots are filled, the rest stroked."""
    lines, dots = [], []
    for item in strokes:
        if isinstance(item, brand.Dot):
            dots.append(f'<circle cx="{item.cx:.3g}" cy="{-item.cy:.3g}" r="{item.r:.3g}"/>')
        elif isinstance(item, brand.Line):
            lines.append("M" + "L".join(f"{x:.4g} {-y:.4g}" for x, y in item.points))
        elif item.end - item.start >= 360:
            lines.append(
                f"M{item.cx + item.r:.4g} {-item.cy:.4g}"
                f"a{item.r:.4g} {item.r:.4g} 0 1 0 {-2 * item.r:.4g} 0"
                f"a{item.r:.4g} {item.r:.4g} 0 1 0 {2 * item.r:.4g} 0z"
            )
        else:
            ends = [
                (
                    item.cx + item.r * math.cos(math.radians(a)),
                    -item.cy - item.r * math.sin(math.radians(a)),
                )
                for a in (item.start, item.end)
            ]
            large = int(item.end - item.start > 180)
            lines.append(
                f"M{ends[0][0]:.4g} {ends[0][1]:.4g}A{item.r:.4g} {item.r:.4g} 0 {large} 0 "
                f"{ends[1][0]:.4g} {ends[1][1]:.4g}"
            )
    return (
        f'<path fill="none" stroke="currentColor" stroke-width="{width:.3g}" '
        f'stroke-linecap="round" stroke-linejoin="round" d="{"".join(lines)}"/>'
        f'<g fill="currentColor">{"".join(dots)}</g>'
    )


def logo() -> str:
    """Mark and wordmark in one colour, that of the text around them."""
    width, strokes = brand.wordmark()
    size = 0.86
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-0.1 -1.6 {width + 2.5:.4g} 2.2" '
        f'role="img" aria-label="OpticWorks">'
        f'<g transform="translate({size:.3g} -0.62) scale({size})">{_path(brand.mark(), 0.26)}'
        f'</g><g transform="translate(2.2 0)">{_path(strokes, brand.STROKE)}</g></svg>\n'
    )


def mark() -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1.1 -1.1 2.2 2.2" role="img" '
        f'aria-label="OpticWorks">{_path(brand.mark(), 0.26)}</svg>\n'
    )


def favicon() -> str:
    """The mark in white on the brand's teal."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="7" fill="{TEAL}"/>'
        f'<g color="#fff" transform="translate(16 16) scale(10.5)">'
        f"{_path(brand.mark(), 0.28)}</g></svg>\n"
    )


def favicon_png(path: Path, size: int = 32, over: int = 16) -> None:
    """The favicon for browsers without SVG icons, drawn large and scaled down."""
    full = size * over
    picture = Image.new("RGBA", (full, full), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    unit, middle = full / 32, full / 2
    draw.rounded_rectangle((0, 0, full - 1, full - 1), 7 * unit, TEAL)
    scale = 10.5 * unit
    for item in brand.mark():
        if isinstance(item, brand.Dot):
            x, y, r = middle + item.cx * scale, middle - item.cy * scale, item.r * scale
            draw.ellipse((x - r, y - r, x + r, y + r), "white")
        elif isinstance(item, brand.Arc):
            half = 0.14 * scale
            for x, y in brand.polyline(item, 900):
                px, py = middle + x * scale, middle - y * scale
                draw.ellipse((px - half, py - half, px + half, py + half), "white")
    picture.resize((size, size), Image.Resampling.LANCZOS).save(path, optimize=True)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logo.svg").write_text(logo())
    (folder / "mark.svg").write_text(mark())
    (folder / "favicon.svg").write_text(favicon())
    favicon_png(folder / "favicon-32.png")


if __name__ == "__main__":
    main()
