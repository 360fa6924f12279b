"""ImageView: a camera image or a depth map with zoom, overlays and a read-out, cheap enough for live video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from depthstudio.gui.colormaps import color_table, colorize, value_range
from depthstudio.gui.theme import tabular, theme

_MAX_ZOOM = 32.0
_RANGE_FOLLOW = 0.15
_MIN_SPAN_SHARE = 0.08


@dataclass(frozen=True)
class Overlay:
    """Something drawn over the image, in image pixels.

    points: (N, 2), drawn as small crosses. lines: polylines, each (N, 2). token: the theme colour. text: at `text_at`.
    """

    points: NDArray[np.float32] | None = None
    lines: Sequence[NDArray[np.float32]] = ()
    token: str = "accent"
    text: str = ""
    text_at: tuple[float, float] = (0.0, 0.0)


class ImageView(QWidget):
    """Shows one picture as large as fits, aspect kept. Wheel zooms, drag pans, double click emits `double_clicked`.

    hovered(x, y, value): position in image pixels and the value there, or (-1, -1, None) when the mouse leaves.
    clicked(x, y): a click without a drag.
    """

    hovered = Signal(int, int, object)
    clicked = Signal(float, float)
    double_clicked = Signal()
    range_changed = Signal(float, float)

    def __init__(self, caption: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._caption = caption
        self._placeholder = placeholder
        self._pixels: NDArray[np.uint8] | None = None
        self._values: NDArray[np.generic] | None = None
        self._tint: NDArray[np.uint8] | None = None
        self._overlays: tuple[Overlay, ...] = ()
        self._readout = ""
        self._range: tuple[float, float] | None = None
        self._fixed_range: tuple[float, float] | None = None
        self._limits: tuple[float, float] | None = None
        self._colormap = "turbo"
        self._zoom = 1.0
        self._centre = (0.5, 0.5)
        self._press: QPointF | None = None
        self._dragged = False
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(caption or "Image")
        theme().changed.connect(self._on_theme)

    # ---- what is shown

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """(H, W) grey or (H, W, 3) RGB uint8; None shows the placeholder."""
        self._values = image
        if image is None:
            self._pixels = None
        else:
            code = cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_RGB2BGRA
            self._pixels = np.asarray(cv2.cvtColor(image, code), np.uint8)
        self.update()

    def set_map(self, values: NDArray[np.generic] | None, limits: tuple[float, float] | None = None) -> None:
        """(H, W) uint16 or float32 depth or disparity; 0, negative and NaN show in the invalid colour.

        limits: the range of the colours for this picture, e.g. that of the view beside it.
        """
        self._values = values
        self._limits = limits
        if values is None:
            self._pixels = None
        else:
            low, high = limits or self._range_for(values)
            self._pixels = colorize(values, low, high, color_table(self._colormap, theme().rgb("invalid")))
        self.update()

    def set_tint(self, tint: NDArray[np.uint8] | None) -> None:
        """An (H', W', 4) BGRA layer stretched over the image, e.g. a coverage heat map or a mask; None removes it."""
        self._tint = tint
        self.update()

    def set_overlays(self, overlays: Sequence[Overlay]) -> None:
        """Replace everything drawn over the image."""
        self._overlays = tuple(overlays)
        self.update()

    def set_caption(self, caption: str) -> None:
        """The words in the upper left corner."""
        self._caption = caption
        self.setAccessibleName(caption)
        self.update()

    def set_placeholder(self, text: str) -> None:
        """What is said while there is no image."""
        self._placeholder = text
        self.update()

    def set_readout(self, text: str) -> None:
        """The words in the lower left corner, usually the value under the cursor."""
        if text != self._readout:
            self._readout = text
            self.update()

    def set_colormap(self, name: str) -> None:
        """turbo, viridis or grey."""
        self._colormap = name
        self._recolor()

    def set_range(self, limits: tuple[float, float] | None) -> None:
        """A fixed range of values for the colours; None follows the picture's 2nd to 98th percentile smoothly."""
        self._fixed_range = limits
        self._range = None
        self._recolor()

    @property
    def range(self) -> tuple[float, float] | None:
        """The range of values in force; None before the first map."""
        return self._fixed_range or self._range

    @property
    def colormap(self) -> str:
        """The colour map in force."""
        return self._colormap

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) of the picture; None while there is none."""
        return None if self._pixels is None else (self._pixels.shape[1], self._pixels.shape[0])

    def value_at(self, x: int, y: int) -> object:
        """The value or colour at a pixel; None outside."""
        if self._values is None or not (0 <= y < self._values.shape[0] and 0 <= x < self._values.shape[1]):
            return None
        value = self._values[y, x]
        return tuple(int(v) for v in value) if isinstance(value, np.ndarray) else value.item()

    def reset_view(self) -> None:
        """Show the whole picture again."""
        self._zoom, self._centre = 1.0, (0.5, 0.5)
        self.update()

    # ---- geometry

    def image_rect(self) -> QRectF:
        """Where the whole picture lies, in widget coordinates; parts may be outside when zoomed."""
        size = self.image_size
        if size is None:
            return QRectF()
        fit = min(self.width() / size[0], self.height() / size[1]) * self._zoom
        width, height = size[0] * fit, size[1] * fit
        x = self.width() / 2 - self._centre[0] * width
        y = self.height() / 2 - self._centre[1] * height
        return QRectF(x, y, width, height)

    def to_image(self, position: QPointF) -> tuple[float, float]:
        """Widget coordinates to image pixels (pixel centres at integers)."""
        area, size = self.image_rect(), self.image_size
        if size is None or area.width() <= 0:
            return -1.0, -1.0
        scale = size[0] / area.width()
        return (position.x() - area.x()) * scale - 0.5, (position.y() - area.y()) * scale - 0.5

    def sizeHint(self) -> QSize:
        """A modest size; the layout gives the rest."""
        return QSize(320, 240)

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture scaled by OpenCV (an order of magnitude faster than QPainter), then what lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("stage"))
        if self._pixels is None:
            self._paint_placeholder(painter)
        else:
            self._paint_layer(painter, self._pixels, opaque=True)
            if self._tint is not None:
                self._paint_layer(painter, self._tint, opaque=False)
            self._paint_overlays(painter)
        painter.setFont(tabular(self.font()))
        self._paint_tag(painter, self._caption, top=True)
        self._paint_tag(painter, self._readout, top=False)

    def _paint_layer(self, painter: QPainter, layer: NDArray[np.uint8], opaque: bool) -> None:
        area = self.image_rect()
        seen = area.intersected(QRectF(self.rect()))
        if seen.isEmpty():
            return
        height, width = layer.shape[:2]
        scale = width / area.width()
        x0, y0 = int((seen.x() - area.x()) * scale), int((seen.y() - area.y()) * scale)
        x1 = min(width, int(np.ceil((seen.right() - area.x()) * scale)) + 1)
        y1 = min(height, int(np.ceil((seen.bottom() - area.y()) * scale)) + 1)
        target = QRectF(area.x() + x0 / scale, area.y() + y0 / scale, (x1 - x0) / scale, (y1 - y0) / scale).toRect()
        ratio = self.devicePixelRatioF()
        pixels = (max(1, round(target.width() * ratio)), max(1, round(target.height() * ratio)))
        method = cv2.INTER_NEAREST if pixels[0] > 3 * (x1 - x0) and opaque else cv2.INTER_LINEAR
        if pixels[0] < (x1 - x0) // 2:
            method = cv2.INTER_AREA
        scaled = np.ascontiguousarray(cv2.resize(layer[y0:y1, x0:x1], pixels, interpolation=method))
        image_format = QImage.Format.Format_RGB32 if opaque else QImage.Format.Format_ARGB32
        image = QImage(scaled.data, pixels[0], pixels[1], scaled.strides[0], image_format)
        painter.drawImage(target, image)

    def _paint_placeholder(self, painter: QPainter) -> None:
        painter.setPen(theme().color("text_faint"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)

    def _paint_overlays(self, painter: QPainter) -> None:
        size = self.image_size
        if not self._overlays or size is None:
            return
        area = self.image_rect()
        scale = area.width() / size[0]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for overlay in self._overlays:
            painter.setPen(QPen(theme().color(overlay.token), 1.6))
            for line in overlay.lines:
                painter.drawPolyline(QPolygonF(self._points(line, area, scale)))
            if overlay.points is not None:
                for point in self._points(overlay.points, area, scale):
                    painter.drawLine(point + QPointF(-4, 0), point + QPointF(4, 0))
                    painter.drawLine(point + QPointF(0, -4), point + QPointF(0, 4))
            if overlay.text:
                x, y = overlay.text_at
                painter.drawText(QPointF(area.x() + (x + 0.5) * scale, area.y() + (y + 0.5) * scale), overlay.text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    @staticmethod
    def _points(points: NDArray[np.float32], area: QRectF, scale: float) -> list[QPointF]:
        return [QPointF(area.x() + (float(x) + 0.5) * scale, area.y() + (float(y) + 0.5) * scale) for x, y in points]

    def _paint_tag(self, painter: QPainter, text: str, top: bool) -> None:
        if not text:
            return
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width() - 32)
        width, height = metrics.horizontalAdvance(shown) + 16, metrics.height() + 6
        box = QRect(8, 8 if top else self.height() - height - 8, width, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255, 235))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # ---- mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor."""
        if self._pixels is None or event.angleDelta().y() == 0:
            return
        area = self.image_rect()
        position = event.position()
        fraction = ((position.x() - area.x()) / area.width(), (position.y() - area.y()) / area.height())
        self._zoom = float(np.clip(self._zoom * 1.2 ** (event.angleDelta().y() / 120), 1.0, _MAX_ZOOM))
        area = self.image_rect()
        self._move_to(
            fraction[0] + (self.width() / 2 - position.x()) / area.width(),
            fraction[1] + (self.height() / 2 - position.y()) / area.height(),
        )
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan while dragging, else report what lies under the cursor."""
        position = event.position()
        if self._press is not None and (self._dragged or (position - self._press).manhattanLength() > 4):
            area = self.image_rect()
            delta = position - self._press
            self._press, self._dragged = position, True
            if area.width() > 0:
                self._move_to(self._centre[0] - delta.x() / area.width(), self._centre[1] - delta.y() / area.height())
            return
        x, y = (round(v) for v in self.to_image(position))
        value = self.value_at(x, y)
        self.hovered.emit(*((x, y, value) if value is not None else (-1, -1, None)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press without a drag is a click."""
        if self._press is not None and not self._dragged and self._pixels is not None:
            self.clicked.emit(*self.to_image(event.position()))
        self._press = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Zoomed: back to the whole picture. Else tell the page."""
        if self._zoom > 1.0:
            self.reset_view()
        else:
            self.double_clicked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the cursor any more."""
        self.hovered.emit(-1, -1, None)

    def _move_to(self, x: float, y: float) -> None:
        half = 0.5 / self._zoom
        self._centre = (float(np.clip(x, half, 1 - half)), float(np.clip(y, half, 1 - half)))
        self.update()

    # ---- colours

    def _range_for(self, values: NDArray[np.generic]) -> tuple[float, float]:
        if self._fixed_range is not None:
            return self._fixed_range
        found = value_range(values)
        if found is not None:
            found = _at_least_wide(*found)
            old = self._range or found
            follow = _RANGE_FOLLOW if self._range is not None else 1.0
            self._range = (old[0] + follow * (found[0] - old[0]), old[1] + follow * (found[1] - old[1]))
            self.range_changed.emit(*self._range)
        return self._range or (0.0, 1.0)

    def _recolor(self) -> None:
        values = self._values
        if values is not None and values.dtype != np.uint8:
            self.set_map(values, self._limits)

    def _on_theme(self) -> None:
        self._recolor()
        self.update()


def _at_least_wide(low: float, high: float) -> tuple[float, float]:
    """The range widened about its middle, so that a flat wall does not show as pure noise."""
    middle = (low + high) / 2
    half = max((high - low) / 2, middle * _MIN_SPAN_SHARE / 2)
    return middle - half, middle + half
