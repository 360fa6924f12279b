"""The big round record button."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton

from depthstudio.gui.theme import theme

_SIZE_PX = 64


class RecordButton(QAbstractButton):
    """A red disc in a ring; a square while recording."""

    def __init__(self) -> None:
        super().__init__()
        self._recording = False
        self.setFixedSize(QSize(_SIZE_PX, _SIZE_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_recording(False)

    def set_recording(self, recording: bool) -> None:
        """Show what a press would do."""
        self._recording = recording
        words = "Stop recording" if recording else "Record"
        self.setAccessibleName(words)
        self.setToolTip(f"{words} (Space)")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ring and disc or square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = theme().color("bad" if self.isEnabled() else "border_strong")
        ring = theme().color("accent" if self.hasFocus() else "border_strong")
        area = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        painter.setPen(QPen(ring, 3))
        painter.setBrush(theme().color("hover") if self.underMouse() and self.isEnabled() else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(area)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        inset = 9 if not self.isDown() else 11
        if self._recording:
            painter.drawRoundedRect(area.adjusted(19, 19, -19, -19), 4, 4)
        else:
            painter.drawEllipse(area.adjusted(inset, inset, -inset, -inset))
