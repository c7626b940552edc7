"""Shapes: meshes that the products are built from, in centimetres."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

import bmesh
import bpy
from mathutils import Euler, Vector

Point = tuple[float, float, float]
Ring = list[Point]


def link(thing: bpy.types.Object) -> bpy.types.Object:
    bpy.context.collection.objects.link(thing)
    return thing


def mesh(
    name: str,
    verts: Sequence[Point],
    faces: Iterable[Sequence[int]],
    material: bpy.types.Material,
    sharp: float | None = 35.0,
) -> bpy.types.Object:
    """Make an object of a mesh, smooth but for edges sharper than `sharp` degrees."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(list(verts), [], [tuple(face) for face in faces])
    data.update()
    data.shade_smooth()
    if sharp is not None:
        data.set_sharp_from_angle(angle=math.radians(sharp))
    data.materials.append(material)
    return link(bpy.data.objects.new(name, data))


def group(
    name: str, parts: Iterable[bpy.types.Object], at: Point = (0, 0, 0), turn: Point = (0, 0, 0)
) -> bpy.types.Object:
    """Put parts under one handle that can be placed; turn is in degrees."""
    root = link(bpy.data.objects.new(name, None))
    for part in parts:
        part.parent = root
    return place(root, at, turn)


def twin(root: bpy.types.Object) -> bpy.types.Object:
    """A second thing of the same meshes."""
    copy = link(root.copy())
    for part in root.children:
        twin(part).parent = copy
    return copy


def place(thing: bpy.types.Object, at: Point, turn: Point = (0, 0, 0)) -> bpy.types.Object:
    thing.location = at
    thing.rotation_euler = Euler([math.radians(angle) for angle in turn])
    return thing


def rounded(
    hx: float, hy: float, radius: float, corner: int = 14, edge: int = 6
) -> list[tuple[float, float]]:
    """The outline of a rounded rectangle with half sizes hx, hy; the count of points is fixed."""
    radius = max(0.001, min(radius, hx, hy))
    outline: list[tuple[float, float]] = []
    centres = [
        (hx - radius, hy - radius),
        (radius - hx, hy - radius),
        (radius - hx, radius - hy),
        (hx - radius, radius - hy),
    ]
    for index, (cx, cy) in enumerate(centres):
        start = math.pi / 2 * index
        arc = [
            (
                cx + radius * math.cos(start + math.pi / 2 * s / corner),
                cy + radius * math.sin(start + math.pi / 2 * s / corner),
            )
            for s in range(corner + 1)
        ]
        outline += arc
        nx, ny = centres[(index + 1) % 4]
        start += math.pi / 2
        goal = (nx + radius * math.cos(start), ny + radius * math.sin(start))
        outline += [
            (
                arc[-1][0] + (goal[0] - arc[-1][0]) * s / edge,
                arc[-1][1] + (goal[1] - arc[-1][1]) * s / edge,
            )
            for s in range(1, edge)
        ]
    return outline


def circle_like(outline: list[tuple[float, float]], radius: float) -> list[tuple[float, float]]:
    """A circle with one point for each point of outline, in the same direction from the centre."""
    return [
        (radius * math.cos(math.atan2(y, x)), radius * math.sin(math.atan2(y, x)))
        for x, y in outline
    ]


def facing(outline: list[tuple[float, float]], depth: float) -> Ring:
    """Stand an outline up: it faces -Y, `depth` towards the viewer."""
    return [(x, -depth, y) for x, y in outline]


def lying(outline: list[tuple[float, float]], height: float) -> Ring:
    return [(x, y, height) for x, y in outline]


def loft(
    name: str,
    rings: Sequence[Ring],
    material: bpy.types.Material,
    caps: tuple[bool, bool] = (True, True),
    sharp: float | None = 35.0,
) -> bpy.types.Object:
    """Skin a row of rings of equal count."""
    count = len(rings[0])
    verts = [point for ring in rings for point in ring]
    faces: list[Sequence[int]] = []
    for row in range(len(rings) - 1):
        a, b = row * count, (row + 1) * count
        faces += [(a + i, a + (i + 1) % count, b + (i + 1) % count, b + i) for i in range(count)]
    if caps[0]:
        faces.append(list(range(count))[::-1])
    if caps[1]:
        faces.append(list(range((len(rings) - 1) * count, len(rings) * count)))
    return mesh(name, verts, faces, material, sharp)


def fillet(radius: float, steps: int = 8) -> list[tuple[float, float]]:
    """(inset, rise) from a vertical wall to a flat top."""
    return [
        (
            radius - radius * math.cos(math.pi / 2 * s / steps),
            radius * math.sin(math.pi / 2 * s / steps),
        )
        for s in range(steps + 1)
    ]


def slab(
    name: str,
    size: Point,
    material: bpy.types.Material,
    radius: float = 0.3,
    edge: float = 0.06,
    at: Point = (0, 0, 0),
    turn: Point = (0, 0, 0),
) -> bpy.types.Object:
    """A lying rounded box: `radius` in plan, `edge` along top and bottom; z runs from 0."""
    hx, hy, height = size[0] / 2, size[1] / 2, size[2]
    edge = min(edge, height / 2 - 1e-4)
    rings = []
    for inset, rise in reversed(fillet(edge, 5)):
        rings.append(lying(rounded(hx - inset, hy - inset, radius - inset, 10, 3), edge - rise))
    for inset, rise in fillet(edge, 5):
        rings.append(
            lying(rounded(hx - inset, hy - inset, radius - inset, 10, 3), height - edge + rise)
        )
    return place(loft(name, rings, material), at, turn)


def box(
    name: str,
    size: Point,
    material: bpy.types.Material,
    at: Point = (0, 0, 0),
    turn: Point = (0, 0, 0),
) -> bpy.types.Object:
    """A plain box on z = 0; its edges are rounded by the material."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    verts = [
        (-x, -y, 0),
        (x, -y, 0),
        (x, y, 0),
        (-x, y, 0),
        (-x, -y, z),
        (x, -y, z),
        (x, y, z),
        (-x, y, z),
    ]
    faces = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    return place(mesh(name, verts, faces, material), at, turn)


def turned(
    name: str,
    profile: Sequence[tuple[float, float]],
    material: bpy.types.Material,
    at: Point = (0, 0, 0),
    turn: Point = (0, 0, 0),
    steps: int = 64,
    sharp: float = 35.0,
) -> bpy.types.Object:
    """A body of revolution round Z from (radius, height) pairs."""
    rings = [
        [
            (r * math.cos(2 * math.pi * i / steps), r * math.sin(2 * math.pi * i / steps), z)
            for i in range(steps)
        ]
        for r, z in profile
    ]
    return place(loft(name, rings, material, sharp=sharp), at, turn)


def disc(
    name: str,
    radius: float,
    height: float,
    material: bpy.types.Material,
    at: Point = (0, 0, 0),
    turn: Point = (0, 0, 0),
    edge: float = 0.03,
) -> bpy.types.Object:
    edge = min(edge, height / 2 - 1e-4, radius / 2)
    return turned(
        name,
        [(radius - edge, 0), (radius, edge), (radius, height - edge), (radius - edge, height)],
        material,
        at,
        turn,
        sharp=40,
    )


def ring(
    name: str,
    inner: float,
    outer: float,
    height: float,
    material: bpy.types.Material,
    at: Point = (0, 0, 0),
    turn: Point = (0, 0, 0),
    steps: int = 96,
) -> bpy.types.Object:
    """A flat ring round Z."""
    profile = [(inner, 0), (outer, 0), (outer, height), (inner, height)]
    verts = [
        (r * math.cos(2 * math.pi * i / steps), r * math.sin(2 * math.pi * i / steps), z)
        for r, z in profile
        for i in range(steps)
    ]
    faces = [
        (
            row * steps + i,
            row * steps + (i + 1) % steps,
            (row + 1) % 4 * steps + (i + 1) % steps,
            (row + 1) % 4 * steps + i,
        )
        for row in range(4)
        for i in range(steps)
    ]
    return place(mesh(name, verts, faces, material), at, turn)


def tube(
    name: str,
    points: Sequence[Point],
    radius: float,
    material: bpy.types.Material,
    smooth: bool = True,
    cyclic: bool = False,
) -> bpy.types.Object:
    """A round wire along points."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth = radius
    curve.bevel_resolution = 5
    curve.use_fill_caps = True
    spline = curve.splines.new("NURBS" if smooth else "POLY")
    spline.points.add(len(points) - 1)
    for slot, point in zip(spline.points, points, strict=True):
        slot.co = (*point, 1)
    if smooth:
        spline.use_endpoint_u = True
        spline.order_u = 4
        spline.resolution_u = 8
    spline.use_cyclic_u = cyclic
    curve.materials.append(material)
    return link(bpy.data.objects.new(name, curve))


def cut(thing: bpy.types.Object, cutters: Sequence[bpy.types.Object]) -> None:
    """Cut shapes that don't touch each other out of a thing, once and for all."""
    data = bmesh.new()
    for cutter in cutters:
        start = len(data.verts)
        data.from_mesh(cutter.data)
        bpy.context.view_layer.update()
        data.verts.ensure_lookup_table()
        bmesh.ops.transform(data, matrix=cutter.matrix_world, verts=data.verts[start:])
    joined = bpy.data.meshes.new("cutter")
    data.to_mesh(joined)
    data.free()
    joined.materials.append(cutters[0].data.materials[0])
    tool = link(bpy.data.objects.new("cutter", joined))
    modifier = thing.modifiers.new("cut", "BOOLEAN")
    modifier.operation = "DIFFERENCE"
    modifier.solver = "EXACT"
    modifier.object = tool
    modifier.material_mode = "TRANSFER"
    result = bpy.data.meshes.new_from_object(
        thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    )
    result.set_sharp_from_angle(angle=math.radians(30))
    thing.modifiers.clear()
    thing.data = result
    for used in (tool, *cutters):
        bpy.data.objects.remove(used)


def smooth_path(points: Sequence[Point], count: int) -> list[Vector]:
    """A Catmull-Rom curve through points, sampled evenly by length."""
    knots = [Vector(point) for point in points]
    knots = [2 * knots[0] - knots[1], *knots, 2 * knots[-1] - knots[-2]]
    dense: list[Vector] = []
    for i in range(1, len(knots) - 2):
        p0, p1, p2, p3 = knots[i - 1 : i + 3]
        for s in range(40):
            t = s / 40
            dense.append(
                0.5
                * (
                    2 * p1
                    + (p2 - p0) * t
                    + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t
                    + (3 * p1 - p0 - 3 * p2 + p3) * t**3
                )
            )
    dense.append(knots[-2])
    lengths = [0.0]
    for a, b in itertools.pairwise(dense):
        lengths.append(lengths[-1] + (b - a).length)
    result, at = [], 0
    for i in range(count):
        goal = lengths[-1] * i / (count - 1)
        while at < len(lengths) - 2 and lengths[at + 1] < goal:
            at += 1
        span = lengths[at + 1] - lengths[at] or 1
        result.append(dense[at].lerp(dense[at + 1], min(1, (goal - lengths[at]) / span)))
    return result
