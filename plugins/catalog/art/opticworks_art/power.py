"""What powers and holds a sensor: cables, injectors with their cords, the mounting kit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import bpy
from mathutils import Vector

from . import brand, materials, shapes
from .boards import flat_print, rj45
from .sensor import print_strokes
from .shapes import Point, rounded


def braided(
    points: Sequence[Vector], radius: float, colour: str, strands: int = 8
) -> bpy.types.Object:
    """A braided jacket: strands wound both ways that pass over and under each other."""
    length = sum((b - a).length for a, b in itertools.pairwise(points))
    turns = length / (2 * math.pi * radius * 0.9)
    count = int(turns * 40)
    centre = shapes.smooth_path(points, count)
    frames = _frames(centre)
    verts: list[Point] = []
    faces: list[Sequence[int]] = []
    thick = radius * 0.2
    for way in (-1, 1):
        for strand in range(strands):
            start = len(verts)
            for i, (at, (normal, binormal)) in enumerate(zip(centre, frames, strict=True)):
                turn = 2 * math.pi * turns * i / (count - 1)
                angle = way * turn + 2 * math.pi * strand / strands
                over = way * math.sin(turn * strands + math.pi * strand)
                out = normal * math.cos(angle) + binormal * math.sin(angle)
                side = binormal * math.cos(angle) - normal * math.sin(angle)
                middle = at + out * (radius + thick * 0.55 * over)
                wide = radius * 0.33
                for u, v in ((-1, -0.3), (-0.6, 0.75), (0.6, 0.75), (1, -0.3)):
                    point = middle + side * (wide * u) + out * (thick * v)
                    verts.append((point.x, point.y, point.z))
                if i:
                    a, b = start + (i - 1) * 4, start + i * 4
                    faces += [(a + k, a + k + 1, b + k + 1, b + k) for k in range(3)]
    core = shapes.tube(
        "core",
        [tuple(point) for point in centre[::6]],
        radius * 0.97,
        materials.textile(colour),
        smooth=False,
    )
    jacket = shapes.mesh("jacket", verts, faces, materials.textile(colour), sharp=None)
    return shapes.group("braid", [core, jacket])


def _frames(points: Sequence[Vector]) -> list[tuple[Vector, Vector]]:
    """Normals along a path that do not twist."""
    frames = []
    normal = Vector((0, 0, 1))
    for i in range(len(points)):
        tangent = (points[min(i + 1, len(points) - 1)] - points[max(0, i - 1)]).normalized()
        normal = normal - tangent * normal.dot(tangent)
        if normal.length < 1e-6:
            normal = tangent.orthogonal()
        normal.normalize()
        frames.append((normal, tangent.cross(normal)))
    return frames


def usb_plug(colour: str) -> bpy.types.Object:
    """A USB-C plug along -Y: the cable leaves at y = 0, the tip is at y = -3.1."""

    def ring(hx: float, hz: float, r: float, y: float) -> shapes.Ring:
        return [(x, y, z) for x, z in rounded(hx, hz, r, 12, 4)]

    anodised = (
        materials.metal(0.82, 0.32, "anodised white")
        if colour == "white"
        else materials.metal(0.13, 0.34, "anodised graphite")
    )
    relief = shapes.loft(
        "relief",
        [
            ring(0.25, 0.25, 0.25, 1.3),
            ring(0.27, 0.27, 0.27, 1.24),
            ring(0.31, 0.28, 0.28, 0.0),
            ring(0.31, 0.28, 0.28, -0.1),
        ],
        materials.rubber(colour),
    )
    grip = shapes.loft(
        "grip",
        [
            ring(0.50, 0.26, 0.26, -0.02),
            ring(0.54, 0.30, 0.30, -0.06),
            ring(0.54, 0.30, 0.30, -2.06),
            ring(0.52, 0.28, 0.28, -2.1),
            ring(0.44, 0.2, 0.2, -2.1),
        ],
        anodised,
        sharp=40,
    )
    steel = materials.metal(0.7, 0.2, "plug steel")
    tip = shapes.loft(
        "tip",
        [
            ring(0.42, 0.13, 0.13, -2.0),
            ring(0.42, 0.13, 0.13, -2.74),
            ring(0.41, 0.12, 0.12, -2.76),
            ring(0.375, 0.085, 0.085, -2.76),
            ring(0.375, 0.085, 0.085, -2.2),
        ],
        steel,
        caps=(True, False),
    )
    floor = shapes.box("tongue", (0.66, 0.1, 0.06), materials.hollow(), at=(0, -2.4, -0.03))
    return shapes.group("usb plug", [relief, grip, tip, floor])


def coil_path(loops: float = 4.25, radius: float = 4.6) -> list[Vector]:
    """A hand-wound coil lying on z = 0 whose ends run out to the front."""
    points = []
    steps = int(loops * 36)
    for i in range(steps + 1):
        t = i / 36
        angle = 2 * math.pi * t - math.pi / 2
        wobble = 0.10 * math.sin(3 * angle + 1.7 * t) + 0.07 * math.sin(5 * angle + t)
        layer = 0.2 + 0.29 * t + 0.03 * math.sin(4 * angle)
        reach = radius + wobble + 0.24 * math.sin(2.4 * t + 0.6)
        points.append(
            Vector((reach * 1.06 * math.cos(angle), reach * 0.94 * math.sin(angle), layer))
        )
    return points


def usb_cable(colour: str) -> bpy.types.Object:
    """A coiled cable with a strap round it and both plugs in front."""
    coil = coil_path()
    lead_in = [Vector((-6.2, -7.6, 0.31)), Vector((-5.2, -6.3, 0.25)), Vector((-3.0, -4.95, 0.2))]
    first = 2
    lead_out = [
        Vector((5.0, 0.8, 1.2)),
        Vector((5.6, -1.6, 0.85)),
        Vector((5.3, -4.2, 0.45)),
        Vector((4.2, -6.4, 0.31)),
        Vector((3.3, -7.7, 0.31)),
    ]
    path = lead_in + coil[first:-2] + lead_out[0:]
    parts = [braided(path, 0.19, colour)]
    for a, b in ((path[1], path[0]), (path[-2], path[-1])):
        plug = usb_plug(colour)
        direction = b - a
        turn = math.degrees(math.atan2(direction.x, -direction.y))
        shapes.place(plug, (b.x, b.y, 0.31), (0, 0, turn))
        parts.append(plug)
    strap = shapes.tube(
        "strap",
        [(x * 1.0, 0, z) for x, z in rounded(0.85, 0.86, 0.42, 8, 4)],
        0.03,
        materials.rubber(colour),
        smooth=False,
        cyclic=True,
    )
    strap.data.extrude = 0.55
    shapes.place(strap, (-0.1, 4.35, 0.88), (0, 0, 90))
    parts.append(strap)
    return shapes.group("usb cable", parts)


def usb_close(colour: str) -> bpy.types.Object:
    """One plug, close up, with its cable in a soft bend."""
    path = [
        Vector(p)
        for p in (
            (0, 0.3, 0.31),
            (0.0, 1.6, 0.31),
            (0.35, 3.4, 0.25),
            (1.6, 5.2, 0.2),
            (3.9, 6.2, 0.2),
            (6.5, 5.9, 0.2),
            (9.5, 6.6, 0.2),
            (13, 9, 0.2),
        )
    ]
    return shapes.group("plug", [braided(path, 0.19, colour), usb_plug(colour)])


def injector(plug: str) -> bpy.types.Object:
    """A PoE injector with its mains cord and the plug of a country."""
    width, depth, height = 5.6, 12.0, 3.4
    case = shapes.slab("case", (width, depth, height), materials.body("graphite"), 0.9, 0.35)
    dark = materials.hollow()
    shapes.cut(
        case,
        [
            shapes.box("mouth", (1.62, 2.0, 1.34), dark, at=(x, -depth / 2, 0.95))
            for x in (-1.25, 1.25)
        ],
    )
    parts = [case]
    for x in (-1.25, 1.25):
        parts.append(rj45(x, -depth / 2 + 0.83, 0.96))
    seam = shapes.loft(
        "seam",
        [shapes.lying(rounded(width / 2 + 0.004, depth / 2 + 0.004, 0.9), z) for z in (0.68, 0.72)],
        dark,
        caps=(False, False),
    )
    parts.append(seam)
    ink = materials.ink("graphite")
    for x, stroke in (
        (-1.25, [brand.Line(((-0.3, 0.25), (0, -0.05), (0.3, 0.25)))]),
        (1.25, [brand.Line(((0.1, 0.35), (-0.15, 0.0), (0.15, 0.0), (-0.1, -0.35)))]),
    ):
        parts += [
            shapes.place(
                shapes.group("icon", print_strokes(stroke, 0.6, ink, 0, (0, 0), 0.1)),
                (x, -depth / 2 - 0.002, 2.68),
                (0, 0, 0),
            )
        ]
    length, strokes = brand.wordmark()
    parts += flat_print(strokes, 0.42, -0.42 * length / 2, -2.2, height + 0.004)
    parts += flat_print(brand.mark(), 0.55, 0, -0.5, height + 0.004, 0.22)
    lamp = materials.light("lamp on", (0.10, 0.85, 0.72), 3.5)
    parts.append(shapes.disc("lamp", 0.11, 0.02, lamp, at=(0, -4.6, height - 0.004)))
    parts += _cord(plug)
    return shapes.group("injector", parts)


def _cord(plug: str) -> list[bpy.types.Object]:
    """The cord from the back of the case, in a loop to the right, to the plug in front."""
    black = materials.painted("cord", (0.016, 0.0165, 0.018), 0.5)
    height = {"us": 1.3, "eu": 1.75, "uk": 2.06}[plug]
    path = [
        Vector(p)
        for p in (
            (0, 5.8, 1.5),
            (0, 7.4, 1.4),
            (1.2, 9.6, 0.5),
            (4.4, 10.2, 0.34),
            (6.9, 7.9, 0.34),
            (6.6, 4.6, 0.34),
            (6.0, 1.8, 0.4),
            (6.8, -0.4, height - 0.2),
            (7.3, -1.2, height),
        )
    ]
    points = shapes.smooth_path(path, 140)
    parts = [shapes.tube("cord", [tuple(point) for point in points], 0.31, black, smooth=False)]
    relief = shapes.turned(
        "relief",
        [(0.62, 0), (0.6, 0.15), (0.36, 1.1), (0.3, 1.12)],
        black,
        at=(0, 5.85, 1.5),
        turn=(-90, 0, 0),
    )
    parts.append(relief)
    head = {"us": plug_us, "eu": plug_eu, "uk": plug_uk}[plug]()
    parts.append(shapes.place(head, (7.42, -1.4, height), (0, 0, 32)))
    return parts


def _head(profile: Sequence[tuple[float, float, float, float]]) -> bpy.types.Object:
    """A plug's body along -Y from (half width, half height, corner, y)."""
    black = materials.painted("plug body", (0.018, 0.0185, 0.02), 0.42, 0.15, 60)
    return shapes.loft(
        "head",
        [[(x, y, z) for x, z in rounded(hx, hz, r, 12, 4)] for hx, hz, r, y in profile],
        black,
        sharp=40,
    )


def plug_us() -> bpy.types.Object:
    """Type B: two flat blades and a round earth pin."""
    brass = materials.metal(0.72, 0.22, "blade")
    parts = [
        _head(
            [
                (0.34, 0.34, 0.34, 0.2),
                (0.42, 0.42, 0.42, -0.9),
                (1.0, 0.95, 0.6, -1.7),
                (1.22, 1.18, 0.7, -2.3),
                (1.24, 1.2, 0.7, -3.2),
                (1.18, 1.14, 0.66, -3.3),
            ]
        )
    ]
    for x in (-0.635, 0.635):
        parts.append(shapes.box("blade", (0.16, 1.7, 0.64), brass, at=(x, -4.1, 0.06)))
    parts.append(_pin(0.24, 2.0, brass, (0, -3.2, -0.72)))
    return shapes.group("us plug", parts)


def plug_eu() -> bpy.types.Object:
    """Type E/F: a round body, two round pins, earth clips at the sides."""
    steel = materials.metal(0.72, 0.22, "blade")
    parts = [
        _head(
            [
                (0.34, 0.34, 0.34, 0.2),
                (0.44, 0.44, 0.44, -1.0),
                (1.2, 1.2, 1.2, -1.9),
                (1.72, 1.72, 1.72, -2.5),
                (1.75, 1.75, 1.75, -2.6),
                (1.75, 1.75, 1.75, -3.3),
                (1.68, 1.68, 1.68, -3.36),
                (1.6, 1.6, 1.6, -3.36),
                (1.6, 1.6, 1.6, -3.9),
                (1.54, 1.54, 1.54, -3.96),
            ]
        )
    ]
    for x in (-0.95, 0.95):
        parts.append(_pin(0.24, 1.9, steel, (x, -3.9, 0)))
        parts.append(
            _pin(0.245, 0.75, materials.painted("sleeve", (0.02, 0.02, 0.02), 0.5), (x, -3.9, 0))
        )
    for z in (-1.6, 1.56):
        parts.append(shapes.box("earth", (0.55, 0.55, 0.05), steel, at=(0, -3.66, z)))
    return shapes.group("eu plug", parts)


def plug_uk() -> bpy.types.Object:
    """Type G: three rectangular pins."""
    steel = materials.metal(0.75, 0.2, "blade")
    parts = [
        _head(
            [
                (0.34, 0.34, 0.34, 0.2),
                (0.44, 0.44, 0.44, -0.7),
                (1.6, 1.3, 0.8, -1.2),
                (2.2, 1.9, 0.9, -1.7),
                (2.3, 2.0, 0.9, -2.6),
                (2.22, 1.92, 0.86, -2.7),
            ]
        )
    ]
    for x in (-1.1, 1.1):
        parts.append(shapes.box("pin", (0.63, 1.75, 0.4), steel, at=(x, -3.5, -1.0)))
    parts.append(shapes.box("earth", (0.4, 2.25, 0.8), steel, at=(0, -3.8, 0.8)))
    return shapes.group("uk plug", parts)


def _pin(radius: float, length: float, material: bpy.types.Material, at: Point) -> bpy.types.Object:
    """A round pin along -Y with a rounded tip."""
    profile = [
        (radius, 0),
        (radius, length - radius * 0.7),
        (radius * 0.8, length - radius * 0.3),
        (radius * 0.4, length - 0.03),
        (0.001, length),
    ]
    return shapes.turned("pin", profile, material, at, (90, 0, 0), steps=32)


def plate() -> bpy.types.Object:
    """The magnetic plate, lying: 60 mm across."""
    coat = materials.steel_black()
    body = shapes.turned(
        "plate",
        [(2.9, 0), (3.0, 0.1), (3.0, 0.2), (2.9, 0.3), (2.62, 0.3), (2.58, 0.25), (0.001, 0.25)],
        coat,
        steps=128,
    )
    shapes.cut(
        body, [shapes.disc("hole", 0.24, 2, materials.hollow(), at=(x, 0, -1)) for x in (-1.6, 1.6)]
    )
    steel = materials.metal(0.62, 0.3, "magnet")
    parts = [body]
    for x, y in ((0, 1.55), (0, -1.55)):
        parts.append(shapes.disc("magnet", 0.6, 0.03, steel, at=(x, y, 0.25)))
    for x in (-1.6, 1.6):
        parts.append(
            shapes.ring(
                "rim", 0.24, 0.42, 0.012, materials.metal(0.5, 0.35, "sink"), at=(x, 0, 0.246)
            )
        )
    holder = flat_print(brand.mark(), 0.4, 0, 0, 0.256, 0.22)
    return shapes.group("plate", parts + holder)


def pad() -> bpy.types.Object:
    """An adhesive pad with a liner whose tab sticks out."""
    foam = materials.painted("foam", (0.34, 0.345, 0.35), 0.8, 0.5, 60)
    liner = materials.painted("liner", (0.33, 0.47, 0.46), 0.4)
    return shapes.group(
        "pad",
        [
            shapes.disc("foam", 2.2, 0.11, foam),
            shapes.disc("liner", 2.2, 0.012, liner, at=(0, 0, 0.11)),
            shapes.slab("tab", (0.9, 0.9, 0.012), liner, 0.3, 0.004, at=(0, -2.3, 0.104)),
        ],
    )


def screw() -> bpy.types.Object:
    """A countersunk wood screw lying along X, head at x = 0."""
    zinc = materials.metal(0.68, 0.24, "zinc")
    profile = [
        (0.001, 0.02),
        (0.13, 0.02),
        (0.15, 0.0),
        (0.34, 0.0),
        (0.36, 0.03),
        (0.17, 0.24),
        (0.15, 0.3),
        (0.15, 0.7),
    ]
    z = 0.7
    while z < 2.2:
        profile += [(0.115, z + 0.02), (0.18, z + 0.07), (0.18, z + 0.085), (0.115, z + 0.13)]
        z += 0.15
    profile += [(0.1, 2.3), (0.001, 2.55)]
    body = shapes.turned("screw", profile, zinc, turn=(0, 90, 0), steps=40, sharp=50)
    slot = [
        shapes.box("cross", (0.012, 0.36, 0.07), materials.hollow(), at=(-0.004, 0, -0.035)),
        shapes.box("cross", (0.012, 0.07, 0.36), materials.hollow(), at=(-0.004, 0, -0.18)),
    ]
    return shapes.group("screw", [body, *slot])


def anchor() -> bpy.types.Object:
    """A wall anchor lying along X."""
    nylon = materials.painted("nylon", (0.66, 0.66, 0.64), 0.45)
    profile = [(0.17, 0.0), (0.36, 0.0), (0.36, 0.06), (0.29, 0.08)]
    z = 0.3
    while z < 2.1:
        profile += [(0.29, z), (0.25, z + 0.02), (0.25, z + 0.1), (0.31, z + 0.14)]
        z += 0.26
    profile += [(0.2, 2.5), (0.17, 2.52)]
    body = shapes.turned("anchor", profile, nylon, turn=(0, 90, 0), steps=40, sharp=40)
    mouth = shapes.disc("mouth", 0.17, 0.01, materials.hollow(), at=(-0.008, 0, 0), turn=(0, 90, 0))
    slit = shapes.box("slit", (1.6, 0.05, 0.64), materials.hollow(), at=(1.7, 0, -0.32))
    return shapes.group("anchor", [body, mouth, slit])
