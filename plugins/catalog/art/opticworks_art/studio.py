"""The studio: one backdrop, one set of lights and one family of cameras for every product picture.

Lengths are centimetres (one Blender unit is one centimetre). Things are built around the origin
with their front towards -Y and placed afterwards.
"""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

from .materials import backdrop

BACKDROP = (0.75, 0.742, 0.728)


def reset() -> None:
    """Start an empty scene with the render settings that all pictures share."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.use_denoising = True
    scene.cycles.denoising_prefilter = "ACCURATE"
    scene.cycles.denoising_quality = "HIGH"
    scene.cycles.max_bounces = 5
    scene.cycles.diffuse_bounces = 3
    scene.cycles.caustics_reflective = False
    scene.cycles.caustics_refractive = False
    scene.cycles.sample_clamp_indirect = 6
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.09
    scene.cycles.adaptive_min_samples = 6
    scene.cycles.use_light_tree = False
    scene.view_settings.view_transform = "Khronos PBR Neutral"
    scene.render.dither_intensity = 1.0
    scene.world = bpy.data.worlds.new("world")
    world(0.35)


def world(strength: float, colour: tuple[float, float, float] = (1.0, 0.99, 0.97)) -> None:
    """Light everything evenly from all sides, which fills the shadows."""
    background = bpy.context.scene.world.node_tree.nodes.get("Background")
    if background is None:
        bpy.context.scene.world.use_nodes = True
        background = bpy.context.scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*colour, 1)
    background.inputs["Strength"].default_value = strength


def sweep(colour: tuple[float, float, float] = BACKDROP, depth: float = 45.0) -> None:
    """Lay a seamless paper sweep: floor, a wide curve, wall."""
    profile = [(-120.0, 0.0)]
    radius = 28.0
    for step in range(25):
        angle = math.pi / 2 * step / 24
        profile.append((depth + radius * math.sin(angle), radius - radius * math.cos(angle)))
    profile.append((depth + radius, 160.0))
    verts = [(x, y, z) for y, z in profile for x in (-220.0, 220.0)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(profile) - 1)]
    mesh = bpy.data.meshes.new("sweep")
    mesh.from_pydata(verts, [], faces)
    mesh.shade_smooth()
    mesh.materials.append(backdrop(colour))
    bpy.context.collection.objects.link(bpy.data.objects.new("sweep", mesh))


def aim(thing: bpy.types.Object, target: tuple[float, float, float]) -> None:
    """Turn a light or camera towards a point."""
    direction = Vector(target) - thing.location
    thing.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()


def softbox(
    at: tuple[float, float, float],
    size: tuple[float, float],
    radiance: float,
    target: tuple[float, float, float] = (0, 0, 3),
    colour: tuple[float, float, float] = (1, 1, 1),
) -> bpy.types.Object:
    """Hang a rectangular light; radiance is independent of its size."""
    light = bpy.data.lights.new("softbox", "AREA")
    light.shape = "RECTANGLE"
    light.size, light.size_y = size
    light.energy = radiance * math.pi * size[0] * size[1]
    light.color = colour
    thing = bpy.data.objects.new("softbox", light)
    bpy.context.collection.objects.link(thing)
    thing.location = at
    thing.visible_camera = False
    aim(thing, target)
    return thing


def camera(
    target: tuple[float, float, float],
    distance: float,
    azimuth: float = 0.0,
    elevation: float = 12.0,
    lens: float = 90.0,
    fstop: float | None = None,
    focus: tuple[float, float, float] | None = None,
) -> bpy.types.Object:
    """Put the camera on a sphere around target; angles are degrees, azimuth 0 looks along +Y."""
    data = bpy.data.cameras.new("camera")
    data.lens = lens
    data.clip_end = 5000
    thing = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(thing)
    a, e = math.radians(azimuth), math.radians(elevation)
    offset = Vector((math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)))
    thing.location = Vector(target) + offset * distance
    aim(thing, target)
    if fstop:
        data.dof.use_dof = True
        # Scene units are centimetres where Blender assumes metres, hence the factor.
        data.dof.aperture_fstop = fstop / 100
        data.dof.focus_distance = (Vector(focus or target) - thing.location).length
    bpy.context.scene.camera = thing
    return thing


def daylight(level: float = 1.0) -> None:
    """Hang the shop's standard lights: large key upper left, weak fill right, strip behind."""
    softbox((-40, -24, 44), (38, 38), 5.0 * level)
    softbox((46, -34, 16), (24, 44), 0.5 * level)
    softbox((-6, 36, 58), (90, 26), 2.6 * level, target=(0, 6, 0))
    world(0.36 * level)


def render(path: str, width: int, height: int, samples: int) -> None:
    """Render the scene into a PNG."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.cycles.samples = samples
    scene.cycles.seed = 7
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
