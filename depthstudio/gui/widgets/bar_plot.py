"""Bars per item: the error of each calibration view."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from depthstudio.gui.theme import mark, theme
from depthstudio.gui.widgets.basics import column, label, row

_BAR_WIDTH = 0.38
_NAME_GAP_PX, _AXIS_PX = 8, 64


class PairedBars(QWidget):
    """Two bars per item, left and right; items not used are drawn in the colour of bad ones."""

    def __init__(self, title: str, names: tuple[str, str], unit: str) -> None:
        super().__init__()
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setLabel("left", unit)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self._items: list[tuple[str, float, float, bool]] = []
        self._keys = [label(f"● {name}", "small") for name in (*names, "left out")]
        self.setLayout(column(row(label(title, "section"), *self._keys, 1, spacing=16), self.plot, spacing=4))
        self.plot.setAccessibleName(title)
        theme().changed.connect(self._draw)

    def set_items(self, items: Sequence[tuple[str, float, float, bool]]) -> None:
        """(name, left value, right value, used) each."""
        self._items = list(items)
        self._draw()

    def _draw(self) -> None:
        for key, tone in zip(self._keys, ("train", "accent", "bad"), strict=True):
            mark(key, tone=tone)
        self._keys[2].setVisible(any(not used for *_, used in self._items))
        self.plot.setBackground(theme().color("card"))
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme().color("border_strong"))
            axis.setTextPen(theme().color("text_muted"))
        self.plot.clear()
        for offset, index, token in ((-_BAR_WIDTH / 2, 1, "train"), (_BAR_WIDTH / 2, 2, "accent")):
            brushes = [theme().color(token if item[3] else "bad") for item in self._items]
            places = [i + offset for i in range(len(self._items))]
            heights = [float(item[index]) for item in self._items]
            self.plot.addItem(
                pg.BarGraphItem(x=places, height=heights, width=_BAR_WIDTH, brushes=brushes, pen=pg.mkPen(None))
            )
        highest = max((max(item[1], item[2]) for item in self._items), default=1.0)
        self.plot.setYRange(0, 1.08 * highest, padding=0)
        self.plot.showGrid(x=False, y=True, alpha=0.15)
        self._name_bars()

    def _name_bars(self) -> None:
        """As many names as have room beside each other."""
        widest = max((self.fontMetrics().horizontalAdvance(item[0]) for item in self._items), default=0) + _NAME_GAP_PX
        step = max(1, math.ceil(len(self._items) * widest / max(self.plot.width() - _AXIS_PX, widest)))
        self.plot.getAxis("bottom").setTicks([[(i, item[0]) for i, item in enumerate(self._items) if i % step == 0]])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room, more names."""
        super().resizeEvent(event)
        self._name_bars()
