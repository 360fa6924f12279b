"""Rectifier: raw camera images and raw depth labels into one rectified pair."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from depthstudio.errors import CalibrationError
from depthstudio.geometry.calibration import Matrix, StereoCalibration
from depthstudio.geometry.disparity import depth_to_disparity
from depthstudio.geometry.lens import Box, Lens, Maps
from depthstudio.geometry.rectified_geometry import RectifiedGeometry

FloatMap = NDArray[np.float32]


class Rectifier:
    """One calibration at one image size: maps computed at first use, once, and used for every frame.

    alpha: cv2.stereoRectify's free scaling; 0 keeps valid pixels only, 1 keeps all, -1 leaves it to OpenCV.
    An already rectified calibration passes images through untouched.
    R1, R2 turn the raw cameras into the rectified ones; P1, P2 are the rectified projections (3, 4). All views that
    come out have the left image's size, also when the right camera's images are of another size.
    """

    def __init__(
        self, calibration: StereoCalibration, image_size: tuple[int, int] | None = None, alpha: float = 0.0
    ) -> None:
        self.calibration = calibration
        self.raw_size = _checked_size(calibration, image_size)
        self.right_raw_size = calibration.right_image_size or self.raw_size
        self.is_identity = calibration.is_rectified
        self.R1: Matrix
        self.R2: Matrix
        self.P1: Matrix
        self.P2: Matrix
        self.valid_roi: tuple[int, int, int, int]
        if self.is_identity:
            self._pass_through()
        else:
            self._solve(alpha)
        if self.P2[0, 3] >= 0 or self.P1[0, 0] <= 0:
            raise CalibrationError(
                "This calibration cannot be rectified.",
                "The cameras do not look the same way.",
                "Calibrate again, with both cameras upright and side by side.",
            )
        self.geometry = RectifiedGeometry(
            float(self.P1[0, 0]),
            float(-self.P2[0, 3] / self.P2[0, 0]),
            float(self.P1[0, 2]),
            float(self.P1[1, 2]),
            self.raw_size,
            float(self.P2[0, 2] - self.P1[0, 2]),
        )

    def _pass_through(self) -> None:
        K, baseline_m = self.calibration.K1, self.calibration.baseline_m
        self.R1 = self.R2 = np.eye(3)
        self.P1 = np.hstack([K, np.zeros((3, 1))])
        self.P2 = np.hstack([K, [[-K[0, 0] * baseline_m], [0.0], [0.0]]])
        self.valid_roi = (0, 0, *self.raw_size)

    def _solve(self, alpha: float) -> None:
        c, size = self.calibration, self.raw_size
        if c.has_fisheye:
            self._solve_fisheye(alpha)
            return
        # stereoRectify takes one image size for both cameras; expressing the right camera in pixels of the left
        # image's size changes no ray, and lets alpha see the right camera's true field of view.
        K2 = _resized_intrinsics(c.K2, self.right_raw_size, size)
        solved = cv2.stereoRectify(
            c.K1, c.D1, K2, c.D2, size, c.R, c.T.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=alpha
        )
        self.R1, self.R2, self.P1, self.P2 = (np.asarray(matrix, np.float64) for matrix in solved[:4])
        x, y, width, height = (int(value) for value in solved[5])
        self.valid_roi = (x, y, width, height)

    def _solve_fisheye(self, alpha: float) -> None:
        """As stereoRectify, which knows no fisheye lens: the same rotations, and a view that both lenses fill.

        alpha 0 shows only what both cameras see; 1 all that either sees (up to 150 degrees); -1 is taken as 0.
        """
        c, size = self.calibration, self.raw_size
        none = np.zeros(5)
        self.R1, self.R2 = (
            np.asarray(matrix, np.float64)
            for matrix in cv2.stereoRectify(c.K1, none, c.K2, none, size, c.R, c.T.reshape(3, 1))[:2]
        )
        left = c.left.reach(self.R1, size)
        right = c.right.reach(self.R2, self.right_raw_size)
        inner, outer = _common(left[0], right[0]), _around(left[1], right[1])
        if inner[2] - inner[0] < 0.05 or inner[3] - inner[1] < 0.05:
            raise CalibrationError(
                "This calibration cannot be rectified.",
                "The two lenses share no rectangle of the view.",
                "Let both cameras look the same way, and calibrate again.",
            )
        share = float(np.clip(alpha, 0.0, 1.0))
        box = [(1 - share) * one + share * other for one, other in zip(inner, outer, strict=True)]
        narrow = share == 0  # fill the image in both directions; otherwise fit all of the box into it
        focal_px = (max if narrow else min)((size[0] - 1) / (box[2] - box[0]), (size[1] - 1) / (box[3] - box[1]))
        cx = (size[0] - 1) / 2 - focal_px * (box[0] + box[2]) / 2
        cy = (size[1] - 1) / 2 - focal_px * (box[1] + box[3]) / 2
        self.P1 = np.array([[focal_px, 0, cx, 0], [0, focal_px, cy, 0], [0, 0, 1, 0]], np.float64)
        self.P2 = self.P1.copy()
        self.P2[0, 3] = focal_px * float((self.R2 @ c.T)[0])
        slack = 1e-6
        x0, y0 = (
            max(0, int(np.ceil(focal_px * edge + centre - slack)))
            for edge, centre in zip(inner[:2], (cx, cy), strict=True)
        )
        x1, y1 = (
            min(end, int(focal_px * edge + centre + slack) + 1)
            for edge, centre, end in zip(inner[2:], (cx, cy), size, strict=True)
        )
        self.valid_roi = (x0, y0, x1 - x0, y1 - y0)

    @cached_property
    def _left_map_xy(self) -> Maps:
        return self.calibration.left.rectify_maps(self.R1, self.P1, self.raw_size, cv2.CV_32FC1)

    # Fixed-point maps: OpenCV remaps with them about twice as fast as with float maps, at 1/32 px.
    @cached_property
    def _left_maps(self) -> Maps:
        return cv2.convertMaps(*self._left_map_xy, cv2.CV_16SC2)

    @cached_property
    def _right_maps(self) -> Maps:
        return self.calibration.right.rectify_maps(self.R2, self.P2, self.raw_size, cv2.CV_16SC2)

    def rectify_left(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The left image, (H, W) or (H, W, 3) uint8, in the rectified left view."""
        self._check_size(image, self.raw_size, "left")
        return image if self.is_identity else _sample(image, self._left_maps)

    def rectify_right(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The right image, (H, W) or (H, W, 3) uint8, in the rectified right view, of the left image's size."""
        self._check_size(image, self.right_raw_size, "right")
        return image if self.is_identity else _sample(image, self._right_maps)

    def rectify_left_points(self, points: ArrayLike) -> Matrix:
        """Raw left pixel positions (N, 2) as positions (N, 2) in the rectified left view, px."""
        return self._points(points, self.calibration.left, self.R1, self.P1)

    def rectify_right_points(self, points: ArrayLike) -> Matrix:
        """Raw right pixel positions (N, 2) as positions (N, 2) in the rectified right view, px."""
        return self._points(points, self.calibration.right, self.R2, self.P2)

    def rectify_depth(self, depth: NDArray[np.uint16] | FloatMap) -> FloatMap:
        """Depth registered to the raw left image, as depth in the rectified left view.

        depth: (H, W) uint16 millimetres (0 = none) or float metres (NaN or <= 0 = none).
        Returns (H, W) float32 metres, NaN = none. Nearest neighbour, so no value mixes over an edge. Turning the camera
        by R1 changes the depth of a point: Z' = r3 . X with X the point in the raw camera and r3 the last row of R1.
        """
        self._check_size(depth, self.raw_size, "depth")
        depth_m = depth.astype(np.float32)
        if depth.dtype == np.uint16:
            depth_m /= np.float32(1000)
        depth_m[~(depth_m > 0) | np.isinf(depth_m)] = np.nan
        if self.is_identity:
            return depth_m
        rows, columns, outside = self._nearest_raw_pixel
        rectified = depth_m[rows, columns] * self._depth_factor
        rectified[outside] = np.nan
        return rectified

    def rectify_values(self, values: NDArray[Any]) -> NDArray[Any]:
        """Whatever belongs to the pixels of a depth label, (H, W) of any dtype, taken along with it by `rectify_depth`.

        The nearest pixel's value, 0 where that lies outside the raw image.
        """
        self._check_size(values, self.raw_size, "label's")
        if self.is_identity:
            return values
        rows, columns, outside = self._nearest_raw_pixel
        rectified = values[rows, columns]
        rectified[outside] = 0
        return rectified

    def label_disparity(self, depth: NDArray[np.uint16] | FloatMap) -> FloatMap:
        """Disparity of a raw depth label in the rectified left view: (H, W) float32 px, NaN = none."""
        return depth_to_disparity(self.rectify_depth(depth), self.geometry)

    @cached_property
    def _nearest_raw_pixel(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """Row and column of the raw pixel nearest to each rectified one, and where that is outside the raw image."""
        width, height = self.raw_size
        columns, rows = (np.rint(positions).astype(np.int32) for positions in self._left_map_xy)
        outside = (columns < 0) | (columns >= width) | (rows < 0) | (rows >= height)
        return np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1), outside

    @cached_property
    def _depth_factor(self) -> FloatMap:
        """Z'/Z for the ray of every rectified pixel: 1 / (R1^T ray)_z with ray = (x, y, 1) in the rectified frame."""
        g = self.geometry
        x = (np.arange(g.size[0]) - g.cx) / g.focal_px
        y = (np.arange(g.size[1]) - g.cy) / self.P1[1, 1]
        raw_z_per_rectified_z = self.R1[0, 2] * x[None, :] + self.R1[1, 2] * y[:, None] + self.R1[2, 2]
        return (1.0 / raw_z_per_rectified_z).astype(np.float32)

    def _points(self, points: ArrayLike, lens: Lens, R: Matrix, P: Matrix) -> Matrix:
        raw = np.asarray(points, np.float64).reshape(-1, 2)
        return raw if self.is_identity else lens.undistort(raw, R, P)

    @staticmethod
    def _check_size(image: NDArray[Any], expected: tuple[int, int], name: str) -> None:
        size = (image.shape[1], image.shape[0])
        if size != expected:
            raise CalibrationError(
                f"The {name} image is {size[0]}x{size[1]} px, the calibration is for {expected[0]}x{expected[1]} px.",
                next_step="Choose the calibration made for this source, or calibrate it.",
            )


def _checked_size(calibration: StereoCalibration, image_size: tuple[int, int] | None) -> tuple[int, int]:
    known = calibration.image_size
    size = image_size or known
    if size is None:
        raise CalibrationError(
            "The calibration does not say for which image size it was made.",
            "Older files lack it.",
            "Open a source or a recording first; its image size is used.",
        )
    size = (int(size[0]), int(size[1]))
    if known is not None and known != size:
        raise CalibrationError(
            f"The calibration was made at {known[0]}x{known[1]} px, the images are {size[0]}x{size[1]} px.",
            "Intrinsics hold for one resolution only.",
            "Set the camera to the calibrated size, or calibrate at this one.",
        )
    return size


def _common(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _resized_intrinsics(K: Matrix, size: tuple[int, int], new_size: tuple[int, int]) -> Matrix:
    """K of the same camera when its image is stretched to new_size; pixel centres lie at integers."""
    if size == new_size:
        return K
    sx, sy = new_size[0] / size[0], new_size[1] / size[1]
    stretch = np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])
    return stretch @ K


def _sample(image: NDArray[np.uint8], maps: Maps) -> NDArray[np.uint8]:
    return np.asarray(cv2.remap(image, *maps, cv2.INTER_LINEAR), np.uint8)
