"""What the person who holds the camera sees from two metres away: the countdown, and a flash for every frame taken."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from depthstudio.gui.theme import theme

_DISC_PX = 144
_FONT_PX = 80
_FLASH_MS = 180
_FLASH_WIDTH_PX = 6


class Cue(QWidget):
    """Lies over the pictures and lets the mouse through. counted_down() when a countdown came to its end.

    sounds: beep too, for whoever cannot see the screen.
    """

    counted_down = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.sounds = False
        self._left = 0
        self._flashing = False
        self._second = QTimer(self, interval=1000)
        self._second.timeout.connect(self._tick)
        self.hide()

    @property
    def seconds_left(self) -> int:
        """0 while nothing is counted."""
        return self._left

    def count_down(self, seconds: int) -> None:
        """Show the seconds one after the other; 0 ends a running countdown without a signal."""
        self._left = seconds
        if seconds > 0:
            self._second.start()
        else:
            self._second.stop()
        self._show()

    def flash(self) -> None:
        """A coloured frame for a moment."""
        self._flashing = True
        self._beep()
        QTimer.singleShot(_FLASH_MS, self._end_flash)
        self._show()

    def _tick(self) -> None:
        self._left -= 1
        self._beep()
        if self._left <= 0:
            self._second.stop()
            self.counted_down.emit()
        self._show()

    def _beep(self) -> None:
        if self.sounds:
            QApplication.beep()  # the system's own sound: nothing to ship, and as loud as its user wants it

    def _end_flash(self) -> None:
        self._flashing = False
        self._show()

    def _show(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.setVisible(self._left > 0 or self._flashing)
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The number in a disc, the frame around everything."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._flashing:
            painter.setPen(QPen(theme().color("accent"), _FLASH_WIDTH_PX))
            half = _FLASH_WIDTH_PX / 2
            painter.drawRect(QRectF(self.rect()).adjusted(half, half, -half, -half))
        if self._left > 0:
            disc = QRectF(0, 0, _DISC_PX, _DISC_PX)
            disc.moveCenter(QRectF(self.rect()).center())
            painter.setPen(QPen(theme().color("bad"), 5))
            shade = theme().color("window")
            shade.setAlpha(225)
            painter.setBrush(shade)
            painter.drawEllipse(disc)
            font = self.font()
            font.setPixelSize(_FONT_PX)
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(theme().color("text"))
            painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, str(self._left))
