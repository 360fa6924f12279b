"""CurvePlot: curves against epochs or distance in the window's look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import column, icon_button, label, number_label, row

_DOT_PX = 7
_ROUNDING = 1e-9
_FAINT_ALPHA = 90
_LEGEND_SPACING_PX = 12
_AXIS_WIDTH_PX = 44  # the same for every plot, so that those under each other line up


class _ReadableLogAxis(pg.AxisItem):
    """Labels 1, 2 and 5 of each decade in logarithmic mode; pyqtgraph's own run into each other."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Values in axis coordinates, log10 in logarithmic mode."""
        if not self.logMode:
            return list(super().tickValues(low, high, size))
        decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
        steps = (1, 2, 5) if high - low < 4 else (1,)
        values = [decade + float(np.log10(step)) for decade in decades for step in steps]
        return [(1.0, [value for value in values if low <= value <= high])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Plain numbers."""
        if not self.logMode:
            return list(super().tickStrings(values, scale, spacing))
        return [f"{10**value:g}" if value > -2.5 else f"{10**value:.0e}".replace("e-0", "e-") for value in values]


class CurvePlot(QWidget):
    """Named curves with a title line that is legend and read-out at once, so that nothing covers the data.

    curves: name -> theme token; the order is that of the legend. The token "train" and "validation" mean the same
    everywhere.
    """

    def __init__(
        self, title: str, curves: dict[str, str], x_label: str = "epoch", unit: str = "", log: bool = False
    ) -> None:
        super().__init__()
        pg.setConfigOptions(antialias=True)
        self._tokens = dict(curves)
        self._data: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._faint_data: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._unit = unit
        self._best: tuple[float, str] | None = None
        self._log = log
        self.plot = pg.PlotWidget(axisItems={"left": _ReadableLogAxis("left")})
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setLabel("bottom", x_label)
        self.plot.getPlotItem().setClipToView(True)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        self.plot.setAccessibleName(title)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._faint: dict[str, pg.PlotDataItem] = {}
        self._keys: dict[str, QWidget] = {}
        self._texts = {name: number_label("", "small") for name in curves}
        self._title = label(title, "section")
        self._at = number_label("", "small")
        self._log_button = icon_button(
            "chart-spline", "Logarithmic scale", self._toggle_log, checkable=True, size_px=14
        )
        self._log_button.setChecked(log)
        legend = row(self._title, spacing=_LEGEND_SPACING_PX)
        self._title.setVisible(bool(title))
        self._at.hide()
        for name in curves:
            item = self.plot.plot([], [], name=name)
            self._curves[name] = item
            self._faint[name] = self.plot.plot([], [])
            legend.addWidget(self._texts[name])
        legend.addStretch(1)
        legend.addWidget(self._at)
        legend.addWidget(self._log_button)
        self._best_line = pg.InfiniteLine(angle=90, movable=False)
        self._best_point = pg.ScatterPlotItem(size=10)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        for item in (self._best_line, self._best_point, self._cursor):
            item.setVisible(False)
            self.plot.addItem(item, ignoreBounds=True)
        self.setLayout(column(legend, self.plot, spacing=4))
        self.plot.scene().sigMouseMoved.connect(self._on_mouse)
        theme().changed.connect(self._restyle)
        self._set_log(log)
        self._restyle()

    # ---- data

    def set_curve(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Replace a curve; NaN breaks the line."""
        data = np.asarray(x, float), np.asarray(y, float)
        if _same(data, self._data.get(name)):
            return
        self._data[name] = data
        self._curves[name].setData(*data, connect="finite")
        self._show_values()

    def set_points(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Replace a curve of single measurements: each is a dot on the line."""
        self._curves[name].setSymbol("o")
        self.set_curve(name, x, y)

    def set_faint(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """Faint points behind a curve, e.g. the single steps of an epoch."""
        data = np.asarray(x, float), np.asarray(y, float)
        if not _same(data, self._faint_data.get(name)):
            self._faint_data[name] = data
            self._faint[name].setData(*data)

    def set_best(self, x: float | None, name: str = "") -> None:
        """Mark the best place of a curve; None removes the mark."""
        self._best = None if x is None else (x, name)
        for item in (self._best_line, self._best_point):
            item.setVisible(x is not None)
        if x is None:
            return
        self._best_line.setValue(x)
        value = self._value(name, x)
        if value is not None:
            self._best_point.setData([x], [np.log10(value) if self._log and value > 0 else value])

    def clear(self) -> None:
        """Remove every curve and mark."""
        for name in self._curves:
            self.set_curve(name, [], [])
            self.set_faint(name, [], [])
        self.set_best(None)

    # ---- reacting

    def _toggle_log(self) -> None:
        self._set_log(not self._log)

    def _set_log(self, log: bool) -> None:
        self._log = log
        self.plot.setLogMode(y=log)
        if self._best is not None:
            self.set_best(*self._best)

    def _on_mouse(self, position: QPointF) -> None:
        view = self.plot.getPlotItem().vb
        inside = self.plot.sceneBoundingRect().contains(position)
        longest = max((data[0] for data in self._data.values()), key=len, default=np.empty(0))
        self._cursor.setVisible(bool(inside and len(longest)))
        if not inside or not len(longest):
            self._at.hide()
            self._show_values()
            return
        x = float(longest[np.argmin(np.abs(longest - view.mapSceneToView(position).x()))])
        self._cursor.setValue(x)
        self._at.setText(f"at {x:g}")
        self._at.show()
        self._show_values(x)

    def _show_values(self, x: float | None = None) -> None:
        for name, text in self._texts.items():
            xs = self._data.get(name, (np.empty(0), np.empty(0)))[0]
            value = self._value(name, x if x is not None else float(xs[-1])) if len(xs) else None
            shown = f"{_spoken(value)} {self._unit}".strip() if value is not None else ""
            colour = theme().hex(self._tokens[name])
            text.setTextFormat(Qt.TextFormat.RichText)
            text.setText(f'<span style="color:{colour}">●</span>&nbsp;{name} <b>{shown}</b>')
            text.setMinimumWidth(text.sizeHint().width())  # a rich text's own minimum lets its end be cut off

    def _value(self, name: str, x: float) -> float | None:
        xs, ys = self._data.get(name, (np.empty(0), np.empty(0)))
        found = np.flatnonzero(np.isclose(xs, x))
        return float(ys[found[0]]) if len(found) and np.isfinite(ys[found[0]]) else None

    def _restyle(self) -> None:
        self.plot.setBackground(theme().color("card"))
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme().color("border_strong"))
            axis.setTextPen(theme().color("text_muted"))
        self.plot.showGrid(x=False, y=True, alpha=0.15)
        for name, token in self._tokens.items():
            colour = theme().color(token)
            self._curves[name].setPen(pg.mkPen(colour, width=2))
            self._curves[name].setSymbolSize(_DOT_PX)
            self._curves[name].setSymbolPen(None)
            self._curves[name].setSymbolBrush(colour)
            faint = QColor(colour)
            faint.setAlpha(_FAINT_ALPHA)
            self._faint[name].setPen(None)
            self._faint[name].setSymbol("o")
            self._faint[name].setSymbolSize(3)
            self._faint[name].setSymbolPen(None)
            self._faint[name].setSymbolBrush(faint)
        self._best_line.setPen(pg.mkPen(theme().color("good"), width=1, style=Qt.PenStyle.DashLine))
        self._best_point.setBrush(theme().color("good"))
        self._best_point.setPen(pg.mkPen(theme().color("card"), width=1.5))
        self._cursor.setPen(pg.mkPen(theme().color("text_faint"), width=1))
        self._show_values()


def _spoken(value: float) -> str:
    """Four digits that count; what is nothing but rounding is zero."""
    return f"{value:.4g}" if abs(value) >= _ROUNDING else "0"


def _same(new: tuple[np.ndarray, np.ndarray], old: tuple[np.ndarray, np.ndarray] | None) -> bool:
    """Drawing costs much more than comparing."""
    return old is not None and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(new, old, strict=True))
