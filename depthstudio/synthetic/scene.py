"""A scene: a stack of textured surfaces, described in the pixels of the rectified left view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import DisparityField, FloatMap
from depthstudio.synthetic.texture import Box, Matrix, Placement, Texture, sample_placed, sample_points

FAR_OUTSIDE = -1e3


class Support(Protocol):
    """Which part of the image a layer covers."""

    @property
    def box(self) -> Box:
        """(x0, y0, x1, y1) in left px that holds the whole support."""
        ...

    def inside_px(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Signed distance to the outline in px, positive inside; exact only near the outline."""
        ...


@dataclass(frozen=True)
class ConvexPolygon:
    """vertices: (N, 2) left px, in either turning direction."""

    vertices: NDArray[np.float64]

    @property
    def box(self) -> Box:
        """The vertices' extent."""
        (x0, y0), (x1, y1) = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    @cached_property
    def _edges(self) -> NDArray[np.float32]:
        """(N, 3): unit inward normals and offsets."""
        start, end = self.vertices, np.roll(self.vertices, -1, axis=0)
        along = end - start
        length = np.hypot(along[:, 0], along[:, 1])
        keep = length > 1e-6
        start, along, length = start[keep], along[keep], length[keep]
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / length[:, None]
        middle = self.vertices.mean(axis=0)
        normal *= np.where(((middle - start) * normal).sum(axis=1) < 0, -1.0, 1.0)[:, None]
        offset = -(start * normal).sum(axis=1)
        return np.column_stack([normal, offset]).astype(np.float32)

    def inside_px(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Distance to the nearest edge line."""
        nearest: FloatMap | None = None
        for nx, ny, offset in self._edges:
            distance = x * nx
            distance += y * ny
            distance += offset
            nearest = distance if nearest is None else np.minimum(nearest, distance, out=nearest)
        if nearest is None:
            raise ValueError("a polygon needs edges")
        return nearest


@dataclass(frozen=True)
class Outline:
    """Any shape, holes included, as a raster of signed distances placed by a homography.

    distance: (h, w) float32 in raster units, positive inside, negative along its border.
    from_left: 3x3, raster units from left px.
    """

    distance: FloatMap
    from_left: Matrix

    @cached_property
    def box(self) -> Box:
        """Extent of the raster's corners, back in left px."""
        height, width = self.distance.shape
        corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], np.float64)
        placed = cv2.perspectiveTransform(corners, np.linalg.inv(self.from_left))[0]
        (x0, y0), (x1, y1) = placed.min(axis=0), placed.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    @cached_property
    def _px_per_unit(self) -> np.float32:
        x0, y0, x1, y1 = self.box
        x = np.array([(x0 + x1) / 2], np.float32)
        y = np.array([(y0 + y1) / 2], np.float32)
        units_per_px = 2.0 ** float(Placement(self.from_left).level(x, y)[0])
        return np.float32(1.0 / units_per_px)

    def inside_px(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Interpolated distance, scaled to px by the placement's scale at its centre."""
        u, v = Placement(self.from_left).coordinates(x, y)
        return sample_points(self.distance, u, v, cv2.BORDER_CONSTANT, FAR_OUTSIDE) * self._px_per_unit


@dataclass(frozen=True)
class Layer:
    """One surface.

    texture_from_left: 3x3 homography, texels from left px (exact for a plane seen in any pose).
    support: None covers everything. colour: optional (3, 4) matrix on RGB 0..255 after sampling.
    opacity < 1 lets farther layers shine through; below 0.5 the layer has no disparity of its own in the truth.
    """

    texture: Texture
    texture_from_left: Matrix
    disparity: DisparityField
    support: Support | None = None
    colour: NDArray[np.float32] | None = None
    opacity: float = 1.0
    name: str = ""

    @property
    def is_solid(self) -> bool:
        """True when the true disparity is this layer's where it is in front."""
        return self.opacity >= 0.5

    def colours(self, x: FloatMap, y: FloatMap, frame: Box, sample_spacing_px: float = 1.0) -> FloatMap:
        """(N, 3) float32 RGB 0..255 at left positions (N,). frame: the extent of a layer without support."""
        box = frame if self.support is None else clip_box(self.support.box, frame)
        rgb = sample_placed(
            self.texture, Placement(self.texture_from_left), x, y, box=box, sample_spacing_px=sample_spacing_px
        )
        if self.colour is not None:
            rgb = np.asarray(cv2.transform(rgb[None], self.colour)[0], np.float32)
            np.clip(rgb, 0, 255, out=rgb)
        return rgb


def clip_box(box: Box, frame: Box) -> Box:
    """The part of box within frame; frame itself when they do not meet."""
    x0, y0, x1, y1 = max(box[0], frame[0]), max(box[1], frame[1]), min(box[2], frame[2]), min(box[3], frame[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else frame


@dataclass(frozen=True)
class Scene:
    """layers in any order; size: (width, height) of the rectified views in px; kind: the generator's name for it."""

    layers: tuple[Layer, ...]
    size: tuple[int, int]
    kind: str = ""

    @property
    def frame(self) -> Box:
        """Extent of the left view in px, with the strip that only the right view sees (up to a quarter width)."""
        width, height = self.size
        return -1.0, -1.0, 1.25 * width, float(height)

    @cached_property
    def painting_order(self) -> list[int]:
        """Layer indices, translucent ones last, far before near: blending at edges then meets what lies behind."""

        def key(index: int) -> tuple[bool, float]:
            layer = self.layers[index]
            box = self.frame if layer.support is None else clip_box(layer.support.box, self.frame)
            return layer.opacity < 1.0, sum(layer.disparity.limits(box))

        return sorted(range(len(self.layers)), key=key)
