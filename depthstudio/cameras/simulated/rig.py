"""The two simulated rigs: exactly known cameras, and where each raw pixel lies in the rectified pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry import RectifiedGeometry, StereoCalibration

FloatMap = NDArray[np.float32]
Matrix = NDArray[np.float64]

# The stereo module that makes the depth label: a D435 (infrared pair of 640 px width).
MODULE_FOCAL_PX = 385.0
MODULE_BASELINE_M = 0.050
_REFERENCE_WIDTH = 640

# The reference rig's two cameras: a RealSense colour camera and a wide-angle USB camera 39.5 mm in front of it.
_COLOUR_K = ((606.84, 0.0, 324.80), (0.0, 606.82, 242.95), (0.0, 0.0, 1.0))
_USB_K = ((412.0, 0.0, 321.6), (0.0, 413.8, 267.3), (0.0, 0.0, 1.0))
_USB_DISTORTION = (-0.0930, 0.0415, 0.0007, -0.0005, -0.0085)
_USB_ROTATION_VECTOR = (0.0051, 0.0124, -0.0067)
_USB_T = (-0.1313, 0.0011, -0.0395)


@dataclass(frozen=True, eq=False)
class SimulatedRig:
    """Two cameras without error.

    calibration: the raw cameras. geometry: the rectified pair that cv2.stereoRectify (alpha 0) makes of them.
    R1: (3, 3), turns the raw left camera's frame into the rectified one.
    left_xy, right_xy: (H, W, 2) float64, the rectified coordinates (px) of every raw pixel's centre.
    """

    kind: str
    size: tuple[int, int]
    calibration: StereoCalibration
    geometry: RectifiedGeometry
    R1: Matrix
    left_xy: Matrix
    right_xy: Matrix

    @property
    def has_colour(self) -> bool:
        """True when both cameras deliver colour."""
        return self.kind == "hybrid"

    @property
    def scale(self) -> float:
        """Image width over that of the reference cameras."""
        return self.size[0] / _REFERENCE_WIDTH

    @property
    def module_focal_px(self) -> float:
        """Focal length of the depth module whose label the rig delivers."""
        return MODULE_FOCAL_PX * self.scale

    @property
    def spacings_px(self) -> tuple[float, float]:
        """Distance in rectified px between the raw pixels of the left and of the right camera."""
        focal_px = self.geometry.focal_px
        return focal_px / self.calibration.K1[0, 0], focal_px / self.calibration.K2[0, 0]

    @property
    def coarsest_spacing_px(self) -> float:
        """The larger of `spacings_px`."""
        return max(self.spacings_px)

    def raw_depth_m(self, disparity: FloatMap) -> FloatMap:
        """Depth in the raw left camera of what is seen at each raw left pixel.

        disparity: (H, W) px in the rectified pair. Turning the camera by R1^T changes Z: Z_raw = Z * (R1^T ray)_z.
        """
        depth_m = self.geometry.focal_baseline / np.asarray(disparity, np.float64)
        return np.asarray(depth_m * self._raw_z_factor(), np.float32)

    def _raw_z_factor(self) -> Matrix:
        g = self.geometry
        x = (self.left_xy[..., 0] - g.cx) / g.focal_px
        y = (self.left_xy[..., 1] - g.cy) / g.focal_px
        return np.asarray(self.R1[0, 2] * x + self.R1[1, 2] * y + self.R1[2, 2])


@lru_cache(maxsize=4)
def simulated_rig(kind: str, size: tuple[int, int]) -> SimulatedRig:
    """The rig of that kind ("ir" or "hybrid") with images of `size`: the same lenses, another pixel pitch."""
    return _infrared(size) if kind == "ir" else _hybrid(size)


def _infrared(size: tuple[int, int]) -> SimulatedRig:
    scale = size[0] / _REFERENCE_WIDTH
    focal_px = MODULE_FOCAL_PX * scale
    cx, cy = (size[0] - 1) / 2 - 1.0 * scale, (size[1] - 1) / 2 + 1.75 * scale
    calibration = StereoCalibration.rectified_pair(focal_px, MODULE_BASELINE_M, cx, cy, size)
    geometry = RectifiedGeometry(focal_px, MODULE_BASELINE_M, cx, cy, size)
    pixels = _pixel_centres(size)
    return SimulatedRig("ir", size, calibration, geometry, np.eye(3), pixels, pixels)


def _hybrid(size: tuple[int, int]) -> SimulatedRig:
    R = np.asarray(cv2.Rodrigues(np.array(_USB_ROTATION_VECTOR))[0], np.float64)
    calibration = StereoCalibration(
        _scaled(_COLOUR_K, size),
        np.zeros(5),
        _scaled(_USB_K, size),
        np.array(_USB_DISTORTION),
        R,
        np.array(_USB_T),
        image_size=size,
    )
    c = calibration
    R1, R2, P1, P2, *_ = cv2.stereoRectify(
        c.K1, c.D1, c.K2, c.D2, size, c.R, c.T.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=0
    )
    # CALIB_ZERO_DISPARITY gives both views one principal point, so that no disparity is shifted.
    geometry = RectifiedGeometry(float(P1[0, 0]), float(-P2[0, 3] / P2[0, 0]), float(P1[0, 2]), float(P1[1, 2]), size)
    left_xy = rectified_positions(_pixel_centres(size), c.K1, c.D1, np.asarray(R1), np.asarray(P1))
    right_xy = rectified_positions(_pixel_centres(size), c.K2, c.D2, np.asarray(R2), np.asarray(P2))
    return SimulatedRig("hybrid", size, calibration, geometry, np.asarray(R1), left_xy, right_xy)


def rectified_positions(pixels: Matrix, K: Matrix, D: Matrix, R: Matrix, P: Matrix) -> Matrix:
    """Rectified px (..., 2) of raw pixels (..., 2): undistorted to convergence, turned by R, projected by P.

    cv2.undistortPoints stops after five steps; that leaves some hundredths of a pixel in the corners of a wide lens.
    """
    target = (pixels - K[:2, 2]) / np.array([K[0, 0], K[1, 1]])
    ideal = target.copy()
    for _ in range(25 if D.any() else 0):
        ideal += target - _distorted(ideal, D)
    rays = np.concatenate([ideal, np.ones_like(ideal[..., :1])], axis=-1) @ R.T
    projected = rays @ P[:, :3].T
    return np.asarray(projected[..., :2] / projected[..., 2:])


def _distorted(points: Matrix, D: Matrix) -> Matrix:
    """Brown's lens model on normalised points (..., 2); D = (k1, k2, p1, p2, k3)."""
    k1, k2, p1, p2, k3 = D
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def _pixel_centres(size: tuple[int, int]) -> Matrix:
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float64), np.arange(size[1], dtype=np.float64))
    return np.stack([x, y], axis=-1)


def _scaled(K: tuple[tuple[float, ...], ...], size: tuple[int, int]) -> Matrix:
    """A 640x480 camera matrix for another size; pixel centres lie at integers, so the corner is at -0.5."""
    scale = size[0] / _REFERENCE_WIDTH
    scaled = np.array(K)
    scaled[:2, :2] *= scale
    scaled[0, 2] = (scaled[0, 2] + 0.5) * scale - 0.5
    scaled[1, 2] = (scaled[1, 2] + 0.5) * scale - 0.5 + (size[1] - 480 * scale) / 2
    return scaled
