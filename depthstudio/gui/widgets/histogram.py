"""Histogram: how often values occur, all of them and those used."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import column, label, row

_BINS = 80
_FILL_ALPHA = 70
_AXIS_WIDTH_PX = 40


class Histogram(QWidget):
    """Two outlines over one axis: everything faint, the chosen part filled. Heights are shares of all values, in %."""

    def __init__(self, title: str, names: tuple[str, str]) -> None:
        super().__init__()
        pg.setConfigOptions(antialias=True)
        self._names = names
        self._data: tuple[NDArray, NDArray, NDArray] | None = None
        self._title = label(title, "section")
        self._keys = [label(f"● {name}", "small") for name in names]
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setLabel("left", "%")
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        self.plot.setMinimumHeight(80)
        self.plot.setAccessibleName(title)
        self._all, self._used = self.plot.plot(), self.plot.plot()
        self.setLayout(column(row(self._title, 1, *self._keys), self.plot, spacing=4))
        theme().changed.connect(self._restyle)
        self._restyle()

    def set_title(self, title: str, x_label: str) -> None:
        """What is counted, and the axis with its unit."""
        self._title.setText(title)
        self.plot.setLabel("bottom", x_label)

    def set_values(self, values: NDArray[np.float32] | None, used: NDArray[np.bool_] | None = None) -> None:
        """values: NaN counts as none. used: same shape, True where the value is used; None shows one outline."""
        known = np.isfinite(values) if values is not None else None
        if values is None or known is None or not known.any():
            self._data = None
            for curve in (self._all, self._used):
                curve.setData([], [])
            return
        low, high = (float(end) for end in np.percentile(values[known], [0.2, 99.8]))
        edges = np.linspace(low, high, _BINS + 1)
        edges[-1] += 1e-3
        share = 100.0 / values.size
        everything = np.histogram(values[known], edges)[0] * share
        chosen = everything if used is None else np.histogram(values[known & used], edges)[0] * share
        self._data = edges, everything, chosen
        self._all.setData(edges, everything, stepMode="center")
        self._used.setData(edges, chosen, stepMode="center", fillLevel=0)
        self.plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.01)
        self.plot.setYRange(0, float(everything.max()) * 1.05, padding=0)
        self._keys[1].setVisible(used is not None)

    @property
    def total(self) -> float:
        """Share of all pixels that has a value, in %; 0 while nothing is shown."""
        return 0.0 if self._data is None else float(self._data[1].sum())

    def _restyle(self) -> None:
        self.plot.setBackground(theme().color("card"))
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme().color("border_strong"))
            axis.setTextPen(theme().color("text_muted"))
        self.plot.showGrid(x=False, y=True, alpha=0.12)
        fill = QColor(theme().color("accent"))
        fill.setAlpha(_FILL_ALPHA)
        self._all.setPen(pg.mkPen(theme().color("text_faint"), width=1))
        self._used.setPen(pg.mkPen(theme().color("accent"), width=1.5))
        self._used.setBrush(fill)
        for key, token in zip(self._keys, ("text_faint", "accent"), strict=True):
            key.setTextFormat(pg.QtCore.Qt.TextFormat.RichText)
            name = self._names[self._keys.index(key)]
            key.setText(f'<span style="color:{theme().hex(token)}">●</span>&nbsp; {name}')
