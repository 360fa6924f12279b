"""ImageView: a camera image or a depth map with zoom, overlays and a read-out, cheap enough for live video."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from depthstudio.gui.colormaps import color_table, colorize, value_range
from depthstudio.gui.theme import tabular, theme
from depthstudio.gui.widgets.layer_painting import paint_layer
from depthstudio.gui.widgets.overlays import Overlay, paint_overlays, paint_tag

_MAX_ZOOM = 32.0
_RANGE_FOLLOW = 0.15
_MIN_SPAN_SHARE = 0.08


class ImageView(QWidget):
    """Shows one picture as large as fits, aspect kept. Wheel zooms, drag pans, double click emits `double_clicked`.

    hovered(x, y, value): position in image pixels and the value there, or (-1, -1, None) when the mouse leaves.
    clicked(x, y): a click without a drag. view_changed(zoom, x, y): zoomed or panned by the user.
    selected(x0, y0, x1, y1): a rectangle in image pixels, again and again during a drag; see set_selecting.
    painted(ms): a paint has ended and took so long.
    """

    hovered = Signal(int, int, object)
    clicked = Signal(float, float)
    double_clicked = Signal()
    selected = Signal(float, float, float, float)
    view_changed = Signal(float, float, float)
    painted = Signal(float)
    range_changed = Signal(float, float)

    def __init__(self, caption: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._caption = caption
        self._placeholder = placeholder
        self._pixels: NDArray[np.uint8] | None = None
        self._values: NDArray[np.generic] | None = None
        self._is_map = False
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
        self._selecting = False
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(caption or "Image")
        theme().changed.connect(self._on_theme)

    # ---- what is shown

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """(H, W) grey or (H, W, 3) RGB uint8; None shows the placeholder."""
        self._values, self._is_map = image, False
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
        self._values, self._is_map = values, True
        self._limits = limits
        if values is None:
            self._pixels = None
        else:
            low, high = limits or self._range_for(values)
            self._pixels = colorize(values, low, high, color_table(self._colormap, theme().rgb("invalid")))
        self.update()

    def set_pixels(self, pixels: NDArray[np.uint8] | None, values: NDArray[np.generic] | None = None) -> None:
        """(H, W, 4) BGRA as they are, and what to tell about each pixel; the caller cares for colours and theme."""
        self._pixels = pixels
        self._values, self._is_map = values, False
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
        self.set_view(1.0, 0.5, 0.5)
        self.view_changed.emit(1.0, 0.5, 0.5)

    def set_view(self, zoom: float, x: float, y: float) -> None:
        """Magnify, with this part of the picture (0..1) in the middle; as another view's view_changed says."""
        self._zoom, self._centre = zoom, (x, y)
        self.update()

    def set_selecting(self, selecting: bool) -> None:
        """Whether a drag draws a rectangle instead of moving the picture."""
        self._selecting = selecting
        self.setCursor(Qt.CursorShape.CrossCursor if selecting else Qt.CursorShape.ArrowCursor)

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
        """The picture, then what lies over it."""
        started = time.perf_counter()
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("stage"))
        if self._pixels is None:
            self._paint_placeholder(painter)
        else:
            area = self.image_rect()
            paint_layer(painter, self._pixels, area, self.rect(), opaque=True)
            if self._tint is not None:
                paint_layer(painter, self._tint, area, self.rect(), opaque=False)
            painter.setFont(tabular(self.font()))
            paint_overlays(painter, self._overlays, area, self._pixels.shape[1])
        painter.setFont(tabular(self.font()))
        paint_tag(painter, self._caption, self.rect(), top=True)
        paint_tag(painter, self._readout, self.rect(), top=False)
        painter.end()
        self.painted.emit((time.perf_counter() - started) * 1000.0)

    def _paint_placeholder(self, painter: QPainter) -> None:
        painter.setPen(theme().color("text_faint"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)

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
        """Pan or select while dragging, else report what lies under the cursor."""
        position = event.position()
        if self._press is not None and (self._dragged or (position - self._press).manhattanLength() > 4):
            if self._selecting:
                self._dragged = True
                if self._pixels is not None:
                    self.selected.emit(*self.to_image(self._press), *self.to_image(position))
                return
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
        self.view_changed.emit(self._zoom, *self._centre)

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
        if self._is_map and values is not None:
            self.set_map(values, self._limits)

    def _on_theme(self) -> None:
        self._recolor()
        self.update()


def _at_least_wide(low: float, high: float) -> tuple[float, float]:
    """The range widened about its middle, so that a flat wall does not show as pure noise."""
    middle = (low + high) / 2
    half = max((high - low) / 2, middle * _MIN_SPAN_SHARE / 2)
    return middle - half, middle + half
