"""The form for how results are shown."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from depthstudio.gui.colormaps import COLORMAP_NAMES
from depthstudio.gui.pages.live.coloring import AUTO, FIXED, PERCENTILES
from depthstudio.gui.pages.live.kinds import SHORT_NAMES, UNITS
from depthstudio.gui.pages.live.views import LAYOUTS, LiveViews
from depthstudio.gui.widgets.basics import Section, Segments, field, label, row

_LARGEST = 1000.0  # px or m
_TIP = {
    AUTO: "Follows the picture: its 2nd to 98th percentile.",
    PERCENTILES: "Colours run between two percentiles of the picture.",
    FIXED: "Colours begin and end at these values; what lies outside takes the colour of the end.",
}


class DisplayForm(Section):
    """Layout, unit, range and colours of the views, and the pair that is subtracted."""

    def __init__(self, views: LiveViews) -> None:
        super().__init__("Display")
        self._views = views
        self._coloring = views.coloring
        self.layouts = Segments(LAYOUTS, views.layout_name)
        self.unit = Segments({"disparity": "Disparity", "depth": "Depth"})
        self.range = Segments({AUTO: "Auto", PERCENTILES: "Percent", FIXED: "Fixed"})
        self.low, self.high = (self._limit(name) for name in ("Lowest value", "Highest value"))
        self.colormap = field(
            QComboBox(), "Colour map", "Turbo shows most steps, viridis is safe for the colour-blind."
        )
        self.colormap.addItems([name.capitalize() for name in COLORMAP_NAMES])
        self.log = QCheckBox("log")
        self.log.setToolTip("Equal ratios are equal steps of colour: near and far show alike.")
        self.first, self.second = (self._method(i) for i in (0, 1))
        self._difference = QWidget()
        self._difference.setLayout(_stretched(self.first, label("−", "muted"), self.second))
        self._limits = QWidget()
        self._limits.setLayout(_stretched(self.low, label("to", "muted"), self.high))
        self.add(self.layouts)
        self.add(self.unit)
        self.add(self.range)
        self.add(self._limits)
        colours = row(label("Colours", "muted"), self.colormap, self.log)
        colours.setStretch(1, 1)
        self.add(colours)
        self.add(self._difference)
        self._connect()
        self._on_unit("disparity")
        self._on_shown()

    def _connect(self) -> None:
        self.layouts.chosen.connect(self._views.set_layout)
        self.unit.chosen.connect(self._on_unit)
        self.range.chosen.connect(self._on_range)
        self.colormap.currentTextChanged.connect(self._on_colours)
        self.log.toggled.connect(self._on_colours)
        self._views.limits_changed.connect(self._show_limits)
        self._views.shown_changed.connect(self._on_shown)

    def _limit(self, name: str) -> QDoubleSpinBox:
        box = field(QDoubleSpinBox(), name)
        box.setRange(0.0, _LARGEST)
        box.setKeyboardTracking(False)
        box.setMinimumWidth(64)
        box.valueChanged.connect(self._on_limits)
        return box

    def _method(self, place: int) -> QComboBox:
        chooser = field(
            QComboBox(), ("Minuend", "Subtrahend")[place], "The difference view shows the first minus the second."
        )
        for key, words in SHORT_NAMES.items():
            chooser.addItem(words, key)
        chooser.setCurrentIndex(chooser.findData(self._coloring.pair[place]))
        chooser.setMinimumWidth(64)
        chooser.currentIndexChanged.connect(self._on_pair)
        return chooser

    def _on_unit(self, unit: str) -> None:
        self.range.set_current(AUTO)
        self._coloring.mode = AUTO
        self._views.set_unit(unit)
        self._dress_limits()

    def _on_range(self, mode: str) -> None:
        before = self._coloring.mode
        self._dress_limits()  # first, or values are rounded and cut as it suits the unit before
        if mode == PERCENTILES:
            self._show_values(*self._coloring.percent)
        elif mode == FIXED and before == PERCENTILES:
            self._show_values(*(self._coloring.limits or (0.0, 1.0)))
        self._apply()

    def _on_limits(self) -> None:
        if self.range.current != AUTO:
            self._apply()

    def _apply(self) -> None:
        low, high = self.low.value(), self.high.value()
        high = high if high > low else low + 10.0 ** -self.high.decimals()
        mode = self._coloring.mode = self.range.current
        if mode == FIXED:
            self._coloring.fixed = (low, high)
        elif mode == PERCENTILES:
            self._coloring.percent = (min(low, 99.0), min(high, 100.0))
        self._coloring.look_again()
        self._views.redraw()

    def _on_colours(self) -> None:
        self._coloring.colormap = self.colormap.currentText().lower()
        self._coloring.log = self.log.isChecked()
        self._views.redraw()

    def _on_pair(self) -> None:
        self._coloring.pair = str(self.first.currentData()), str(self.second.currentData())
        self._coloring.forget()
        self._views.redraw()
        self._views.wanted_changed.emit()

    def _on_shown(self) -> None:
        self.layouts.set_current(self._views.layout_name)
        flat = self._views.layout_name != "cloud"
        for widget in (self.unit, self.range, self.log):
            widget.setVisible(flat)
        self._limits.setVisible(flat and self.range.current != AUTO)
        self._difference.setVisible("difference" in self._views.kinds)

    def _show_limits(self, low: float, high: float) -> None:
        if self.range.current == AUTO:
            self._show_values(low, high)

    def _show_values(self, low: float, high: float) -> None:
        for box, value in ((self.low, low), (self.high, high)):
            with QSignalBlocker(box):
                box.setValue(value)

    def _dress_limits(self) -> None:
        mode, unit = self.range.current, self._coloring.unit
        in_percent = mode == PERCENTILES
        for box in (self.low, self.high):
            with QSignalBlocker(box):
                box.setRange(0.0, 100.0 if in_percent else _LARGEST)
                box.setSuffix(" %" if in_percent else f" {UNITS[unit]}")
                box.setDecimals(2 if unit == "depth" and not in_percent else 1)
                box.setSingleStep(0.1 if unit == "depth" and not in_percent else 1.0)
            box.setToolTip(_TIP[mode])
        self._limits.setVisible(mode != AUTO)


def _stretched(first: QWidget, between: QWidget, second: QWidget) -> QHBoxLayout:
    line = row(first, between, second)
    line.setContentsMargins(0, 0, 0, 0)
    line.setStretch(0, 1)
    line.setStretch(2, 1)
    return line
