"""Finding the board in one image, its points in one agreed order: thoroughly, or fast enough for live video."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.charuco import detect_charuco
from depthstudio.calibration.chessboard import detect_chessboard, glance_at_chessboard
from depthstudio.calibration.circles import detect_circles
from depthstudio.calibration.detected import Detection, to_grey

_FAR_SPACING_PX = 20.0  # below it the quick check misses squares even at full size


def detect_board(image: NDArray[np.uint8], board: Board) -> Detection | None:
    """The board's points in an image, as well as they can be had, or None.

    image: (H, W) or (H, W, 3) RGB, uint8. Points come row by row, in right-handed order; of a ChArUco board those that
    are seen. A chessboard is searched with OpenCV's classic detector with sub-pixel refinement and, unless its corners
    are beyond doubt, the sector-based one (Duda and Frese 2018); the latter's corners are kept when they fit a
    smoothly bent grid clearly better.
    """
    grey = to_grey(image)
    if board.kind == "charuco":
        return detect_charuco(grey, board, thorough=True)
    if board.kind == "circles":
        return detect_circles(grey, board, thorough=True)
    return detect_chessboard(grey, board)


class Effort(IntEnum):
    """How hard to look for a chessboard in live video. CPU time at 640x480 where there is none, one core of 2024.

    GLANCE: a reduced image, behind OpenCV's quick check, which misses squares below some 13 px: 6 ms.
    LOOK: then the full image too: 17 ms. EXPECT: no quick check in the reduced image: 50 ms; for an image that must
    show the board. FAR: nor in the full one: 120 ms; for a board whose squares are small.
    """

    GLANCE = 0
    LOOK = 1
    EXPECT = 2
    FAR = 3

    @classmethod
    def for_board_at(cls, spacing: float) -> Effort:
        """What finds a board again whose corners were last `spacing` px apart."""
        return cls.FAR if spacing < _FAR_SPACING_PX else cls.EXPECT


def find_board_quickly(image: NDArray[np.uint8], board: Board, effort: Effort = Effort.LOOK) -> Detection | None:
    """As detect_board, for live video: searches a reduced image first and refines at full size.

    As fast with every effort when a near board is there, about 5 ms of CPU at 640x480. Circles are found in one pass,
    whatever the effort; small markers from EXPECT on.
    """
    grey = to_grey(image)
    if board.kind == "charuco":
        return detect_charuco(grey, board, thorough=effort >= Effort.EXPECT)
    if board.kind == "circles":
        return detect_circles(grey, board, thorough=False)
    return glance_at_chessboard(
        grey, board, full_size=effort >= Effort.LOOK, sure=effort >= Effort.EXPECT, far=effort >= Effort.FAR
    )
