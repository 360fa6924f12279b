"""Random scenes of several kinds, each determined by its seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from depthstudio.synthetic.bank import FAINT, REPEATING
from depthstudio.synthetic.scene import Layer, Scene
from depthstudio.synthetic.space import Facet, Viewpoint, rotation
from depthstudio.synthetic.surfaces import Style, Workshop, log_uniform

# Shares of the scene kinds: clutter teaches most, the others what clutter lacks.
DEFAULT_MIX: Mapping[str, float] = {
    "clutter": 0.40,
    "room": 0.25,
    "thin": 0.12,
    "weak": 0.10,
    "repetitive": 0.08,
    "transparent": 0.05,
}
KINDS = tuple(DEFAULT_MIX)
INFRARED = "infrared"

WEAK = Style(FAINT, contrast=(0.06, 0.5), texels_per_px=(0.2, 1.5))
REPEATED = Style(REPEATING, contrast=(0.5, 1.2), texels_per_px=(0.4, 1.8))
EVERYDAY_STYLE = Style()


def generate_scene(
    seed: int,
    kind: str | None = None,
    size: tuple[int, int] = (576, 288),
    max_disparity: float = 192.0,
    mix: Mapping[str, float] = DEFAULT_MIX,
) -> Scene:
    """A random scene. The same arguments give the same scene.

    kind: one of KINDS, or "infrared" (weak texture, meant to be seen in grey); None draws it by `mix` (kind -> share).
    size: (width, height) in px. max_disparity: px; the scene's own largest disparity is log-uniform below it.
    """
    rng = np.random.default_rng([seed, 20])
    if kind is None:
        shares = np.array(list(mix.values()), np.float64)
        kind = str(rng.choice(list(mix), p=shares / shares.sum()))
    width, height = size
    scale = log_uniform(rng, 0.05, 0.95) * max_disparity
    view = Viewpoint(width * rng.uniform(0.7, 1.3), width / 2, height / 2, scale)
    # The right view sees up to max_disparity px beyond the left one.
    frame = (-1.0, -1.0, width + max_disparity, float(height))
    layers = list(_BUILDERS[kind](Workshop(rng, seed, view, frame, max_disparity)))
    return Scene(tuple(layers), size, kind)


def _clutter(shop: Workshop, style: Style = EVERYDAY_STYLE, amount: float = 1.0) -> Iterator[Layer]:
    """Cards of all shapes and sizes before a background, itself cluttered."""
    rng, near = shop.rng, shop.view.scale_px
    far = max(0.6, near * rng.uniform(0.03, 0.4))
    yield shop.background(far, style)
    width = shop.view.cx * 2
    for _ in range(int(amount * rng.integers(8, 18))):
        layer = shop.card(far + (near - far) * rng.uniform(0.02, 0.3), width * log_uniform(rng, 0.08, 0.5), style)
        if layer:
            yield layer
    for _ in range(int(amount * rng.integers(10, 24))):
        disparity = log_uniform(rng, far * 1.1, max(near, far * 1.2))
        layer = shop.card(disparity, width * log_uniform(rng, 0.04, 0.45), style)
        if layer:
            yield layer
    if rng.random() < 0.5:
        yield from _flying_boxes(shop, style, int(rng.integers(1, 4)))


def _flying_boxes(shop: Workshop, style: Style, count: int) -> Iterator[Layer]:
    rng, view = shop.rng, shop.view
    for _ in range(count):
        depth = 1 / rng.uniform(0.25, 0.75)
        centre = view.point(rng.uniform(0, 2.2 * view.cx), rng.uniform(0, 2 * view.cy), depth)
        half = rng.uniform(0.04, 0.2, 3) * depth
        yield from shop.box(centre, rotation(*rng.uniform(-np.pi, np.pi, 3)), half, style)


def _room(shop: Workshop, style: Style = EVERYDAY_STYLE, furniture: float = 1.0) -> Iterator[Layer]:
    """The inside of a large box with boxes on its floor, posters on its walls and a few loose things."""
    rng, view = shop.rng, shop.view
    turn = rotation(rng.uniform(-0.5, 0.5), rng.uniform(-0.1, 0.35), rng.uniform(-0.1, 0.1))
    left, right = rng.uniform(0.7, 2.5, 2)
    floor, ceiling, back = rng.uniform(0.5, 1.2), rng.uniform(0.6, 2.0), rng.uniform(2.5, 7.0)
    x, y, z = turn.T
    walls = [
        Facet(z * back, x, y),
        Facet(y * floor, x, z),
        Facet(-y * ceiling, x, z),
        Facet(-x * left, y, z),
        Facet(x * right, y, z),
    ]
    view = _scaled_to_walls(view, walls, shop.max_disparity)
    shop = replace(shop, view=view)
    for wall in walls:
        yield shop.dressed(wall, style, None, wall.disparity(view), back * 0.6)
    for wall in walls:
        yield from _posters(shop, wall, style, int(furniture * rng.integers(0, 4)), back)
    for _ in range(int(furniture * rng.integers(4, 11))):
        half = np.array([log_uniform(rng, 0.08, 0.5), log_uniform(rng, 0.06, 0.6), log_uniform(rng, 0.08, 0.5)])
        place = x * rng.uniform(-left, right) + z * rng.uniform(0.25, 0.95) * back + y * (floor - half[1])
        yield from shop.box(place, turn.T @ rotation(rng.uniform(-np.pi, np.pi), 0, 0), half, style)
    for _ in range(int(furniture * rng.integers(1, 8))):
        depth = back * rng.uniform(0.3, 0.9)
        layer = shop.card(view.scale_px / depth, view.focal_px / depth * log_uniform(rng, 0.1, 0.8), style)
        if layer:
            yield layer


def _scaled_to_walls(view: Viewpoint, walls: list[Facet], max_disparity: float) -> Viewpoint:
    """Give the walls' nearest visible point the scene's largest disparity, within max_disparity in both views."""
    nearest = max(wall.disparity(view).limits((0, 0, 2 * view.cx, 2 * view.cy))[1] for wall in walls)
    scale = min(view.scale_px / nearest * view.scale_px, max_disparity)
    view = replace(view, scale_px=scale)
    while max(_right_reach(wall, view) for wall in walls) > max_disparity:
        view = replace(view, scale_px=view.scale_px * 0.85)
    return view


def _right_reach(wall: Facet, view: Viewpoint) -> float:
    """Largest disparity of a wall in the right view, (a x_R + b y + c) / (1 - a)."""
    plane = wall.disparity(view)
    left = plane.limits((0, 0, 2 * view.cx, 2 * view.cy))[1]
    return left / (1 - plane.a) if plane.a < 0.9 else np.inf


def _posters(shop: Workshop, wall: Facet, style: Style, count: int, room: float) -> Iterator[Layer]:
    """Rectangles slightly in front of a wall."""
    rng = shop.rng
    for _ in range(count):
        inward = -wall.normal * np.sign(wall.normal @ wall.origin)
        facet = Facet(wall.origin + inward * rng.uniform(0.01, 0.08), wall.u, wall.v)
        centre, half = rng.uniform(-0.7, 0.7, 2) * room, rng.uniform(0.08, 0.6, 2)
        corners = centre + np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half
        support = shop.quad(facet, corners)
        plane = facet.disparity(shop.view)
        if support is not None and plane.limits(support.box)[1] <= shop.max_disparity:
            yield shop.dressed(facet, style, support, plane, float(facet.points(centre[None])[0, 2]))


def _thin(shop: Workshop) -> Iterator[Layer]:
    """Fences, branches, cables and wires before clutter or a room."""
    rng, view = shop.rng, shop.view
    layers = list(_clutter(shop, amount=0.5) if rng.random() < 0.6 else _room(shop, furniture=0.6))
    yield from layers
    far = max(0.6, view.scale_px * 0.15)
    for _ in range(int(rng.integers(3, 9))):
        disparity = log_uniform(rng, far, max(view.scale_px, far * 1.3))
        layer = shop.card(disparity, view.cx * rng.uniform(0.3, 1.5), EVERYDAY_STYLE, thin=True, tilt=0.8)
        if layer:
            yield layer
    for _ in range(int(rng.integers(3, 12))):
        layer = _wire(shop, log_uniform(rng, far, max(view.scale_px, far * 1.3)))
        if layer:
            yield layer


def _wire(shop: Workshop, disparity_px: float) -> Layer | None:
    """A straight bar 1 to 6 px wide."""
    rng, view = shop.rng, shop.view
    x, y = rng.uniform(0, 2.2 * view.cx), rng.uniform(0, 2 * view.cy)
    facet = shop.tilted(x, y, disparity_px, 0.7)
    unit = facet.origin[2] / view.focal_px
    half = np.array([view.cx * rng.uniform(0.2, 1.5), log_uniform(rng, 0.6, 3.0)]) * unit
    support = shop.quad(facet, np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half)
    plane = facet.disparity(view)
    if support is None or plane.limits(support.box)[0] < 0.3 or plane.limits(support.box)[1] > shop.max_disparity:
        return None
    return shop.dressed(facet, EVERYDAY_STYLE, support, plane, float(facet.origin[2]))


def _weak(shop: Workshop) -> Iterator[Layer]:
    """Nearly plain surfaces: painted walls, plastic, paper; sometimes one thing with texture."""
    yield from _room(shop, WEAK) if shop.rng.random() < 0.6 else _clutter(shop, WEAK, amount=0.6)
    for _ in range(int(shop.rng.integers(0, 3))):
        layer = shop.card(shop.view.scale_px * shop.rng.uniform(0.2, 0.7), shop.view.cx * 0.3, EVERYDAY_STYLE)
        if layer:
            yield layer


def _repetitive(shop: Workshop) -> Iterator[Layer]:
    """Checks, tiles, bricks and stripes everywhere."""
    yield from _room(shop, REPEATED, 0.7) if shop.rng.random() < 0.6 else _clutter(shop, REPEATED, 0.5)


def _transparent(shop: Workshop) -> Iterator[Layer]:
    """Panes and highlights that let what lies behind shine through."""
    rng = shop.rng
    layers = list(_room(shop) if rng.random() < 0.5 else _clutter(shop, amount=0.7))
    yield from layers
    for _ in range(int(rng.integers(2, 6))):
        style = WEAK if rng.random() < 0.6 else EVERYDAY_STYLE
        pane = shop.card(shop.view.scale_px * rng.uniform(0.3, 0.9), shop.view.cx * rng.uniform(0.3, 1.2), style)
        if pane:
            yield replace(pane, opacity=rng.uniform(0.15, 0.75), name="pane")


_BUILDERS: dict[str, Callable[[Workshop], Iterator[Layer]]] = {
    "clutter": _clutter,
    "room": _room,
    "thin": _thin,
    "weak": _weak,
    "repetitive": _repetitive,
    "transparent": _transparent,
    INFRARED: _weak,
}
