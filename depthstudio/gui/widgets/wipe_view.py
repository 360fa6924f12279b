"""WipeView: two pictures of the same scene in one view, parted by a line that the mouse moves."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.layer_painting import Picture, paint_layer

_GRIP_PX = 10
_HANDLE_PX = 7
_KEY_STEP = 0.02


class WipeView(ImageView):
    """The first picture left of the line, the second right of it. Drag the line, or press the arrow keys."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.5
        self._first: Picture | None = None
        self._moving = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def share(self) -> float:
        """How much of the picture's width the first one has, 0..1."""
        return self._share

    def set_share(self, share: float) -> None:
        """Move the line."""
        self._share = float(np.clip(share, 0.0, 1.0))
        self.update()

    def set_pair(self, first: Picture | None, second: Picture | None) -> None:
        """Two pictures of one size; one that is missing shows nothing of the other."""
        same = first is not None and second is not None and first.size == second.size
        self._first = first if same else None
        self.show_picture(second if same else None, second.pixels if same and second is not None else None)

    def paint_picture(self, painter: QPainter, picture: Picture, area: QRectF) -> None:
        """Each picture on its side of the line."""
        if self._first is None:
            return
        window, x = self.rect(), round(self._line_x())
        for one, clip in (
            (self._first, QRect(window.left(), window.top(), x - window.left(), window.height())),
            (picture, QRect(x, window.top(), window.right() + 1 - x, window.height())),
        ):
            painter.setClipRect(clip)
            paint_layer(painter, one, area, clip.intersected(window))
        painter.setClipping(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pictures, then the line with its handle."""
        super().paintEvent(event)
        if self._first is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, x = self.image_rect(), self._line_x()
        middle = QPointF(x, min(max(area.center().y(), 0), self.height()))
        painter.setPen(QPen(theme().color("text"), 2))
        painter.drawLine(QPointF(x, max(area.top(), 0)), QPointF(x, min(area.bottom(), self.height())))
        painter.setBrush(theme().color("accent"))
        painter.drawEllipse(middle, _HANDLE_PX, _HANDLE_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the line when it is near."""
        self._moving = event.button() == Qt.MouseButton.LeftButton and self._is_near(event.position())
        if not self._moving:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the line."""
        if self._moving:
            area = self.image_rect()
            self.set_share((event.position().x() - area.x()) / max(area.width(), 1))
            return
        if not self._selecting:
            near = self._is_near(event.position())
            self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the line go."""
        if self._moving:
            self._moving = False
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right move the line."""
        steps: dict[int, float] = {Qt.Key.Key_Left: -_KEY_STEP, Qt.Key.Key_Right: _KEY_STEP}
        step = steps.get(event.key())  # a plain number: letters of other alphabets have no Qt.Key
        if step is None:
            super().keyPressEvent(event)
        else:
            self.set_share(self._share + step)

    def _line_x(self) -> float:
        area = self.image_rect()
        return area.x() + self._share * area.width()

    def _is_near(self, position: QPointF) -> bool:
        return self._first is not None and abs(position.x() - self._line_x()) <= _GRIP_PX
