"""BoardView: one board position seen by both cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detection import Corners, detect_board
from depthstudio.errors import CalibrationError


@dataclass(frozen=True, eq=False)
class BoardView:
    """The board's corners in both images, (N, 2) float32 px, in the same order. name: how reports call the view."""

    left_corners: Corners
    right_corners: Corners
    name: str = ""

    def __post_init__(self) -> None:
        for side in ("left_corners", "right_corners"):
            corners = np.array(getattr(self, side), np.float32).reshape(-1, 2)
            corners.flags.writeable = False
            object.__setattr__(self, side, corners)
        if len(self.left_corners) != len(self.right_corners):
            raise CalibrationError(
                f"View {self.name} has {len(self.left_corners)} corners on the left "
                f"and {len(self.right_corners)} on the right."
            )


def matched_view(left: Corners, right: Corners, board: Board, name: str = "") -> BoardView:
    """A view from two detections, both counted from the same end of the board; CalibrationError when they cannot be.

    A board that looks the same upside down is found starting at either end, so the right corners are turned to run
    the same way in the image as the left ones: the cameras of a stereo pair stand the same way up.
    """
    agreement = _direction(left, board) @ _direction(right, board)
    if agreement < 0 and not board.has_one_way_up:
        right, agreement = right[::-1], -agreement
    if agreement < 0.5:
        raise CalibrationError(
            "The board is turned differently in the two images.",
            "Left and right see it more than 60 degrees apart.",
            "Mount both cameras the same way up.",
        )
    return BoardView(left, right, name)


def detect_view(left: NDArray[np.uint8], right: NDArray[np.uint8], board: Board, name: str = "") -> BoardView:
    """Find the board in both images, thoroughly; CalibrationError says in which one it is missing."""
    left_corners = detect_board(left, board)
    right_corners = detect_board(right, board)
    if left_corners is None or right_corners is None:
        raise CalibrationError(f"{missing_board(left_corners, right_corners)}.")
    return matched_view(left_corners, right_corners, board, name)


def missing_board(left: Corners | None, right: Corners | None) -> str:
    """Which image lacks the board, for the window and reports."""
    if left is None and right is None:
        return "No board in either image"
    return "No board in the left image" if left is None else "No board in the right image"


def _direction(corners: Corners, board: Board) -> NDArray[np.float64]:
    """Unit vector in the image along the board's rows."""
    grid = np.asarray(corners, np.float64).reshape(board.rows, board.columns, 2)
    along = (grid[:, -1] - grid[:, 0]).mean(axis=0)
    return along / max(float(np.linalg.norm(along)), 1e-9)
