"""BoardPose: roughly where and how the board was held, enough to tell one view from another."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import Detection

_NOMINAL_FOCAL_PER_WIDTH = 0.95  # about 55 degrees across; tilts need no better before anything is calibrated

# Which side or corner of the board is nearest to the camera, clockwise as seen in the image.
TILT_SECTORS = (
    "right side",
    "lower right corner",
    "bottom",
    "lower left corner",
    "left side",
    "upper left corner",
    "top",
    "upper right corner",
)


@dataclass(frozen=True)
class BoardPose:
    """x, y: centre of what is seen of the board, as a share of the image.

    size: square root of the board's area as a share of the image's. tilt_x_deg, tilt_y_deg: how far the board's normal
    points right and down; positive x has its right side nearer. skew_deg: how far the angle between the board's rows
    and columns is from a right one in the image.
    """

    x: float
    y: float
    size: float
    tilt_x_deg: float
    tilt_y_deg: float
    skew_deg: float = 0.0

    @property
    def tilt_deg(self) -> float:
        """Total tilt against the image plane."""
        return float(np.hypot(self.tilt_x_deg, self.tilt_y_deg))

    @property
    def tilt_sector(self) -> str:
        """What of the board is nearest to the camera: one of TILT_SECTORS."""
        angle = np.arctan2(self.tilt_y_deg, self.tilt_x_deg)
        return TILT_SECTORS[round(float(angle) / (np.pi / 4)) % 8]

    def difference(self, other: BoardPose) -> float:
        """1 or more when the two poses are worth having both.

        That is 1/8 of the image, 20 % in size, 12 degrees of tilt or 10 degrees of skew apart, or some of each.
        """
        steps = (
            (self.x - other.x) / 0.125,
            (self.y - other.y) / 0.125,
            np.log(self.size / other.size) / np.log(1.2),
            (self.tilt_x_deg - other.tilt_x_deg) / 12.0,
            (self.tilt_y_deg - other.tilt_y_deg) / 12.0,
            (self.skew_deg - other.skew_deg) / 10.0,
        )
        return float(np.linalg.norm(steps))


def board_pose(found: Detection, board: Board, image_size: tuple[int, int]) -> BoardPose:
    """The pose of a board, for a camera of about 55 degrees field of view. image_size: (width, height) px."""
    width, height = image_size
    points = np.asarray(found.corners, np.float32)
    x, y = points.mean(axis=0) / (width, height)
    focal = _NOMINAL_FOCAL_PER_WIDTH * width
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    plane = board.object_points() - board.object_points().mean(axis=0)
    seen = plane[found.ids]
    solved, turn, _ = cv2.solvePnP(seen, points.reshape(-1, 1, 2), K, None, flags=cv2.SOLVEPNP_IPPE)
    normal = cv2.Rodrigues(turn)[0][:, 2] if solved else np.array([0.0, 0.0, 1.0])
    tilt_x, tilt_y = np.degrees(np.arctan2(normal[:2], abs(normal[2])))
    outline = _outline(plane[:, :2], seen[:, :2], points)
    area = float(cv2.contourArea(outline))
    size = float(np.sqrt(max(area, 1.0) / (width * height)))
    return BoardPose(float(x), float(y), size, float(tilt_x), float(tilt_y), _skew_deg(outline))


def _outline(plane: NDArray[np.float32], seen: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4, 2) px: the corners of the whole grid in the image, unseen ones where they would be."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
    H = np.asarray(cv2.findHomography(seen, points)[0])
    if H.shape != (3, 3):  # points on one line
        return np.array(cv2.boxPoints(cv2.minAreaRect(points)), np.float32)
    return np.asarray(cv2.perspectiveTransform(corners[:, None], H)[:, 0], np.float32)


def _skew_deg(outline: NDArray[np.float32]) -> float:
    along = outline[1] - outline[0] + outline[2] - outline[3]
    across = outline[3] - outline[0] + outline[2] - outline[1]
    cosine = along @ across / max(float(np.linalg.norm(along) * np.linalg.norm(across)), 1e-9)
    return float(90.0 - np.degrees(np.arccos(np.clip(cosine, -1, 1))))
