"""The pictures: one function per stem, which builds the scene around an empty stage."""

from __future__ import annotations

from collections.abc import Callable

from . import boards, power, rooms, shapes, studio
from .sensor import HALF, rs1
from .shapes import place

Shot = Callable[[], None]
SHOTS: dict[str, tuple[Shot, int, int]] = {}
SQUARE = 1440


def shot(stem: str, width: int = SQUARE, height: int = SQUARE) -> Callable[[Shot], Shot]:
    def add(make: Shot) -> Shot:
        SHOTS[stem] = (make, width, height)
        return make

    return add


def _angle(colour: str, model: str) -> None:
    studio.sweep()
    studio.daylight()
    place(rs1(colour, model), (0, 0, HALF), (0, 0, -32))
    studio.camera((0.1, 0, 3.95), 38, elevation=13)


def _front(colour: str, model: str) -> None:
    studio.sweep()
    studio.daylight()
    place(rs1(colour, model), (0, 0, HALF))
    studio.camera((0, 0, 4.0), 38, elevation=4)


def _back(colour: str) -> None:
    studio.sweep()
    studio.daylight()
    place(rs1(colour), (0, 0, 1.62), (90, 0, 180 - 24))
    studio.camera((0, -0.3, 1.2), 38, elevation=34)


for _colour in ("white", "graphite"):
    for _model in ("pro", "lite"):
        shot(f"rs-1-{_model}-{_colour}-angle")(lambda c=_colour, m=_model: _angle(c, m))
        shot(f"rs-1-{_model}-{_colour}-front")(lambda c=_colour, m=_model: _front(c, m))
    shot(f"rs-1-{_colour}-back")(lambda c=_colour: _back(c))


def _lit(colour: str) -> None:
    studio.sweep()
    studio.daylight(0.17)
    place(rs1(colour, lit="teal"), (0, 0, HALF), (0, 0, -32))
    studio.camera((0.1, 0, 3.95), 38, elevation=13)


def _modules_on(paper: float, distance: float, elevation: float) -> None:
    studio.sweep(depth=paper)
    studio.daylight()
    studio.camera((0, 0, 0.4), distance, elevation=elevation, fstop=22)


@shot("poe-module-angle")
def _poe_angle() -> None:
    place(boards.poe_module(), (0, 0, 0.03), (0, 0, 24))
    _modules_on(45, 20.5, 36)


@shot("poe-module-sensor")
def _poe_sensor() -> None:
    studio.sweep()
    studio.daylight()
    place(rs1("white", open_bay=True), (-2.2, 4.6, HALF), (-6, 0, 180 - 20))
    place(boards.poe_module(), (2.6, -2.8, 0.03), (0, 0, 28))
    studio.camera((0.2, 1.0, 3.1), 47, elevation=24, fstop=22)


@shot("iaq-module-angle")
def _iaq_angle() -> None:
    place(boards.iaq_module(), (0, 0, 0.03), (0, 0, 26))
    _modules_on(45, 12, 38)


@shot("iaq-module-pins")
def _iaq_pins() -> None:
    place(boards.iaq_module(underside=True), (-0.85, 0.7, 0.03), (0, 0, 22))
    place(boards.iaq_module(), (1.5, -1.3, 0.03), (0, 0, -14))
    _modules_on(45, 15.5, 40)


@shot("modules")
def _modules() -> None:
    place(boards.poe_module(), (-1.1, 0.9, 0.03), (0, 0, 22))
    place(boards.iaq_module(), (2.7, -2.2, 0.03), (0, 0, -12))
    _modules_on(45, 25, 38)


def _kit(x: float = 0, y: float = 0) -> None:
    """One mounting kit laid out round (x, y)."""
    place(power.plate(), (x - 2.5, y + 1.6, 0.0), (0, 0, 20))
    place(power.pad(), (x + 3.5, y + 3.1, 0.0), (0, 0, 64))
    place(power.pad(), (x + 4.3, y - 2.0, 0.0), (0, 0, -18))
    for i in range(2):
        place(power.screw(), (x - 5.0 + i * 0.25, y - 3.0 - 1.15 * i, 0.36), (0, 0, -10 + 4 * i))
        place(power.anchor(), (x - 1.2 + i * 0.25, y - 3.4 - 1.15 * i, 0.36), (0, 0, -10 + 3 * i))


@shot("mounting-kit")
def _mounting() -> None:
    studio.sweep(depth=60)
    studio.daylight()
    _kit()
    studio.camera((0.6, 0.2, 0.2), 41, elevation=52)


def _coil(colour: str) -> None:
    studio.sweep(depth=60)
    studio.daylight()
    place(power.usb_cable(colour), (0, 1.6, 0), (0, 0, 8))
    studio.camera((0, -0.9, 0.6), 52, elevation=40)


def _plug(colour: str) -> None:
    studio.sweep()
    studio.daylight()
    place(power.usb_close(colour), (-0.4, -0.4, 0), (0, 0, -38))
    studio.camera((0.3, 0.2, 0.3), 20, elevation=30, fstop=16, focus=(-0.9, -1.6, 0.4))


def _injector(plug: str) -> None:
    studio.sweep(depth=60)
    studio.daylight()
    place(power.injector(plug), (-2.3, 1.0, 0), (0, 0, -18))
    studio.camera((1.2, 0.4, 1.5), 53, elevation=24)


@shot("accessories")
def _accessories() -> None:
    studio.sweep(depth=60)
    studio.daylight()
    place(power.usb_cable("graphite"), (-2.6, 4.5, 0), (0, 0, -10))
    place(power.plate(), (6.6, 0.4, 0), (0, 0, 20))
    place(power.pad(), (5.2, -5.4, 0), (0, 0, -150))
    for i in range(2):
        place(power.screw(), (0.4 + i * 0.3, -6.4 - 1.1 * i, 0.36), (0, 0, -12 + 4 * i))
    studio.camera((0.2, 0.2, 0.4), 66, elevation=42)


@shot("whole-home-bundle")
def _home() -> None:
    studio.sweep(depth=60)
    studio.daylight()
    sensor, plate = rs1("white"), power.plate()
    for i in range(4):
        place(
            sensor if i == 0 else shapes.twin(sensor),
            (-8.6 + i * 6.6, -1.6 + i * 3.1, HALF),
            (0, 0, -26),
        )
        place(
            plate if i == 0 else shapes.twin(plate),
            (-6.6 + i * 6.5, -9.2 + i * 2.4, 0.02),
            (0, 0, 14 * i),
        )
    studio.camera((1.8, -0.4, 2.4), 84, elevation=24)


def _wired(colour: str) -> None:
    studio.sweep(depth=60)
    studio.daylight()
    place(rs1(colour), (-4.6, 0.6, HALF), (0, 0, -24))
    place(power.injector("us"), (4.4, 6.4, 0), (0, 0, -24))
    place(boards.poe_module(), (1.6, -4.9, 0.03), (0, 0, 20))
    studio.camera((1.4, 0.6, 2.2), 62, elevation=22)


@shot("rs-1-family")
def _family() -> None:
    studio.sweep()
    studio.daylight()
    place(rs1("graphite"), (3.3, 3.6, HALF), (0, 0, -32))
    place(rs1("white"), (-2.9, -1.2, HALF), (0, 0, -32))
    studio.camera((0.3, 0.6, 3.7), 50, elevation=13)


for _colour in ("white", "graphite"):
    shot(f"rs-1-{_colour}-led")(lambda c=_colour: _lit(c))
    shot(f"rs-1-{_colour}-shelf")(lambda c=_colour: rooms.shelf_scene(c))
    shot(f"usb-c-cable-{_colour}")(lambda c=_colour: _coil(c))
    shot(f"usb-c-cable-{_colour}-plug")(lambda c=_colour: _plug(c))
    shot(f"pro-poe-bundle-{_colour}")(lambda c=_colour: _wired(c))
for _land in ("us", "eu", "uk"):
    shot(f"poe-injector-{_land}")(lambda p=_land: _injector(p))
shot("hero", 1600, 800)(lambda: rooms.dusk_scene(rooms.hero_wide))
shot("hero-portrait", 960, 1200)(lambda: rooms.dusk_scene(rooms.hero_tall))
shot("og", 1200, 630)(lambda: rooms.dusk_scene(rooms.hero_card))
