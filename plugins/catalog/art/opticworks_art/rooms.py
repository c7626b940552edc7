"""Rooms: a bookshelf, and a living room at dusk, with the radar field drawn in."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import bpy
from mathutils import Vector

from . import materials, shapes, studio
from .sensor import rs1
from .shapes import box, place, slab

TEAL = (0.18, 0.86, 0.78)
SENSOR = (9.5, 55.0, 118.0)


def _sheet(
    name: str, rows: list[list[tuple[shapes.Point, float]]], material: bpy.types.Material
) -> bpy.types.Object:
    """A grid of points that each carry how much of the veil is seen there."""
    wide = len(rows[0])
    verts = [point for row in rows for point, _ in row]
    faces = [
        (r * wide + i, r * wide + i + 1, (r + 1) * wide + i + 1, (r + 1) * wide + i)
        for r in range(len(rows) - 1)
        for i in range(wide - 1)
    ]
    thing = shapes.mesh(name, verts, faces, material)
    fade = thing.data.attributes.new("fade", "FLOAT", "POINT")
    fade.data.foreach_set("value", [value for row in rows for _, value in row])
    for kind in ("diffuse", "glossy", "shadow"):
        setattr(thing, f"visible_{kind}", False)
    return thing


def field(
    reach: float,
    half_angle: float = 60.0,
    arcs: int = 5,
    fill: float = 0.10,
    line: float = 0.5,
    strength: float = 1.0,
    width: float = 0.004,
) -> bpy.types.Object:
    """The field of view as a fan with range arcs, from the origin towards -Y, lying in z = 0."""

    def at(radius: float, angle: float) -> shapes.Point:
        return (radius * math.sin(angle), -radius * math.cos(angle), 0.0)

    angles = [math.radians(half_angle) * (i / 48 - 1) for i in range(97)]

    def across(angle: float) -> float:
        return 1 - (abs(angle) / math.radians(half_angle)) ** 2.2

    sheet = materials.veil("fan", TEAL, strength, fill)
    rows = [
        [(at(reach * k / 30, a), across(a) * (1 - k / 30) ** 1.3 * min(1, k / 4)) for a in angles]
        for k in range(1, 31)
    ]
    parts = [_sheet("fan", rows, sheet)]
    stroke = materials.veil("arc", TEAL, strength * 1.2, line)
    for k in range(1, arcs + 1):
        radius = reach * (k / arcs) * 0.94
        half = reach * width * (0.6 + 0.6 * k / arcs)
        rows = [
            [
                (
                    at(radius + d * half, a),
                    across(a) ** 0.8 * (1 - 0.8 * (k - 1) / arcs) * (1.0 if abs(d) < 0.5 else 0.0),
                )
                for a in angles
            ]
            for d in (-1, -0.4, 0.4, 1)
        ]
        parts.append(_sheet("arc", rows, stroke))
    return shapes.group("field", parts)


def wood(
    name: str,
    light: materials.Colour,
    dark: materials.Colour,
    along: str = "X",
    scale: float = 0.25,
) -> bpy.types.Material:
    """Oiled timber with its grain along an axis."""
    material, shader = materials.principled(name, Roughness=0.42, Specular=0.35)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    where = nodes.new("ShaderNodeTexCoord")
    mapping = nodes.new("ShaderNodeMapping")
    stretch = {"X": (0.06, 1, 1), "Y": (1, 0.06, 1), "Z": (1, 1, 0.06)}[along]
    mapping.inputs["Scale"].default_value = [scale * s for s in stretch]
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 4
    noise.inputs["Detail"].default_value = 8
    noise.inputs["Distortion"].default_value = 0.6
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.36, 0.66
    ramp.color_ramp.elements[0].color = (*dark, 1)
    ramp.color_ramp.elements[1].color = (*light, 1)
    links.new(where.outputs["Object"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return material


def plaster(colour: materials.Colour) -> bpy.types.Material:
    return materials.painted("plaster", colour, 0.85, 0.35, 1.2)


def book(
    width: float, depth: float, height: float, colour: materials.Colour, name: str
) -> bpy.types.Object:
    """A cloth-bound book with its spine to -Y."""
    cloth = materials.painted(f"cloth {name}", colour, 0.8, 0.35, 60)
    paper = materials.painted("paper", (0.72, 0.67, 0.57), 0.8, 0.4, 30)
    parts = [
        box("pages", (width - 0.4, depth - 0.5, height - 0.6), paper, at=(0, 0.1, 0.3)),
        slab("spine", (width, 0.35, height), cloth, 0.14, 0.05, at=(0, -depth / 2 + 0.15, 0)),
    ]
    for side in (-1, 1):
        parts.append(box("cover", (0.2, depth, height), cloth, at=(side * (width / 2 - 0.1), 0, 0)))
    for z in (0.16, 0.84):
        parts.append(
            box(
                "band",
                (width * 0.8, 0.02, 0.12),
                materials.painted("foil", (0.62, 0.5, 0.3), 0.35),
                at=(0, -depth / 2 - 0.03, height * z),
            )
        )
    return shapes.group("book", parts)


def stems(count: int, height: float, seed: int, colour: materials.Colour) -> bpy.types.Object:
    """Dried grass for a vase."""
    chance = random.Random(seed)
    straw = materials.painted("straw", colour, 0.8)
    parts = []
    for _ in range(count):
        a, lean = chance.uniform(0, 2 * math.pi), chance.uniform(0.08, 0.34)
        tall = height * chance.uniform(0.7, 1.0)
        path = [
            (math.cos(a) * lean * tall * t**1.8, math.sin(a) * lean * tall * t**1.8, tall * t)
            for t in (0, 0.25, 0.5, 0.75, 1.0)
        ]
        parts.append(shapes.tube("stem", path, 0.05, straw))
        for k in range(26):
            t = 0.66 + 0.34 * k / 26
            base = Vector(
                (math.cos(a) * lean * tall * t**1.8, math.sin(a) * lean * tall * t**1.8, tall * t)
            )
            tip = base + Vector(
                (chance.uniform(-0.5, 0.5), chance.uniform(-0.5, 0.5), chance.uniform(0.4, 0.9))
            )
            parts.append(
                shapes.tube(
                    "ear",
                    [tuple(base), tuple(base.lerp(tip, 0.5)), tuple(tip)],
                    0.055,
                    straw,
                    smooth=False,
                )
            )
    return shapes.group("stems", parts)


def shelf_scene(colour: str) -> None:
    """The sensor between books and a vase, in soft daylight, its field of view drawn."""
    box("wall", (300, 2, 300), plaster((0.50, 0.48, 0.45)), at=(0, 13, -150))
    oak = wood("oak", (0.42, 0.27, 0.155), (0.27, 0.16, 0.085))
    slab("shelf", (160, 24, 2.8), oak, 0.3, 0.12, at=(0, 1, -2.8))
    chance = random.Random(4)
    cloths = [
        (0.10, 0.16, 0.17),
        (0.45, 0.41, 0.33),
        (0.26, 0.10, 0.06),
        (0.30, 0.33, 0.30),
        (0.52, 0.49, 0.44),
        (0.07, 0.09, 0.12),
        (0.38, 0.30, 0.20),
    ]
    x = -27.5
    for i, cloth in enumerate(cloths):
        width = chance.uniform(1.9, 3.6)
        x += width / 2
        place(book(width, 14, chance.uniform(18.5, 23), cloth, str(i)), (x, 3.6, 0))
        x += width / 2 + 0.06
    clay = materials.painted("clay", (0.56, 0.50, 0.43), 0.7, 0.6, 12)
    vase = [
        (0.001, 0),
        (3.2, 0),
        (3.6, 0.5),
        (4.9, 4.5),
        (4.7, 7.5),
        (2.5, 10.4),
        (1.8, 12.2),
        (2.1, 13.2),
        (1.9, 13.3),
        (1.5, 12.2),
        (1.4, 11),
    ]
    shapes.turned("vase", vase, clay, at=(17.5, 4.4, 0), sharp=60)
    place(stems(13, 27, 3, (0.46, 0.35, 0.20)), (17.5, 4.4, 6))
    place(rs1(colour, lit="faint"), (3.0, -4.6, 4.25), (0, 0, 14))
    fan = field(31, arcs=5, fill=0.17, line=0.42, strength=0.9, width=0.005)
    place(fan, (3.3, -6.2, 4.3), (0, 0, 14))
    fan.rotation_euler[0] = math.radians(4)
    studio.softbox((-60, -40, 60), (60, 60), 3.4, target=(0, 0, 6), colour=(1, 0.955, 0.90))
    studio.softbox((60, -60, 25), (40, 60), 0.5, colour=(0.86, 0.93, 1))
    studio.world(0.30)
    studio.camera(
        (1.5, -1.5, 7.4), 66, azimuth=-8, elevation=17, lens=66, fstop=8, focus=(2.6, -6.2, 4.3)
    )


def sky() -> bpy.types.Material:
    """Dusk in a window: warm at the bottom, blue above."""
    material, shader = materials.principled(
        "sky", Base_Color=(0, 0, 0), Roughness=0.05, Emission_Strength=1.15
    )
    nodes, links = material.node_tree.nodes, material.node_tree.links
    where = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = (0.80, 0.50, 0.36, 1)
    ramp.color_ramp.elements[1].color = (0.085, 0.16, 0.36, 1)
    middle = ramp.color_ramp.elements.new(0.38)
    middle.color = (0.42, 0.40, 0.52, 1)
    links.new(where.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Emission Color"])
    return material


def _window() -> None:
    """A window with curtains."""
    frame = materials.painted("window frame", (0.06, 0.06, 0.065), 0.5)
    box("sky", (128, 1, 196), sky(), at=(-152, 425, 55))
    for x in (-214, -152, -90):
        box("mullion", (2.6, 4, 196), frame, at=(x, 422, 53))
    for z in (53, 165, 247):
        box("mullion", (128, 4, 2.6), frame, at=(-152, 422, z))
    linen = materials.painted("linen", (0.46, 0.43, 0.39), 0.9)
    for i in range(9):
        shapes.disc("fold", 4.2, 245, linen, at=(-84 + i * 5.5, 417 + 2 * (i % 2), 8))


def _sofa() -> None:
    """A sofa with cushions."""
    sofa = materials.painted("sofa", (0.30, 0.285, 0.265), 0.9, 0.3, 3)
    slab("seat", (200, 85, 22), sofa, 8, 5, at=(-135, 345, 16))
    slab("rest", (200, 24, 60), sofa, 9, 7, at=(-135, 385, 20))
    for x in (-237, -33):
        slab("arm", (24, 88, 44), sofa, 9, 7, at=(x, 345, 14))
    for x, shade, turn in (
        (-200, (0.50, 0.27, 0.14), 12),
        (-163, (0.46, 0.43, 0.37), -8),
        (-62, (0.40, 0.38, 0.34), -14),
    ):
        slab(
            "cushion",
            (40, 14, 38),
            materials.painted(f"cushion {x}", shade, 0.9),
            6,
            5,
            at=(x, 366, 38),
            turn=(-14, 0, turn),
        )


def _floor_lamp() -> None:
    """A lit floor lamp."""
    brass = materials.metal(0.4, 0.3, "brass")
    shapes.disc("pole", 1.1, 152, brass, at=(-14, 400, 0))
    shapes.turned(
        "shade",
        [(17, 0), (23, -2), (15, 30), (14, 30)],
        materials.light("lampshade", (1.0, 0.62, 0.30), 4.5),
        at=(-14, 400, 146),
    )
    bulb = studio.softbox(
        (-14, 392, 140), (24, 24), 55, target=(-40, 360, 0), colour=(1, 0.66, 0.36)
    )
    bulb.data.spread = math.radians(160)


def _table() -> None:
    """A low round table."""
    oak = wood("table", (0.30, 0.18, 0.10), (0.18, 0.10, 0.055))
    shapes.disc("table", 42, 4, oak, at=(-90, 262, 36), edge=1.5)
    for a in range(3):
        shapes.disc(
            "leg", 2, 36, oak, at=(-90 + 26 * math.cos(a * 2.1), 262 + 26 * math.sin(a * 2.1), 0)
        )


def _plant() -> None:
    """A pot plant in the corner."""
    pot = materials.painted("pot", (0.40, 0.36, 0.32), 0.7)
    shapes.turned("pot", [(12, 0), (17, 30), (15, 30), (13, 26)], pot, at=(-262, 372, 0))
    leaf = materials.painted("leaf", (0.045, 0.10, 0.045), 0.5)
    chance = random.Random(8)
    for _ in range(46):
        a, tall = chance.uniform(0, 2 * math.pi), chance.uniform(45, 125)
        reach = chance.uniform(8, 40)
        place(
            slab("leaf", (11, 30, 0.5), leaf, 5.4, 0.2),
            (-262 + reach * math.cos(a), 372 + reach * math.sin(a), tall),
            (chance.uniform(-50, 50), chance.uniform(-40, 40), math.degrees(a) + 90),
        )


def _living_room() -> None:
    """What is seen, out of focus, behind the sensor. The floor is z = 0, the back wall y = 430."""
    wall = plaster((0.36, 0.34, 0.325))
    box("back wall", (900, 4, 270), wall, at=(0, 430, 0))
    box("left wall", (4, 900, 270), wall, at=(-290, 200, 0))
    box(
        "floor",
        (900, 1000, 2),
        wood("floor", (0.22, 0.13, 0.075), (0.13, 0.075, 0.042), "Y", 0.05),
        at=(0, 200, -2),
    )
    slab(
        "rug",
        (230, 150, 1.5),
        materials.painted("wool", (0.42, 0.40, 0.37), 0.95),
        4,
        0.5,
        at=(-95, 290, 0),
    )
    _window()
    _sofa()
    _floor_lamp()
    _table()
    _plant()


def dusk_scene(look: Callable[[], None]) -> None:
    """A sensor on a wall, the living room at dusk behind it; `look` puts up the camera."""
    studio.world(0.24, (0.80, 0.86, 1.0))
    _living_room()
    face = plaster((0.50, 0.475, 0.45))
    pier = [box("pier", (130, 60, 300), face, at=(52.5, 31.6, -150)), rs1("white", lit="teal")]
    fan = place(field(46, arcs=5, fill=0.045, line=0.38, strength=0.9, width=0.003), (0, -1.7, 0))
    fan.rotation_euler[0] = math.radians(12)
    pier.append(fan)
    shapes.group("pier", pier, SENSOR, (0, 0, -36))
    studio.softbox((-60, -40, 190), (90, 90), 3.4, target=SENSOR, colour=(1.0, 0.90, 0.80))
    studio.softbox((-60, 150, 140), (40, 60), 22.0, target=SENSOR, colour=(1, 0.74, 0.50))
    look()


def hero_wide() -> None:
    studio.camera((-4.2, 55, 117), 56, azimuth=0, elevation=6, lens=32, fstop=5.6, focus=SENSOR)


def hero_tall() -> None:
    studio.camera((5.2, 55, 115.5), 46, azimuth=0, elevation=6, lens=34, fstop=5.6, focus=SENSOR)


def hero_card() -> None:
    studio.camera((0, 55, 117), 56, azimuth=0, elevation=6, lens=34, fstop=5.6, focus=SENSOR)
