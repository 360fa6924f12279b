"""Finding a ChArUco board: a chessboard whose white squares carry markers, so that a part of it is enough."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import MIN_CORNERS, Detection, Grey, grid_residual_px

_MAX_RESIDUAL_PX = 3.0  # corners farther from a smooth grid come from misread markers


def charuco_board(board: Board) -> cv2.aruco.CharucoBoard:
    """OpenCV's description of the board, in metres."""
    squares = (board.columns + 1, board.rows + 1)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
    return cv2.aruco.CharucoBoard(squares, board.square_m, board.square_m * board.marker_share, dictionary)


def detect_charuco(grey: Grey, board: Board) -> Detection | None:
    """The inner corners beside readable markers, refined to sub-pixel; None below 8 corners or when they do not fit."""
    corners, ids, _, _ = _detector(board).detectBoard(grey)
    if corners is None or ids is None or len(ids) < MIN_CORNERS:
        return None
    order = np.argsort(np.ravel(ids))
    found = Detection(np.asarray(corners, np.float32).reshape(-1, 2)[order], np.ravel(ids)[order].astype(np.int64))
    columns, rows = found.ids % board.columns, found.ids // board.columns
    if np.ptp(columns) == 0 or np.ptp(rows) == 0:
        return None
    return found if grid_residual_px(found, board) <= _MAX_RESIDUAL_PX else None


@lru_cache(maxsize=8)
def _detector(board: Board) -> cv2.aruco.CharucoDetector:
    # One threshold window less than OpenCV's default: half the time, and boards fill more of the image than tags do.
    parameters = cv2.aruco.DetectorParameters()
    parameters.adaptiveThreshWinSizeMin = 7
    parameters.adaptiveThreshWinSizeMax = 23
    parameters.adaptiveThreshWinSizeStep = 16
    return cv2.aruco.CharucoDetector(charuco_board(board), cv2.aruco.CharucoParameters(), parameters)
