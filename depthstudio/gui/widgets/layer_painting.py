"""Painting pixels into part of a widget, as fast as live video needs it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter


def paint_layer(painter: QPainter, layer: NDArray[np.uint8], area: QRectF, window: QRect, opaque: bool) -> None:
    """Draw (H, W, 4) BGRA stretched over `area`, as far as it is seen in `window`.

    OpenCV scales an order of magnitude faster than QPainter does.
    """
    seen = area.intersected(QRectF(window))
    if seen.isEmpty():
        return
    height, width = layer.shape[:2]
    scale = width / area.width()
    x0, y0 = int((seen.x() - area.x()) * scale), int((seen.y() - area.y()) * scale)
    x1 = min(width, int(np.ceil((seen.right() - area.x()) * scale)) + 1)
    y1 = min(height, int(np.ceil((seen.bottom() - area.y()) * scale)) + 1)
    target = QRectF(area.x() + x0 / scale, area.y() + y0 / scale, (x1 - x0) / scale, (y1 - y0) / scale).toRect()
    ratio = painter.device().devicePixelRatioF()
    pixels = (max(1, round(target.width() * ratio)), max(1, round(target.height() * ratio)))
    method = cv2.INTER_NEAREST if pixels[0] > 3 * (x1 - x0) and opaque else cv2.INTER_LINEAR
    if pixels[0] < (x1 - x0) // 2:
        method = cv2.INTER_AREA
    scaled = np.ascontiguousarray(cv2.resize(layer[y0:y1, x0:x1], pixels, interpolation=method))
    image_format = QImage.Format.Format_RGB32 if opaque else QImage.Format.Format_ARGB32
    painter.drawImage(target, QImage(scaled.data, pixels[0], pixels[1], scaled.strides[0], image_format))
