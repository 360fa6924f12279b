"""BoardView: one board position seen by both cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import MIN_CORNERS, Corners, Detection, Ids
from depthstudio.calibration.detection import detect_board
from depthstudio.errors import CalibrationError


@dataclass(frozen=True, eq=False)
class BoardView:
    """The same points of the board in both images, (N, 2) float32 px. name: how reports call the view.

    ids: (N,) which points of the board they are, as in `Board.object_points`; None when they are all of them, in order.
    """

    left_corners: Corners
    right_corners: Corners
    name: str = ""
    ids: Ids | None = None

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
        if self.ids is not None and len(self.ids) != len(self.left_corners):
            raise CalibrationError(f"View {self.name} has {len(self.left_corners)} corners but {len(self.ids)} names.")

    def object_points(self, board: Board) -> NDArray[np.float32]:
        """Where these points are on the board, (N, 3) float32 metres. CalibrationError when it is another board."""
        fits = len(self.left_corners) == board.corner_count if self.ids is None else max(self.ids) < board.corner_count
        if not fits:
            raise CalibrationError(
                f"View {self.name} has {len(self.left_corners)} corners, the board {board.corner_count}.",
                "",
                "Set the board that was used.",
            )
        return board.object_points(self.ids)

    @property
    def left(self) -> Detection:
        """What was found in the left image."""
        return self._detection(self.left_corners)

    @property
    def right(self) -> Detection:
        """What was found in the right image."""
        return self._detection(self.right_corners)

    def _detection(self, corners: Corners) -> Detection:
        return Detection.whole(corners) if self.ids is None else Detection(corners, self.ids)

    def swapped(self) -> BoardView:
        """The same view with left and right exchanged."""
        return BoardView(self.right_corners, self.left_corners, self.name, self.ids)


def matched_view(left: Detection, right: Detection, board: Board, name: str = "") -> BoardView:
    """A view from two detections, of the points that both have; CalibrationError when they cannot be matched.

    A board that looks the same upside down is found starting at either end, so the right corners are turned to run
    the same way in the image as the left ones: the cameras of a stereo pair stand the same way up.
    """
    agreement = _direction(left, board) @ _direction(right, board)
    if agreement < 0 and not board.has_one_way_up:
        right, agreement = right.turned(board), -agreement
    if agreement < 0.5:
        raise CalibrationError(
            "The board is turned differently in the two images.",
            "Left and right see it more than 60 degrees apart.",
            "Mount both cameras the same way up.",
        )
    common, in_left, in_right = np.intersect1d(left.ids, right.ids, assume_unique=True, return_indices=True)
    if len(common) < MIN_CORNERS:
        raise CalibrationError(
            f"Only {len(common)} corners are in both images.", "", "Move the board to where both cameras see it."
        )
    ids = None if len(common) == board.corner_count else common
    return BoardView(left.corners[in_left], right.corners[in_right], name, ids)


def detect_view(left: NDArray[np.uint8], right: NDArray[np.uint8], board: Board, name: str = "") -> BoardView:
    """Find the board in both images, thoroughly; CalibrationError says in which one it is missing."""
    found_left = detect_board(left, board)
    found_right = detect_board(right, board)
    if found_left is None or found_right is None:
        raise CalibrationError(f"{missing_board(found_left, found_right)}.")
    return matched_view(found_left, found_right, board, name)


def missing_board(left: Detection | None, right: Detection | None) -> str:
    """Which image lacks the board, for the window and reports."""
    if left is None and right is None:
        return "No board in either image"
    return "No board in the left image" if left is None else "No board in the right image"


def _direction(found: Detection, board: Board) -> NDArray[np.float64]:
    """Unit vector in the image along the board's rows."""
    grid = found.grid(board).astype(np.float64)
    along = np.nanmean(np.diff(grid, axis=1).reshape(-1, 2), axis=0)
    return np.asarray(along / max(float(np.linalg.norm(along)), 1e-9))
