"""Painting pixels into part of a widget, as fast as live video needs it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter

from depthstudio.gui.colormaps import Table

# Smaller than this, a picture needs the slower average over areas; linear would leave pixels out.
_AVERAGE_BELOW = 0.4
_FORMATS = {1: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_ARGB32}


@dataclass(frozen=True, eq=False)
class Picture:
    """(H, W) grey, (H, W, 3) RGB or see-through (H, W, 4) BGRA, uint8; with a table, (H, W) entries of it, 0 invalid.

    Colours are made where they are painted, at the size they are seen: that is a fraction of the work.
    """

    pixels: NDArray[np.uint8]
    table: Table | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.pixels.shape[1], self.pixels.shape[0]


def paint_layer(painter: QPainter, picture: Picture, area: QRectF, window: QRect) -> None:
    """Draw a picture stretched over `area`, as far as it is seen in `window`.

    OpenCV scales an order of magnitude faster than QPainter does.
    """
    seen = area.intersected(QRectF(window))
    if seen.isEmpty():
        return
    width, height = picture.size
    scale = width / area.width()
    x0, y0 = int((seen.x() - area.x()) * scale), int((seen.y() - area.y()) * scale)
    x1 = min(width, int(np.ceil((seen.right() - area.x()) * scale)) + 1)
    y1 = min(height, int(np.ceil((seen.bottom() - area.y()) * scale)) + 1)
    target = QRectF(area.x() + x0 / scale, area.y() + y0 / scale, (x1 - x0) / scale, (y1 - y0) / scale).toRect()
    ratio = painter.device().devicePixelRatioF()
    pixels = (max(1, round(target.width() * ratio)), max(1, round(target.height() * ratio)))
    part = picture.pixels[y0:y1, x0:x1]
    painter.drawImage(target, _image(_scaled(part, pixels, picture.table), picture.table))


def _scaled(part: NDArray[np.uint8], size: tuple[int, int], table: Table | None) -> NDArray[np.uint8]:
    """The part at this size; entries of a table become colours first where an average with "invalid" would lie."""
    see_through = part.ndim == 3 and part.shape[2] == 4
    method = cv2.INTER_NEAREST if size[0] > 3 * part.shape[1] and not see_through else cv2.INTER_LINEAR
    if size[0] < _AVERAGE_BELOW * part.shape[1]:
        method = cv2.INTER_AREA
    if table is not None and method != cv2.INTER_NEAREST and cv2.countNonZero(part) < part.size:
        rgb = np.ascontiguousarray(table.view(np.uint8).reshape(256, 1, 4)[:, :, 2::-1])
        part = np.asarray(cv2.applyColorMap(part, rgb), np.uint8)
    return np.ascontiguousarray(cv2.resize(part, size, interpolation=method))


def _image(pixels: NDArray[np.uint8], table: Table | None) -> QImage:
    """Around the pixels, not of a copy: they must live until it is drawn."""
    indexed = table is not None and pixels.ndim == 2
    kind = QImage.Format.Format_Indexed8 if indexed else _FORMATS[1 if pixels.ndim == 2 else pixels.shape[2]]
    image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], kind)
    if indexed and table is not None:
        image.setColorTable(table.tolist())
    return image
