"""The modules: circuit boards with their parts. They lie on z = 0, component side up."""

from __future__ import annotations

import math
import random

import bpy

from . import brand, materials, shapes
from .sensor import print_strokes

THICK = 0.16


def flat_print(
    strokes: list[brand.Stroke],
    size: float,
    x: float,
    y: float,
    z: float,
    stroke: float = brand.STROKE,
) -> list[bpy.types.Object]:
    """Silkscreen on a board: like print on a front, laid down."""
    holder = shapes.group(
        "silk", print_strokes(strokes, size, materials.silkscreen(), 0, (0, 0), stroke)
    )
    return [shapes.place(holder, (x, y, z), (-90, 0, 0))]


def blank(width: float, height: float, radius: float) -> list[bpy.types.Object]:
    """A board with a gold edge of pads and a few tracks."""
    return [shapes.slab("board", (width, height, THICK), materials.board(), radius, 0.012)]


def tracks(width: float, height: float, seed: int, count: int) -> list[bpy.types.Object]:
    """Bundles of tracks under the mask that run straight and turn by 45 degrees."""
    chance = random.Random(seed)
    parts = []
    for _ in range(count):
        x = chance.uniform(-width / 2 + 0.4, width / 2 - 1.2)
        y = chance.uniform(-height / 2 + 0.3, height / 2 - 0.3)
        run, turn = chance.uniform(0.4, 1.4), chance.choice((-1, 1)) * chance.uniform(0.15, 0.5)
        for lane in range(chance.randint(2, 5)):
            dy = lane * 0.07
            path = [
                (x, y + dy),
                (x + run + lane * 0.03 * turn, y + dy),
                (x + run + abs(turn), y + dy + turn),
                (x + run + abs(turn) + 0.6, y + dy + turn),
            ]
            path = [
                (
                    max(-width / 2 + 0.15, min(width / 2 - 0.15, px)),
                    max(-height / 2 + 0.15, min(height / 2 - 0.15, py)),
                )
                for px, py in path
            ]
            parts.append(
                shapes.tube(
                    "track",
                    [(px, py, THICK) for px, py in path],
                    0.014,
                    materials.trace(),
                    smooth=False,
                )
            )
    return parts


def qfn(side: float, x: float, y: float, pins: int = 8, turn: float = 0) -> bpy.types.Object:
    """A flat chip with pads along its four edges and a dot at pin one."""
    parts = [shapes.box("die", (side, side, 0.09), materials.chip(), at=(0, 0, 0.01))]
    for edge in range(4):
        for i in range(pins):
            offset = (i - (pins - 1) / 2) * side * 0.86 / pins
            along, out = offset, side / 2 + 0.012
            px, py = [(along, out), (out, along), (along, -out), (-out, along)][edge]
            size = (0.03, 0.07, 0.014) if edge % 2 == 0 else (0.07, 0.03, 0.014)
            parts.append(shapes.box("pin", size, materials.metal(), at=(px, py, 0)))
    dot = materials.painted("chip mark", (0.16, 0.16, 0.16), 0.7)
    parts.append(shapes.disc("dot", 0.035, 0.004, dot, at=(-side * 0.36, side * 0.36, 0.099)))
    for i in range(2):
        parts.append(
            shapes.box(
                "legend",
                (side * (0.6 - 0.15 * i), side * 0.06, 0.002),
                dot,
                at=(0, side * (0.06 - 0.16 * i), 0.1),
            )
        )
    return shapes.group("qfn", parts, (x, y, THICK), (0, 0, turn))


def soic(
    width: float, length: float, pins: int, x: float, y: float, turn: float = 0
) -> bpy.types.Object:
    """A chip with legs on two sides."""
    parts = [shapes.box("die", (length, width, 0.15), materials.chip(), at=(0, 0, 0.02))]
    for side in (-1, 1):
        for i in range(pins):
            px = (i - (pins - 1) / 2) * length * 0.88 / pins
            parts.append(
                shapes.box(
                    "leg",
                    (0.04, 0.12, 0.03),
                    materials.metal(),
                    at=(px, side * (width / 2 + 0.05), 0),
                )
            )
    mark = materials.painted("chip mark", (0.16, 0.16, 0.16), 0.7)
    parts.append(shapes.box("legend", (length * 0.6, 0.03, 0.002), mark, at=(0, 0.05, 0.17)))
    parts.append(shapes.box("legend", (length * 0.4, 0.03, 0.002), mark, at=(-0.05, -0.06, 0.17)))
    return shapes.group("soic", parts, (x, y, THICK), (0, 0, turn))


def passive(kind: str, x: float, y: float, turn: float = 0, size: float = 1) -> bpy.types.Object:
    """A small resistor ('r') or capacitor ('c')."""
    colour = {"r": (0.015, 0.015, 0.016), "c": (0.36, 0.25, 0.15)}[kind]
    length, width, height = 0.16 * size, 0.085 * size, (0.045 if kind == "r" else 0.085) * size
    parts = [
        shapes.box(
            "middle",
            (length * 0.56, width, height),
            materials.ceramic(colour, f"ceramic {kind}"),
            at=(0, 0, 0.008),
        )
    ]
    for side in (-1, 1):
        parts.append(
            shapes.box(
                "end",
                (length * 0.22, width, height),
                materials.metal(0.66, 0.32, "tin"),
                at=(side * length * 0.39, 0, 0.008),
            )
        )
        parts.append(
            shapes.box(
                "pad",
                (length * 0.3, width * 1.15, 0.012),
                materials.metal(0.66, 0.32, "tin"),
                at=(side * length * 0.45, 0, 0),
            )
        )
    return shapes.group("passive", parts, (x, y, THICK), (0, 0, turn))


def row(
    kind: str, count: int, x: float, y: float, step: float, turn: float = 90, size: float = 1
) -> list[bpy.types.Object]:
    return [passive(kind, x + i * step, y, turn, size) for i in range(count)]


def can(radius: float, height: float, x: float, y: float) -> bpy.types.Object:
    """An aluminium capacitor."""
    parts = [
        shapes.box("foot", (radius * 2.1, radius * 2.1, 0.08), materials.chip()),
        shapes.disc(
            "can",
            radius,
            height,
            materials.metal(0.8, 0.22, "aluminium"),
            at=(0, 0, 0.08),
            edge=0.05,
        ),
        shapes.box(
            "stripe",
            (radius * 0.46, radius * 1.2, 0.004),
            materials.chip(),
            at=(-radius * 0.52, 0, height + 0.081),
        ),
    ]
    return shapes.group("can", parts, (x, y, THICK))


def inductor(side: float, height: float, x: float, y: float) -> bpy.types.Object:
    body = materials.painted("ferrite", (0.05, 0.05, 0.052), 0.6, 0.3, 80)
    parts = [
        shapes.slab("core", (side, side, height), body, side * 0.18, 0.03),
        shapes.box("end", (side * 1.02, side * 0.3, 0.05), materials.metal()),
    ]
    return shapes.group("inductor", parts, (x, y, THICK))


def transformer(x: float, y: float, turn: float = 0) -> bpy.types.Object:
    """A flat transformer: ferrite halves, yellow tape, pins."""
    ferrite = materials.painted("ferrite", (0.05, 0.05, 0.052), 0.6, 0.3, 80)
    tape = materials.painted("tape", (0.72, 0.42, 0.03), 0.28)
    parts = [
        shapes.slab("core", (1.25, 1.0, 0.85), ferrite, 0.05, 0.03, at=(0, 0, 0.12)),
        shapes.slab("coil", (0.85, 1.34, 0.62), tape, 0.2, 0.06, at=(0, 0, 0.2)),
        shapes.box("former", (1.2, 1.3, 0.12), materials.chip()),
    ]
    for side in (-1, 1):
        for i in range(5):
            parts.append(
                shapes.box(
                    "pin", (0.08, 0.2, 0.04), materials.metal(), at=((i - 2) * 0.23, side * 0.72, 0)
                )
            )
    return shapes.group("transformer", parts, (x, y, THICK), (0, 0, turn))


def rj45(
    x: float, y: float, z: float = THICK, turn: float = 0, shielded: bool = True
) -> bpy.types.Object:
    """An RJ45 socket whose mouth faces -Y."""
    shell = materials.metal(0.52, 0.3, "shield") if shielded else materials.rubber("graphite")
    width, depth, height = 1.6, 1.55, 1.32
    body = shapes.box("jack", (width, depth, height), shell)
    shapes.cut(
        body,
        [
            shapes.box(
                "mouth", (1.18, 1.1, 0.70), materials.hollow(), at=(0, -depth / 2 + 0.45, 0.40)
            )
        ],
    )
    parts = [body, *_mouth(depth)]
    for side in (-1, 1):
        lamp = materials.painted(
            "lamp green" if side < 0 else "lamp amber",
            (0.25, 0.42, 0.18) if side < 0 else (0.55, 0.36, 0.10),
            0.3,
        )
        parts.append(
            shapes.box("lamp", (0.26, 0.03, 0.13), lamp, at=(side * 0.55, -depth / 2 - 0.008, 0.17))
        )
    for side in (-1, 1):
        # The shield's seams and spring tabs.
        parts.append(
            shapes.box(
                "seam",
                (0.004, depth * 0.96, 0.03),
                materials.hollow(),
                at=(side * width / 2, 0, 0.5),
            )
        )
        parts.append(shapes.box("tab", (0.03, 0.5, 0.36), shell, at=(side * width / 2, -0.1, 0.62)))
    parts.append(
        shapes.box(
            "top seam", (0.03, depth * 0.98, 0.004), materials.hollow(), at=(0.28, 0, height)
        )
    )
    for dx in (-0.42, 0.62):
        parts.append(shapes.box("tab", (0.26, 0.5, 0.025), shell, at=(dx, -0.3, height)))
    return shapes.group("rj45", parts, (x, y, z), (0, 0, turn))


def _mouth(depth: float) -> list[bpy.types.Object]:
    """The step for the plug's latch, and eight gold springs in the mouth."""
    parts = [
        shapes.box(
            "latch", (0.62, 0.06, 0.14), materials.hollow(), at=(0, -depth / 2 - 0.001, 0.28)
        )
    ]
    for i in range(8):
        x = (i - 3.5) * 0.102
        parts.append(
            shapes.tube(
                "spring",
                [
                    (x, -depth / 2 + 0.16, 1.06),
                    (x, -depth / 2 + 0.3, 1.03),
                    (x, -depth / 2 + 0.85, 0.72),
                ],
                0.022,
                materials.gold(),
                smooth=False,
            )
        )
    return parts


def holes(places: list[tuple[float, float]], radius: float = 0.16) -> list[bpy.types.Object]:
    """Mounting holes: a gold land with a dark middle."""
    parts = []
    for x, y in places:
        parts.append(
            shapes.ring(
                "land", radius, radius * 1.75, 0.02, materials.gold(), at=(x, y, THICK), steps=40
            )
        )
        parts.append(shapes.disc("hole", radius, 0.018, materials.hollow(), at=(x, y, THICK)))
    return parts


def poe_module() -> bpy.types.Object:
    """PoE Module: 58 x 40 mm; the socket looks over the front edge."""
    width, height = 5.8, 4.0
    parts = blank(width, height, 0.28) + tracks(width, height, 5, 26)
    parts += holes([(-2.6, 1.7), (2.6, 1.7), (2.6, -1.7)])
    parts.append(rj45(-1.65, -1.32))
    parts.append(transformer(1.55, -0.35, 90))
    parts.append(qfn(0.62, -1.5, 0.62, 9))
    parts.append(qfn(0.46, 0.25, -1.2, 6))
    parts.append(soic(0.4, 0.5, 4, 0.25, 0.75, 90))
    parts += [
        can(0.32, 0.62, 2.32, 0.95),
        can(0.32, 0.62, 1.5, 1.2),
        inductor(0.62, 0.34, 0.5, 1.5),
        inductor(0.42, 0.22, 0.2, -0.35),
    ]
    parts += row("c", 4, -2.5, 0.1, 0.22) + row("r", 5, -1.1, 1.15, 0.2)
    parts += row("c", 3, -0.75, 0.4, 0.22) + row("r", 4, -0.4, -0.15, 0.18, 0, 0.8)
    parts += row("c", 3, 0.1, -1.68, 0.24) + row("r", 3, 1.2, -1.7, 0.24)
    parts.append(passive("c", 2.45, -0.9, 0, 1.5))
    crystal = shapes.slab(
        "crystal",
        (0.36, 0.28, 0.09),
        materials.metal(0.8, 0.25, "lid"),
        0.05,
        0.02,
        at=(-2.3, 0.75, THICK),
    )
    parts.append(crystal)
    for i in range(10):
        parts.append(
            shapes.disc("pad", 0.075, 0.012, materials.gold(), at=(-2.1 + i * 0.22, 1.72, THICK))
        )
    _, strokes = brand.wordmark()
    parts += flat_print(strokes, 0.22, -2.25, 1.27, THICK + 0.016)
    parts += flat_print(brand.mark(), 0.17, 0.05, 1.62 + 0.05, THICK + 0.016, 0.22)
    for x, y, w, h in ((-1.5, 0.62, 0.9, 0.9), (0.25, -1.2, 0.72, 0.72)):
        frame = [
            brand.Line(
                (
                    (-w / 2, -h / 2),
                    (w / 2, -h / 2),
                    (w / 2, h / 2),
                    (-w / 2, h / 2),
                    (-w / 2, -h / 2),
                )
            )
        ]
        parts += flat_print(frame, 1, x, y, THICK + 0.016, 0.02)
    return shapes.group("poe module", parts)


def iaq_module(underside: bool = False) -> bpy.types.Object:
    """IAQ Module: 30 x 24 mm. With `underside` its pogo pins look up instead of its sensor."""
    width, height = 3.0, 2.4
    parts = blank(width, height, 0.3) + tracks(width, height, 11 if underside else 3, 10)
    parts += holes([(-1.22, 0.92), (1.22, 0.92), (-1.22, -0.92), (1.22, -0.92)], 0.11)
    _, strokes = brand.wordmark()
    if underside:
        parts.append(
            shapes.slab(
                "header", (1.9, 0.34, 0.22), materials.chip(), 0.06, 0.02, at=(0, -0.35, THICK)
            )
        )
        for i in range(8):
            x = (i - 3.5) * 0.22
            parts.append(
                shapes.turned(
                    "pogo",
                    [
                        (0.075, 0),
                        (0.075, 0.2),
                        (0.068, 0.22),
                        (0.045, 0.22),
                        (0.045, 0.42),
                        (0.03, 0.45),
                        (0.001, 0.455),
                    ],
                    materials.gold(),
                    at=(x, -0.35, THICK + 0.2),
                    steps=24,
                )
            )
        parts += row("c", 3, -0.7, 0.35, 0.24) + row("r", 4, 0.15, 0.35, 0.2)
        parts.append(soic(0.3, 0.34, 3, -0.15, 0.75))
        parts += flat_print(strokes, 0.12, -0.72, -0.92, THICK + 0.016)
    else:
        parts.append(_gas_sensor())
        parts += row("c", 2, -1.0, 0.05, 0.22) + row("r", 3, 0.85, 0.35, 0.2, 90)
        parts.append(soic(0.28, 0.34, 3, -0.95, -0.45, 90))
        parts += row("c", 2, 0.75, -0.3, 0.24)
        parts += flat_print(strokes, 0.15, -0.78, -0.95, THICK + 0.016)
        parts += flat_print(brand.mark(), 0.16, -1.0, 0.45, THICK + 0.016, 0.22)
    return shapes.group("iaq module", parts)


def _gas_sensor() -> bpy.types.Object:
    """The gas sensor: a metal lid with a ring of small openings."""
    dark = materials.hollow()
    parts = [
        shapes.slab("base", (0.86, 0.86, 0.06), materials.board(), 0.05, 0.01),
        shapes.slab(
            "lid",
            (0.8, 0.8, 0.2),
            materials.metal(0.78, 0.2, "gas lid"),
            0.07,
            0.035,
            at=(0, 0, 0.05),
        ),
    ]
    for i in range(8):
        a = 2 * math.pi * i / 8
        parts.append(
            shapes.disc(
                "opening", 0.045, 0.004, dark, at=(0.2 * math.cos(a), 0.2 * math.sin(a), 0.249)
            )
        )
    parts.append(shapes.disc("opening", 0.055, 0.004, dark, at=(0, 0, 0.249)))
    frame = [brand.Line(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)))]
    parts += flat_print(frame, 1, 0, 0, 0.003, 0.02)
    return shapes.group("gas sensor", parts, (0, 0.22, THICK))
