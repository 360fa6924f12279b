"""Rectifier: raw camera images and raw depth labels into one rectified pair."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import CalibrationError
from depthstudio.geometry.calibration import StereoCalibration
from depthstudio.geometry.disparity import depth_to_disparity

FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class RectifiedGeometry:
    """What turns disparity into depth: Z = focal_px * baseline_m / (disparity + disparity_shift_px).

    cx, cy: principal point of the rectified left view, px. disparity_shift_px is cx_left - cx_right, almost always 0.
    size: (width, height) px.
    """

    focal_px: float
    baseline_m: float
    cx: float
    cy: float
    size: tuple[int, int]
    disparity_shift_px: float = 0.0

    @property
    def focal_baseline(self) -> float:
        """f * B in px * m: the disparity at one metre."""
        return self.focal_px * self.baseline_m

    def scaled(self, factor: float) -> RectifiedGeometry:
        """The same cameras seen at another resolution; pixel centres lie at integers."""
        return RectifiedGeometry(
            self.focal_px * factor,
            self.baseline_m,
            (self.cx + 0.5) * factor - 0.5,
            (self.cy + 0.5) * factor - 0.5,
            (round(self.size[0] * factor), round(self.size[1] * factor)),
            self.disparity_shift_px * factor,
        )


class Rectifier:
    """Maps of one calibration for one image size, computed once and used for every frame.

    alpha: cv2.stereoRectify's free scaling; 0 keeps valid pixels only, 1 keeps all, -1 leaves it to OpenCV.
    An already rectified calibration passes images through untouched.
    """

    def __init__(
        self, calibration: StereoCalibration, image_size: tuple[int, int] | None = None, alpha: float = 0.0
    ) -> None:
        size = image_size or calibration.image_size
        if size is None:
            raise CalibrationError(
                "The calibration does not say for which image size it was made.",
                "Older files lack it.",
                "Open a source or a recording first; its image size is used.",
            )
        self.calibration = calibration
        self.raw_size = size
        self.right_raw_size = calibration.right_image_size or size
        self.is_identity = calibration.is_rectified
        if calibration.image_size is not None and calibration.image_size != size:
            raise CalibrationError(
                f"The calibration was made at {calibration.image_size[0]}x{calibration.image_size[1]} px, "
                f"the images are {size[0]}x{size[1]} px.",
                "Intrinsics hold for one resolution only.",
                "Set the camera to the calibrated size, or calibrate at this one.",
            )
        if self.is_identity:
            self.R1 = np.eye(3)
            K = calibration.K1
            self.P1 = np.hstack([K, np.zeros((3, 1))])
            self.geometry = RectifiedGeometry(K[0, 0], calibration.baseline_m, K[0, 2], K[1, 2], size)
            self.valid_roi = (0, 0, size[0], size[1])
        else:
            self._compute_maps(alpha)

    def _compute_maps(self, alpha: float) -> None:
        c, size = self.calibration, self.raw_size
        R1, R2, P1, P2, _, roi_left, _ = cv2.stereoRectify(
            c.K1, c.D1, c.K2, c.D2, size, c.R, c.T.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=alpha
        )
        self.R1, self.P1 = np.asarray(R1), np.asarray(P1)
        if P2[0, 3] >= 0 or P1[0, 0] <= 0:
            raise CalibrationError("This calibration cannot be rectified.", "The cameras do not look the same way.")
        baseline_m = float(-P2[0, 3] / P2[0, 0])
        self.geometry = RectifiedGeometry(
            float(P1[0, 0]), baseline_m, float(P1[0, 2]), float(P1[1, 2]), size, float(P1[0, 2] - P2[0, 2])
        )
        self.valid_roi = tuple(int(v) for v in roi_left)
        # Fixed-point maps: OpenCV remaps with them about twice as fast as with float maps, at 1/32 px.
        self._left_maps = cv2.initUndistortRectifyMap(c.K1, c.D1, R1, P1, size, cv2.CV_16SC2)
        self._right_maps = cv2.initUndistortRectifyMap(c.K2, c.D2, R2, P2, size, cv2.CV_16SC2)
        self._left_map_xy = cv2.initUndistortRectifyMap(c.K1, c.D1, R1, P1, size, cv2.CV_32FC1)

    def rectify_left(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The left image, (H, W) or (H, W, 3) uint8, in the rectified left view."""
        self._check_size(image, self.raw_size, "left")
        if self.is_identity:
            return image
        return cv2.remap(image, *self._left_maps, cv2.INTER_LINEAR)  # type: ignore[return-value]

    def rectify_right(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The right image, (H, W) or (H, W, 3) uint8, in the rectified right view."""
        self._check_size(image, self.right_raw_size, "right")
        if self.is_identity:
            return image
        return cv2.remap(image, *self._right_maps, cv2.INTER_LINEAR)  # type: ignore[return-value]

    def rectify_depth(self, depth: NDArray[np.uint16] | FloatMap) -> FloatMap:
        """Depth registered to the raw left image, as depth in the rectified left view.

        depth: (H, W) uint16 millimetres (0 = none) or float metres (NaN or <= 0 = none).
        Returns (H, W) float32 metres, NaN = none. Nearest neighbour, so no value mixes over an edge. Turning the camera
        by R1 changes the depth of a point: Z' = r3 . X with X the point in the raw camera and r3 the last row of R1.
        """
        self._check_size(depth, self.raw_size, "depth")
        depth_m = depth.astype(np.float32)
        if depth.dtype == np.uint16:
            depth_m *= np.float32(0.001)
        depth_m[~(depth_m > 0)] = np.nan
        if self.is_identity:
            return depth_m
        # remap's own nearest rounding on float maps; outside the raw image there is no measurement.
        sampled = cv2.remap(
            depth_m, *self._left_map_xy, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan")
        )
        return np.asarray(sampled * self._depth_factor, np.float32)

    def label_disparity(self, depth: NDArray[np.uint16] | FloatMap) -> FloatMap:
        """Disparity of a raw depth label in the rectified left view: (H, W) float32 px, NaN = none."""
        return depth_to_disparity(self.rectify_depth(depth), self.geometry)

    @property
    def _depth_factor(self) -> FloatMap:
        """Z'/Z for the ray of every rectified pixel: 1 / (R1^T ray)_z with ray = (x, y, 1) in the rectified frame."""
        if not hasattr(self, "_depth_factor_cache"):
            g = self.geometry
            x = (np.arange(g.size[0]) - g.cx) / g.focal_px
            y = (np.arange(g.size[1]) - g.cy) / self.P1[1, 1]
            raw_z_per_rectified_z = self.R1[0, 2] * x[None, :] + self.R1[1, 2] * y[:, None] + self.R1[2, 2]
            self._depth_factor_cache = (1.0 / raw_z_per_rectified_z).astype(np.float32)
        return self._depth_factor_cache

    @staticmethod
    def _check_size(image: NDArray, expected: tuple[int, int], name: str) -> None:
        size = (image.shape[1], image.shape[0])
        if size != expected:
            raise CalibrationError(
                f"The {name} image is {size[0]}x{size[1]} px, the calibration is for {expected[0]}x{expected[1]} px.",
                next_step="Choose the calibration made for this source, or calibrate it.",
            )
