"""The RS-1: 85 x 85 x 32 mm, a shallow dish in a soft square, with a ring of light round it."""

from __future__ import annotations

import math

import bpy

from . import brand, materials, shapes
from .shapes import facing

HALF = 4.25
CORNER = 1.75
FRONT, BACK = 1.6, -1.6
DISH = 2.72


def rounded(
    hx: float, hy: float, radius: float, corner: int = 26, edge: int = 10
) -> list[tuple[float, float]]:
    """An outline fine enough for the big circles of the front."""
    return shapes.rounded(hx, hy, radius, corner, edge)


def print_strokes(
    strokes: list[brand.Stroke],
    size: float,
    material: bpy.types.Material,
    depth: float,
    at: tuple[float, float],
    stroke: float = brand.STROKE,
) -> list[bpy.types.Object]:
    """Print strokes on a surface that faces -Y at `depth`; `at` is their centre line's (x, z)."""
    parts = []
    for item in strokes:
        if isinstance(item, brand.Dot):
            outline = [
                (
                    at[0] + size * (item.cx + item.r * math.cos(a)),
                    at[1] + size * (item.cy + item.r * math.sin(a)),
                )
                for a in (2 * math.pi * i / 24 for i in range(24))
            ]
            parts.append(shapes.mesh("print", facing(outline, depth), [range(24)], material))
            continue
        line = brand.polyline(item)
        verts, half = [], stroke / 2
        for i, (x, y) in enumerate(line):
            a, b = line[max(0, i - 1)], line[min(len(line) - 1, i + 1)]
            length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1
            nx, ny = -(b[1] - a[1]) / length, (b[0] - a[0]) / length
            if 0 < i < len(line) - 1:
                # Keep the stroke's width where a line turns.
                ux, uy = x - a[0], y - a[1]
                cosine = abs(nx * -uy + ny * ux) / (math.hypot(ux, uy) or 1)
                nx, ny = nx / max(cosine, 0.3), ny / max(cosine, 0.3)
            verts += [
                (at[0] + size * (x + nx * half), -depth, at[1] + size * (y + ny * half)),
                (at[0] + size * (x - nx * half), -depth, at[1] + size * (y - ny * half)),
            ]
        faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(line) - 1)]
        parts.append(shapes.mesh("print", verts, faces, material))
    return parts


def _shell(colour: str) -> bpy.types.Object:
    """Back, sides, seam, front and the dish, as one skin."""
    rings = []

    def square(inset: float, depth: float) -> None:
        rings.append(facing(rounded(HALF - inset, HALF - inset, CORNER - inset), depth))

    square(0.55, BACK + 0.08)
    square(0.5, BACK + 0.03)
    for inset, rise in reversed(shapes.fillet(0.4, 6)):
        square(inset, BACK + 0.4 - rise)
    for inset, depth in (
        (0, 0.30),
        (0.012, 0.315),
        (0.05, 0.325),
        (0.05, 0.375),
        (0.012, 0.385),
        (0, 0.40),
    ):
        square(inset, depth)
    for inset, rise in shapes.fillet(0.62, 12):
        square(inset, FRONT - 0.62 + rise)
    square(0.72, FRONT + 0.004)
    outline = rounded(HALF, HALF, CORNER)

    def circle(radius: float, depth: float) -> None:
        rings.append(facing(shapes.circle_like(outline, radius), depth))

    circle(DISH + 0.24, FRONT + 0.012)
    circle(DISH + 0.19, FRONT + 0.008)
    circle(DISH + 0.17, FRONT - 0.01)
    circle(DISH + 0.17, FRONT - 0.07)
    circle(DISH + 0.03, FRONT - 0.07)
    circle(DISH + 0.03, FRONT - 0.01)
    circle(DISH + 0.01, FRONT + 0.008)
    circle(DISH - 0.04, FRONT + 0.010)
    for i in range(1, 24):
        r = (DISH - 0.06) * (1 - i / 24)
        circle(r, FRONT + 0.008 - 0.34 * (1 - (r / (DISH - 0.06)) ** 2))
    return shapes.loft("shell", rings, materials.body(colour), sharp=30)


def _light_ring(colour: str, lit: str | None) -> bpy.types.Object:
    material = materials.light_pipe(colour)
    if lit == "teal":
        material = materials.light("lit teal", (0.05, 0.85, 0.74), 9.0)
    elif lit == "faint":
        material = materials.light("lit faint", (0.10, 0.85, 0.75), 3.0)
    return shapes.ring(
        "light ring",
        DISH + 0.045,
        DISH + 0.155,
        0.05,
        material,
        at=(0, -(FRONT - 0.065), 0),
        turn=(90, 0, 0),
    )


def _window(model: str) -> list[bpy.types.Object]:
    """The glossy window in the dish: a pill for Pro, a dot for Lite."""
    hx, hy = (1.32, 0.43) if model == "pro" else (0.43, 0.43)
    depth = FRONT - 0.332 + (0.115 if model == "pro" else 0.035)
    rings = [facing(rounded(hx, hy, hy, 20, 8), depth - 0.2)]
    for inset, rise in shapes.fillet(0.05, 5):
        rings.append(
            facing(rounded(hx - inset, hy - inset, hy - inset, 20, 8), depth - 0.05 + rise)
        )
    parts = [shapes.loft("window", rings, materials.gloss(), sharp=60)]
    lens = materials.painted("lens", (0.03, 0.032, 0.04), 0.15, radius=0.002)
    spots = [(-0.89, 0.13), (0.89, 0.07)] if model == "pro" else [(0.0, 0.11)]
    for x, radius in spots:
        parts.append(
            shapes.ring(
                "lens",
                radius * 0.55,
                radius,
                0.004,
                lens,
                at=(x, -depth - 0.001, 0),
                turn=(90, 0, 0),
                steps=40,
            )
        )
    return parts


def _slots(shell: bpy.types.Object) -> list[bpy.types.Object]:
    """USB-C port and air slots in the underside, air slots in the top."""
    dark = materials.hollow()
    cutters = []
    for z in (-HALF, HALF):
        for i in range(9):
            x = (i - 4) * 0.32
            if z < 0 and abs(x) < 0.75:
                continue
            cutters.append(
                shapes.slab("slot", (0.13, 0.9, 1.0), dark, 0.06, 0.01, at=(x, 0.55, z - 0.5))
            )
    port = shapes.slab("port", (0.94, 0.36, 1.2), dark, 0.17, 0.01, at=(0, 0.55, -HALF - 0.6))
    cutters.append(port)
    shapes.cut(shell, cutters)
    tongue = shapes.box("tongue", (0.62, 0.08, 0.5), dark, at=(0, 0.55, -HALF + 0.12))
    rim = shapes.loft(
        "rim",
        [
            shapes.lying(rounded(0.47, 0.18, 0.17, 10, 3), -HALF + 0.55),
            shapes.lying(rounded(0.47, 0.18, 0.17, 10, 3), -HALF + 0.02),
            shapes.lying(rounded(0.43, 0.14, 0.14, 10, 3), -HALF + 0.02),
            shapes.lying(rounded(0.43, 0.14, 0.14, 10, 3), -HALF + 0.55),
        ],
        materials.metal(),
        caps=(False, False),
    )
    shapes.place(rim, (0, 0.55, 0))
    return [tongue, rim]


def _back(colour: str, open_bay: bool) -> list[bpy.types.Object]:
    """Magnets, module bay, keyholes, screws and the type plate."""
    parts: list[bpy.types.Object] = []
    y = -BACK - 0.08

    def on_back(part: bpy.types.Object, x: float, z: float, lift: float = 0.0) -> None:
        shapes.place(part, (x, y + lift, z), (-90, 0, 0))
        parts.append(part)

    steel = materials.metal(0.62, 0.3, "magnet")
    for x in (-2.75, 2.75):
        for z in (-2.75, 2.75):
            on_back(shapes.disc("magnet", 0.52, 0.05, steel), x, z, -0.015)
            on_back(shapes.ring("collar", 0.54, 0.64, 0.035, materials.rubber(colour)), x, z, -0.01)
    bay_width, bay_height = 4.0, 3.0
    if open_bay:
        on_back(
            shapes.slab("bay", (bay_width, bay_height, 0.02), materials.hollow(), 0.35), 0, 0.35
        )
        for i in range(10):
            on_back(
                shapes.disc("pad", 0.085, 0.03, materials.gold()), -0.99 + i * 0.22, -0.75, 0.01
            )
        on_back(shapes.slab("lip", (2.5, 0.42, 0.02), materials.board(), 0.08), 0, -0.75, 0.004)
    else:
        gap = shapes.slab("gap", (bay_width, bay_height, 0.012), materials.hollow(), 0.35)
        on_back(gap, 0, 0.35, -0.004)
        lid = shapes.slab(
            "lid", (bay_width - 0.09, bay_height - 0.09, 0.07), materials.body(colour), 0.32, 0.03
        )
        on_back(lid, 0, 0.35, -0.03)
        thumb = shapes.slab("thumb", (1.1, 0.3, 0.03), materials.rubber(colour), 0.15, 0.012)
        on_back(thumb, 0, 1.5, 0.022)
        ink = materials.ink(colour)
        width, strokes = brand.wordmark()
        printed = print_strokes(strokes, 0.26, ink, 0.045, (-0.26 * width / 2, 0.2))
        printed += print_strokes(brand.mark(), 0.25, ink, 0.045, (0, 0.97), 0.22)
        for length, z in ((2.3, -0.12), (2.0, -0.3), (2.3, -0.48), (1.4, -0.66)):
            printed += print_strokes(
                [brand.Line(((-length / 2, 0), (length / 2, 0)))], 1, ink, 0.045, (0, z), 0.035
            )
        holder = shapes.group("printed", printed)
        shapes.place(holder, (0, y - 0.002, 0), (0, 0, 180))
        parts.append(holder)
    screw = materials.metal(0.3, 0.35, "screw")
    for x in (-2.75, 2.75):
        on_back(shapes.disc("well", 0.3, 0.012, materials.hollow()), x, 0.35, -0.004)
        on_back(shapes.ring("screw", 0.1, 0.24, 0.02, screw), x, 0.35, 0.0)
    return parts


def rs1(
    colour: str, model: str = "pro", lit: str | None = None, open_bay: bool = False
) -> bpy.types.Object:
    """An RS-1 with its centre at the origin, facing -Y; it stands on z = -4.25."""
    shell = _shell(colour)
    parts = [shell, _light_ring(colour, lit), *_window(model), *_back(colour, open_bay)]
    parts += _slots(shell)
    width, strokes = brand.wordmark()
    size = 0.20
    parts += print_strokes(
        strokes, size, materials.ink(colour), FRONT + 0.012, (-size * width / 2, -3.46)
    )
    return shapes.group("rs-1", parts)
