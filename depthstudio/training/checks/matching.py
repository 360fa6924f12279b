"""Corners of the left picture searched in the right one, without labels, calibration or network to believe in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.stereo_sample import Rgb

_CORNERS, _QUALITY, _APART_PX = 60, 0.02, 14
_HALF_PX = 8  # of the patch that is compared
_RISE_PX = 16  # searched up and down
_SURE, _UNIQUE = 0.8, 0.08  # least correlation, and how much the best place must beat every other
_PEAK_PX = 4
_LEAST_CONTRAST = 4.0  # grey values; below it there is nothing but noise to compare


@dataclass(frozen=True, eq=False)
class CornerMatches:
    """x, y: the corner in the left picture. shift_px: x minus its place in the right one. drop_px: how much lower it
    lies there. All (N,) float64. corners: how many were searched.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    shift_px: NDArray[np.float64]
    drop_px: NDArray[np.float64]
    corners: int

    def __len__(self) -> int:
        return len(self.x)


def match_corners(left: Rgb, right: Rgb) -> CornerMatches:
    """Search the strongest corners within half the picture's width to both sides and 16 px up and down.

    left, right: (H, W, 3) uint8. Only matches that beat every other place clearly are kept, so repeated texture and
    blank walls give few. Normalised correlation; subpixel by a parabola through the peak in each direction.
    """
    grey_left, grey_right = (np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8) for image in (left, right))
    height, width = grey_left.shape
    corners = cv2.goodFeaturesToTrack(grey_left, _CORNERS, _QUALITY, _APART_PX)
    places = np.empty((0, 2)) if corners is None else corners.reshape(-1, 2).round()
    inside = (
        (places[:, 0] >= _HALF_PX)
        & (places[:, 0] < width - _HALF_PX)
        & (places[:, 1] >= _HALF_PX)
        & (places[:, 1] < height - _HALF_PX)
    )
    places = places[inside].astype(int)
    found = [match for x, y in places if (match := _search(grey_left, grey_right, int(x), int(y)))]
    columns = np.array(found, np.float64).reshape(-1, 4)
    return CornerMatches(columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3], len(places))


def _search(left: NDArray[np.uint8], right: NDArray[np.uint8], x: int, y: int) -> tuple[float, ...] | None:
    height, width = right.shape
    patch = left[y - _HALF_PX : y + _HALF_PX + 1, x - _HALF_PX : x + _HALF_PX + 1]
    if patch.std() < _LEAST_CONTRAST:
        return None
    reach = width // 2
    x0, x1 = max(0, x - reach - _HALF_PX), min(width, x + reach + _HALF_PX + 1)
    y0, y1 = max(0, y - _RISE_PX - _HALF_PX), min(height, y + _RISE_PX + _HALF_PX + 1)
    scores = np.asarray(cv2.matchTemplate(right[y0:y1, x0:x1], patch, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (column, row) = cv2.minMaxLoc(scores)
    if best < _SURE:
        return None
    others = scores.copy()
    others[max(0, row - _PEAK_PX) : row + _PEAK_PX + 1, max(0, column - _PEAK_PX) : column + _PEAK_PX + 1] = -1
    if float(others.max()) > best - _UNIQUE:
        return None
    right_x = x0 + column + _HALF_PX + _offset(scores[row], column)
    right_y = y0 + row + _HALF_PX + _offset(scores[:, column], row)
    return float(x), float(y), x - right_x, right_y - y


def _offset(scores: NDArray[np.float32], at: int) -> float:
    """Where between its neighbours a peak lies, -0.5..0.5."""
    if at == 0 or at == len(scores) - 1:
        return 0.0
    before, peak, after = (float(value) for value in scores[at - 1 : at + 2])
    bend = before - 2 * peak + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
