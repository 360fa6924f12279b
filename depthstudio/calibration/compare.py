"""Comparing two calibrations of the same pair: how far apart they put the same pixel, and the same depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.uncertainty import DISTANCES_M
from depthstudio.errors import CalibrationError
from depthstudio.geometry import StereoCalibration

FloatMap = NDArray[np.float32]

_GRID_STEP_PX = 8
_SAME_PX = 0.1
_CLOSE_PX = 0.5


@dataclass(frozen=True, eq=False)
class Comparison:
    """The second calibration seen from the first.

    row_px, disparity_px: (H/8, W/8) float32 maps over the first's left image: for a point at `distance_m` in front of
    each pixel, how far the second calibration's rows are off, and how much its disparity differs. depth_mm: distance in
    metres to the median change of depth there. image_size: of the left image, px.
    """

    row_px: FloatMap
    disparity_px: FloatMap
    distance_m: float
    depth_mm: dict[float, float]
    baseline_mm: float
    focal_percent: float
    rotation_deg: float
    image_size: tuple[int, int]

    @property
    def difference_px(self) -> FloatMap:
        """Row and disparity difference together."""
        return np.hypot(self.row_px, self.disparity_px)

    @property
    def mean_px(self) -> float:
        """Mean over the image."""
        return float(np.nanmean(self.difference_px))

    @property
    def max_px(self) -> float:
        """Largest over the image."""
        return float(np.nanmax(self.difference_px))

    @property
    def verdict(self) -> str:
        """One or two sentences."""
        if self.max_px < 0.005:
            return "They are the same."
        where = _worst_place(self.difference_px)
        numbers = f"{self.mean_px:.2f} px apart on average, {self.max_px:.2f} px at most ({where})"
        depth = f"Depth at 2 m differs by {self.depth_mm[2.0]:+.1f} mm."
        if self.max_px < _SAME_PX:
            return f"As good as the same: {numbers}. {depth}"
        if self.mean_px < _CLOSE_PX:
            return f"Close: {numbers}. {depth}"
        return f"They differ: {numbers}. {depth} Do not use one for recordings made with the other."


def compare(first: StereoCalibration, second: StereoCalibration, distance_m: float = 2.0) -> Comparison:
    """Take points in front of each pixel of the first's left image, project them into its pair, and triangulate them
    again with the second. CalibrationError when the two are for images of different sizes.
    """
    size = first.image_size or second.image_size
    if size is None:
        raise CalibrationError("Neither calibration says for which image size it was made.")
    sizes = [(c.image_size or size, c.right_image_size or c.image_size or size) for c in (first, second)]
    if sizes[0] != sizes[1]:
        texts = [f"{a[0]}x{a[1]} and {b[0]}x{b[1]} px" for a, b in sizes]
        raise CalibrationError("The two calibrations are for different image sizes.", f"{texts[0]}; {texts[1]}.")
    width, height = size
    x, y = np.meshgrid(
        np.arange(_GRID_STEP_PX / 2, width, _GRID_STEP_PX), np.arange(_GRID_STEP_PX / 2, height, _GRID_STEP_PX)
    )
    pixels = np.column_stack([x.ravel(), y.ravel()])
    rows, disparities, _ = _differences(first, second, pixels, distance_m)
    shape = x.shape
    return Comparison(
        row_px=rows.reshape(shape).astype(np.float32),
        disparity_px=disparities.reshape(shape).astype(np.float32),
        distance_m=distance_m,
        depth_mm={z: float(np.nanmedian(_differences(first, second, pixels, z)[2])) * 1000 for z in DISTANCES_M},
        baseline_mm=(second.baseline_m - first.baseline_m) * 1000,
        focal_percent=float(second.K1[0, 0] / first.K1[0, 0] - 1) * 100,
        rotation_deg=float(np.degrees(np.linalg.norm(cv2.Rodrigues(second.R @ first.R.T)[0]))),
        image_size=size,
    )


def _differences(
    first: StereoCalibration, second: StereoCalibration, pixels: NDArray[np.float64], z_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rows apart and disparity difference in px, and depth difference in metres, of points at depth z_m."""
    rays = np.column_stack([first.left.undistort(pixels), np.ones(len(pixels))])
    points = rays * z_m
    right = first.right.project(points, cv2.Rodrigues(first.R)[0], first.T)
    width, height = first.right_image_size or first.image_size or second.image_size or (1, 1)
    unseen = (right.min(axis=1) < 0) | (right[:, 0] > width - 1) | (right[:, 1] > height - 1)
    turn1, turn2, focal = _rectifying(second)
    a, b = second.left.undistort(pixels, turn1), second.right.undistort(right, turn2)
    rows, disparity = focal * (a[:, 1] - b[:, 1]), focal * (a[:, 0] - b[:, 0])
    true_z = points @ turn1[2]
    expected = focal * second.baseline_m / true_z
    depth = focal * second.baseline_m / np.where(disparity > 0, disparity, np.nan) - true_z
    for values in (rows, depth):
        values[unseen] = np.nan
    apart = disparity - expected
    apart[unseen] = np.nan
    return rows, apart, depth


def _rectifying(c: StereoCalibration) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Rotations that rectify the pair, whatever the lenses, and the focal length that px are counted in."""
    none = np.zeros(5)
    size = c.image_size or (640, 480)
    turns = cv2.stereoRectify(c.K1, none, c.K2, none, size, c.R, c.T.reshape(3, 1))[:2]
    return np.asarray(turns[0], np.float64), np.asarray(turns[1], np.float64), float(c.K1[0, 0])


def _worst_place(values: FloatMap) -> str:
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    vertical = ("upper", "", "lower")[min(2, 3 * int(row) // values.shape[0])]
    horizontal = ("left", "", "right")[min(2, 3 * int(column) // values.shape[1])]
    if vertical and horizontal:
        return f"{vertical} {horizontal} corner"
    return f"{vertical or horizontal} edge" if vertical or horizontal else "centre"
