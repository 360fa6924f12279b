"""What is drawn over a picture: points, lines and words in picture pixels, and tags in its corners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from depthstudio.gui.theme import theme

_TEXT_OFFSET_PX = (8, -6)


@dataclass(frozen=True)
class Overlay:
    """Something drawn over the image, in image pixels.

    points: (N, 2), drawn as small crosses. lines: polylines, each (N, 2). token: the theme colour. text: at `text_at`.
    boxed: text on a dark ground, for words over a busy picture.
    """

    points: NDArray[np.float32] | None = None
    lines: Sequence[NDArray[np.float32]] = ()
    token: str = "accent"
    text: str = ""
    text_at: tuple[float, float] = (0.0, 0.0)
    boxed: bool = False


def paint_overlays(painter: QPainter, overlays: Sequence[Overlay], area: QRectF, image_width: int) -> None:
    """Draw them over a picture of this width that lies in `area`."""
    scale = area.width() / image_width
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for overlay in overlays:
        painter.setPen(QPen(theme().color(overlay.token), 1.6))
        for line in overlay.lines:
            painter.drawPolyline(QPolygonF(_places(line, area, scale)))
        if overlay.points is not None:
            for point in _places(overlay.points, area, scale):
                painter.drawLine(point + QPointF(-4, 0), point + QPointF(4, 0))
                painter.drawLine(point + QPointF(0, -4), point + QPointF(0, 4))
        if overlay.text:
            (at,) = _places(np.array([overlay.text_at], np.float32), area, scale)
            if overlay.boxed:
                _paint_boxed(painter, overlay.text, at)
            else:
                painter.drawText(at, overlay.text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_tag(painter: QPainter, text: str, frame: QRect, top: bool) -> None:
    """Words on a dark ground in the upper or lower left corner of `frame`."""
    if not text:
        return
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, frame.width() - 32)
    width, height = metrics.horizontalAdvance(shown) + 16, metrics.height() + 6
    y = frame.top() + 8 if top else frame.bottom() + 1 - height - 8
    _paint_box(painter, QRect(frame.left() + 8, y, width, height), shown)


def _paint_boxed(painter: QPainter, text: str, at: QPointF) -> None:
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(text) + 12, metrics.height() + 4
    corner = at.toPoint()
    box = QRect(corner.x() + _TEXT_OFFSET_PX[0], corner.y() + _TEXT_OFFSET_PX[1] - height, width, height)
    device = painter.viewport()
    box.moveLeft(max(0, min(box.left(), device.width() - width)))
    box.moveTop(max(0, min(box.top(), device.height() - height)))
    _paint_box(painter, box, text)


def _paint_box(painter: QPainter, box: QRect, text: str) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 150))
    painter.drawRoundedRect(box, 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(255, 255, 255, 235))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _places(points: NDArray[np.float32], area: QRectF, scale: float) -> list[QPointF]:
    return [QPointF(area.x() + (float(x) + 0.5) * scale, area.y() + (float(y) + 0.5) * scale) for x, y in points]
