"""Detection: the points of a board found in one image, and how good they are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board

Corners = NDArray[np.float32]
Ids = NDArray[np.integer]
Grey = NDArray[np.uint8]

MIN_CORNERS = 8  # fewer points of a board do not make a view
_EDGE_PERCENTILE = 98.0  # of all pixels on a board, at least two in a hundred lie on the steepest part of an edge
_LEVEL_PERCENTILES = (5.0, 95.0)
_MIN_CONTRAST = 10.0


@dataclass(frozen=True, eq=False)
class Detection:
    """corners: (N, 2) float32 px. ids: (N,) which points of the board they are, ascending, as in object_points."""

    corners: Corners
    ids: Ids

    @classmethod
    def whole(cls, corners: Corners) -> Detection:
        """All points of a board, in order."""
        return cls(corners, np.arange(len(corners)))

    def __len__(self) -> int:
        return len(self.corners)

    def grid(self, board: Board) -> NDArray[np.float32]:
        """(rows, columns, 2) px; NaN where a point was not found."""
        grid = np.full((board.corner_count, 2), np.nan, np.float32)
        grid[self.ids] = self.corners
        return grid.reshape(board.rows, board.columns, 2)

    def turned(self, board: Board) -> Detection:
        """The same points counted from the other end of the board."""
        return Detection(self.corners[::-1], (board.corner_count - 1 - self.ids)[::-1])


def to_grey(image: NDArray[np.uint8]) -> Grey:
    """An (H, W) or (H, W, 3) RGB uint8 image as (H, W) uint8."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def reduced(grey: Grey, longest_px: int) -> tuple[Grey, float]:
    """The image with its longer side at most `longest_px`, and its scale."""
    scale = min(1.0, longest_px / max(grey.shape))
    if scale >= 1:
        return grey, 1.0
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def enlarged(corners: Corners | None, scale: float) -> Corners | None:
    """Corners of a scaled image in pixels of the full one; pixel centres lie at integers."""
    return None if corners is None else (corners + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)


def spacing_px(found: Detection, board: Board) -> float:
    """The smallest distance between neighbouring points of the grid, px; infinite when no two are neighbours."""
    grid = found.grid(board)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=2).ravel() for axis in (0, 1)]
    lengths = np.concatenate(steps)
    lengths = lengths[np.isfinite(lengths)]
    return float(lengths.min()) if len(lengths) else float("inf")


def grid_residual_px(found: Detection, board: Board) -> float:
    """RMS distance of points from a smooth image of the board's grid, px: how noisy a detection is.

    The smooth image is a homography followed by a polynomial in board coordinates (cubic when there are corners
    enough), which takes up lens distortion but not the jumps of single corners.
    """
    plane = board.object_points(found.ids)[:, :2].astype(np.float64)
    seen = np.asarray(found.corners, np.float64)
    H = np.asarray(cv2.findHomography(plane, seen)[0])
    if H.shape != (3, 3):  # corners on one line
        return float("inf")
    rest = seen - cv2.perspectiveTransform(plane.reshape(-1, 1, 2), H).reshape(-1, 2)
    x, y = ((plane - plane.mean(axis=0)) / (board.square_m * board.columns)).T
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y]
    if len(found) >= 30:
        terms += [x**3, x * x * y, x * y * y, y**3]
    basis = np.stack(terms, axis=1)
    rest -= basis @ np.linalg.lstsq(basis, rest, rcond=None)[0]
    free_share = 1.0 - len(terms) / len(found)
    return float(np.sqrt((rest**2).sum(axis=1).mean() / max(free_share, 0.1)))


def edge_width_px(image: NDArray[np.uint8], found: Detection) -> float:
    """How many pixels the board's edges take from black to white: about 2 when sharp, above 5 when blurred.

    The board's contrast over its steepest slopes; for an edge blurred by a Gaussian nearly the distance from 10 % to
    90 %. Infinite where there is no contrast.
    """
    grey = to_grey(image)
    low = np.clip(np.floor(found.corners.min(axis=0)).astype(int), 0, None)
    high = np.ceil(found.corners.max(axis=0)).astype(int) + 1
    crop = grey[low[1] : high[1], low[0] : high[0]]
    if min(crop.shape) < 3:
        return float("inf")
    mask = np.zeros(crop.shape, np.uint8)
    hull = cv2.convexHull((found.corners - low).astype(np.int32).reshape(-1, 1, 2))
    cv2.fillConvexPoly(mask, hull, 255)
    inside = mask > 0
    slope = cv2.magnitude(
        cv2.filter2D(crop, cv2.CV_32F, np.array([[-0.5, 0, 0.5]])),
        cv2.filter2D(crop, cv2.CV_32F, np.array([[-0.5], [0], [0.5]])),
    )
    dark, bright = np.percentile(crop[inside], _LEVEL_PERCENTILES)
    if bright - dark < _MIN_CONTRAST:
        return float("inf")
    return float((bright - dark) / max(float(np.percentile(slope[inside], _EDGE_PERCENTILE)), 1e-3))
