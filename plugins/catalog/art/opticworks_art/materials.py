"""Materials: what things are made of. Each call makes a fresh material or reuses one by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

Colour = tuple[float, float, float]


def principled(name: str, **inputs: Any) -> tuple[bpy.types.Material, Any]:
    """A material and its shader; inputs are named as in Blender, with _ for a space."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    for key, value in inputs.items():
        label = key.replace("_", " ")
        label = {
            "Specular": "Specular IOR Level",
            "Subsurface": "Subsurface Weight",
            "Coat": "Coat Weight",
            "Transmission": "Transmission Weight",
            "Sheen": "Sheen Weight",
        }.get(label, label)
        if isinstance(value, tuple) and len(value) == 3:
            value = (*value, 1)
        shader.inputs[label].default_value = value
    return material, shader


def _round_edges(
    material: bpy.types.Material,
    shader: Any,
    radius: float,
    grain: float = 0.0,
    scale: float = 60.0,
) -> None:
    """Round edges in shading, over an optional fine grain as of a textured mould."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    normal = None
    if radius:
        bevel = nodes.new("ShaderNodeBevel")
        bevel.samples = 3
        bevel.inputs["Radius"].default_value = radius
        normal = bevel.outputs["Normal"]
    if grain:
        coordinates = nodes.new("ShaderNodeTexCoord")
        noise = nodes.new("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = scale
        noise.inputs["Detail"].default_value = 3
        links.new(coordinates.outputs["Object"], noise.inputs["Vector"])
        bump = nodes.new("ShaderNodeBump")
        bump.inputs["Strength"].default_value = grain
        bump.inputs["Distance"].default_value = 0.01
        links.new(noise.outputs["Fac"], bump.inputs["Height"])
        if normal:
            links.new(normal, bump.inputs["Normal"])
        normal = bump.outputs["Normal"]
    if normal:
        links.new(normal, shader.inputs["Normal"])


def _cached(name: str, make: Callable[[], bpy.types.Material]) -> bpy.types.Material:
    return bpy.data.materials.get(name) or make()


def _plain(
    name: str, radius: float = 0.012, grain: float = 0.0, scale: float = 60.0, **inputs: Any
) -> bpy.types.Material:
    def make() -> bpy.types.Material:
        material, shader = principled(name, **inputs)
        _round_edges(material, shader, radius, grain, scale)
        return material

    return _cached(name, make)


def backdrop(colour: Colour) -> bpy.types.Material:
    material, _ = principled("backdrop", Base_Color=colour, Roughness=0.75, Specular=0.2)
    return material


def body(colour: str) -> bpy.types.Material:
    """The case: 'white' or 'graphite' polycarbonate with a fine matte texture."""
    if colour == "white":
        return _plain(
            "body white",
            0,
            0.16,
            45,
            Base_Color=(0.83, 0.82, 0.80),
            Roughness=0.48,
            Specular=0.42,
            Subsurface=0.0,
        )
    return _plain(
        "body graphite", 0, 0.2, 45, Base_Color=(0.036, 0.038, 0.042), Roughness=0.46, Specular=0.45
    )


def rubber(colour: str) -> bpy.types.Material:
    """A darker, softer shade of the case for feet, strain reliefs and straps."""
    if colour == "white":
        return _plain(
            "rubber white",
            0.015,
            0.2,
            90,
            Base_Color=(0.62, 0.615, 0.60),
            Roughness=0.7,
            Specular=0.25,
        )
    return _plain(
        "rubber graphite",
        0.015,
        0.2,
        90,
        Base_Color=(0.018, 0.019, 0.021),
        Roughness=0.68,
        Specular=0.3,
    )


def gloss() -> bpy.types.Material:
    return _plain("gloss", 0, Base_Color=(0.004, 0.004, 0.005), Roughness=0.05, Specular=0.5)


def hollow() -> bpy.types.Material:
    """The inside of ports and slots."""
    return _plain("hollow", 0, Base_Color=(0.008, 0.008, 0.009), Roughness=0.6)


def ink(colour: str) -> bpy.types.Material:
    """Print on a case of that colour."""
    shade = (0.42, 0.42, 0.42) if colour == "white" else (0.30, 0.31, 0.32)
    return _plain(f"ink {colour}", 0, Base_Color=shade, Roughness=0.6, Specular=0.2)


def silkscreen() -> bpy.types.Material:
    return _plain("silkscreen", 0, Base_Color=(0.75, 0.75, 0.72), Roughness=0.6)


def metal(shade: float = 0.72, roughness: float = 0.24, name: str = "nickel") -> bpy.types.Material:
    return _plain(
        name,
        0.008,
        Base_Color=(shade, shade * 0.99, shade * 0.965),
        Metallic=1.0,
        Roughness=roughness,
    )


def gold() -> bpy.types.Material:
    return _plain("gold", 0.006, Base_Color=(0.93, 0.66, 0.27), Metallic=1.0, Roughness=0.22)


def board() -> bpy.types.Material:
    """Black solder mask."""
    return _plain(
        "board", 0, 0.05, 30, Base_Color=(0.010, 0.012, 0.014), Roughness=0.33, Specular=0.5
    )


def trace() -> bpy.types.Material:
    """A track under solder mask: slightly lighter than the board."""
    return _plain("trace", 0, Base_Color=(0.022, 0.027, 0.030), Roughness=0.3)


def chip() -> bpy.types.Material:
    return _plain("chip", 0.012, 0.12, 120, Base_Color=(0.018, 0.018, 0.019), Roughness=0.55)


def ceramic(colour: Colour, name: str) -> bpy.types.Material:
    return _plain(name, 0.01, Base_Color=colour, Roughness=0.4)


def textile(colour: str) -> bpy.types.Material:
    shade = (0.78, 0.77, 0.75) if colour == "white" else (0.045, 0.047, 0.052)

    def make() -> bpy.types.Material:
        material, _ = principled(
            f"textile {colour}", Base_Color=shade, Roughness=0.72, Specular=0.25, Sheen=0.25
        )
        return material

    return _cached(f"textile {colour}", make)


def steel_black() -> bpy.types.Material:
    """Powder coat."""
    return _plain("powder coat", 0.02, 0.5, 40, Base_Color=(0.03, 0.031, 0.033), Roughness=0.5)


def painted(
    name: str,
    colour: Colour,
    roughness: float = 0.6,
    grain: float = 0.0,
    scale: float = 20.0,
    radius: float = 0,
) -> bpy.types.Material:
    """Any other opaque surface."""
    return _plain(name, radius, grain, scale, Base_Color=colour, Roughness=roughness, Specular=0.3)


def light(name: str, colour: Colour, strength: float) -> bpy.types.Material:
    """A lit surface."""

    def make() -> bpy.types.Material:
        material, _ = principled(
            name,
            Base_Color=colour,
            Emission_Color=colour,
            Emission_Strength=strength,
            Roughness=0.4,
        )
        return material

    return _cached(name, make)


def light_pipe(colour: str) -> bpy.types.Material:
    """The ring round the dish while the status light is off."""
    shade = (0.60, 0.61, 0.61) if colour == "white" else (0.075, 0.08, 0.085)
    return _plain(f"light pipe {colour}", 0, Base_Color=shade, Roughness=0.28, Specular=0.6)


def veil(name: str, colour: Colour, strength: float, alpha: float) -> bpy.types.Material:
    """A see-through glowing sheet: the drawn field of view."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    output = nodes.new("ShaderNodeOutputMaterial")
    mix = nodes.new("ShaderNodeMixShader")
    glow = nodes.new("ShaderNodeEmission")
    clear = nodes.new("ShaderNodeBsdfTransparent")
    glow.inputs["Color"].default_value = (*colour, 1)
    glow.inputs["Strength"].default_value = strength
    attribute = nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = "fade"
    scale = nodes.new("ShaderNodeMath")
    scale.operation = "MULTIPLY"
    scale.inputs[1].default_value = alpha
    links.new(attribute.outputs["Fac"], scale.inputs[0])
    links.new(scale.outputs[0], mix.inputs["Fac"])
    links.new(clear.outputs[0], mix.inputs[1])
    links.new(glow.outputs[0], mix.inputs[2])
    links.new(mix.outputs[0], output.inputs["Surface"])
    return material
