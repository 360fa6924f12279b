"""Disparity, depth and points of a rectified pair. Everything converts here and nowhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry.rectified_geometry import RectifiedGeometry

FloatMap = NDArray[np.float32]


def disparity_to_depth(disparity: FloatMap, geometry: RectifiedGeometry) -> FloatMap:
    """Depth along the optical axis, Z = f * B / (d + shift).

    disparity: (H, W) float32, px; NaN or a sum <= 0 is invalid.
    Returns (H, W) float32, metres, NaN where invalid.
    """
    shifted = np.asarray(disparity, np.float32) + np.float32(geometry.disparity_shift_px)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth_m = np.float32(geometry.focal_px * geometry.baseline_m) / shifted
    return np.where(shifted > 0, depth_m, np.nan).astype(np.float32)


def depth_to_disparity(depth_m: FloatMap, geometry: RectifiedGeometry) -> FloatMap:
    """Disparity d = f * B / Z - shift of a depth map in the rectified left view.

    depth_m: (H, W), metres; NaN or <= 0 is invalid. Returns (H, W) float32, px, NaN where invalid.
    """
    depth = np.asarray(depth_m, np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        disparity = np.float32(geometry.focal_px * geometry.baseline_m) / depth
    disparity = disparity - np.float32(geometry.disparity_shift_px)
    return np.where(depth > 0, disparity, np.nan).astype(np.float32)


def disparity_to_points(disparity: FloatMap, geometry: RectifiedGeometry) -> NDArray[np.float32]:
    """Points (H, W, 3) float32 in metres, x right, y down, z forward, in the rectified left camera; NaN = invalid."""
    depth_m = disparity_to_depth(disparity, geometry)
    height, width = depth_m.shape
    x = (np.arange(width, dtype=np.float32) - np.float32(geometry.cx)) / np.float32(geometry.focal_px)
    y = (np.arange(height, dtype=np.float32) - np.float32(geometry.cy)) / np.float32(geometry.focal_px)
    return np.stack([x[None, :] * depth_m, y[:, None] * depth_m, depth_m], axis=-1)
