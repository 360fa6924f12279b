"""Depth quality on a flat wall, as RealSense's Depth Quality Tool measures it, for any disparity of the same view.

A plane in space is linear in disparity: n . X = D with X = Z * ray gives f * B / Z = (f * B / D) n . ray, and the
ray is linear in the pixel. So the plane is fitted to disparity, where the noise of stereo is the same everywhere, by
least squares after dropping 0.5 % of the pixels at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot, isfinite, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import FloatMap
from depthstudio.geometry import RectifiedGeometry

TRIMMED_SHARE = 0.005
OUTLIER_SIGMAS = 5.0
OUTLIER_SHARE_OF_DISTANCE = 0.01
MAD_TO_SIGMA = 1.4826
_FEWEST_PIXELS = 50
_ROUNDS = 3
_WELL_SEEN = 0.8


@dataclass(frozen=True)
class Region:
    """A rectangle of the rectified left view, px: columns x .. x + width, rows y .. y + height, ends excluded."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def centred(cls, size: tuple[int, int], share: float = 0.4) -> Region:
        """The middle of an image of (width, height): `share` of each side."""
        width, height = max(8, round(size[0] * share)), max(8, round(size[1] * share))
        return cls((size[0] - width) // 2, (size[1] - height) // 2, width, height)

    def within(self, size: tuple[int, int]) -> Region:
        """The part of it inside an image of (width, height), at least 8 px wide and high."""
        x, y = max(0, min(self.x, size[0] - 8)), max(0, min(self.y, size[1] - 8))
        return Region(x, y, max(8, min(self.width, size[0] - x)), max(8, min(self.height, size[1] - y)))

    def of(self, values: FloatMap) -> FloatMap:
        """The region's part of an (H, W) map, copied."""
        return values[self.y : self.y + self.height, self.x : self.x + self.width].copy()


@dataclass(frozen=True)
class Plane:
    """Disparity d + shift = right * (u - cx) + down * (v - cy) + axis, px, of the rectified left view."""

    right: float
    down: float
    axis: float

    def distance_m(self, geometry: RectifiedGeometry) -> float:
        """Where the plane crosses the camera's axis."""
        return geometry.focal_baseline / self.axis if self.axis > 0 else nan

    def yaw_deg(self, geometry: RectifiedGeometry) -> float:
        """How far the camera must turn right to face the plane; negative: left."""
        return degrees(atan2(self.right * geometry.focal_px, self.axis))

    def pitch_deg(self, geometry: RectifiedGeometry) -> float:
        """How far the camera must tilt down to face the plane; negative: up."""
        return degrees(atan2(self.down * geometry.focal_px, self.axis))

    def tilt_deg(self, geometry: RectifiedGeometry) -> float:
        """Angle between the camera's axis and the plane's normal."""
        f = geometry.focal_px
        return degrees(atan2(f * hypot(self.right, self.down), self.axis))


@dataclass(frozen=True, eq=False)
class FrameQuality:
    """One frame of one method. plane: None when too few pixels have a disparity; the numbers are NaN then.

    fill_rate: share of the region with a disparity. plane_rms_mm: RMS distance of the points from the plane.
    subpixel_rms_px: RMS of the disparity against the plane. z_error_mm: median of Z minus the depth of a parallel plane
    at the known distance. outlier_share: of the filled pixels, those farther from the plane than OUTLIER_SIGMAS robust
    deviations and OUTLIER_SHARE_OF_DISTANCE of the distance; they are in no other number but the fill rate.
    depth_m: (h, w) float32 of the region, NaN where there is none or an outlier.
    """

    fill_rate: float
    plane: Plane | None
    plane_rms_mm: float
    subpixel_rms_px: float
    z_error_mm: float
    outlier_share: float
    depth_m: FloatMap


@dataclass(frozen=True)
class DepthQuality:
    """Means over frames; NaN where something is not known. Angles as in Plane, millimetres, shares 0..1.

    temporal_noise_mm: standard deviation over time, quadratic mean over the pixels seen in most frames.
    """

    frames: int
    fill_rate: float
    distance_m: float
    plane_rms_mm: float
    plane_rms_share: float
    subpixel_rms_px: float
    z_accuracy_mm: float
    z_accuracy_share: float
    temporal_noise_mm: float
    temporal_noise_share: float
    tilt_deg: float
    yaw_deg: float
    pitch_deg: float
    outlier_share: float


def frame_quality(
    disparity_px: FloatMap, region: Region, geometry: RectifiedGeometry, known_distance_m: float | None = None
) -> FrameQuality:
    """Judge one frame. disparity_px: (H, W) of the rectified left view, NaN or <= 0 = none.

    known_distance_m: from the left camera to the wall along the camera's axis.
    """
    shifted = region.of(disparity_px).astype(np.float64) + geometry.disparity_shift_px
    u, v = _from_axis(region, geometry)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(shifted) & (shifted > 0)
    filled = int(known.sum())
    fill_rate = filled / known.size
    plane = _fit(u[known], v[known], shifted[known]) if filled >= _FEWEST_PIXELS else None
    if plane is None or plane.axis <= 0:
        empty = np.full(shifted.shape, np.nan, np.float32)
        return FrameQuality(fill_rate, None, nan, nan, nan, nan, empty)
    expected = plane.right * u + plane.down * v + plane.axis
    with np.errstate(divide="ignore", invalid="ignore"):
        depth_m = np.where(known, geometry.focal_baseline / shifted, np.nan)
        plane_m = np.where(expected > 0, geometry.focal_baseline / expected, np.nan)
    off_px = np.where(known, shifted - expected, np.nan)
    limit_px = np.maximum(OUTLIER_SIGMAS * _robust_sigma(off_px[known]), OUTLIER_SHARE_OF_DISTANCE * expected)
    with np.errstate(invalid="ignore"):
        good = known & (np.abs(off_px) <= limit_px)
    if not good.any():
        return FrameQuality(fill_rate, None, nan, nan, nan, nan, np.full(shifted.shape, np.nan, np.float32))
    # The distance from the plane n . X = D is the error along the ray times n . ray, n being of unit length.
    f = geometry.focal_px
    norm = sqrt((plane.right * f) ** 2 + (plane.down * f) ** 2 + plane.axis**2)
    away_m = (depth_m - plane_m) * expected / norm
    scale = known_distance_m / plane.distance_m(geometry) if known_distance_m else nan
    return FrameQuality(
        fill_rate,
        plane,
        1000 * _rms(away_m[good]),
        _rms(off_px[good]),
        1000 * float(np.median((depth_m - plane_m * scale)[good])),
        1 - int(good.sum()) / filled,
        np.where(good, depth_m, np.nan).astype(np.float32),
    )


def depth_quality(
    frames: Sequence[FrameQuality], geometry: RectifiedGeometry, known_distance_m: float | None = None
) -> DepthQuality:
    """Means over frames of one region. Temporal noise needs at least two."""
    fitted = [frame for frame in frames if frame.plane is not None]
    planes = [frame.plane for frame in fitted if frame.plane is not None]
    plane = (
        Plane(*np.mean([(one.right, one.down, one.axis) for one in planes], axis=0).tolist())
        if planes
        else Plane(nan, nan, nan)
    )
    distance_m = plane.distance_m(geometry)
    rms_mm = _rms(np.array([frame.plane_rms_mm for frame in fitted]))
    accuracy_mm = _mean([frame.z_error_mm for frame in fitted]) if known_distance_m else nan
    noise_mm = temporal_noise_mm([frame.depth_m for frame in fitted])
    return DepthQuality(
        frames=len(frames),
        fill_rate=_mean([frame.fill_rate for frame in frames]),
        distance_m=distance_m,
        plane_rms_mm=rms_mm,
        plane_rms_share=rms_mm / 1000 / distance_m,
        subpixel_rms_px=_rms(np.array([frame.subpixel_rms_px for frame in fitted])),
        z_accuracy_mm=accuracy_mm,
        z_accuracy_share=accuracy_mm / 1000 / known_distance_m if known_distance_m else nan,
        temporal_noise_mm=noise_mm,
        temporal_noise_share=noise_mm / 1000 / distance_m,
        tilt_deg=plane.tilt_deg(geometry),
        yaw_deg=plane.yaw_deg(geometry),
        pitch_deg=plane.pitch_deg(geometry),
        outlier_share=_mean([frame.outlier_share for frame in fitted]),
    )


def temporal_noise_mm(depth_m: Sequence[FloatMap]) -> float:
    """Standard deviation over time of (h, w) depth maps, quadratic mean over the pixels that most of them have."""
    if len(depth_m) < 2:
        return nan
    stack = np.stack(depth_m).astype(np.float64)
    seen = np.isfinite(stack)
    counts = seen.sum(axis=0)
    well = counts >= max(2, _WELL_SEEN * len(depth_m))
    if not well.any():
        return nan
    values = np.where(seen, stack, 0.0)[:, well]
    mean = values.sum(axis=0) / counts[well]
    squares = np.where(seen[:, well], (values - mean) ** 2, 0.0).sum(axis=0) / (counts[well] - 1)
    return 1000 * float(np.sqrt(squares.mean()))


def facing_advice(quality: DepthQuality, good_deg: float = 1.0) -> str:
    """How to turn the camera so that it faces the wall; empty when it does, or when nobody knows."""
    if not isfinite(quality.tilt_deg) or quality.tilt_deg <= good_deg:
        return ""
    turns = []
    if abs(quality.yaw_deg) > good_deg / 2:
        turns.append(f"turn {'right' if quality.yaw_deg > 0 else 'left'} by {abs(quality.yaw_deg):.1f}°")
    if abs(quality.pitch_deg) > good_deg / 2:
        turns.append(f"tilt {'down' if quality.pitch_deg > 0 else 'up'} by {abs(quality.pitch_deg):.1f}°")
    words = " and ".join(turns)
    return f"{words[:1].upper()}{words[1:]} to face the wall."


def _from_axis(region: Region, geometry: RectifiedGeometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    columns = np.arange(region.x, region.x + region.width) - geometry.cx
    rows = np.arange(region.y, region.y + region.height) - geometry.cy
    u, v = np.meshgrid(columns, rows)
    return u, v


def _fit(u: NDArray[np.float64], v: NDArray[np.float64], disparity: NDArray[np.float64]) -> Plane | None:
    """Least squares; then again without gross errors, and without the pixels at both ends of the other residuals."""
    middle = float(np.median(disparity))
    off = np.abs(disparity - middle)
    # A first fit that gross errors cannot bend: pixels near the median, widened for a tilted wall.
    kept = off <= max(4 * float(np.median(off)), 0.02 * middle, 1e-6)
    columns = np.stack([u, v, np.ones_like(u)], axis=1)
    for _ in range(_ROUNDS):
        if kept.sum() < _FEWEST_PIXELS // 2:
            return None
        solved = np.linalg.lstsq(columns[kept], disparity[kept], rcond=None)[0]
        off = disparity - columns @ solved
        # Disparity that comes in steps may have no spread at all: what lies within the floor is no gross error.
        wide = max(OUTLIER_SIGMAS * _robust_sigma(off), OUTLIER_SHARE_OF_DISTANCE * middle)
        inside = np.abs(off - np.median(off)) <= wide
        # Both ends of those that are no gross errors: these come at one side, and would leave the trim to the other.
        low, high = np.quantile(off[inside], (TRIMMED_SHARE, 1 - TRIMMED_SHARE))
        kept = inside & (off >= low) & (off <= high)
    return Plane(*(float(value) for value in solved))


def _robust_sigma(off: NDArray[np.float64]) -> float:
    return MAD_TO_SIGMA * float(np.median(np.abs(off - np.median(off))))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean())) if values.size else nan


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else nan
