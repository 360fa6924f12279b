"""Finding a ChArUco board: a chessboard whose white squares carry markers, so that a part of it is enough."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import MIN_CORNERS, Corners, Detection, Grey, Ids, spacing_px

_MIN_MARKERS = 2
_MAX_MISREAD_PX = 4.0  # a marker's corner farther from where the others say was misread, or is of another board
_MAX_MOVE = 0.3  # of the spacing, from where the markers say a corner is to where it is seen
_MAX_JUMP_PX = 1.0
_FEW = 0.7  # of the corners
_ENLARGED_UP_TO_PX = 1000
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 0.001)


def charuco_board(board: Board) -> cv2.aruco.CharucoBoard:
    """OpenCV's description of the board, in metres."""
    squares = (board.columns + 1, board.rows + 1)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
    return cv2.aruco.CharucoBoard(squares, board.square_m, board.square_m * board.marker_share, dictionary)


def detect_charuco(grey: Grey, board: Board, *, thorough: bool) -> Detection | None:
    """The inner corners beside readable markers, refined to sub-pixel; None below 8 corners.

    thorough: where few are found, read the markers again in the image enlarged twofold, which shows small ones.

    The markers say where the corners are, by a homography and a smooth bend for the lens; each corner beside at least
    one of them is then refined in the image. OpenCV's own detector wants both markers beside a corner.
    """
    found = _detect(grey, board, 1)
    few = found is None or len(found) < _FEW * board.corner_count
    if thorough and few and max(grey.shape) <= _ENLARGED_UP_TO_PX:
        again = _detect(grey, board, 2)
        if again is not None and (found is None or len(again) > len(found)):
            return again
    return found


def _detect(grey: Grey, board: Board, enlargement: int) -> Detection | None:
    layout = _layout(board)
    searched = grey
    if enlargement > 1:
        size = (grey.shape[1] * enlargement, grey.shape[0] * enlargement)
        searched = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    outlines, ids, _ = layout.detector.detectMarkers(searched)
    if ids is None or len(ids) < _MIN_MARKERS:
        return None
    numbers = np.ravel(ids).astype(np.int64)
    seen = np.concatenate([np.asarray(one, np.float32).reshape(4, 2) for one in outlines])
    seen = (seen + np.float32(0.5)) / np.float32(enlargement) - np.float32(0.5)
    plane = np.concatenate([layout.marker_corners[number] for number in numbers])
    image_of = _Bend.fitted(plane, seen)
    if image_of is None:
        return None
    read = numbers[image_of.inliers.reshape(-1, 4).all(axis=1)]
    corner_ids = np.flatnonzero(np.isin(layout.neighbours, read).any(axis=1))
    found = _refined(grey, image_of(layout.corners[corner_ids]), corner_ids, board)
    if found is None:
        return None
    columns, rows = found.ids % board.columns, found.ids // board.columns
    return None if np.ptp(columns) == 0 or np.ptp(rows) == 0 else found


class _Layout(NamedTuple):
    """detector: knows this board's markers only, which is several times faster than searching a whole dictionary.

    marker_corners: (M, 4, 2) m. corners: (N, 2) m. neighbours: (N, 2) the markers beside each corner.
    """

    detector: cv2.aruco.ArucoDetector
    marker_corners: NDArray[np.float32]
    corners: NDArray[np.float32]
    neighbours: Ids


@lru_cache(maxsize=8)
def _layout(board: Board) -> _Layout:
    described = charuco_board(board)
    whole = described.getDictionary()
    count = len(described.getIds())
    parameters = cv2.aruco.DetectorParameters()
    # Two threshold windows instead of three: boards fill more of the image than the smallest tags do.
    parameters.adaptiveThreshWinSizeMin = 7
    parameters.adaptiveThreshWinSizeMax = 23
    parameters.adaptiveThreshWinSizeStep = 16
    dictionary = cv2.aruco.Dictionary(whole.bytesList[:count], whole.markerSize, whole.maxCorrectionBits)
    outlines = np.array([np.asarray(one)[:, :2] for one in described.getObjPoints()], np.float32)
    corners = np.asarray(described.getChessboardCorners(), np.float32)[:, :2]
    apart = np.linalg.norm(corners[:, None] - outlines.mean(axis=1)[None], axis=2)
    nearest = np.argsort(apart, axis=1)[:, :2]
    return _Layout(cv2.aruco.ArucoDetector(dictionary, parameters), outlines, corners, nearest)


class _Bend:
    """Board to image: a homography and, with points enough, a quadratic bend, which takes up most of a lens."""

    def __init__(self, H: NDArray[np.float64], inliers: NDArray[np.bool_]) -> None:
        self.H = H
        self.inliers = inliers
        self._weights: NDArray[np.float64] | None = None
        self._middle, self._extent = np.zeros(2), 1.0

    @classmethod
    def fitted(cls, plane: Corners, seen: Corners) -> _Bend | None:
        """From matching points (N, 2); None when they fit no plane."""
        H, mask = cv2.findHomography(plane, seen, cv2.RANSAC, _MAX_MISREAD_PX)
        if H is None or np.asarray(H).shape != (3, 3):
            return None
        bend = cls(np.asarray(H, np.float64), np.ravel(mask).astype(bool))
        if bend.inliers.sum() >= 24:
            points, rest = plane[bend.inliers], seen[bend.inliers] - bend(plane[bend.inliers])
            bend._middle, bend._extent = points.mean(axis=0), float(np.ptp(points, axis=0).max())
            bend._weights = np.linalg.lstsq(bend._terms(points), rest, rcond=None)[0]
        return bend

    def __call__(self, plane: Corners) -> Corners:
        flat = cv2.perspectiveTransform(plane.reshape(-1, 1, 2).astype(np.float64), self.H).reshape(-1, 2)
        return np.asarray(flat if self._weights is None else flat + self._terms(plane) @ self._weights, np.float32)

    def _terms(self, plane: Corners) -> NDArray[np.float64]:
        x, y = ((plane - self._middle) / self._extent).T
        return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _refined(grey: Grey, expected: Corners, ids: Ids, board: Board) -> Detection | None:
    """Corners as the image has them, without those that are outside it or jump out of the grid."""
    height, width = grey.shape
    if len(ids) < MIN_CORNERS:
        return None
    spacing = spacing_px(Detection(expected, ids), board)
    # The markers' corners must stay outside the window, or they pull.
    half = int(np.clip(spacing * (1 - board.marker_share) / 2, 2, 9))
    inside = np.all((expected > half + 1) & (expected < np.array([width, height]) - half - 2), axis=1)
    ids, expected = ids[inside], expected[inside]
    if len(ids) < MIN_CORNERS:
        return None
    start = np.ascontiguousarray(expected.reshape(-1, 1, 2))
    moved = cv2.cornerSubPix(grey, start.copy(), (half, half), (-1, -1), _CRITERIA)
    corners = np.asarray(moved, np.float32).reshape(-1, 2)
    kept = np.linalg.norm(corners - expected, axis=1) < _MAX_MOVE * spacing
    ids, corners = ids[kept], corners[kept]
    smooth = _Bend.fitted(board.object_points(ids)[:, :2], corners) if len(ids) >= MIN_CORNERS else None
    if smooth is None:
        return None
    jump = np.linalg.norm(corners - smooth(board.object_points(ids)[:, :2]), axis=1)
    kept = jump < max(_MAX_JUMP_PX, 4 * float(np.median(jump)))
    return Detection(corners[kept], ids[kept]) if kept.sum() >= MIN_CORNERS else None
