"""Plots as SVG geometry, worked out on the server: the page needs no script to show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 84, 28, 12, 28
TICKS = 4  #: lines across, the ground not counted


@dataclass(frozen=True, slots=True)
class Mark:
    """One value of the plot: its place, its bar, and what is said of it on hover."""

    x: float
    y: float
    left: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything the template draws: numbers only, no words of its own but the labels."""

    marks: tuple[Mark, ...]
    line: str  #: points of a polyline
    area: str  #: points of the polygon below it
    before: str  #: points of the period before
    ticks: tuple[tuple[float, str], ...]  #: (y, label)
    labels: tuple[tuple[float, str], ...]  #: (x, label)
    ground: float
    left: int
    right: int
    step: float  #: what one value has across


def ceiling(value: int, least: int = TICKS) -> int:
    """The least round number, from `least` on, that `value` fits under and that divides into
    ticks well."""
    if value <= least:
        return least
    size: int = 10 ** (len(str(value)) - 1)
    for factor in (1, 2, 4, 5, 6, 8, 10, 12):
        if value <= factor * size and (factor * size) % TICKS == 0:
            return factor * size
    return 20 * size


def plot(
    values: Sequence[int],
    before: Sequence[int],
    *,
    titles: Sequence[str],
    labels: Sequence[str],
    written: Callable[[int], str],
    most_labels: int = 7,
    least: int = TICKS,
) -> Plot:
    """The plot of `values`, the period before as a second line.

    `titles` say each value in words, `labels` name its day or month below, of which at most
    `most_labels` are shown; `written` writes a value beside its line. The scale reaches to
    `least` even where all values are small.
    """
    top = ceiling(max([0, *values, *before]), least)
    ground = HEIGHT - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / max(1, len(values))

    def x(index: int) -> float:
        return round(LEFT + step * (index + 0.5), 1)

    def y(value: int) -> float:
        return round(ground - (ground - TOP) * value / top, 1)

    wide = min(step * 0.7, 36)
    marks = tuple(
        Mark(
            x(i),
            y(value),
            round(x(i) - wide / 2, 1),
            round(wide, 1),
            round(ground - y(value), 1),
            titles[i],
        )
        for i, value in enumerate(values)
    )
    line = " ".join(f"{mark.x},{mark.y}" for mark in marks)
    area = f"{marks[0].x},{ground} {line} {marks[-1].x},{ground}" if marks else ""
    every = -(-len(labels) // most_labels)  # rounded up
    return Plot(
        marks=marks,
        line=line,
        area=area,
        before=" ".join(f"{x(i)},{y(value)}" for i, value in enumerate(before[: len(values)])),
        ticks=tuple((y(top * n // TICKS), written(top * n // TICKS)) for n in range(TICKS + 1)),
        labels=tuple(
            (x(i), label) for i, label in enumerate(labels) if (len(labels) - 1 - i) % every == 0
        ),
        ground=ground,
        left=LEFT,
        right=WIDTH - RIGHT // 3,
        step=round(step, 2),
    )
