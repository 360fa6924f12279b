"""Building blocks of generated scenes: dressed planes, cards, boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from depthstudio.synthetic.bank import EVERYDAY, TEXTURE_PX, random_outline, random_texture
from depthstudio.synthetic.disparity import STEEPEST_BUMP, BumpDisparity, DisparityField, FloatMap, PlaneDisparity, Wave
from depthstudio.synthetic.outlines import RASTER_PX
from depthstudio.synthetic.scene import Box, ConvexPolygon, Layer, Outline, Support, clip_box
from depthstudio.synthetic.space import NEAREST_DEPTH, Facet, Vector, Viewpoint, rotation, texture_scale

LUMA = np.array([0.299, 0.587, 0.114])
STEEPEST_SLOPE = 0.55


@dataclass(frozen=True)
class Style:
    """What a scene's surfaces are dressed in.

    painters: names of texture painters. contrast: (low, high) factor on the texture.
    texels_per_px: (low, high), log-uniform.
    """

    painters: tuple[str, ...] = EVERYDAY
    contrast: tuple[float, float] = (0.5, 1.25)
    texels_per_px: tuple[float, float] = (0.45, 2.2)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A value whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_colour(rng: np.random.Generator, contrast: tuple[float, float], mean: Vector) -> FloatMap:
    """(3, 4) colour matrix: saturation, tint, contrast, and a random brightness of the texture's mean colour (3,)."""
    saturation, gain = rng.uniform(0.0, 1.0) ** 0.7 * 1.1, rng.uniform(*contrast)
    matrix = saturation * np.eye(3) + (1 - saturation) * np.tile(LUMA, (3, 1))
    if rng.random() < 0.5:
        matrix = matrix[rng.permutation(3)]
    matrix = matrix * (rng.uniform(0.8, 1.2, 3) * gain)[:, None]
    offset = rng.uniform(45, 200) - LUMA @ matrix @ mean
    return np.column_stack([matrix, np.full(3, offset)]).astype(np.float32)


@dataclass(frozen=True)
class Workshop:
    """Makes the layers of one scene: its random generator, seed, viewpoint, frame and largest disparity."""

    rng: np.random.Generator
    seed: int
    view: Viewpoint
    frame: Box
    max_disparity: float

    def dressed(
        self, facet: Facet, style: Style, support: Support | None, disparity: DisparityField, depth: float
    ) -> Layer:
        """A layer on a facet; the texture's scale in px holds at the given depth."""
        rng = self.rng
        per_unit = log_uniform(rng, *style.texels_per_px) * self.view.focal_px / depth
        scale = texture_scale(per_unit, rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.75, 2) * TEXTURE_PX)
        texture = random_texture(rng, self.seed, style.painters)
        colour = random_colour(rng, style.contrast, texture.levels[-1].mean(axis=(0, 1)))
        return Layer(texture, scale @ facet.from_left(self.view), disparity, support, colour)

    def tilted(self, x: float, y: float, disparity_px: float, tilt: float) -> Facet:
        """A facet through the point seen at (x, y), turned up to `tilt` radians, its slopes kept below the limit."""
        rng, origin = self.rng, self.view.point(x, y, self.view.scale_px / disparity_px)
        spin = rng.uniform(-np.pi, np.pi)
        for shrink in (1.0, 0.5, 0.25, 0.0):
            yaw, pitch = rng.uniform(-tilt, tilt, 2) * shrink
            axes = rotation(yaw, pitch, 0) @ rotation(0, 0, spin)
            facet = Facet(origin, axes[:, 0], axes[:, 1])
            plane = facet.disparity(self.view)
            if max(abs(plane.a), abs(plane.b)) < STEEPEST_SLOPE:
                break
        return facet

    def bumped(self, plane: PlaneDisparity, size_px: float, strength: float) -> DisparityField:
        """Curve a plane by up to three waves about as long as the surface; strength 0..1 of the steepest allowed."""
        rng = self.rng
        budget = strength * STEEPEST_BUMP * abs(1 - plane.a) * 0.99
        shares = rng.dirichlet(np.ones(int(rng.integers(1, 4)))) * budget
        waves = []
        for share in shares:
            number = 2 * np.pi * rng.uniform(0.25, 1.1) / size_px
            angle = rng.uniform(0, 2 * np.pi)
            # Amplitude is also bounded by the wave's length, so that vertical waves do not become cliffs.
            kx, ky = number * np.cos(angle), number * np.sin(angle)
            waves.append(Wave(float(share / number), float(kx), float(ky), rng.uniform(0, 2 * np.pi)))
        return BumpDisparity(plane, tuple(waves))

    def background(self, disparity_px: float, style: Style, tilt: float = 0.5, bump: float = 0.6) -> Layer:
        """A surface that covers everything, at least 0.3 px of disparity everywhere."""
        x, y = (self.frame[0] + self.frame[2]) / 2, (self.frame[1] + self.frame[3]) / 2
        facet = self.tilted(x, y, disparity_px, 0.0)
        if self.rng.random() < 0.7:
            slope = disparity_px * np.tan(self.rng.uniform(-tilt, tilt, 2)) / (self.frame[2] - self.frame[0])
        else:
            slope = np.zeros(2)
        a, b = float(slope[0]), float(slope[1])
        plane = PlaneDisparity(a, b, disparity_px - a * x - b * y)
        field: DisparityField = plane
        if bump > 0 and self.rng.random() < 0.6:
            limit = min(1.0, disparity_px / 12)
            field = self.bumped(plane, (self.frame[2] - self.frame[0]) / 2, bump * limit * self.rng.random())
        lift = max(0.0, 0.3 - field.limits(self.frame)[0])
        if lift > 0:
            plane = replace(plane, c=plane.c + lift)
            field = replace(field, plane=plane) if isinstance(field, BumpDisparity) else plane
        return self.dressed(facet, style, None, field, float(facet.origin[2]))

    def card(
        self, disparity_px: float, size_px: float, style: Style, *, thin: bool = False, tilt: float = 1.1
    ) -> Layer | None:
        """A flying flat or curved surface of any shape; None when it would leave the disparity range."""
        rng = self.rng
        x0, y0, x1, y1 = self.frame
        x, y = rng.uniform(x0, min(x1, 2 * self.view.cx + disparity_px)), rng.uniform(y0, y1)
        facet = self.tilted(x, y, disparity_px, tilt)
        depth = float(facet.origin[2])
        half = 0.5 * size_px / self.view.focal_px * depth * np.array([1.0, log_uniform(rng, 0.4, 1.0)])
        polygonal = not thin and rng.random() < 0.35
        support = self._polygon(facet, half) if polygonal else self._outline(facet, half, thin)
        if support is None:
            return None
        plane = facet.disparity(self.view)
        field: DisparityField = plane
        if not thin and rng.random() < 0.45:
            field = self.bumped(plane, size_px, min(1.0, disparity_px / 10) * rng.random())
        low, high = field.limits(clip_box(support.box, self.frame))
        if low < 0.3 or high > self.max_disparity:
            return None
        return self.dressed(facet, style, support, field, depth)

    def _polygon(self, facet: Facet, half: Vector) -> Support | None:
        rng = self.rng
        corners = int(rng.integers(3, 8))
        angles = np.arange(corners) / corners * 2 * np.pi + rng.uniform(-0.3, 0.3, corners)
        unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        if rng.random() < 0.5:
            unit = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        return self.quad(facet, unit * half)

    def _outline(self, facet: Facet, half: Vector, thin: bool) -> Support | None:
        corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half
        if facet.points(corners)[:, 2].min() < NEAREST_DEPTH:
            return None
        middle = RASTER_PX / 2
        raster = np.diag([middle / half[0], middle / half[1], 1.0])
        raster[:2, 2] = middle
        return Outline(random_outline(self.rng, self.seed, thin), raster @ facet.from_left(self.view))

    def quad(self, facet: Facet, uv: Vector) -> ConvexPolygon | None:
        """The convex polygon with in-plane corners uv (N, 2); None when it comes too near."""
        points = facet.points(uv)
        return None if points[:, 2].min() < NEAREST_DEPTH else ConvexPolygon(self.view.project(points))

    def box(self, centre: Vector, axes: Vector, half: Vector, style: Style) -> Iterator[Layer]:
        """The visible faces of a box: centre (3,), axes (3, 3) as columns, half extents (3,).

        Half of the boxes wear one texture, each face in its own light; the others a texture per face.
        """
        uniform, first = self.rng.random() < 0.5, None
        for axis in range(3):
            for side in (-1.0, 1.0):
                u, v = axes[:, (axis + 1) % 3], axes[:, (axis + 2) % 3]
                normal = axes[:, axis] * side
                facet = Facet(centre + normal * half[axis], u, v)
                if normal @ facet.origin >= 0:
                    continue
                hu, hv = half[(axis + 1) % 3], half[(axis + 2) % 3]
                support = self.quad(facet, np.array([[-hu, -hv], [hu, -hv], [hu, hv], [-hu, hv]]))
                plane = facet.disparity(self.view)
                if support is None or abs(1 - plane.a) < 0.1:
                    continue
                if plane.limits(clip_box(support.box, self.frame))[1] > self.max_disparity:
                    continue
                face = self.dressed(facet, style, support, plane, float(facet.origin[2]))
                if uniform and first is not None and first.colour is not None:
                    light = np.float32(self.rng.uniform(0.6, 1.2))
                    face = replace(face, texture=first.texture, colour=first.colour * light)
                first = first or face
                yield face
