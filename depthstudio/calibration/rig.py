"""The two cameras together: their pose by stereoCalibrate, and how well rows match after rectification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import CameraSolution, solve_camera
from depthstudio.calibration.views import BoardView
from depthstudio.errors import CalibrationError
from depthstudio.geometry import Rectifier, StereoCalibration

Matrix = NDArray[np.float64]
Size = tuple[int, int]

_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-6)


@dataclass(frozen=True, eq=False)
class Rig:
    """One solution of the whole pair.

    left, right: each camera alone. K1..T: the pair, as in StereoCalibration. rms_px: over both images.
    view_errors_px: (M, 2) RMS reprojection error of each view, left and right. refined: intrinsics were refined
    together with the pose; otherwise they are those of the cameras alone.
    """

    left: CameraSolution
    right: CameraSolution
    K1: Matrix
    D1: Matrix
    K2: Matrix
    D2: Matrix
    R: Matrix
    T: Matrix
    rms_px: float
    view_errors_px: Matrix
    refined: bool = False

    def calibration(self, left_size: Size, right_size: Size) -> StereoCalibration:
        """The same as a bare StereoCalibration; CalibrationError for swapped cameras and other impossible rigs."""
        return StereoCalibration(
            self.K1,
            self.D1,
            self.K2,
            self.D2,
            self.R,
            self.T,
            image_size=left_size,
            right_image_size=None if right_size == left_size else right_size,
        )


def solve_rig(views: Sequence[BoardView], board: Board, left_size: Size, right_size: Size) -> Rig:
    """Each camera alone, then the pose between them with their intrinsics fixed."""
    left = solve_camera([view.left_corners for view in views], board, left_size)
    right = solve_camera([view.right_corners for view in views], board, right_size)
    start = Rig(left, right, left.K, left.D, right.K, right.D, np.eye(3), np.zeros(3), 0.0, np.zeros((0, 2)))
    return _stereo(start, views, board, left_size, cv2.CALIB_FIX_INTRINSIC)


def refine_rig(rig: Rig, views: Sequence[BoardView], board: Board, left_size: Size) -> Rig:
    """Pose and both intrinsics together, starting from a rig solved with fixed intrinsics."""
    # A coefficient stays fixed only when it was for both cameras: OpenCV takes one set of flags for the pair.
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | (rig.left.flags & rig.right.flags)
    return replace(_stereo(rig, views, board, left_size, flags), refined=True)


def vertical_errors_px(calibration: StereoCalibration, views: Sequence[BoardView]) -> list[Matrix]:
    """Per view, how many rows apart the two images of each corner lie after rectification: (N,) px, absolute."""
    rectifier = Rectifier(calibration)
    return [
        np.abs(
            rectifier.rectify_left_points(view.left_corners)[:, 1]
            - rectifier.rectify_right_points(view.right_corners)[:, 1]
        )
        for view in views
    ]


def _stereo(start: Rig, views: Sequence[BoardView], board: Board, size: Size, flags: int) -> Rig:
    points = [board.object_points()] * len(views)
    left = [np.array(view.left_corners).reshape(-1, 1, 2) for view in views]
    right = [np.array(view.right_corners).reshape(-1, 1, 2) for view in views]
    try:
        solved = cv2.stereoCalibrateExtended(
            points,
            left,
            right,
            start.K1.copy(),
            start.D1.copy(),
            start.K2.copy(),
            start.D2.copy(),
            size,
            start.R.copy(),
            start.T.reshape(3, 1).copy(),
            flags=flags,
            criteria=_CRITERIA,
        )
    except cv2.error as error:
        raise CalibrationError("The pose between the cameras cannot be solved from these views.") from error
    rms, K1, D1, K2, D2, R, T = solved[:7]
    return replace(
        start,
        K1=np.asarray(K1, np.float64),
        D1=np.ravel(D1)[:5].astype(np.float64),
        K2=np.asarray(K2, np.float64),
        D2=np.ravel(D2)[:5].astype(np.float64),
        R=np.asarray(R, np.float64),
        T=np.ravel(T).astype(np.float64),
        rms_px=float(rms),
        view_errors_px=np.asarray(solved[-1], np.float64).reshape(len(views), 2),
    )
