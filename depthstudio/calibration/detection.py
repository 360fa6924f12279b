"""Finding the chessboard in one image, its corners in one agreed order."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board

Corners = NDArray[np.float32]
Grey = NDArray[np.uint8]

_SEARCH_WIDTH_PX = 400
_MIN_SPACING_PX = 4.0
_FAR_SPACING_PX = 20.0  # below it the quick check misses squares even at full size
_CLEARLY_BETTER = 0.7
_DOUBTFUL_PX = 0.5  # below it a second, ten times slower detector has nothing to add
_CLASSIC = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
_QUICK_CHECK = cv2.CALIB_CB_FAST_CHECK
_SECTOR = cv2.CALIB_CB_NORMALIZE_IMAGE
_SECTOR_ACCURATE = _SECTOR | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY


def to_grey(image: NDArray[np.uint8]) -> Grey:
    """An (H, W) or (H, W, 3) RGB uint8 image as (H, W) uint8."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def detect_board(image: NDArray[np.uint8], board: Board) -> Corners | None:
    """The board's inner corners in an image, as well as they can be had, or None.

    image: (H, W) or (H, W, 3) RGB, uint8. Returns (N, 2) float32 px, row by row, in right-handed order.
    Runs OpenCV's classic detector with sub-pixel refinement and, unless its corners are beyond doubt, the sector-based
    one (Duda and Frese 2018); the latter's corners are kept when they fit a smoothly bent grid clearly better.
    """
    grey = to_grey(image)
    small, scale = _reduced(grey)
    corners = _enlarged(_search(cv2.findChessboardCorners, small, board, _CLASSIC | _QUICK_CHECK), scale)
    if corners is None:
        corners = _search(cv2.findChessboardCorners, grey, board, _CLASSIC)
    corners = _refined(grey, corners, board)
    if corners is None or grid_residual_px(corners, board) > _DOUBTFUL_PX:
        corners = _better(corners, _sector_based(grey, board), board)
    return None if corners is None else _upright(corners, grey, board)


class Effort(IntEnum):
    """How hard to look for a board in live video. CPU time at 640x480 where there is none, one core of 2024.

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


def find_board_quickly(image: NDArray[np.uint8], board: Board, effort: Effort = Effort.LOOK) -> Corners | None:
    """As detect_board, for live video: searches a reduced image first and refines at full size.

    As fast with every effort when a near board is there, about 5 ms of CPU at 640x480.
    """
    grey = to_grey(image)
    small, scale = _reduced(grey)
    quick = _CLASSIC | _QUICK_CHECK
    flags = _CLASSIC if effort >= Effort.EXPECT else quick
    corners = _enlarged(_search(cv2.findChessboardCorners, small, board, flags), scale)
    if corners is None and effort >= Effort.LOOK:
        corners = _search(cv2.findChessboardCorners, grey, board, _CLASSIC if effort == Effort.FAR else quick)
    corners = _refined(grey, corners, board)
    return None if corners is None else _upright(corners, grey, board)


def grid_residual_px(corners: Corners, board: Board) -> float:
    """RMS distance of corners from a smooth image of the board's grid, px: how noisy a detection is.

    The smooth image is a homography followed by a polynomial in board coordinates (cubic when there are corners
    enough), which takes up lens distortion but not the jumps of single corners.
    """
    plane = board.object_points()[:, :2].astype(np.float64)
    seen = np.asarray(corners, np.float64).reshape(-1, 2)
    H = np.asarray(cv2.findHomography(plane, seen)[0])
    if H.shape != (3, 3):  # corners on one line
        return float("inf")
    rest = seen - cv2.perspectiveTransform(plane.reshape(-1, 1, 2), H).reshape(-1, 2)
    x, y = ((plane - plane.mean(axis=0)) / (board.square_m * board.columns)).T
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y]
    if board.corner_count >= 30:
        terms += [x**3, x * x * y, x * y * y, y**3]
    basis = np.stack(terms, axis=1)
    rest -= basis @ np.linalg.lstsq(basis, rest, rcond=None)[0]
    free_share = 1.0 - len(terms) / board.corner_count
    return float(np.sqrt((rest**2).sum(axis=1).mean() / max(free_share, 0.1)))


def edge_width_px(image: NDArray[np.uint8], corners: Corners, board: Board) -> float:
    """How many pixels the board's edges take from black to white: about 2 when sharp, above 5 when blurred."""
    measured = cv2.estimateChessboardSharpness(
        to_grey(image), (board.columns, board.rows), np.asarray(corners, np.float32).reshape(-1, 1, 2)
    )
    width_px = float(np.ravel(np.asarray(measured[0]))[0])
    return width_px if np.isfinite(width_px) and width_px > 0 else float("inf")


def spacing_px(corners: Corners, board: Board) -> float:
    """The smallest distance between neighbouring corners, px."""
    grid = np.asarray(corners).reshape(board.rows, board.columns, 2)
    along = np.linalg.norm(np.diff(grid, axis=1), axis=2).min()
    across = np.linalg.norm(np.diff(grid, axis=0), axis=2).min()
    return float(min(along, across))


def _better(classic: Corners | None, sector: Corners | None, board: Board) -> Corners | None:
    if classic is None or sector is None:
        return sector if classic is None else classic
    # Refined classic corners gave the smaller stereo error on real pairs when both detections were sound.
    clearly = grid_residual_px(sector, board) < _CLEARLY_BETTER * grid_residual_px(classic, board)
    return sector if clearly else classic


def _reduced(grey: Grey) -> tuple[Grey, float]:
    """The image at a width fit for searching, and its scale."""
    scale = min(1.0, _SEARCH_WIDTH_PX / max(grey.shape))
    if scale >= 1:
        return grey, 1.0
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def _enlarged(corners: Corners | None, scale: float) -> Corners | None:
    """Corners of the reduced image in pixels of the full one; pixel centres lie at integers."""
    return None if corners is None else (corners + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)


def _sector_based(grey: Grey, board: Board) -> Corners | None:
    corners = _search(cv2.findChessboardCornersSB, grey, board, _SECTOR_ACCURATE)
    return corners if corners is not None and spacing_px(corners, board) >= _MIN_SPACING_PX else None


def _search(detector: Any, grey: Grey, board: Board, flags: int) -> Corners | None:
    found, corners = detector(grey, (board.columns, board.rows), flags=flags)
    if not found or corners is None or len(corners) != board.corner_count:
        return None
    return np.asarray(corners, np.float32).reshape(-1, 2)


def _refined(grey: Grey, corners: Corners | None, board: Board) -> Corners | None:
    """Sub-pixel corners. The window must not reach the next corner, or that one pulls."""
    if corners is None:
        return None
    spacing = spacing_px(corners, board)
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
