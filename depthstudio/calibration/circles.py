"""Finding a grid of asymmetric circles: dark discs on white, every other row shifted by half a step."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import Corners, Detection, Grey, enlarged, grid_residual_px, reduced

_SEARCH_WIDTH_PX = 640
_BLOCK_SHARES = (1 / 12, 1 / 4)  # of the image, to compare brightness with: for a far board, then for a near one
_MIN_AREA_PX = 12.0
_MIN_CIRCULARITY = 0.6  # 4 pi area / perimeter^2: a disc tilted by 60 degrees still has 0.84, before pixels bite
_MAX_BLOBS_PER_CIRCLE = 4
_MAX_RESIDUAL_PX = 2.0
_GRID = cv2.CALIB_CB_ASYMMETRIC_GRID
_REACH = 1.25  # of a disc's radius, within which its grey centroid is taken


def detect_circles(grey: Grey, board: Board, *, thorough: bool) -> Detection | None:
    """The discs' centres. thorough: search the full image with OpenCV's blob detector when the quick one misses them.

    A centroid is not exactly the image of the disc's centre when the board is tilted: with discs of 10 px the
    difference is about 0.05 px at 30 degrees.
    """
    small, scale = reduced(grey, _SEARCH_WIDTH_PX)
    centres = None
    for share in _BLOCK_SHARES:
        if centres is None:
            centres = _grid_of(_blobs(small, int(max(small.shape) * share) | 1, small.size / board.corner_count), board)
    if centres is None and thorough:
        centres, scale = _by_opencv(grey, board), 1.0
    centres = enlarged(centres, scale)
    if centres is None:
        return None
    found = Detection.whole(_refined(grey, _right_handed(centres, board), board))
    return found if grid_residual_px(found, board) <= _MAX_RESIDUAL_PX else None


def _blobs(grey: Grey, block: int, largest: float) -> Corners:
    """(N, 2) px: middles of round spots of up to `largest` px that are darker than the mean of a block around them."""
    dark = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, 10)
    contours, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    middles = []
    for contour in contours:
        if len(contour) < 8:
            continue
        area, around = cv2.contourArea(contour), cv2.arcLength(contour, True)
        if _MIN_AREA_PX <= area <= largest and 4 * np.pi * area >= _MIN_CIRCULARITY * around * around:
            m = cv2.moments(contour)
            middles.append((m["m10"] / m["m00"], m["m01"] / m["m00"]))
    return np.array(middles, np.float32).reshape(-1, 2)


def _grid_of(middles: Corners, board: Board) -> Corners | None:
    if not board.corner_count <= len(middles) <= _MAX_BLOBS_PER_CIRCLE * board.corner_count:
        return None
    size = (board.columns, board.rows)
    for flags in (_GRID, _GRID | cv2.CALIB_CB_CLUSTERING):
        # Without a blob detector OpenCV takes points instead of an image, which its type stubs do not know.
        found, centres = cv2.findCirclesGrid(  # type: ignore[call-overload]
            middles.reshape(-1, 1, 2), size, flags, None, cv2.CirclesGridFinderParameters()
        )
        if found:
            return np.asarray(centres, np.float32).reshape(-1, 2)
    return None


def _by_opencv(grey: Grey, board: Board) -> Corners | None:
    found, centres = cv2.findCirclesGrid(grey, (board.columns, board.rows), flags=_GRID | cv2.CALIB_CB_CLUSTERING)
    return np.asarray(centres, np.float32).reshape(-1, 2) if found else None


def _right_handed(centres: Corners, board: Board) -> Corners:
    """In the order of Board.object_points. A grid that fits only when counted from the other end is turned."""
    candidates = [centres, centres[::-1]]
    plane = board.object_points()[:, :2]

    def misfit(one: Corners) -> float:
        H = cv2.findHomography(plane, one)[0]
        if H is None or np.linalg.det(H) < 0:  # a mirrored order; of all of H, for its upper left part knows no tilt
            return float("inf")
        return float(np.linalg.norm(cv2.perspectiveTransform(plane[:, None], H)[:, 0] - one, axis=1).mean())

    return min(candidates, key=misfit)


def _refined(grey: Grey, centres: Corners, board: Board) -> Corners:
    """Grey-weighted centroids: dark against the paper around, which is finer than a thresholded outline."""
    H = np.asarray(cv2.findHomography(board.object_points()[:, :2], centres)[0], np.float64)
    half = _radius_px(H, centres, board) * _REACH
    refined = centres.copy()
    for i, ((x, y), reach) in enumerate(zip(centres, half, strict=True)):
        x0, y0 = int(np.floor(x - reach)), int(np.floor(y - reach))
        x1, y1 = int(np.ceil(x + reach)) + 1, int(np.ceil(y + reach)) + 1
        if x0 < 0 or y0 < 0 or x1 > grey.shape[1] or y1 > grey.shape[0]:
            continue
        patch = grey[y0:y1, x0:x1].astype(np.float32)
        columns, rows = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)[:, None]
        levels = np.sort(patch, axis=None)
        ink, paper = levels[len(levels) // 10], levels[len(levels) * 17 // 20]
        weight = np.maximum((paper - patch) / max(paper - ink, 1.0) - 0.1, 0)
        weight *= (columns - x) ** 2 + (rows - y) ** 2 <= (reach + 0.5) ** 2
        total = weight.sum()
        if total > 0:
            refined[i] = (weight * columns).sum() / total, (weight * rows).sum() / total
    return refined


def _radius_px(H: NDArray[np.float64], centres: Corners, board: Board) -> NDArray[np.float64]:
    """Half the distance to where the next row would be, per disc: discs are about that large on every common board."""
    step = board.object_points()[:, :2] + (0.5 * board.square_m, 0.0)
    across = cv2.perspectiveTransform(step[:, None].astype(np.float32), H)[:, 0]
    return np.asarray(np.linalg.norm(across - centres, axis=1).clip(2.0, None), np.float64)
