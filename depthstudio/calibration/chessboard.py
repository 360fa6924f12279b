"""Finding a chessboard: OpenCV's classic detector with sub-pixel refinement, and the sector-based one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import (
    Corners,
    Detection,
    Grey,
    enlarged,
    grid_residual_px,
    reduced,
    spacing_px,
)

SEARCH_WIDTH_PX = 400
_MIN_SPACING_PX = 4.0
_SMALL_IMAGE_PX = 480  # in images up to this size squares are likely below what the quick check sees
_CLEARLY_BETTER = 0.7
_DOUBTFUL_PX = 0.5  # below it a second, ten times slower detector has nothing to add
_CLASSIC = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
_QUICK_CHECK = cv2.CALIB_CB_FAST_CHECK
_SECTOR_ACCURATE = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY


def detect_chessboard(grey: Grey, board: Board) -> Detection | None:
    """The corners as well as they can be had: both detectors unless the first is beyond doubt, the better is kept."""
    small, scale = reduced(grey, SEARCH_WIDTH_PX)
    corners = enlarged(_search(cv2.findChessboardCorners, small, board, _CLASSIC | _QUICK_CHECK), scale)
    if corners is None:
        corners = _search(cv2.findChessboardCorners, grey, board, _CLASSIC)
    corners = _refined(grey, corners, board)
    if corners is None or grid_residual_px(Detection.whole(corners), board) > _DOUBTFUL_PX:
        corners = _better(corners, _sector_based(grey, board), board)
    return None if corners is None else Detection.whole(_upright(corners, grey, board))


def glance_at_chessboard(grey: Grey, board: Board, *, full_size: bool, sure: bool, far: bool) -> Detection | None:
    """A search for live video, in a reduced image first.

    full_size: search the full image too. sure: a board must be there, so skip OpenCV's quick check, which misses
    squares below some 13 px, in the reduced image; far: in the full image as well.
    """
    small, scale = reduced(grey, SEARCH_WIDTH_PX)
    quick = _CLASSIC | _QUICK_CHECK
    corners = enlarged(_search(cv2.findChessboardCorners, small, board, _CLASSIC if sure else quick), scale)
    if corners is None and full_size:
        if max(grey.shape) <= _SMALL_IMAGE_PX:
            twice = np.asarray(cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
            corners = enlarged(_search(cv2.findChessboardCorners, twice, board, quick), 2.0)
        elif scale < 1:
            corners = _search(cv2.findChessboardCorners, grey, board, _CLASSIC if far else quick)
    corners = _refined(grey, corners, board)
    return None if corners is None else Detection.whole(_upright(corners, grey, board))


def _better(classic: Corners | None, sector: Corners | None, board: Board) -> Corners | None:
    if classic is None or sector is None:
        return sector if classic is None else classic
    # Refined classic corners gave the smaller stereo error on real pairs when both detections were sound.
    by_sectors, by_quads = (grid_residual_px(Detection.whole(one), board) for one in (sector, classic))
    return sector if by_sectors < _CLEARLY_BETTER * by_quads else classic


def _sector_based(grey: Grey, board: Board) -> Corners | None:
    corners = _search(cv2.findChessboardCornersSB, grey, board, _SECTOR_ACCURATE)
    return corners if corners is not None and _spacing_px(corners, board) >= _MIN_SPACING_PX else None


def _search(detector: Any, grey: Grey, board: Board, flags: int) -> Corners | None:
    found, corners = detector(grey, (board.columns, board.rows), flags=flags)
    if not found or corners is None or len(corners) != board.corner_count:
        return None
    return np.asarray(corners, np.float32).reshape(-1, 2)


def _spacing_px(corners: Corners, board: Board) -> float:
    return spacing_px(Detection.whole(corners), board)


def _refined(grey: Grey, corners: Corners | None, board: Board) -> Corners | None:
    """Sub-pixel corners. The window must not reach the next corner, or that one pulls."""
    if corners is None:
        return None
    spacing = _spacing_px(corners, board)
    if spacing < _MIN_SPACING_PX:
        return None
    half = int(np.clip(spacing * 0.35, 2, 11))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 0.001)
    refined = cv2.cornerSubPix(grey, corners.reshape(-1, 1, 2).copy(), (half, half), (-1, -1), criteria)
    return np.asarray(refined, np.float32).reshape(-1, 2)


def _upright(corners: Corners, grey: Grey, board: Board) -> Corners:
    """The corners in right-handed order, and, where the colours tell, starting at the black square's end."""
    grid = corners.reshape(board.rows, board.columns, 2)
    along = (grid[:, -1] - grid[:, 0]).mean(axis=0)
    across = (grid[-1] - grid[0]).mean(axis=0)
    if along[0] * across[1] - along[1] * across[0] < 0:
        grid = grid[::-1]
    if board.has_one_way_up and _first_square_is_white(grid, grey):
        grid = grid[::-1, ::-1]
    return np.ascontiguousarray(grid.reshape(-1, 2))


def _first_square_is_white(grid: NDArray[np.float32], grey: Grey) -> bool:
    """Whether the squares of the first one's colour are brighter than the others, all of them together."""
    centres = (grid[:-1, :-1] + grid[1:, :-1] + grid[:-1, 1:] + grid[1:, 1:]) / 4
    columns, rows = np.rint(centres).astype(int).transpose(2, 0, 1)
    height, width = grey.shape
    values = grey[rows.clip(0, height - 1), columns.clip(0, width - 1)].astype(np.float64)
    sign = np.where(np.indices(values.shape).sum(axis=0) % 2 == 0, 1.0, -1.0)
    # Against the local mean of rows, uneven light across the board does not decide.
    return bool((sign * (values - values.mean(axis=1, keepdims=True))).sum() > 0)
