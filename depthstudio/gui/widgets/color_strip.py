"""ColorStrip: a small horizontal colour bar for a view whose colours mean something of their own."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from depthstudio.gui.colormaps import color_table
from depthstudio.gui.theme import tabular, theme

_BAR_HEIGHT_PX = 8
_WIDTH_PX = 176
_GAP_PX = 6


class ColorStrip(QWidget):
    """Lowest value, colours, highest value with its unit; a line at the value under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._range: tuple[float, float] = (0.0, 1.0)
        self._unit, self._colormap = "", "turbo"
        self._mark: float | None = None
        self.setFixedSize(_WIDTH_PX, 24)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours of this view")
        theme().changed.connect(self.update)

    def set_scale(self, low: float, high: float, unit: str, colormap: str) -> None:
        """The values at the ends, in `unit`; colormap: see color_table."""
        if (low, high, unit, colormap) != (*self._range, self._unit, self._colormap):
            self._range, self._unit, self._colormap = (low, high), unit, colormap
            self.update()

    def set_mark(self, value: float | None) -> None:
        """Show where a value lies; None removes the line."""
        if value != self._mark:
            self._mark = value
            self.update()

    def sizeHint(self) -> QSize:
        """Small."""
        return QSize(_WIDTH_PX, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ends, colours, mark."""
        painter = QPainter(self)
        painter.setFont(tabular(self.font()))
        painter.setPen(theme().color("text_muted"))
        low, high = self._range
        sign = "+" if low < 0 else ""
        first, last = f"{low:.3g}".replace("-", "−"), f"{high:{sign}.3g} {self._unit}".strip()
        metrics = painter.fontMetrics()
        begin = metrics.horizontalAdvance(first) + _GAP_PX
        end = self.width() - metrics.horizontalAdvance(last) - _GAP_PX
        middle = self.height() / 2
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, begin, self.height()), flags | Qt.AlignmentFlag.AlignLeft, first)
        painter.drawText(QRectF(end, 0, self.width() - end, self.height()), flags | Qt.AlignmentFlag.AlignRight, last)
        bar = QRectF(begin, middle - _BAR_HEIGHT_PX / 2, max(end - begin, 1), _BAR_HEIGHT_PX)
        table = color_table(self._colormap)[1:].copy()
        painter.drawImage(bar, QImage(table.data, 255, 1, 255 * 4, QImage.Format.Format_RGB32))
        if self._mark is not None and high > low:
            x = bar.left() + bar.width() * min(1.0, max(0.0, (self._mark - low) / (high - low)))
            painter.setPen(QPen(theme().color("text"), 2))
            painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 3))
