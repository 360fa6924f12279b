"""One frame of a loop: both cameras' noise-free pictures, the exact depth and what the depth label is made of."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.cameras.simulated import label, projector, sensors
from depthstudio.cameras.simulated.board_poses import board_extent, corner_positions
from depthstudio.cameras.simulated.rig import MODULE_BASELINE_M
from depthstudio.cameras.simulated.stage import Stage
from depthstudio.cameras.simulated.staging import staged
from depthstudio.frames import FloatMap, Image
from depthstudio.synthetic import View, render_view

Window = tuple[slice, slice]
EVERYTHING: Window = (slice(None), slice(None))


class RenderedFrame(NamedTuple):
    """What a loop keeps per frame.

    left, right: (H, W) or (H, W, 3) uint8. exact_depth_m: (H, W) float32 in the raw left camera.
    label_units: (H, W) uint16, the module's ideal disparity in label.UNITS_PER_PX, flying pixels included.
    quality_lit, quality_dark: (H, W) uint8, how well each pixel can be matched with and without the projector.
    left_dots, right_dots: (H, W) uint8 to add when it is on; empty for cameras that do not see them.
    """

    left: Image
    right: Image
    exact_depth_m: FloatMap
    label_units: NDArray[np.uint16]
    quality_lit: NDArray[np.uint8]
    quality_dark: NDArray[np.uint8]
    left_dots: NDArray[np.uint8]
    right_dots: NDArray[np.uint8]


class IdealViews(NamedTuple):
    """Both raw cameras without lens or sensor.

    left, right: (H, W, 3) float32 RGB 0..255. The disparities are the exact rectified ones at every raw pixel.
    """

    left: FloatMap
    right: FloatMap
    left_disparity_px: FloatMap
    right_disparity_px: FloatMap


class FrameRenderer:
    """Renders the frames of one stage; keeps what does not change between them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rig = stage.rig
        self._grids = [
            tuple(np.ascontiguousarray(xy[..., k], np.float32) for k in (0, 1))
            for xy in (self.rig.left_xy, self.rig.right_xy)
        ]
        self._still: IdealViews | None = None

    def render(self, index: int) -> RenderedFrame:
        """Frame `index` of the loop. The same index gives the same frame, whatever was rendered before."""
        return self.observe(self.ideal_views(index), index)

    def ideal_views(self, index: int) -> IdealViews:
        """The frame before lens and sensor."""
        moving = self.stage.moving(index)
        if not (moving or self.stage.is_static):
            return self._view(index, [EVERYTHING, EVERYTHING], with_moving=False)
        if self._still is None:
            self._still = self._view(index, [EVERYTHING, EVERYTHING], with_moving=False)
        if not moving:
            return self._still
        # Only the windows where something moves are rendered anew; the result is the same.
        windows = self._windows(index)
        patch = self._view(index, windows, with_moving=True)
        views = IdealViews(*(array.copy() for array in self._still))
        for whole, part, window in zip(views, patch, [*windows, *windows], strict=True):
            whole[window] = part
        return views

    def _view(self, index: int, windows: list[Window], with_moving: bool) -> IdealViews:
        panels = self.stage.background + (self.stage.moving(index) if with_moving else [])
        scenes = staged(panels, self.stage.camera(index), self.rig)
        views: list[View] = []
        for k, side in enumerate(("left", "right")):
            x, y = (grid[windows[k]] for grid in self._grids[k])
            spacing = self.rig.spacings_px[k]
            views.append(render_view(scenes[k], x, y, "left" if side == "left" else "right", sample_spacing_px=spacing))
        left, right = views
        return IdealViews(left.image, right.image, left.disparity_px, right.disparity_px)

    def _windows(self, index: int) -> list[Window]:
        """Where the board, its plate and its rod can be in the two images."""
        half = np.array(board_extent(self.stage.board)) / 2 + 0.02
        outline = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        rod = np.array([[-0.03, half[1]], [0.03, half[1]], [0.03, half[1] + 0.5], [-0.03, half[1] + 0.5]])
        windows: list[Window] = []
        for corners in corner_positions(self.rig, self.stage.board_pose(index), np.vstack([outline, rod])):
            low = np.clip(np.floor(corners.min(axis=0)) - 3, 0, np.array(self.rig.size) - 1).astype(int)
            high = np.clip(np.ceil(corners.max(axis=0)) + 4, 1, np.array(self.rig.size)).astype(int)
            windows.append((slice(low[1], high[1]), slice(low[0], high[0])))
        return windows

    def observe(self, views: IdealViews, index: int) -> RenderedFrame:
        """What the cameras and the depth module make of the ideal views."""
        rig = self.rig
        left_sensor, right_sensor = sensors.of_rig(rig.kind)
        left, right = left_sensor.develop(views.left), right_sensor.develop(views.right)
        exact_depth_m = rig.raw_depth_m(views.left_disparity_px)
        infrared = left if left.ndim == 2 else sensors.INFRARED.develop(views.left)
        module_disparity = np.asarray(rig.module_focal_px * MODULE_BASELINE_M / exact_depth_m, np.float32)
        left_dots = self._dots(module_disparity, exact_depth_m, infrared, 0.0)
        # In the label's own pixel pitch a step of the disparity is that of the camera it is registered to.
        zoom = float(rig.calibration.K1[0, 0] / rig.module_focal_px)
        hidden = label.occluded_in_right(module_disparity * np.float32(zoom))
        rng = np.random.default_rng((self.stage.settings.seed, 71, index))
        no_dots = np.zeros((0, 0), np.uint8)
        return RenderedFrame(
            left,
            right,
            exact_depth_m,
            label.ideal_units(module_disparity, rng),
            label.matchability(np.asarray(cv2.add(infrared, left_dots), np.uint8), hidden, zoom),
            label.matchability(infrared, hidden, zoom),
            no_dots if rig.has_colour else left_dots,
            no_dots if rig.has_colour else self._right_dots(views.right_disparity_px, right),
        )

    def _right_dots(self, disparity: FloatMap, grey: Image) -> Image:
        depth_m = np.asarray(self.rig.geometry.focal_baseline / disparity, np.float32)
        return self._dots(disparity, depth_m, grey, 1.0)

    def _dots(self, disparity: FloatMap, depth_m: FloatMap, grey: Image, side: float) -> Image:
        """Dots in a camera's pixels, as the depth module would see them from there. disparity: the module's, px."""
        K, focal_px = self.rig.calibration.K1, self.rig.module_focal_px
        height, width = grey.shape
        x = ((np.arange(width) - K[0, 2]) / K[0, 0] * focal_px).astype(np.float32)
        y = ((np.arange(height) - K[1, 2]) / K[1, 1] * focal_px).astype(np.float32)
        grid_x, grid_y = np.meshgrid(x, y)
        return projector.dots((grid_x, grid_y), disparity, depth_m, grey, side)
