"""Flat textured panels in space, and the things built of them: boxes, turned solids, discs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from depthstudio.cameras.simulated.pictures import Picture
from depthstudio.synthetic import Texture

Vector = NDArray[np.float64]

# Where the light comes from (y points down: from above, the left and behind the camera), and how much is everywhere.
LIGHT = np.array([-0.42, -0.72, -0.55]) / np.linalg.norm([-0.42, -0.72, -0.55])
AMBIENT = 0.52


def _unit_square() -> Vector:
    return np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


class Body:
    """The identity of a solid."""


# Edges of the unit square's outline.
TOP, RIGHT, BOTTOM, LEFT = range(4)


@dataclass(frozen=True, eq=False)
class Panel:
    """A flat surface: points corner + u * across + v * down, with (u, v) inside a convex outline.

    corner, across, down: (3,) metres; x right, y down, z away from the camera.
    picture: fills u and v from 0 to 1, and goes on mirrored beyond. outline: (N, 2) convex polygon in (u, v).
    gain: brightness that the light gives it. one_sided: invisible from behind, as the faces of solids are.
    self_lit: no light falls on it any more, because the picture carries it already or because it shines itself.
    body: the solid that it is a face of. Soft outlines would let the background shine through the seams between faces,
    so of two neighbours one, painted later for its higher rank, reaches over the edges named in overlaps.
    """

    corner: Vector
    across: Vector
    down: Vector
    picture: Picture
    outline: Vector = field(default_factory=_unit_square)
    gain: float = 1.0
    one_sided: bool = False
    self_lit: bool = False
    body: Body | None = None
    rank: int = 0
    overlaps: tuple[int, ...] = ()

    @cached_property
    def texture(self) -> Texture:
        """The picture under the panel's light, with mip levels."""
        lit = self.picture
        if self.gain != 1.0:
            lit = np.clip(lit.astype(np.float32) * self.gain, 0, 255).astype(np.uint8)
        return Texture.from_image(np.ascontiguousarray(lit))

    @cached_property
    def normal(self) -> Vector:
        """Unit vector out of the front: towards a viewer who sees `across` to the right and `down` below."""
        normal = np.cross(self.down, self.across)
        return normal / np.linalg.norm(normal)

    def points(self) -> Vector:
        """The outline's corners in space: (N, 3) metres."""
        return self.corner + self.outline[:, :1] * self.across + self.outline[:, 1:] * self.down

    def lit(self) -> Panel:
        """With the brightness of a dull surface under LIGHT."""
        if self.self_lit:
            return self
        facing = float(self.normal @ LIGHT)
        facing = max(facing, 0.0) if self.one_sided else abs(facing)
        return replace(self, gain=self.gain * (AMBIENT + (1 - AMBIENT) * facing))


def vector(x: float, y: float, z: float) -> Vector:
    """(3,) float64."""
    return np.array([x, y, z], np.float64)


def turned_y(degrees: float) -> Vector:
    """Rotation about the vertical."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turned_x(degrees: float) -> Vector:
    """Rotation about the horizontal."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turned_z(degrees: float) -> Vector:
    """Rotation in the image plane."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def placed(panels: Sequence[Panel], x: float, y: float, z: float, yaw_deg: float = 0.0) -> list[Panel]:
    """Turned about the vertical, then moved: what stands on y = 0 stands on `y` afterwards."""
    return moved(panels, turned_y(yaw_deg), vector(x, y, z))


def moved(panels: Sequence[Panel], rotation: Vector, translation: Vector) -> list[Panel]:
    """Every point x becomes rotation @ x + translation."""
    return [
        replace(
            panel,
            corner=rotation @ panel.corner + translation,
            across=rotation @ panel.across,
            down=rotation @ panel.down,
        )
        for panel in panels
    ]


def box(
    size: tuple[float, float, float],
    front: Picture,
    side: Picture | None = None,
    top: Picture | None = None,
    back: Picture | None = None,
) -> list[Panel]:
    """A box of (width, height, depth) metres standing on y = 0, centred on x = z = 0, its front towards -z."""
    width, height, depth = size
    side = front if side is None else side
    top = side if top is None else top
    back = side if back is None else back
    x, y, z = width / 2, -height, depth / 2
    right, down, away = vector(width, 0, 0), vector(0, height, 0), vector(0, 0, depth)
    body = Body()

    def face(corner: Vector, across: Vector, down: Vector, picture: Picture, rank: int) -> Panel:
        overlaps = ((), (TOP, BOTTOM), (TOP, RIGHT, BOTTOM, LEFT))[rank]
        return Panel(corner, across, down, picture, one_sided=True, body=body, rank=rank, overlaps=overlaps)

    return [
        face(vector(-x, y, -z), right, down, front, 2),
        face(vector(x, y, z), -right, down, back, 2),
        face(vector(x, y, -z), away, down, side, 1),
        face(vector(-x, y, z), -away, down, side, 1),
        face(vector(-x, y, z), right, -away, top, 0),
        face(vector(-x, 0, -z), right, away, side, 0),
    ]


def turned_solid(
    profile: Sequence[tuple[float, float]], picture: Picture, facets: int, lid: Picture | None = None
) -> list[Panel]:
    """A body of revolution about the vertical through the origin, shaded smoothly.

    profile: (radius, y) in metres from top to bottom; y points down, so the top is the most negative.
    picture: wound once around, its middle towards -z. facets: an even number. lid: closes the top.
    """
    radii, heights = (np.array(values) for values in zip(*profile, strict=True))
    shaded = _shaded_round(picture, radii, heights)
    rows, columns = shaded.shape[:2]
    lengths = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radii), np.diff(heights)))])
    cuts = np.round(lengths / lengths[-1] * rows).astype(int)
    angles = np.linspace(-np.pi, np.pi, facets + 1)
    body = Body()
    panels: list[Panel] = []
    for k, (upper, lower) in enumerate(pairwise(profile)):
        strip = shaded[cuts[k] : max(cuts[k + 1], cuts[k] + 2)]
        for i in range(facets):
            first, last = columns * i // facets, max(columns * (i + 1) // facets, columns * i // facets + 2)
            # As on a chessboard, every other facet reaches over its neighbours; the uppermost all reach over the lid.
            reaching = (i + k) % 2 == 1
            overlaps = (TOP, RIGHT, BOTTOM, LEFT) if reaching else (TOP,) if k == 0 else ()
            facet = _facet(upper, lower, angles[i], angles[i + 1], strip[:, first:last])
            panels.append(replace(facet, body=body, rank=2 if reaching else 1, overlaps=overlaps))
    if lid is not None:
        panels.append(replace(disc(profile[0][0], profile[0][1], lid), body=body))
    return panels


def _facet(upper: tuple[float, float], lower: tuple[float, float], a0: float, a1: float, strip: Picture) -> Panel:
    """A trapezoid between two rings."""
    wide = max(upper[0], lower[0])
    left, right = vector(np.sin(a0), 0, -np.cos(a0)), vector(np.sin(a1), 0, -np.cos(a1))
    middle = 0.5 * (left + right)
    across = wide * (right - left)
    corner = upper[0] * middle - 0.5 * across + vector(0, upper[1], 0)
    down = (lower[0] - upper[0]) * middle + vector(0, lower[1] - upper[1], 0)
    top, bottom = 0.5 * upper[0] / wide, 0.5 * lower[0] / wide
    outline = np.array([[0.5 - top, 0.0], [0.5 + top, 0.0], [0.5 + bottom, 1.0], [0.5 - bottom, 1.0]])
    return Panel(corner, across, down, strip, outline, one_sided=True, self_lit=True)


def _shaded_round(picture: Picture, radii: Vector, heights: Vector) -> Picture:
    """Light on the smooth body behind the facets; columns run once around, rows along the profile."""
    rows, columns = picture.shape[:2]
    lengths = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radii), np.diff(heights)))])
    at = (np.arange(rows) + 0.5) / rows * lengths[-1]
    middles = 0.5 * (lengths[1:] + lengths[:-1])
    # A body that widens downwards (dr > 0) faces up: its normal has the vertical part -dr (y points down).
    slope = np.interp(at, middles, np.arctan2(-np.diff(radii), np.diff(heights)))
    angle = (np.arange(columns) + 0.5) / columns * 2 * np.pi - np.pi
    facing = (
        np.cos(slope)[:, None] * (np.sin(angle)[None, :] * LIGHT[0] - np.cos(angle)[None, :] * LIGHT[2])
        + np.sin(slope)[:, None] * LIGHT[1]
    )
    factor = AMBIENT + (1 - AMBIENT) * np.maximum(facing, 0)
    return np.clip(picture * factor[..., None], 0, 255).astype(np.uint8)


def disc(radius: float, y: float, picture: Picture) -> Panel:
    """A horizontal disc around the origin at height y, its front up."""
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    outline = 0.5 + 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Panel(
        vector(-radius, y, radius),
        vector(2 * radius, 0, 0),
        vector(0, 0, -2 * radius),
        picture,
        outline,
        one_sided=True,
    )


def ball_profile(radius: float, rings: int = 10) -> list[tuple[float, float]]:
    """Profile of a ball lying on y = 0, for `turned_solid`."""
    angles = np.linspace(0.03, np.pi - 0.03, rings + 1)
    return [(float(radius * np.sin(a)), float(-radius - radius * np.cos(a))) for a in angles]
