"""One camera alone: its matrix and lens from views of a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detection import Corners
from depthstudio.errors import CalibrationError

Matrix = NDArray[np.float64]

MIN_VIEWS = 3
_FEW_VIEWS = 6
_K3 = 8  # index of k3 in OpenCV's standard deviations: fx, fy, cx, cy, k1, k2, p1, p2, k3


@dataclass(frozen=True, eq=False)
class CameraSolution:
    """Brown's model with 5 coefficients (k1, k2, p1, p2, k3), and how well it fits.

    K: (3, 3) px. D: (5,). view_errors_px: RMS reprojection error of each view. focal_deviation_px: standard deviation
    of fx. tilts_deg: angle of each view's board against the image plane. flags: OpenCV's, for a later joint refinement.
    image_size: (width, height) px.
    """

    K: Matrix
    D: Matrix
    rms_px: float
    view_errors_px: Matrix
    focal_deviation_px: float
    tilts_deg: Matrix
    flags: int
    image_size: tuple[int, int]

    @property
    def quality(self) -> str:
        """ "good", "usable" or "poor": sub-pixel corners leave 0.1 to 0.4 px, more means blur or a bent board."""
        if self.rms_px >= 1.0 or lens_folds(self.K, self.D, self.image_size):
            return "poor"
        return "usable" if self.rms_px >= 0.5 else "good"

    @property
    def verdict(self) -> str:
        """One sentence with the reason."""
        fit = f"corners fit to {self.rms_px:.2f} px, the worst view to {self.view_errors_px.max():.2f} px"
        if lens_folds(self.K, self.D, self.image_size):
            return f"Poor: the lens model folds over inside the image (k3 = {self.D[4]:.2f}), and {fit}."
        return f"{self.quality.capitalize()}: {fit}."


def lens_folds(K: Matrix, D: Matrix, image_size: tuple[int, int]) -> bool:
    """Whether the radial part of Brown's model stops growing somewhere in the image, as no lens does.

    It happens when few, noisy or bent views leave k2 and k3 to chance: d/dr r(1 + k1 r^2 + k2 r^4 + k3 r^6) <= 0.
    """
    corners = np.array([(x, y) for x in (0, image_size[0] - 1) for y in (0, image_size[1] - 1)], np.float64)
    reach = np.linalg.norm((corners - K[:2, 2]) / (K[0, 0], K[1, 1]), axis=1).max()
    r2 = np.linspace(0, reach, 100) ** 2
    k1, k2, k3 = D[0], D[1], D[4]
    return bool((1 + 3 * k1 * r2 + 5 * k2 * r2**2 + 7 * k3 * r2**3).min() <= 0)


def solve_camera(corners: Sequence[Corners], board: Board, image_size: tuple[int, int]) -> CameraSolution:
    """Calibrate one camera from the corners (N, 2) of each view; image_size is (width, height) px.

    With fewer than 6 views tangential distortion and k3 stay 0; with more, k3 stays 0 unless it is three standard
    deviations away from it. CalibrationError when it cannot be solved.
    """
    if len(corners) < MIN_VIEWS:
        raise CalibrationError(
            f"{len(corners)} views are not enough.",
            f"It takes {MIN_VIEWS} at least, and 15 to 25 for a good calibration.",
            "Collect more views with the board at different places and tilts.",
        )
    if len(corners) < _FEW_VIEWS:
        return _solve(corners, board, image_size, cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST)[0]
    solution, deviations = _solve(corners, board, image_size, 0)
    if abs(solution.D[4]) > 3 * deviations[_K3]:
        return solution
    return _solve(corners, board, image_size, cv2.CALIB_FIX_K3)[0]


def _solve(
    corners: Sequence[Corners], board: Board, image_size: tuple[int, int], flags: int
) -> tuple[CameraSolution, Matrix]:
    points = [board.object_points()] * len(corners)
    images = [np.asarray(seen, np.float32).reshape(-1, 1, 2) for seen in corners]
    try:
        rms, K, D, turns, _, deviations, _, errors = cv2.calibrateCameraExtended(
            points, images, image_size, np.eye(3), np.zeros(5), flags=flags
        )
    except cv2.error as error:
        raise CalibrationError(
            "The camera cannot be calibrated from these views.",
            "They do not determine its focal length.",
            "Tilt the board in different directions and collect again.",
        ) from error
    tilts = [np.degrees(np.arccos(np.clip(abs(cv2.Rodrigues(turn)[0][2, 2]), 0, 1))) for turn in turns]
    spread = np.ravel(np.asarray(deviations, np.float64))
    solution = CameraSolution(
        K=np.asarray(K, np.float64),
        D=np.ravel(D)[:5].astype(np.float64),
        rms_px=float(rms),
        view_errors_px=np.ravel(errors).astype(np.float64),
        focal_deviation_px=float(spread[0]),
        tilts_deg=np.array(tilts, np.float64),
        flags=flags,
        image_size=image_size,
    )
    return solution, spread
