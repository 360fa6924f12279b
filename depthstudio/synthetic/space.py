"""Flat surfaces in space, seen by the left camera: their disparity plane, texture placement and outline.

Lengths are in units of the nearest distance: a point at depth Z has disparity scale_px / Z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import PlaneDisparity
from depthstudio.synthetic.texture import Matrix

Vector = NDArray[np.float64]

NEAREST_DEPTH = 0.2


@dataclass(frozen=True)
class Viewpoint:
    """focal_px, cx, cy of the rectified left camera; scale_px = focal * baseline: the disparity at unit depth."""

    focal_px: float
    cx: float
    cy: float
    scale_px: float

    @property
    def matrix(self) -> Matrix:
        """The 3x3 camera matrix."""
        return np.array([[self.focal_px, 0, self.cx], [0, self.focal_px, self.cy], [0, 0, 1.0]])

    def project(self, points: Vector) -> Vector:
        """(N, 2) px of (N, 3) points in front of the camera."""
        return points[:, :2] / points[:, 2:] * self.focal_px + [self.cx, self.cy]

    def point(self, x: float, y: float, depth: float) -> Vector:
        """The point seen at (x, y) at a depth."""
        return np.array([(x - self.cx) / self.focal_px * depth, (y - self.cy) / self.focal_px * depth, depth])


@dataclass(frozen=True)
class Facet:
    """A plane through `origin` with orthonormal axes u and v, in camera coordinates: x right, y down, z forward."""

    origin: Vector
    u: Vector
    v: Vector

    @property
    def normal(self) -> Vector:
        """Unit normal."""
        return np.cross(self.u, self.v)

    def points(self, uv: Vector) -> Vector:
        """(N, 3) points of in-plane positions (N, 2)."""
        return self.origin + uv[:, :1] * self.u + uv[:, 1:] * self.v

    def disparity(self, view: Viewpoint) -> PlaneDisparity:
        """d = scale n.ray / (n.origin), linear in the image because 1/Z is."""
        n = self.normal
        distance = float(n @ self.origin)
        if abs(distance) < 1e-9:
            distance = 1e-9
        gain = view.scale_px / distance
        a, b = gain * n[0] / view.focal_px, gain * n[1] / view.focal_px
        return PlaneDisparity(float(a), float(b), float(gain * n[2] - a * view.cx - b * view.cy))

    def from_left(self, view: Viewpoint) -> Matrix:
        """3x3 homography: in-plane (u, v) from left px."""
        to_image = view.matrix @ np.column_stack([self.u, self.v, self.origin])
        return np.asarray(np.linalg.inv(to_image), np.float64)


def rotation(yaw: float, pitch: float, roll: float) -> Matrix:
    """Turn about y, then x, then z; radians."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float64)


def texture_scale(texels_per_unit: float, turn: float, offset: Vector) -> Matrix:
    """3x3: texels from in-plane units, turned by `turn` radians, shifted by `offset` texels."""
    c, s = np.cos(turn) * texels_per_unit, np.sin(turn) * texels_per_unit
    return np.array([[c, -s, offset[0]], [s, c, offset[1]], [0, 0, 1.0]])
