"""BoardPose: roughly where and how the board was held, enough to tell one view from another."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.detection import Corners

_NOMINAL_FOCAL_PER_WIDTH = 0.95  # about 55 degrees across; tilts need no better before anything is calibrated
TILT_DIRECTIONS = ("right", "bottom", "left", "top")


@dataclass(frozen=True)
class BoardPose:
    """x, y: centre as a share of the image. size: square root of the image's share that the board fills.

    tilt_x_deg, tilt_y_deg: how far the board's normal points right and down; positive x has its right side nearer.
    """

    x: float
    y: float
    size: float
    tilt_x_deg: float
    tilt_y_deg: float

    @property
    def tilt_deg(self) -> float:
        """Total tilt against the image plane."""
        return float(np.hypot(self.tilt_x_deg, self.tilt_y_deg))

    @property
    def nearest_side(self) -> str:
        """The side of the board that is nearest to the camera: one of TILT_DIRECTIONS."""
        angle = np.arctan2(self.tilt_y_deg, self.tilt_x_deg)
        return TILT_DIRECTIONS[round(float(angle) / (np.pi / 2)) % 4]

    def difference(self, other: BoardPose) -> float:
        """1 or more when the two poses are worth having both: 1/8 of the image, 20 % in size or 12 degrees apart."""
        steps = (
            (self.x - other.x) / 0.125,
            (self.y - other.y) / 0.125,
            np.log(self.size / other.size) / np.log(1.2),
            (self.tilt_x_deg - other.tilt_x_deg) / 12.0,
            (self.tilt_y_deg - other.tilt_y_deg) / 12.0,
        )
        return float(np.linalg.norm(steps))


def board_pose(corners: Corners, board: Board, image_size: tuple[int, int]) -> BoardPose:
    """The pose of a board from its corners (N, 2) px, for a camera of about 55 degrees field of view."""
    width, height = image_size
    points = np.asarray(corners, np.float32).reshape(-1, 2)
    x, y = points.mean(axis=0) / (width, height)
    area = float(cv2.contourArea(cv2.convexHull(points.reshape(-1, 1, 2))))
    focal = _NOMINAL_FOCAL_PER_WIDTH * width
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    plane = board.object_points() - board.object_points().mean(axis=0)
    found, turn, _ = cv2.solvePnP(plane, points.reshape(-1, 1, 2), K, None, flags=cv2.SOLVEPNP_IPPE)
    normal = cv2.Rodrigues(turn)[0][:, 2] if found else np.array([0.0, 0.0, 1.0])
    tilt_x, tilt_y = np.degrees(np.arctan2(normal[:2], abs(normal[2])))
    return BoardPose(
        float(x), float(y), float(np.sqrt(max(area, 1.0) / (width * height))), float(tilt_x), float(tilt_y)
    )
