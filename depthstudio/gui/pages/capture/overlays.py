"""What is drawn over the camera's pictures: epipolar lines and clipped pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.views import grey_of
from depthstudio.frames import FloatMap, Image
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.theme import theme

EPIPOLAR_LINES = 9
_POINTS_APART_PX = 16
_BLACK, _WHITE = 2, 254
_CLIPPED_ALPHA = 220

Lines = list[FloatMap]


def epipolar_lines(
    calibration: StereoCalibration, size: tuple[int, int], count: int = EPIPOLAR_LINES
) -> tuple[Lines, Lines]:
    """Rows of the rectified pair as they run through the raw left and right pictures: polylines of (N, 2) px.

    A point of the scene lies on the same line in both, wherever the calibration is right. CalibrationError when the
    calibration does not fit pictures of this size.
    """
    rectifier = Rectifier(calibration, size)
    width, height = rectifier.geometry.size
    rows = np.linspace(0, height - 1, count + 2)[1:-1].round().astype(int)
    columns = np.append(np.arange(0, width - 1, _POINTS_APART_PX), width - 1)
    if rectifier.is_identity:
        lines = [np.stack([columns, np.full_like(columns, v)], axis=1).astype(np.float32) for v in rows]
        return lines, lines
    left = calibration.left.rectify_maps(rectifier.R1, rectifier.P1, rectifier.raw_size, cv2.CV_32FC1)
    right = calibration.right.rectify_maps(rectifier.R2, rectifier.P2, rectifier.raw_size, cv2.CV_32FC1)
    return _rows_of(left, rows, columns), _rows_of(right, rows, columns)


def _rows_of(maps: tuple[NDArray, NDArray], rows: NDArray, columns: NDArray) -> Lines:
    x, y = maps
    return [np.stack([x[v, columns], y[v, columns]], axis=1).astype(np.float32) for v in rows]


def clipped_tint(image: Image) -> NDArray[np.uint8] | None:
    """(H, W, 4) BGRA that colours saturated and black pixels; None when there are none."""
    grey = grey_of(image)
    levels = np.zeros(256, np.uint8)
    levels[_WHITE:], levels[: _BLACK + 1] = 1, 2
    marked = np.asarray(cv2.LUT(grey, levels), np.uint8)
    if not marked.any():
        return None
    table = np.zeros((3, 4), np.uint8)
    for number, token in enumerate(("bad", "mask_border"), start=1):
        red, green, blue = theme().rgb(token)
        table[number] = (blue, green, red, _CLIPPED_ALPHA)
    return table[marked]
