"""Lens: one camera's intrinsics, from rays to pixels and back, by Brown's model or the fisheye model."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]
Maps = tuple[NDArray[Any], NDArray[Any]]
Box = tuple[float, float, float, float]
LensModel = Literal["brown", "fisheye"]

LENS_MODELS: tuple[LensModel, ...] = ("brown", "fisheye")
# undistortPoints stops after 5 rounds by default, which leaves up to 0.1 px in the corners of wide lenses.
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-10)
_BORDER_POINTS = 41
_WIDEST = np.tan(np.radians(75))  # a rectified image reaches at most 150 degrees across: beyond it is all stretch


class Lens(NamedTuple):
    """K: (3, 3) px. D: distortion coefficients (n,): 0 to 14 of Brown's model as OpenCV has it, or 4 of the fisheye
    model (Kannala and Brandt's, cv2.fisheye).
    """

    K: Matrix
    D: Matrix
    model: LensModel = "brown"

    def undistort(self, points: ArrayLike, R: Matrix | None = None, P: Matrix | None = None) -> Matrix:
        """Raw pixels (N, 2) as positions (N, 2) after undistortion, rotation by R and projection by P (3, 4).

        Without P the positions are x/z, y/z.
        """
        raw = np.asarray(points, np.float64).reshape(-1, 1, 2)
        if not len(raw):
            return raw.reshape(-1, 2)
        if self.model == "fisheye":
            found = cv2.fisheye.undistortPoints(raw, self.K, self.D, R=R, P=P, criteria=_CRITERIA)
        else:
            found = cv2.undistortPoints(raw, self.K, self.D, R=R, P=P, criteria=_CRITERIA)
        return np.asarray(found, np.float64).reshape(-1, 2)

    def project(self, points: ArrayLike, rotation: ArrayLike, translation: ArrayLike) -> Matrix:
        """Points (N, 3) seen from a pose (rotation vector (3,), translation (3,)), as pixels (N, 2)."""
        return self.project_with_slopes(points, rotation, translation)[0]

    def project_with_slopes(
        self, points: ArrayLike, rotation: ArrayLike, translation: ArrayLike
    ) -> tuple[Matrix, Matrix, Matrix]:
        """Pixels (N, 2), and their derivatives (2N, 6) by the pose and (2N, 4 + n) by fx, fy, cx, cy and D."""
        world = np.asarray(points, np.float64).reshape(-1, 1, 3)
        turn = np.asarray(rotation, np.float64).reshape(3, 1)
        shift = np.asarray(translation, np.float64).reshape(3, 1)
        if self.model == "fisheye":
            found, slopes = cv2.fisheye.projectPoints(world, turn, shift, self.K, self.D)[:2]
            # OpenCV's order: f, c, D, rotation, translation, skew
            pose, own = slopes[:, 8:14], slopes[:, :8]
        else:
            found, slopes = cv2.projectPoints(world, turn, shift, self.K, self.D)[:2]
            pose, own = slopes[:, :6], slopes[:, 6 : 10 + self.D.size]
        return np.asarray(found, np.float64).reshape(-1, 2), np.asarray(pose), np.asarray(own)

    def rectify_maps(self, R: Matrix, P: Matrix, size: tuple[int, int], kind: int) -> Maps:
        """Where each rectified pixel lies in the raw image, for cv2.remap; `kind` as in initUndistortRectifyMap."""
        if self.model == "fisheye":
            first, second = cv2.fisheye.initUndistortRectifyMap(self.K, self.D, R, P, size, kind)
        else:
            first, second = cv2.initUndistortRectifyMap(self.K, self.D, R, P, size, kind)
        return np.asarray(first), np.asarray(second)

    def reach(self, R: Matrix, size: tuple[int, int]) -> tuple[Box, Box]:
        """What an image reaches after rotation by R: (left, top, right, bottom) as x/z, y/z.

        The first box holds seen rays only, the second all seen rays.
        """
        width, height = size
        x, y = np.linspace(0, width - 1, _BORDER_POINTS), np.linspace(0, height - 1, _BORDER_POINTS)
        sides = [
            self.undistort(np.column_stack(np.broadcast_arrays(u, v)), R)
            for u, v in ((0.0, y), (x, 0.0), (width - 1.0, y), (x, height - 1.0))
        ]
        left, top, right, bottom = (np.clip(side, -_WIDEST, _WIDEST) for side in sides)
        inner = float(left[:, 0].max()), float(top[:, 1].max()), float(right[:, 0].min()), float(bottom[:, 1].min())
        outer = float(left[:, 0].min()), float(top[:, 1].min()), float(right[:, 0].max()), float(bottom[:, 1].max())
        return inner, outer
