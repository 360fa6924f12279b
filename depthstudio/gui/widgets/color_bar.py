"""ColorBar: what the colours of a depth or disparity map mean."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from depthstudio.gui.colormaps import color_table, logarithmic_ends
from depthstudio.gui.theme import tabular, theme

_BAR_PX = 12
_TICKS = 5


class ColorBar(QWidget):
    """A vertical bar, largest value on top, with ticks in `unit` and a line at the value under the cursor."""

    def __init__(self, unit: str = "px", scale: float = 1.0, digits: int = 1) -> None:
        super().__init__()
        self._unit, self._scale, self._digits = unit, scale, digits
        self._range: tuple[float, float] | None = None
        self._colormap = "turbo"
        self._log = False
        self._mark: float | None = None
        self.setFixedWidth(72)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Colour bar, {unit}")
        theme().changed.connect(self.update)

    def set_unit(self, unit: str, scale: float = 1.0, digits: int = 1) -> None:
        """scale turns map values into the unit shown, e.g. 0.001 for millimetres shown in metres."""
        self._unit, self._scale, self._digits = unit, scale, digits
        self.update()

    def set_range(self, low: float, high: float) -> None:
        """The values at the ends."""
        if (low, high) != self._range:
            self._range = (low, high)
            self.update()

    def set_colormap(self, name: str, log: bool = False) -> None:
        """turbo, viridis or grey. log: equal ratios are equal steps."""
        if (name, log) != (self._colormap, self._log):
            self._colormap, self._log = name, log
            self.update()

    def set_mark(self, value: float | None) -> None:
        """Show where a value lies; None removes the line."""
        if value != self._mark:
            self._mark = value
            self.update()

    def sizeHint(self) -> QSize:
        """As high as there is room."""
        return QSize(72, 160)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bar, ticks, mark."""
        painter = QPainter(self)
        painter.setFont(tabular(self.font()))
        metrics = painter.fontMetrics()
        painter.setPen(theme().color("text_muted"))
        painter.drawText(QRectF(0, 0, self.width(), metrics.height()), Qt.AlignmentFlag.AlignLeft, self._unit)
        bar = QRectF(0, metrics.height() + 8, _BAR_PX, self.height() - 2 * metrics.height() - 8)
        table = color_table(self._colormap)[255:0:-1].copy()
        painter.drawImage(bar, QImage(table.data, 1, 255, 4, QImage.Format.Format_RGB32))
        if self._range is None:
            return
        low, high = self._range
        step = max((high - low) * self._scale / (_TICKS - 1), 1e-9)
        digits = max(self._digits, min(4, math.ceil(-math.log10(step))))
        for i in range(_TICKS):
            share = i / (_TICKS - 1)
            value = self._value_at(1 - share) * self._scale
            y = bar.top() + bar.height() * share
            painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 4, y))
            painter.drawText(QPointF(bar.right() + 8, y + metrics.ascent() / 2 - 1), f"{value:.{digits}f}")
        if self._mark is not None and high > low:
            y = bar.bottom() - bar.height() * min(1.0, max(0.0, self._share_of(self._mark)))
            painter.setPen(QPen(theme().color("text"), 2))
            painter.drawLine(QPointF(bar.left() - 0, y), QPointF(bar.right() + 5, y))

    def _value_at(self, share: float) -> float:
        low, high = self._ends()
        return low * (high / low) ** share if self._log else low + (high - low) * share

    def _share_of(self, value: float) -> float:
        low, high = self._ends()
        if self._log:
            return math.log(max(value, low) / low) / math.log(high / low)
        return (value - low) / (high - low)

    def _ends(self) -> tuple[float, float]:
        low, high = self._range or (0.0, 1.0)
        return logarithmic_ends(low, high) if self._log else (low, high)
