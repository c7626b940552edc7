"""Which files a picture is made into. Pure, and shared with the painter's process."""

from __future__ import annotations

WIDTHS = (320, 640, 960, 1440, 1920)
FIRST_WIDTH = 960  #: of the file for browsers that know neither AVIF nor WebP, and for mails
MAX_SIDE = 16_000  #: WebP ends at 16383
FORMATS = ("avif", "webp")


def widths_of(width: int, height: int) -> list[int]:
    """The widths a picture of that size is made into: never larger than itself, its own width
    the largest if it is smaller than all we make."""
    steps = [step for step in WIDTHS if step <= width]
    if width < WIDTHS[-1] and width not in steps:
        # Two files that differ by a few pixels serve nobody.
        steps = [step for step in steps if step < width * 0.92] + [width]
    possible = [step for step in steps if step * height <= MAX_SIDE * width]
    return possible or [max(1, min(width, MAX_SIDE * width // height))]


def first_width(width: int) -> int:
    """The width of the file that is there at once."""
    return min(width, FIRST_WIDTH)
