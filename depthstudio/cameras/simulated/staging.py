"""From panels in space to a layered scene of the rectified left view, for a camera pose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from depthstudio.cameras.simulated.panels import Panel, Vector, turned_z
from depthstudio.cameras.simulated.rig import SimulatedRig
from depthstudio.synthetic import ConvexPolygon, Layer, PlaneDisparity, Scene

_NEAR_M = 0.12
_NEAREST_SEEN_M = 0.3
# Sine of the sharpest corner whose edges are moved exactly.
_SHARPEST = 0.25
_LONGEST_REACH = 1.3
# How much the disparity may change over the strip by which a face reaches over its neighbour.
_DEEPEST_REACH_PX = 1.0
# Disparity per px beyond which a face is seen edge-on: not a pixel wide, and rounding would move it.
_STEEPEST = 25.0
_EDGE_ON_M = 1e-3

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class CameraPose:
    """The raw left camera in the room: x_camera = rotation @ (x_room - position), metres."""

    rotation: Vector
    position: Vector


@dataclass(frozen=True)
class WideScene(Scene):
    """A scene sampled beyond the rectified image, as raw cameras do. extent: (x0, y0, x1, y1) in left px.

    order: layer indices in painting order.
    """

    extent: Box = (0.0, 0.0, 0.0, 0.0)
    order: tuple[int, ...] = ()

    @property
    def frame(self) -> Box:
        """What the raw cameras see."""
        return self.extent

    @cached_property
    def painting_order(self) -> list[int]:
        """Solids from far to near, and the faces of each by their rank."""
        return list(self.order)


def staged(panels: Iterable[Panel], pose: CameraPose, rig: SimulatedRig) -> tuple[WideScene, WideScene]:
    """The scene as the left and as the right camera see it.

    Both describe the same surfaces; they differ in the faces of solids that are turned away from one camera.
    """
    rotation = rig.R1 @ pose.rotation
    offset = -rotation @ pose.position
    extent = _extent(rig)
    panels = list(panels)
    corners = np.array([panel.corner for panel in panels]) @ rotation.T + offset
    normals = np.array([panel.normal for panel in panels]) @ rotation.T
    solid = np.array([panel.one_sided for panel in panels])
    # Heights of both eyes above each panel's plane, metres.
    above_left = -(normals * corners).sum(axis=1)
    above_right = above_left + normals[:, 0] * rig.geometry.baseline_m
    seen_left = (~solid & (np.abs(above_left) > _EDGE_ON_M)) | (above_left > _EDGE_ON_M)
    seen_right = (~solid & (np.abs(above_right) > _EDGE_ON_M)) | (above_right > _EDGE_ON_M)
    # Disparity is described in left px, which an edge-on panel does not have.
    described = np.abs(above_left) > _EDGE_ON_M
    faces: list[_Face] = []
    for k in np.flatnonzero((seen_left | seen_right) & described):
        M = np.stack([rotation @ panels[k].across, rotation @ panels[k].down, corners[k]], axis=1)
        layer = _layer(panels[k], M, rig, extent)
        if layer is not None:
            faces.append(_Face(panels[k], layer, bool(seen_left[k]), bool(seen_right[k])))
    faces.sort(key=_painting_key(faces))
    left = tuple(face.layer for face in faces if face.seen_left)
    right = tuple(face.layer for face in faces if face.seen_right)
    size = rig.geometry.size
    return (
        WideScene(left, size, "room", extent, tuple(range(len(left)))),
        WideScene(right, size, "room", extent, tuple(range(len(right)))),
    )


class _Face(NamedTuple):
    panel: Panel
    layer: Layer
    seen_left: bool
    seen_right: bool

    @property
    def disparity_px(self) -> float:
        """In the middle of its outline."""
        assert self.layer.support is not None
        low, high = self.layer.disparity.limits(self.layer.support.box)
        return 0.5 * (low + high)


def _painting_key(faces: list[_Face]) -> Callable[[_Face], tuple[float, int, int]]:
    """Far bodies before near ones; within a body lower ranks first."""
    by_body: dict[int, list[float]] = {}
    for face in faces:
        by_body.setdefault(id(face.panel.body or face.panel), []).append(face.disparity_px)
    nearness = {body: sum(values) / len(values) for body, values in by_body.items()}

    def key(face: _Face) -> tuple[float, int, int]:
        body = id(face.panel.body or face.panel)
        return nearness[body], body, face.panel.rank

    return key


def _layer(panel: Panel, M: Vector, rig: SimulatedRig, extent: Box) -> Layer | None:
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
    if not _meets(vertices, extent):
        return None
    K = np.array([[g.focal_px, 0, g.cx], [0, g.focal_px, g.cy], [0, 0, 1]])
    uv_from_left = np.linalg.inv(K @ M)
    a, b, c = (float(value) for value in g.focal_baseline * uv_from_left[2])
    slope = float(np.hypot(a, b))
    if slope > _STEEPEST:
        return None
    if panel.overlaps and len(points) == len(panel.outline):
        # A face seen at a grazing angle would come far out of its body.
        reach_px = min(rig.coarsest_spacing_px, _DEEPEST_REACH_PX / max(slope, 1e-6))
        vertices = _reaching(vertices, panel.overlaps, reach_px)
    width, height = panel.texture.size
    texels = np.array([[width, 0, -0.5], [0, height, -0.5], [0, 0, 1]])
    return Layer(panel.texture, texels @ uv_from_left, PlaneDisparity(a, b, c), ConvexPolygon(vertices))


def _clipped(points: Vector) -> Vector:
    """The part of a polygon (N, 3) in front of the near plane (Sutherland and Hodgman)."""
    if points[:, 2].min() >= _NEAR_M:
        return points
    kept: list[Vector] = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        if start[2] >= _NEAR_M:
            kept.append(start)
        if (start[2] >= _NEAR_M) != (end[2] >= _NEAR_M):
            share = (_NEAR_M - start[2]) / (end[2] - start[2])
            kept.append(start + share * (end - start))
    return np.array(kept).reshape(-1, 3)


def _reaching(vertices: Vector, edges: tuple[int, ...], distance_px: float) -> Vector:
    """The polygon with some edges (k from vertex k to k + 1) moved outwards."""
    along = np.vstack([vertices[1:], vertices[:1]]) - vertices
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / length
    if ((vertices - vertices.mean(axis=0)) * normal).sum() < 0:
        normal = -normal
    moved = np.zeros(len(vertices))
    moved[list(edges)] = distance_px
    # Each corner becomes the crossing of its two moved edges.
    before, moved_before = np.vstack([normal[-1:], normal[:-1]]), np.roll(moved, 1)
    turn = before[:, 0] * normal[:, 1] - before[:, 1] * normal[:, 0]
    turn = np.where(np.abs(turn) < _SHARPEST, np.copysign(_SHARPEST, turn), turn)
    shift_x = (moved_before * normal[:, 1] - moved * before[:, 1]) / turn
    shift_y = (moved * before[:, 0] - moved_before * normal[:, 0]) / turn
    shift = np.stack([shift_x, shift_y], axis=1)
    far = np.linalg.norm(shift, axis=1, keepdims=True) / (_LONGEST_REACH * distance_px)
    reached = vertices + shift / np.maximum(far, 1.0)
    return reached if _is_convex(reached) else vertices


def _is_convex(vertices: Vector) -> bool:
    """False for outlines so small that moving their edges turned them inside out."""
    along = np.vstack([vertices[1:], vertices[:1]]) - vertices
    after = np.vstack([along[1:], along[:1]])
    turns = along[:, 0] * after[:, 1] - along[:, 1] * after[:, 0]
    return bool(np.all(turns > 0) or np.all(turns < 0))


def _extent(rig: SimulatedRig) -> Box:
    """Left px that either raw camera may look at; the right one's are moved by the largest disparity."""
    low = np.minimum(rig.left_xy.min(axis=(0, 1)), rig.right_xy.min(axis=(0, 1)))
    high = np.maximum(rig.left_xy.max(axis=(0, 1)), rig.right_xy.max(axis=(0, 1)))
    widest = rig.geometry.focal_baseline / _NEAREST_SEEN_M
    return float(low[0]), float(low[1]), float(high[0] + widest), float(high[1])


def _meets(vertices: Vector, extent: Box) -> bool:
    (x0, y0), (x1, y1) = vertices.min(axis=0), vertices.max(axis=0)
    return bool(x0 < extent[2] and x1 > extent[0] and y0 < extent[3] and y1 > extent[1])


def look_at(position: Vector, target: Vector, roll_deg: float = 0.0) -> CameraPose:
    """A camera at `position` whose axis points to `target`, upright but for the roll."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return CameraPose(turned_z(roll_deg) @ rotation, position)
