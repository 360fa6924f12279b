"""Measuring in a disparity map: points, distances between them, regions, and how sure one can be."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry.rectified_geometry import RectifiedGeometry

FloatMap = NDArray[np.float32]
Pixel = tuple[int, int]

MATCHING_ERROR_PX = 0.25
_HALF_WINDOW_PX = 1


@dataclass(frozen=True)
class Distance:
    """metres between two points; error_m: one standard deviation of it. ends_m: the points, x right, y down, z on."""

    metres: float
    error_m: float
    ends_m: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class RegionStatistics:
    """Of the depths in a rectangle. fill: share of its pixels with a depth. The rest is NaN when there is none.

    low_m, high_m: 5th and 95th percentile. spread_m: standard deviation.
    """

    pixels: int
    fill: float
    median_m: float = float("nan")
    mean_m: float = float("nan")
    spread_m: float = float("nan")
    low_m: float = float("nan")
    high_m: float = float("nan")


def expected_error_m(depth_m: float, geometry: RectifiedGeometry, error_px: float = MATCHING_ERROR_PX) -> float:
    """Depth error that a disparity error makes: dZ = Z^2 / (f * B) * error_px, the derivative of Z = f * B / d."""
    return depth_m**2 / geometry.focal_baseline * error_px


def point_at(disparity: FloatMap, geometry: RectifiedGeometry, at: Pixel) -> NDArray[np.float64] | None:
    """The 3-D point (3,), metres, at a pixel (x, y): from the median of the valid disparities of 3x3 pixels.

    None outside the map and where there is no depth.
    """
    x, y = at
    height, width = disparity.shape
    if not (0 <= x < width and 0 <= y < height):
        return None
    rows = slice(max(0, y - _HALF_WINDOW_PX), y + _HALF_WINDOW_PX + 1)
    columns = slice(max(0, x - _HALF_WINDOW_PX), x + _HALF_WINDOW_PX + 1)
    shifted = disparity[rows, columns] + geometry.disparity_shift_px
    valid = shifted[np.isfinite(shifted) & (shifted > 0)]
    if valid.size == 0:
        return None
    z_m = geometry.focal_baseline / float(np.median(valid))
    return z_m * _ray(geometry, at)


def distance_between(
    disparity: FloatMap, geometry: RectifiedGeometry, a: Pixel, b: Pixel, error_px: float = MATCHING_ERROR_PX
) -> Distance | None:
    """The straight distance between what is seen at two pixels (x, y); None when one of them has no depth.

    The error takes both disparities as independently wrong by error_px: each point moves along its own ray, and what
    counts is the part of that along the line between the two.
    """
    ends = point_at(disparity, geometry, a), point_at(disparity, geometry, b)
    if ends[0] is None or ends[1] is None:
        return None
    line = ends[1] - ends[0]
    metres = float(np.linalg.norm(line))
    direction = line / metres if metres > 0 else np.zeros(3)
    moves = [
        float(direction @ _ray(geometry, at)) * expected_error_m(float(end[2]), geometry, error_px)
        for at, end in ((a, ends[0]), (b, ends[1]))
    ]
    return Distance(metres, hypot(*moves), (ends[0], ends[1]))


def region_statistics(depth_m: FloatMap, first: Pixel, second: Pixel) -> RegionStatistics:
    """Statistics of the rectangle between two corners (x, y), both included, in any order; parts outside are cut."""
    height, width = depth_m.shape
    columns, rows = (
        slice(max(0, min(ends)), max(0, min(extent, max(ends) + 1)))
        for ends, extent in zip(zip(first, second, strict=True), (width, height), strict=True)
    )
    part = depth_m[rows, columns]
    values = part[np.isfinite(part) & (part > 0)].astype(np.float64)
    if values.size == 0:
        return RegionStatistics(part.size, 0.0)
    low_m, median_m, high_m = (float(value) for value in np.percentile(values, (5, 50, 95)))
    return RegionStatistics(
        part.size, values.size / part.size, median_m, float(values.mean()), float(values.std()), low_m, high_m
    )


def _ray(geometry: RectifiedGeometry, at: Pixel) -> NDArray[np.float64]:
    """The point at depth 1 seen at a pixel."""
    return np.array([(at[0] - geometry.cx) / geometry.focal_px, (at[1] - geometry.cy) / geometry.focal_px, 1.0])
