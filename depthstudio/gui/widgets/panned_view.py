"""PannedView: zooming, panning, clicking and pointing at a picture, whatever it shows."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

_MAX_ZOOM = 32.0


class PannedView(QWidget):
    """The picture as large as fits, aspect kept. Wheel zooms, drag pans, double click emits `double_clicked`.

    hovered(x, y, value): position in image pixels and the value there, or (-1, -1, None) when the mouse leaves.
    clicked(x, y): a click without a drag. view_changed(zoom, x, y): zoomed or panned by the user.
    selected(x0, y0, x1, y1): a rectangle in image pixels, again and again during a drag; see set_selecting.
    """

    hovered = Signal(int, int, object)
    clicked = Signal(float, float)
    double_clicked = Signal()
    selected = Signal(float, float, float, float)
    view_changed = Signal(float, float, float)

    def __init__(self) -> None:
        super().__init__()
        self._zoom = 1.0
        self._centre = (0.5, 0.5)
        self._press: QPointF | None = None
        self._dragged = False
        self._selecting = False
        self.setMouseTracking(True)

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) of the picture; None while there is none."""
        raise NotImplementedError

    def value_at(self, x: int, y: int) -> object:
        """What is told of a pixel; None outside."""
        raise NotImplementedError

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

    # ---- mouse

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the cursor."""
        if self.image_size is None or event.angleDelta().y() == 0:
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
                if self.image_size is not None:
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
        if self._press is not None and not self._dragged and self.image_size is not None:
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
