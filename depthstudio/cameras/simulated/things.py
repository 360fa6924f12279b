"""Things in the simulated room. Each builder returns panels, not lit yet, standing on y = 0 around the origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from depthstudio.cameras.simulated import pictures, prints
from depthstudio.cameras.simulated.panels import (
    Panel,
    Vector,
    ball_profile,
    box,
    disc,
    moved,
    placed,
    turned_solid,
    turned_x,
    turned_y,
    turned_z,
    vector,
)
from depthstudio.cameras.simulated.pictures import Colour, Rng

STEEL: Colour = (150, 153, 158)
BLACK: Colour = (44, 45, 48)


def bar(start: Vector, end: Vector, thickness: float, colour: Colour) -> list[Panel]:
    """A square rod between two points, metres."""
    along = end - start
    length = float(np.linalg.norm(along))
    axis = along / length
    helper = vector(0, 0, 1) if abs(axis[2]) < 0.9 else vector(1, 0, 0)
    side = np.cross(axis, helper)
    side /= np.linalg.norm(side)
    rotation = np.stack([side, axis, np.cross(side, axis)], axis=1)
    rod = box((thickness, length, thickness), pictures.plain(colour, (8, 32)))
    return moved(rod, rotation, end)


def carton(rng: Rng) -> list[Panel]:
    """A parcel."""
    size = tuple(float(v) for v in rng.uniform((0.2, 0.12, 0.16), (0.34, 0.26, 0.26)))
    front, side, top = (prints.cardboard(rng, (320, 240)) for _ in range(3))
    return box((size[0], size[1], size[2]), front, side, top)


def book_stack(rng: Rng) -> list[Panel]:
    """Lying books, each turned a little."""
    panels: list[Panel] = []
    y = 0.0
    for _ in range(int(rng.integers(3, 6))):
        width, height, depth = (
            float(rng.uniform(0.19, 0.26)),
            float(rng.uniform(0.018, 0.042)),
            float(rng.uniform(0.14, 0.19)),
        )
        spine = np.ascontiguousarray(np.rot90(prints.book_spines(rng, (60, 420), 1))[:, :400])
        cover = prints.poster(rng, (240, 180))
        pages = pictures.shaded(
            pictures.plain((226, 220, 204), (180, 24)),
            1 + 0.08 * pictures.noise(rng, (24, 180), (90, 1.5), 1),
        )
        panels += placed(box((width, height, depth), spine, pages, cover), 0, y, 0, float(rng.uniform(-14, 14)))
        y -= height
    return panels


def tin(rng: Rng) -> list[Panel]:
    """A food tin."""
    radius, height = float(rng.uniform(0.033, 0.045)), float(rng.uniform(0.09, 0.14))
    colour = _paint(rng)
    wound = prints.wrapper(rng, (480, 160), colour)
    return turned_solid([(radius, -height), (radius, 0.0)], wound, 14, pictures.plain((178, 180, 184)))


def mug(rng: Rng) -> list[Panel]:
    """A mug with a dark drink and a handle."""
    radius, height = 0.041, 0.095
    colour = _paint(rng)
    wound = prints.wrapper(rng, (360, 120), colour)
    handle_x, dark = radius + 0.026, (max(colour[0] - 40, 10), max(colour[1] - 40, 10), max(colour[2] - 40, 10))
    points = [
        vector(radius, -0.08, 0),
        vector(handle_x, -0.078, 0),
        vector(handle_x + 0.006, -0.045, 0),
        vector(handle_x - 0.004, -0.02, 0),
        vector(radius, -0.014, 0),
    ]
    handle = [panel for a, b in pairwise(points) for panel in bar(a, b, 0.009, dark)]
    profile = [(radius, -height), (radius, -0.006), (radius * 0.9, 0.0)]
    return [*turned_solid(profile, wound, 14, pictures.plain((58, 38, 26))), *handle]


def bottle(rng: Rng) -> list[Panel]:
    """A tall bottle with a label and a cap."""
    colour = _paint(rng)
    wound = pictures.plain(colour, (320, 320))
    wound[150:270] = prints.wrapper(rng, (320, 120), (228, 224, 214))
    wound[:26] = (40, 42, 46)
    profile = [
        (0.014, -0.27),
        (0.014, -0.235),
        (0.015, -0.21),
        (0.026, -0.185),
        (0.035, -0.16),
        (0.036, -0.01),
        (0.032, 0.0),
    ]
    return turned_solid(profile, wound, 12, pictures.plain((50, 52, 56)))


def ball(rng: Rng) -> list[Panel]:
    """A ball with coloured sectors."""
    radius = float(rng.uniform(0.05, 0.085))
    colours = [_paint(rng), (232, 228, 218), _paint(rng), (232, 228, 218)]
    wound = pictures.plain((0, 0, 0), (480, 240))
    for k in range(8):
        wound[:, k * 60 : (k + 1) * 60] = colours[k % 4]
    wound[108:132] = (60, 60, 66)
    wound = pictures.shaded(wound, 1 + 0.05 * pictures.noise(rng, (240, 480), 9, 2))
    return turned_solid(ball_profile(radius, 8), wound, 14)


def monitor(rng: Rng) -> list[Panel]:
    """A screen on a foot."""
    width, height = 0.53, 0.32
    black = pictures.rough(rng, BLACK, (64, 64), 0.04)
    foot = box((0.22, 0.012, 0.18), black)
    neck = box((0.05, 0.14, 0.025), black)
    panel = box((width, height, 0.03), prints.screen(rng, (900, 540)), black)
    panel[0] = replace(panel[0], self_lit=True)
    return foot + placed(neck, 0, -0.012, 0.03) + placed(panel, 0, -0.11, 0)


def laptop(rng: Rng) -> list[Panel]:
    """An open laptop: keyboard in front, lid leaning back."""
    grey = pictures.rough(rng, (168, 170, 174), (64, 64), 0.02)
    deck = pictures.rough(rng, (160, 162, 166), (640, 440), 0.02)
    deck[50:250, 40:600] = prints.keyboard((560, 200))
    deck[290:410, 220:420] = (150, 152, 156)
    base = box((0.32, 0.016, 0.22), grey, grey, deck)
    lid = box((0.32, 0.21, 0.008), prints.screen(rng, (720, 470)), grey)
    lid[0] = replace(lid[0], self_lit=True)
    return base + moved(lid, turned_x(-18), vector(0, -0.016, 0.11))


def lamp(rng: Rng) -> list[Panel]:
    """A desk lamp on two thin arms."""
    colour = _paint(rng)
    elbow, head = vector(0.08, -0.3, 0.02), vector(-0.14, -0.43, -0.02)
    arms = bar(vector(0, -0.02, 0), elbow, 0.011, STEEL) + bar(elbow, head, 0.011, STEEL)
    shade = turned_solid([(0.022, -0.05), (0.03, -0.04), (0.068, 0.03)], pictures.plain(colour, (96, 48)), 14)
    base = turned_solid([(0.075, -0.022), (0.08, 0.0)], pictures.plain(BLACK, (96, 16)), 14)
    foot = [disc(0.075, -0.022, pictures.plain(BLACK))]
    tilted = moved(shade, turned_z(14), head + vector(-0.01, 0.03, 0))
    return arms + foot + tilted + base


def plant(rng: Rng, scale: float = 1.0) -> list[Panel]:
    """A pot with long leaves."""
    pot = turned_solid(
        [(0.068 * scale, -0.12 * scale), (0.05 * scale, 0.0)],
        pictures.rough(rng, (178, 92, 62), (240, 96), 0.05, 14),
        14,
    )
    soil = disc(0.062 * scale, -0.115 * scale, pictures.rough(rng, (66, 50, 40), (64, 64), 0.2, 6))
    leaves: list[Panel] = []
    for k in range(17):
        length = scale * float(rng.uniform(0.14, 0.3))
        wide = scale * float(rng.uniform(0.02, 0.038))
        angle = float(k * 137.5 + rng.uniform(-20, 20))
        lean = float(rng.uniform(8, 58))
        leaves += moved(_leaf(rng, wide, length), turned_y(angle) @ turned_x(lean), vector(0, -0.11 * scale, 0))
    return [*pot, soil, *leaves]


def _leaf(rng: Rng, wide: float, length: float) -> list[Panel]:
    """Two pieces: the lower one straight, the tip bent over."""
    v = np.linspace(0, 1, 9)
    half = 0.06 + 0.44 * np.sin(np.pi * (0.08 + 0.92 * v) ** 0.8)
    picture = pictures.leaf(rng)
    sides = [np.column_stack([0.5 - half, v]), np.column_stack([0.5 + half, v])[::-1]]
    outline = np.clip(np.vstack(sides), 0, 1)
    stem = Panel(vector(-wide / 2, -length * 0.95, 0), vector(wide, 0, 0), vector(0, length, 0), picture, outline)
    return [stem]


def pen_holder(rng: Rng) -> list[Panel]:
    """A cup with pens: thin things."""
    cup = turned_solid([(0.036, -0.1), (0.036, 0.0)], pictures.plain(_paint(rng), (160, 64)), 12)
    pens: list[Panel] = []
    for _ in range(7):
        foot = vector(*(float(v) for v in rng.uniform(-0.016, 0.016, 3) * np.array([1, 0, 1])))
        tip = foot + vector(
            float(rng.uniform(-0.045, 0.045)), -float(rng.uniform(0.14, 0.18)), float(rng.uniform(-0.03, 0.03))
        )
        pens += bar(foot, tip, 0.007, _paint(rng))
    return cup + pens


def blocks(rng: Rng) -> list[Panel]:
    """A small tower of painted toy blocks."""
    panels: list[Panel] = []
    side = 0.05
    for level, count in enumerate((3, 2, 1)):
        for k in range(count):
            face = pictures.rough(rng, _paint(rng), (64, 64), 0.05, 10)
            letter = str(rng.choice(list("ABCDEFGHKLMNPRSTXYZ")))
            cv2.putText(face, letter, (16, 48), cv2.FONT_HERSHEY_DUPLEX, 1.3, (240, 236, 226), 3)
            x = (k - (count - 1) / 2) * side * 1.12
            panels += placed(box((side, side, side), face), x, -level * side, 0, float(rng.uniform(-12, 12)))
    return panels


def instrument(rng: Rng) -> list[Panel]:
    """A bench instrument on rubber feet."""
    case = pictures.rough(rng, (172, 174, 170), (96, 96), 0.03)
    for y in range(16, 80, 8):
        case[y : y + 3, 14:82] = (70, 72, 74)
    return box((0.32, 0.15, 0.22), prints.instrument(rng, (560, 260)), case)


def paper(rng: Rng) -> list[Panel]:
    """Printed sheets lying on the desk."""
    sheets: list[Panel] = []
    for k in range(2):
        picture = prints.printed(rng, (300, 420), 18, (44, 44, 50), (238, 237, 232))
        sheet = Panel(vector(-0.105, 0, 0.148), vector(0.21, 0, 0), vector(0, 0, -0.297), picture)
        sheets += placed([sheet], 0.03 * k, -0.0015 * (k + 1), 0.02 * k, float(rng.uniform(-25, 25)))
    return sheets


def chair(rng: Rng) -> list[Panel]:
    """An office chair seen from the desk: back rest, seat and thin legs."""
    cloth = pictures.rough(rng, _paint(rng), (160, 160), 0.12, 5)
    panels = placed(box((0.46, 0.06, 0.44), cloth), 0, -0.45, 0) + placed(box((0.44, 0.42, 0.05), cloth), 0, -0.6, 0.2)
    for x in (-0.2, 0.2):
        for z in (-0.19, 0.19):
            panels += bar(vector(x, -0.45, z), vector(x * 1.1, 0, z * 1.1), 0.024, STEEL)
        panels += bar(vector(x, -1.0, 0.21), vector(x, -0.45, 0.19), 0.02, STEEL)
    return panels


def shelf(rng: Rng) -> list[Panel]:
    """A bookcase with filled boards and thin uprights."""
    width, height, depth, boards = 0.9, 1.8, 0.28, 5
    timber = pictures.wood(rng, (152, 118, 84), (256, 128), 1)
    back = pictures.plain((92, 76, 60))
    panels = [Panel(vector(-width / 2, -height, depth / 2), vector(width, 0, 0), vector(0, height, 0), back)]
    for x in (-width / 2, width / 2):
        panels += placed(box((0.025, height, depth), timber), x, 0, 0)
    gap = height / boards
    for k in range(boards + 1):
        panels += placed(box((width, 0.022, depth), timber), 0, -min(k * gap, height - 0.022), 0)
    for k in range(boards):
        filled = float(rng.uniform(0.55, 0.97)) * width
        tall = gap * float(rng.uniform(0.66, 0.86))
        row = prints.book_spines(rng, (int(filled * 560), int(tall * 560)), int(filled * 22))
        books = box((filled - 0.05, tall, 0.18), row, pictures.plain((120, 96, 80)))
        panels += placed(books, -(width - filled) / 2, -k * gap - 0.022, 0.02)
    return panels


def tripod(rng: Rng) -> list[Panel]:
    """A camera on three thin legs."""
    hub = vector(0, -1.05, 0)
    panels: list[Panel] = []
    for k in range(3):
        foot = turned_y(k * 120 + float(rng.uniform(-10, 10))) @ vector(0, 0, -0.38)
        panels += bar(hub, foot, 0.022, BLACK)
    panels += bar(vector(0, -1.25, 0), hub, 0.028, STEEL)
    camera = box((0.14, 0.09, 0.08), prints.instrument(rng, (200, 130)), pictures.plain(BLACK))
    return panels + placed(camera, 0, -1.25, 0, float(rng.uniform(-40, 40)))


def _paint(rng: Rng) -> Colour:
    paints: tuple[Colour, ...] = (
        (178, 58, 52),
        (52, 98, 160),
        (226, 172, 60),
        (70, 130, 92),
        (204, 112, 56),
        (118, 84, 140),
        (60, 140, 148),
        (214, 206, 190),
    )
    return paints[int(rng.integers(0, len(paints)))]


Builder = Callable[[Rng], list[Panel]]
LARGE: tuple[Builder, ...] = (carton, book_stack, laptop, lamp, plant, instrument)
SMALL: tuple[Builder, ...] = (tin, mug, bottle, ball, pen_holder, blocks)
