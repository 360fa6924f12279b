"""The simulated laboratory: a furnished room for each seed, with light and soft shadows painted in."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.cameras.simulated import pictures, prints, things
from depthstudio.cameras.simulated.panels import LIGHT, Panel, Vector, box, placed, vector
from depthstudio.cameras.simulated.pictures import Colour, Picture, Rng

DESK_TOP_Y = 0.36
FLOOR_Y = 1.08
CEILING_Y = -1.45

Darkness = NDArray[np.float32]

_DESK_TEXELS_PER_M = 560
# x and z of the places on the desk, metres, filled in this order.
_LARGE_PLACES = ((-0.64, 1.3), (0.78, 1.28), (-0.3, 1.1), (0.5, 1.02), (-0.66, 0.92))
_SMALL_PLACES = ((0.2, 0.9), (-0.12, 0.86), (0.4, 0.74), (-0.34, 0.74), (0.06, 0.7), (0.72, 0.95))
_DESK_COLOURS: tuple[Colour, ...] = ((196, 158, 114), (164, 120, 82), (206, 198, 186), (138, 98, 68), (184, 170, 150))
_WALL_COLOURS: tuple[Colour, ...] = (
    (214, 210, 200),
    (196, 206, 212),
    (218, 206, 188),
    (202, 212, 198),
    (208, 204, 210),
)
_FLOOR_COLOURS: tuple[Colour, ...] = ((150, 118, 88), (134, 136, 138), (120, 108, 98), (168, 150, 126))


def furnished_room(seed: int, clear_desk: bool = False) -> list[Panel]:
    """Everything around the camera, which stands at the origin and looks along +z, in metres.

    clear_desk: without the things on the desk, for somebody who holds a board in front of the camera.
    """
    rng = np.random.default_rng((seed, 11))
    panels = _shell(rng)
    panels += _furniture(rng)
    if clear_desk:
        return [panel.lit() for panel in panels]
    stuff = _things_on_desk(rng)
    panels += stuff + _desk(rng, stuff)
    return [panel.lit() for panel in panels]


def _shell(rng: Rng) -> list[Panel]:
    """Floor, ceiling and three walls with what hangs on them. Walls overlap behind the corners."""
    left, right, back = -float(rng.uniform(1.9, 2.5)), float(rng.uniform(2.0, 2.7)), float(rng.uniform(3.2, 3.9))
    front, over = -1.0, 0.08
    colour = _WALL_COLOURS[int(rng.integers(0, len(_WALL_COLOURS)))]
    floor_colour = _FLOOR_COLOURS[int(rng.integers(0, len(_FLOOR_COLOURS)))]
    if rng.random() < 0.5:
        floor = pictures.wood(rng, floor_colour, (760, 760), 28)
    else:
        floor = pictures.tiles(rng, floor_colour, (760, 760), (14, 14))
    width, depth, height = right - left, back - front, FLOOR_Y - CEILING_Y
    wall = _shaded_wall(pictures.rough(rng, colour, (720, 400), 0.035, 64))
    side = _shaded_wall(pictures.rough(rng, colour, (640, 400), 0.035, 64))
    ceiling = pictures.tiles(rng, (206, 206, 202), (420, 420), (8, 8))
    panels = [
        Panel(vector(left - over, FLOOR_Y, back + over), vector(width + 2 * over, 0, 0), vector(0, 0, -depth), floor),
        Panel(
            vector(left - over, CEILING_Y, front), vector(width + 2 * over, 0, 0), vector(0, 0, depth + over), ceiling
        ),
        Panel(
            vector(left - over, CEILING_Y - over, back),
            vector(width + 2 * over, 0, 0),
            vector(0, height + 2 * over, 0),
            wall,
        ),
        Panel(vector(left, CEILING_Y - over, front), vector(0, 0, depth + over), vector(0, height + 2 * over, 0), side),
        Panel(
            vector(right, CEILING_Y - over, back + over), vector(0, 0, -depth), vector(0, height + 2 * over, 0), side
        ),
    ]
    return panels + _on_the_walls(rng, left, right, back)


def _shaded_wall(picture: Picture) -> Picture:
    """Darker towards the corners of the room."""
    height, width = picture.shape[:2]
    x, y = np.abs(np.linspace(-1, 1, width)), np.abs(np.linspace(-1, 1, height))
    factor = (1 - 0.16 * x[None, :] ** 6) * (1 - 0.2 * y[:, None] ** 5)
    return pictures.shaded(picture, factor.astype(np.float32))


def _hung(picture: Picture, middle: tuple[float, float, float], size: tuple[float, float], thick: float) -> list[Panel]:
    """A flat box on the back wall. middle: of its back, metres."""
    x, y, z = middle
    edge = pictures.plain((120, 118, 114))
    return placed(box((size[0], size[1], thick), picture, edge), x, y + size[1] / 2, z - thick / 2)


def _on_the_walls(rng: Rng, left: float, right: float, back: float) -> list[Panel]:
    panels: list[Panel] = []
    order = [str(name) for name in rng.permutation(["board", "window", "posters"])]
    for k, name in enumerate(order):
        x = -1.25 + 1.25 * k + float(rng.uniform(-0.15, 0.15))
        y = -0.42 + float(rng.uniform(-0.08, 0.05))
        if name == "board":
            panels += _hung(prints.whiteboard(rng, (760, 520)), (x, y, back), (1.15, 0.78), 0.03)
        elif name == "window":
            panels += _hung(prints.window(rng, (520, 560)), (x, y - 0.02, back), (0.95, 1.05), 0.05)
        else:
            for dx in (-0.29, 0.27):
                size = (0.46, 0.62)
                dy = float(rng.uniform(-0.1, 0.1))
                panels += _hung(prints.poster(rng, (300, 400)), (x + dx, y + dy, back), size, 0.012)
    if rng.random() < 0.7:
        picture = prints.poster(rng, (420, 560))
        panels.append(Panel(vector(right - 0.01, -0.7, 2.9), vector(0, 0, -0.7), vector(0, 0.92, 0), picture))
    picture = prints.whiteboard(rng, (620, 480)) if rng.random() < 0.5 else prints.window(rng, (480, 520))
    panels.append(Panel(vector(left + 0.01, -0.75, 1.5), vector(0, 0, 1.1), vector(0, 0.9, 0), picture))
    return panels


def _furniture(rng: Rng) -> list[Panel]:
    """Large things on the floor, between 1.7 and 3.2 m."""
    panels: list[Panel] = []
    side = 1.0 if rng.random() < 0.5 else -1.0
    panels += placed(
        things.shelf(rng), side * float(rng.uniform(1.25, 1.5)), FLOOR_Y, 2.95, side * float(rng.uniform(0, 12))
    )
    panels += placed(
        things.chair(rng),
        float(rng.uniform(-0.3, 0.5)),
        FLOOR_Y,
        float(rng.uniform(1.9, 2.3)),
        float(rng.uniform(-40, 40)),
    )
    panels += placed(
        things.plant(rng, 2.4), -side * float(rng.uniform(1.25, 1.5)), FLOOR_Y - 0.35, float(rng.uniform(2.2, 2.7))
    )
    stool = box((0.42, 0.35, 0.42), pictures.wood(rng, (150, 112, 76), (160, 128), 3))
    panels += placed(stool, -side * 1.4, FLOOR_Y, 2.45)
    panels += placed(things.tripod(rng), -side * float(rng.uniform(0.6, 0.85)), FLOOR_Y, float(rng.uniform(2.3, 2.7)))
    for _ in range(2):
        panels += placed(
            things.carton(rng),
            -side * float(rng.uniform(0.3, 1.3)),
            FLOOR_Y,
            float(rng.uniform(2.7, 3.0)),
            float(rng.uniform(-30, 30)),
        )
    return panels


def _things_on_desk(rng: Rng) -> list[Panel]:
    """A monitor, large things beside it and small ones in front, never two in one place."""

    def put(builder: things.Builder, x: float, z: float) -> list[Panel]:
        dx, dz, yaw = (float(value) for value in rng.uniform((-0.05, -0.04, -32), (0.05, 0.04, 32)))
        return placed(builder(rng), x + dx, DESK_TOP_Y, z + dz, yaw)

    panels = placed(things.monitor(rng), float(rng.uniform(-0.18, 0.3)), DESK_TOP_Y, 1.42, float(rng.uniform(-12, 12)))
    large = [things.LARGE[int(k)] for k in rng.permutation(len(things.LARGE))]
    small = [things.SMALL[int(k)] for k in rng.permutation(len(things.SMALL))]
    for builder, (x, z) in zip(large, _LARGE_PLACES, strict=False):
        panels += put(builder, x, z)
    for builder, (x, z) in zip(small, _SMALL_PLACES, strict=False):
        panels += put(builder, x, z)
    panels += placed(things.paper(rng), float(rng.uniform(-0.2, 0.3)), DESK_TOP_Y, 0.8, float(rng.uniform(-30, 30)))
    return panels


def _desk(rng: Rng, stuff: Sequence[Panel]) -> list[Panel]:
    """The desk, with the shadows of what stands on it."""
    left, right, near, far = -1.05, 1.1, 0.42, 1.68
    width, depth = right - left, far - near
    colour = _DESK_COLOURS[int(rng.integers(0, len(_DESK_COLOURS)))]
    size = (int(width * _DESK_TEXELS_PER_M), int(depth * _DESK_TEXELS_PER_M))
    top = pictures.wood(rng, colour, size, int(rng.integers(3, 6)))
    # A cast shadow, and the darkness where things touch the desk.
    cast = _shadow(stuff, size, (left, far), LIGHT, 0.008)
    touch = _shadow(stuff, size, (left, far), vector(LIGHT[0] * 0.3, LIGHT[1], LIGHT[2] * 0.3), 0.018)
    top = pictures.shaded(top, (1 - 0.34 * cast) * (1 - 0.4 * touch * cast))
    edge = pictures.wood(rng, colour, (640, 32), 1)
    board = placed(box((width, 0.03, depth), edge, edge, top), (left + right) / 2, DESK_TOP_Y + 0.03, (near + far) / 2)
    legs: list[Panel] = []
    for x in (left + 0.06, right - 0.06):
        for z in (near + 0.06, far - 0.06):
            legs += things.bar(vector(x, DESK_TOP_Y + 0.03, z), vector(x, FLOOR_Y, z), 0.05, things.STEEL)
    return board + legs


def _shadow(
    stuff: Sequence[Panel], size: tuple[int, int], origin: tuple[float, float], light: Vector, softness_m: float
) -> Darkness:
    """Where things keep the light from the desk: (h, w) float32 in 0..1, softened. origin: x and z of texel (0, 0)."""
    # A shadow is soft: a third of the desk's resolution is enough.
    per_m = _DESK_TEXELS_PER_M / 3
    darkness = np.zeros((size[1] // 3, size[0] // 3), np.float32)
    for panel in stuff:
        points = panel.points()
        height = DESK_TOP_Y - points[:, 1]
        x = points[:, 0] + height * light[0] / light[1]
        z = points[:, 2] + height * light[2] / light[1]
        texels = np.stack([x - origin[0], origin[1] - z], axis=1) * per_m
        cv2.fillConvexPoly(darkness, np.round(texels).astype(np.int32), (1.0,))
    softened = cv2.GaussianBlur(darkness, (0, 0), softness_m * per_m)
    return np.asarray(cv2.resize(softened, size, interpolation=cv2.INTER_LINEAR), np.float32)
