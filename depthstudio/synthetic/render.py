"""Exact rendering of a scene at any sample positions of either rectified view, and of whole pairs.

The left view samples each layer directly; the right view first solves x_L = x_R + d(x_L, y). Both keep, at every
sample, the layer with the largest disparity. So there are no holes, disparity is exact below the pixel, and what one
view hides from the other follows from the same comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.scene import Layer, Scene
from depthstudio.synthetic.texture import Box, in_rows

Side = Literal["left", "right"]
BoolMap = NDArray[np.bool_]
Window = tuple[slice, slice]

TILE = 32
OCCLUDER_MARGIN_PX = 0.01


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

    left, right: (H, W, 3) uint8 RGB. disparity_px: (H, W) float32, left view. occluded: (H, W) bool, left pixels that
    the right image does not show. The right_ fields: the same for the right view (x_L = x_R + d), or None.
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

    x, y: (H, W) float32, rectified px of that side; any grid, e.g. where a distorted camera's pixels lie.
    soft_edges: blend outlines over one px, as a real pixel does; off, every sample shows exactly one layer.
    sample_spacing_px: distance between neighbouring samples in rectified px; it sets the textures' low-pass.
    """
    return _Canvas(x, y, side, soft_edges=soft_edges, sample_spacing_px=sample_spacing_px).render(scene)


def render_pair(scene: Scene, *, soft_edges: bool = True) -> SyntheticPair:
    """Both views at their pixel centres, with disparity and occlusion of both."""
    x, y = pixel_grid(scene.size)
    left = render_view(scene, x, y, "left", soft_edges=soft_edges)
    right = render_view(scene, x, y, "right", soft_edges=soft_edges)
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
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def occlusion(scene: Scene, seen: View, other: View, side: Side) -> BoolMap:
    """Pixels of `seen` (the whole view `side`) that the other view does not show.

    A pixel is hidden when another layer is nearer at its position in the other view, or when it leaves that image.
    The other view's pixels decide where four neighbours agree; around outlines the scene is evaluated exactly there.
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
    points = seen.layer[doubtful], seen.disparity_px[doubtful]
    hidden[doubtful] = _hidden_at(scene, x_other[doubtful], y[doubtful], points, "right" if side == "left" else "left")
    return hidden


def _hidden_at(scene: Scene, x: FloatMap, y: FloatMap, seen: tuple[NDArray[np.int16], FloatMap], side: Side) -> BoolMap:
    """Whether another layer is in front at positions (N,) of the view `side`; seen: the points' layer, disparity."""
    count = x.size
    if not count:
        return np.zeros(0, bool)
    view = _Canvas(in_rows(x), in_rows(y), side, soft_edges=False, with_colour=False).render(scene)
    layer, disparity_px = seen
    nearer = view.disparity_px.ravel()[:count] > disparity_px + np.float32(OCCLUDER_MARGIN_PX)
    return nearer & (view.layer.ravel()[:count] != layer)


class _Canvas:
    """The z-buffer of one view at given sample positions.

    First the geometry of all layers, then the colours: each opaque surface is sampled only where it is seen, and the
    few samples with an edge or a translucent layer are painted from back to front.
    """

    def __init__(
        self,
        x: FloatMap,
        y: FloatMap,
        side: Side,
        *,
        soft_edges: bool = True,
        with_colour: bool = True,
        sample_spacing_px: float = 1.0,
    ) -> None:
        self.x, self.y, self.side = x, y, side
        self.soft_edges, self.with_colour, self.sample_spacing_px = soft_edges, with_colour, sample_spacing_px
        self.image: FloatMap = np.zeros((*x.shape, 3) if with_colour else (0, 0, 3), np.float32)
        self.disparity_px: FloatMap = np.full(x.shape, -np.inf, np.float32)
        self.layer = np.full(x.shape, -1, np.int16)
        self.pure = np.zeros(x.shape, bool)

    def render(self, scene: Scene) -> View:
        """Paint all layers."""
        tiles = _Tiles(self.x, self.y)
        for index in scene.painting_order:
            window = tiles.meeting(scene.layers[index], self.side)
            if window is not None:
                self._place(scene.layers[index], index, window)
        if self.with_colour:
            self._colour_surfaces(scene)
            self._colour_mixtures(scene)
        self.disparity_px[self.layer < 0] = np.nan
        return View(self.image, self.disparity_px, self.layer, self.pure)

    def _solve(self, layer: Layer, x: FloatMap, y: FloatMap) -> tuple[FloatMap, FloatMap]:
        """Left x and disparity of a layer at samples of this side."""
        if self.side == "left":
            return x, layer.disparity.at_left(x, y)
        x_left = layer.disparity.left_x(x, y)
        return x_left, x_left - x

    def _inside(self, layer: Layer, x_left: FloatMap, y: FloatMap) -> FloatMap | None:
        """Signed distance to the outline in samples; None for a layer without outline."""
        if layer.support is None:
            return None
        return layer.support.inside_px(x_left, y) * np.float32(1.0 / self.sample_spacing_px)

    def _place(self, layer: Layer, index: int, window: Window) -> None:
        """Enter one layer into the z-buffer, and note where its colour alone is seen."""
        y = self.y[window]
        x_left, disparity = self._solve(layer, self.x[window], y)
        inside = self._inside(layer, x_left, y)
        depth, pure = self.disparity_px[window], self.pure[window]
        solid = disparity > depth
        if inside is not None:
            reached = solid & (inside > -0.5) if self.soft_edges else solid & (inside > 0)
            full = solid & (inside >= 0.5) if self.soft_edges else reached
            solid &= inside > 0
        else:
            reached = full = solid
        pure[reached] = False
        if layer.opacity >= 1:
            pure[full] = True
        if layer.is_solid:
            cv2.copyTo(disparity, solid.view(np.uint8), depth)
            np.copyto(self.layer[window], np.int16(index), where=solid)

    def _colour_surfaces(self, scene: Scene) -> None:
        """Sample every layer at the samples that show it alone."""
        shown = np.where(self.pure, self.layer, np.int16(-1)).ravel()
        order = np.argsort(shown, kind="stable")
        present, first = np.unique(shown[order], return_index=True)
        x, y, image = self.x.ravel(), self.y.ravel(), self.image.reshape(-1, 3)
        for index, samples in zip(present, np.split(order, first[1:]), strict=True):
            if index >= 0:
                layer, y_seen = scene.layers[index], y[samples]
                x_left, _ = self._solve(layer, x[samples], y_seen)
                image[samples] = layer.colours(x_left, y_seen, scene.frame, self.sample_spacing_px)

    def _colour_mixtures(self, scene: Scene) -> None:
        """Blend the layers from back to front at the samples that show more than one."""
        samples = np.flatnonzero(~self.pure)
        x, y = self.x.ravel()[samples], self.y.ravel()[samples]
        colour, depth = np.zeros((samples.size, 3), np.float32), np.full(samples.size, -np.inf, np.float32)
        for index in scene.painting_order:
            layer = scene.layers[index]
            met = _within(layer, x, y, self.side)
            if not met.size:
                continue
            x_left, disparity = self._solve(layer, x[met], y[met])
            inside = self._inside(layer, x_left, y[met])
            seen = np.flatnonzero(
                disparity > depth[met] if inside is None else (disparity > depth[met]) & (inside > -0.5)
            )
            if not seen.size:
                continue
            x_left, disparity, met = x_left[seen], disparity[seen], met[seen]
            alpha = np.full(seen.size, layer.opacity, np.float32)
            if inside is not None:
                inside = inside[seen]
                alpha *= np.clip(inside + np.float32(0.5), 0, 1) if self.soft_edges else inside > 0
            painted = layer.colours(x_left, y[met], scene.frame, self.sample_spacing_px)
            colour[met] += (painted - colour[met]) * alpha[:, None]
            if layer.is_solid:
                solid = slice(None) if inside is None else inside > 0
                depth[met[solid]] = disparity[solid]
        self.image.reshape(-1, 3)[samples] = colour


def _within(layer: Layer, x: FloatMap, y: FloatMap, side: Side) -> NDArray[np.intp]:
    """Indices of the samples (N,) within the layer's bounding box."""
    if layer.support is None:
        return np.arange(x.size)
    x0, y0, x1, y1 = _seen_box(layer, layer.support.box, side)
    return np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))


class _Tiles:
    """Extents of 32 x 32 tiles of a sample grid, to restrict each layer to the windows that it can meet."""

    def __init__(self, x: FloatMap, y: FloatMap) -> None:
        self.shape = x.shape
        self.x_low, self.x_high = _tile_extent(x)
        self.y_low, self.y_high = _tile_extent(y)

    def meeting(self, layer: Layer, side: Side) -> Window | None:
        """The window around all tiles that overlap the layer's bounding box; None when none does."""
        if layer.support is None:
            return slice(None), slice(None)
        x0, y0, x1, y1 = _seen_box(layer, layer.support.box, side)
        hit = (self.x_low <= x1) & (self.x_high >= x0) & (self.y_low <= y1) & (self.y_high >= y0)
        rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
        if not rows.size:
            return None
        return (
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
