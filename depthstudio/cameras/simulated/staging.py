"""From panels in space to a layered scene of the rectified left view, for a camera pose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from depthstudio.cameras.simulated.panels import Panel, Vector, turned_z
from depthstudio.cameras.simulated.rig import SimulatedRig
from depthstudio.synthetic import ConvexPolygon, Layer, PlaneDisparity, Scene

_NEAR_M = 0.12
# Faces of a solid overlap their neighbours by this much, so that nothing shines through the seams.
_SEAM_PX = 0.5
_EDGE_ON = 1e-3

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class CameraPose:
    """The raw left camera in the room: x_camera = rotation @ (x_room - position), metres."""

    rotation: Vector
    position: Vector


@dataclass(frozen=True)
class WideScene(Scene):
    """A scene sampled beyond the rectified image, as raw cameras do. extent: (x0, y0, x1, y1) in left px."""

    extent: Box = (0.0, 0.0, 0.0, 0.0)

    @property
    def frame(self) -> Box:
        """What the raw cameras see."""
        return self.extent


def staged(panels: Iterable[Panel], pose: CameraPose, rig: SimulatedRig) -> tuple[WideScene, WideScene]:
    """The scene as the left and as the right camera see it.

    Both describe the same surfaces; they differ in the faces of solids that are turned away from one camera.
    """
    rotation = rig.R1 @ pose.rotation
    offset = -rotation @ pose.position
    extent = _extent(rig)
    left: list[Layer] = []
    right: list[Layer] = []
    right_eye = np.array([rig.geometry.baseline_m, 0.0, 0.0])
    for panel in panels:
        corner = rotation @ panel.corner + offset
        M = np.stack([rotation @ panel.across, rotation @ panel.down, corner], axis=1)
        normal = rotation @ panel.normal
        seen_left = not panel.one_sided or normal @ corner < 0
        seen_right = not panel.one_sided or normal @ (corner - right_eye) < 0
        if not (seen_left or seen_right) or abs(normal @ corner) < _EDGE_ON:
            continue
        layer = _layer(panel, M, rig)
        if layer is None:
            continue
        if seen_left and _meets(layer, extent):
            left.append(layer)
        if seen_right and abs(normal @ (corner - right_eye)) > _EDGE_ON:
            right.append(layer)
    size = rig.geometry.size
    return WideScene(tuple(left), size, "room", extent), WideScene(tuple(right), size, "room", extent)


def _layer(panel: Panel, M: Vector, rig: SimulatedRig) -> Layer | None:
    """M: (3, 3), maps (u, v, 1) to the point in the rectified left camera's frame.

    So M^-1 K^-1 (x, y, 1) = (u, v, 1) / Z: a homography for the texture, and 1/Z linear in the image for the disparity.
    """
    g = rig.geometry
    points = _clipped(np.column_stack([panel.outline, np.ones(len(panel.outline))]) @ M.T)
    if len(points) < 3:
        return None
    vertices = np.stack(
        [g.cx + g.focal_px * points[:, 0] / points[:, 2], g.cy + g.focal_px * points[:, 1] / points[:, 2]], axis=1
    )
    if panel.one_sided:
        vertices = _grown(vertices)
    K = np.array([[g.focal_px, 0, g.cx], [0, g.focal_px, g.cy], [0, 0, 1]])
    uv_from_left = np.linalg.inv(K @ M)
    a, b, c = (float(value) for value in g.focal_baseline * uv_from_left[2])
    width, height = panel.texture.size
    texels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
    return Layer(panel.texture, texels @ uv_from_left, PlaneDisparity(a, b, c), ConvexPolygon(vertices))


def _clipped(points: Vector) -> Vector:
    """The part of a polygon (N, 3) in front of the near plane (Sutherland and Hodgman)."""
    kept: list[Vector] = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        if start[2] >= _NEAR_M:
            kept.append(start)
        if (start[2] >= _NEAR_M) != (end[2] >= _NEAR_M):
            share = (_NEAR_M - start[2]) / (end[2] - start[2])
            kept.append(start + share * (end - start))
    return np.array(kept).reshape(-1, 3)


def _grown(vertices: Vector) -> Vector:
    """The polygon with every edge moved outwards by _SEAM_PX."""
    along = np.roll(vertices, -1, axis=0) - vertices
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / length
    middle = vertices.mean(axis=0)
    if ((vertices - middle) * normal).sum() < 0:
        normal = -normal
    before = np.roll(normal, 1, axis=0)
    # The corner of the two moved edges; very sharp corners are cut short.
    sharpness = np.maximum(1 + (normal * before).sum(axis=1, keepdims=True), 0.3)
    return np.asarray(vertices + _SEAM_PX * (normal + before) / sharpness)


def _extent(rig: SimulatedRig) -> Box:
    """Left px that either raw camera may look at; the right one's are moved by the largest disparity."""
    low = np.minimum(rig.left_xy.min(axis=(0, 1)), rig.right_xy.min(axis=(0, 1)))
    high = np.maximum(rig.left_xy.max(axis=(0, 1)), rig.right_xy.max(axis=(0, 1)))
    widest = rig.geometry.focal_baseline / 0.3
    return float(low[0]), float(low[1]), float(high[0] + widest), float(high[1])


def _meets(layer: Layer, extent: Box) -> bool:
    if layer.support is None:
        return True
    x0, y0, x1, y1 = layer.support.box
    return x0 < extent[2] and x1 > extent[0] and y0 < extent[3] and y1 > extent[1]


def look_at(position: Vector, target: Vector, roll_deg: float = 0.0) -> CameraPose:
    """A camera at `position` whose axis points to `target`, upright but for the roll."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return CameraPose(turned_z(roll_deg) @ rotation, position)
