"""The forms in the Live page's panel: how results are shown and how they are computed."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QSpinBox, QWidget

from depthstudio.gui.colormaps import COLORMAP_NAMES
from depthstudio.gui.pages.live.views import UNITS, LiveViews
from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.widgets.basics import Section, Segments, field, label, row

_DISPARITY_STEP = 16


class DisplayForm(Section):
    """Unit, range and colour map of the views."""

    def __init__(self, views: LiveViews) -> None:
        super().__init__("Display")
        self._views = views
        self.unit = Segments({"disparity": "Disparity", "depth": "Depth"})
        self.range = Segments({"auto": "Auto range", "fixed": "Fixed range"})
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for box, name in ((self.low, "Lowest value"), (self.high, "Highest value")):
            field(box, name, "Colours begin and end here; what lies outside takes the colour of the end.")
            box.setRange(0.0, 1000.0)
            box.setKeyboardTracking(False)
            box.setMinimumWidth(64)
            box.valueChanged.connect(self._on_limits)
        tip = "Turbo shows most steps, viridis is safe for the colour-blind."
        self.colormap = field(QComboBox(), "Colour map", tip)
        self.colormap.addItems([name.capitalize() for name in COLORMAP_NAMES])
        self.colormap.currentTextChanged.connect(lambda text: views.set_colormap(text.lower()))
        self.add(self.unit)
        self.add(self.range)
        limits = row(self.low, label("to", "muted"), self.high)
        limits.setStretch(0, 1)
        limits.setStretch(2, 1)
        self.add(limits)
        colours = row(label("Colours", "muted"), self.colormap)
        colours.setStretch(1, 1)
        self.add(colours)
        self.unit.chosen.connect(self._on_unit)
        self.range.chosen.connect(self._on_range)
        views.limits_changed.connect(self._show_limits)
        self._on_unit("disparity")

    def _on_unit(self, unit: str) -> None:
        for box in (self.low, self.high):
            with QSignalBlocker(box):
                box.setSuffix(f" {UNITS[unit]}")
                box.setDecimals(1 if unit == "disparity" else 2)
                box.setSingleStep(1.0 if unit == "disparity" else 0.1)
        self.range.set_current("auto")
        self._show_enabled()
        self._views.set_unit(unit)
        self._views.set_fixed_limits(None)

    def _on_range(self, kind: str) -> None:
        self._show_enabled()
        self._views.set_fixed_limits(self._limits() if kind == "fixed" else None)

    def _on_limits(self) -> None:
        if self.range.current == "fixed":
            self._views.set_fixed_limits(self._limits())

    def _limits(self) -> tuple[float, float]:
        low, high = self.low.value(), self.high.value()
        return (low, high) if high > low else (low, low + 10.0 ** -self.high.decimals())

    def _show_limits(self, low: float, high: float) -> None:
        if self.range.current == "fixed":
            return
        for box, value in ((self.low, low), (self.high, high)):
            with QSignalBlocker(box):
                box.setValue(value)

    def _show_enabled(self) -> None:
        for box in (self.low, self.high):
            box.setEnabled(self.range.current == "fixed")


class ComputingForm(Section):
    """Threads and search range, remembered in the window's settings."""

    changed = Signal()

    def __init__(self, settings: WindowSettings) -> None:
        super().__init__("Computing", foldable=True, folded=True)
        self._settings = settings
        self._threads = field(
            QSpinBox(), "Threads", "Computing threads on the processor. Fewer leave more for the camera and a training."
        )
        self._threads.setRange(0, 256)
        self._threads.setSpecialValueText("Automatic")
        self._threads.setValue(settings.live_threads)
        self._reach = field(
            QSpinBox(),
            "Largest disparity",
            "How far networks with a cost volume search. More sees nearer objects and takes longer.",
        )
        self._reach.setRange(0, 1024)
        self._reach.setSingleStep(_DISPARITY_STEP)
        self._reach.setSuffix(" px")
        self._reach.setSpecialValueText("As trained")
        self._reach.setValue(settings.live_max_disparity)
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.setColumnStretch(1, 1)
        editors: dict[str, QWidget] = {"Threads": self._threads, "Largest disparity": self._reach}
        for i, (words, editor) in enumerate(editors.items()):
            grid.addWidget(label(words, "muted"), i, 0)
            grid.addWidget(editor, i, 1)
        self.add(grid)
        for box in (self._threads, self._reach):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._on_changed)

    @property
    def threads(self) -> int:
        """0 leaves it to torch."""
        return self._threads.value()

    @property
    def max_disparity(self) -> int:
        """px; 0 leaves the network as it was trained."""
        return self._reach.value()

    def _on_changed(self) -> None:
        self._settings.live_threads = self.threads
        self._settings.live_max_disparity = self.max_disparity
        self.changed.emit()
