"""The OpticWorks mark and wordmark as strokes, for SVG files and for the print on the products.

The wordmark's unit is the height of a small letter; y points up and 0 is the baseline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STROKE = 0.2
CAP = 1.42


@dataclass(frozen=True)
class Arc:
    """Part of a circle, degrees counter-clockwise from the right."""

    cx: float
    cy: float
    r: float
    start: float = 0.0
    end: float = 360.0


@dataclass(frozen=True)
class Line:
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Dot:
    cx: float
    cy: float
    r: float


Stroke = Arc | Line | Dot

# Letters: (advance, strokes). Strokes are centre lines, so round letters have radius 0.5 - half
# a stroke and everything sits optically between 0 and 1.
_R = 0.5 - STROKE / 2
LETTERS: dict[str, tuple[float, tuple[Stroke, ...]]] = {
    "O": (1.52, (Arc(0.71, 0.71, 0.61),)),
    "p": (1.06, (Line(((0.1, -0.42), (0.1, 0.5))), Arc(0.5, 0.5, _R))),
    "t": (
        0.66,
        (
            Line(((0.24, 1.3), (0.24, 0.34))),
            Arc(0.48, 0.34, 0.24, 180, 275),
            Line(((0.0, 0.9), (0.54, 0.9))),
        ),
    ),
    "i": (0.4, (Line(((0.14, 0.1), (0.14, 0.9))), Dot(0.14, 1.3, 0.13))),
    "c": (0.94, (Arc(0.5, 0.5, _R, 45, 315),)),
    "W": (1.92, (Line(((0.1, 1.32), (0.48, 0.1), (0.9, 1.32), (1.32, 0.1), (1.7, 1.32))),)),
    "o": (1.1, (Arc(0.5, 0.5, _R),)),
    "r": (0.68, (Line(((0.1, 0.1), (0.1, 0.9))), Arc(0.44, 0.56, 0.34, 90, 180))),
    "k": (
        0.92,
        (
            Line(((0.1, 0.1), (0.1, 1.32))),
            Line(((0.68, 0.9), (0.14, 0.44))),
            Line(((0.32, 0.60), (0.72, 0.1))),
        ),
    ),
    "s": (0.8, (Arc(0.37, 0.70, 0.2, 50, 270), Arc(0.37, 0.30, 0.2, -130, 90))),
}


def wordmark(text: str = "OpticWorks") -> tuple[float, list[Stroke]]:
    """(width, strokes) of a word."""
    x, strokes = 0.0, []
    for letter in text:
        advance, parts = LETTERS[letter]
        strokes += [shifted(part, x) for part in parts]
        x += advance
    return x, strokes


def mark() -> list[Stroke]:
    """The mark in a circle of radius 1: a watched room, and somebody found in it."""
    return [
        Arc(0, 0, 0.86, 72, 378),
        Dot(0, 0, 0.34),
        Dot(0.86 * math.cos(math.pi / 4), 0.86 * math.sin(math.pi / 4), 0.2),
    ]


def shifted(stroke: Stroke, dx: float, dy: float = 0.0) -> Stroke:
    if isinstance(stroke, Line):
        return Line(tuple((x + dx, y + dy) for x, y in stroke.points))
    if isinstance(stroke, Dot):
        return Dot(stroke.cx + dx, stroke.cy + dy, stroke.r)
    return Arc(stroke.cx + dx, stroke.cy + dy, stroke.r, stroke.start, stroke.end)


def polyline(stroke: Arc | Line, steps: int = 40) -> list[tuple[float, float]]:
    """Points along a stroke."""
    if isinstance(stroke, Line):
        return list(stroke.points)
    angles = [
        math.radians(stroke.start + (stroke.end - stroke.start) * i / steps)
        for i in range(steps + 1)
    ]
    return [
        (stroke.cx + stroke.r * math.cos(a), stroke.cy + stroke.r * math.sin(a)) for a in angles
    ]
