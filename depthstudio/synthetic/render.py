"""Exact rendering of a scene at any sample positions of either rectified view, and of whole pairs.

The left view samples each layer directly; the right view first solves x_L = x_R + d(x_L, y). Both keep, at every
sample, the layer with the largest disparity. So there are no holes, disparity is exact below the pixel, and what one view
hides from the other follows from the same comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.scene import Box, Layer, Scene

Side = Literal["left", "right"]
BoolMap = NDArray[np.bool_]

TILE = 32
OCCLUDER_MARGIN_PX = 0.01
POINTS_PER_ROW = 256


class View(NamedTuple):
    """What one camera sees at its sample positions.

    image: (..., 3) float32 RGB 0..255. disparity_px: float32, NaN where no layer is. layer: int16 index, -1 = none.
    pure: True where the colour is one opaque surface's alone (not an edge blend, no transparency).
    """

    image: FloatMap
    disparity_px: FloatMap
    layer: NDArray[np.int16]
    pure: BoolMap


@dataclass(frozen=True)
class SyntheticPair:
    """A rectified pair with its truth.

    left, right: (H, W, 3) uint8 RGB. disparity_px: (H, W) float32, left view. occluded: (H, W) bool, left pixels that the right
    image does not show. The right_ fields are the same for the right view (x_L = x_R + d), None where not computed.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    disparity_px: FloatMap
    occluded: BoolMap
    kind: str
    right_disparity_px: FloatMap | None = None
    right_occluded: BoolMap | None = None


def pixel_grid(size: tuple[int, int]) -> tuple[FloatMap, FloatMap]:
    """x, y: (height, width) float32 positions of all pixel centres; size = (width, height)."""
    width, height = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y


def render_view(
    scene: Scene, x: FloatMap, y: FloatMap, side: Side, *, soft_edges: bool = True, sample_spacing_px: float = 1.0
) -> View:
    """Render the scene at arbitrary positions of one rectified view.

    x, y: (H, W) float32, rectified px of that side; any grid, e.g. the rectified positions of a distorted camera's pixels.
    soft_edges: blend outlines over one px, as a real pixel does; off, every sample shows exactly one layer.
    sample_spacing_px: distance between neighbouring samples in rectified px; it sets the textures' low-pass.
    """
    return _render(scene, x, y, side, True, soft_edges, sample_spacing_px)


def render_pair(scene: Scene, *, soft_edges: bool = True) -> SyntheticPair:
    """Both views at their pixel centres, with disparity and occlusion of both."""
    x, y = pixel_grid(scene.size)
    left = _render(scene, x, y, "left", True, soft_edges, 1.0)
    right = _render(scene, x, y, "right", True, soft_edges, 1.0)
    return SyntheticPair(
        to_uint8(left.image),
        to_uint8(right.image),
        left.disparity_px,
        occlusion(scene, left, right, "left"),
        scene.kind,
        right.disparity_px,
        occlusion(scene, right, left, "right"),
    )


def to_uint8(image: FloatMap) -> NDArray[np.uint8]:
    """Round and clip a 0..255 float image."""
    return cv2.convertScaleAbs(np.maximum(image, 0))


def occlusion(scene: Scene, seen: View, other: View, side: Side) -> BoolMap:
    """Pixels of `seen` (the whole view `side`) that the other view does not show.

    A pixel is hidden when another layer is nearer at its position in the other view, or when it leaves that image.
    The other view's pixels decide where four neighbours agree; around outlines the scene is evaluated at the exact position.
    """
    width = scene.size[0]
    x, y = pixel_grid(scene.size)
    x_other = x - seen.disparity_px if side == "left" else x + seen.disparity_px
    outside = ~((x_other >= 0) & (x_other <= width - 1))
    column = np.clip(np.floor(np.nan_to_num(x_other)), 1, width - 3).astype(np.intp)
    flat = column + (np.arange(scene.size[1]) * width)[:, None]
    doubtful = np.zeros(outside.shape, bool)
    for step in (-1, 0, 1, 2):
        doubtful |= np.take(other.layer, flat + step) != seen.layer
    doubtful &= ~outside
    hidden = outside
    hidden[doubtful] = _hidden_at(
        scene, x_other[doubtful], y[doubtful], seen.layer[doubtful], seen.disparity_px[doubtful], side
    )
    return hidden


def _hidden_at(
    scene: Scene, x: FloatMap, y: FloatMap, layer: NDArray[np.int16], disparity_px: FloatMap, side: Side
) -> BoolMap:
    """Whether another layer is in front at positions (N,) of the view that is not `side`."""
    count = x.size
    padding = -count % POINTS_PER_ROW
    grid = [
        np.pad(values, (0, padding), mode="edge").reshape(-1, POINTS_PER_ROW) if count else values for values in (x, y)
    ]
    if not count:
        return np.zeros(0, bool)
    view = _render(scene, grid[0], grid[1], "right" if side == "left" else "left", False, False, 1.0)
    nearer = view.disparity_px.ravel()[:count] > disparity_px + np.float32(OCCLUDER_MARGIN_PX)
    return nearer & (view.layer.ravel()[:count] != layer)


def _render(
    scene: Scene, x: FloatMap, y: FloatMap, side: Side, with_colour: bool, soft_edges: bool, sample_spacing_px: float
) -> View:
    shape = x.shape
    view = View(
        np.zeros((*shape, 3) if with_colour else (0, 0, 3), np.float32),
        np.full(shape, -np.inf, np.float32),
        np.full(shape, -1, np.int16),
        np.zeros(shape, bool),
    )
    tiles = _Tiles(x, y)
    for index in scene.painting_order:
        layer = scene.layers[index]
        for window in tiles.meeting(layer, side):
            _paint(view, window, scene, index, x[window], y[window], side, with_colour, soft_edges, sample_spacing_px)
    view.disparity_px[view.layer < 0] = np.nan
    return view


def _paint(
    view: View,
    window: tuple[slice, slice],
    scene: Scene,
    index: int,
    x: FloatMap,
    y: FloatMap,
    side: Side,
    with_colour: bool,
    soft_edges: bool,
    sample_spacing_px: float,
) -> None:
    """Composite one layer into one window of the view."""
    layer = scene.layers[index]
    if side == "left":
        x_left, disparity = x, layer.disparity.at_left(x, y)
    else:
        x_left = layer.disparity.left_x(x, y)
        disparity = x_left - x
    depth = view.disparity_px[window]
    front = disparity > depth
    if layer.support is None:
        alpha = None
        covered = solid = front
    else:
        inside = layer.support.inside_px(x_left, y)
        inside *= np.float32(1.0 / sample_spacing_px)
        solid = front & (inside > 0)
        covered = front & (inside > -0.5) if soft_edges else solid
        alpha = np.clip(inside + np.float32(0.5), 0, 1) if soft_edges else None
    if not covered.any():
        return
    if with_colour:
        colour = layer.colours(x_left, y, scene.frame, sample_spacing_px)
        _blend(view.image[window], view.pure[window], colour, covered, alpha, layer.opacity)
    if layer.is_solid:
        mask = solid.view(np.uint8)
        cv2.copyTo(disparity, mask, depth)
        np.copyto(view.layer[window], np.int16(index), where=solid)


def _blend(
    image: FloatMap, pure: BoolMap, colour: FloatMap, covered: BoolMap, alpha: FloatMap | None, opacity: float
) -> None:
    """Paint colour over image, in place: opaque pixels are copied, the others mixed."""
    if alpha is None and opacity >= 1.0:
        cv2.copyTo(colour, covered.view(np.uint8), image)
        pure[covered] = True
        return
    if opacity >= 1.0 and alpha is not None:
        opaque = covered & (alpha >= 1.0)
        cv2.copyTo(colour, opaque.view(np.uint8), image)
        pure[opaque] = True
        mixed = covered & ~opaque
    else:
        mixed = covered
    weight = np.float32(opacity) if alpha is None else (alpha[mixed] * np.float32(opacity))[:, None]
    behind = image[mixed]
    image[mixed] = behind + (colour[mixed] - behind) * weight
    pure[mixed] = False


class _Tiles:
    """Extents of 32 x 32 tiles of a sample grid, to restrict each layer to the windows that it can meet."""

    def __init__(self, x: FloatMap, y: FloatMap) -> None:
        self.shape = x.shape
        self.x_low, self.x_high = _tile_extent(x)
        self.y_low, self.y_high = _tile_extent(y)

    def meeting(self, layer: Layer, side: Side) -> Iterator[tuple[slice, slice]]:
        """The window around all tiles that overlap the layer's bounding box; nothing when none does."""
        if layer.support is None:
            yield slice(None), slice(None)
            return
        x0, y0, x1, y1 = _seen_box(layer, layer.support.box, side)
        hit = (self.x_low <= x1) & (self.x_high >= x0) & (self.y_low <= y1) & (self.y_high >= y0)
        rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
        if rows.size:
            yield (
                slice(int(rows[0]) * TILE, int(rows[-1] + 1) * TILE),
                slice(int(columns[0]) * TILE, int(columns[-1] + 1) * TILE),
            )


def _tile_extent(values: FloatMap) -> tuple[FloatMap, FloatMap]:
    rows, columns = np.arange(0, values.shape[0], TILE), np.arange(0, values.shape[1], TILE)
    low = np.minimum.reduceat(np.minimum.reduceat(values, rows, axis=0), columns, axis=1)
    high = np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), columns, axis=1)
    return low, high


def _seen_box(layer: Layer, box: Box, side: Side) -> Box:
    """A left-view box as the given side sees it, a px wider for soft edges."""
    x0, y0, x1, y1 = box
    if side == "right":
        low, high = layer.disparity.limits(box)
        x0, x1 = x0 - high, x1 - low
    return x0 - 1, y0 - 1, x1 + 1, y1 + 1
