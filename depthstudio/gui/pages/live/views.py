"""The two pictures of the Live page with one shared cursor and one colour bar."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QWidget

from depthstudio.frames import FloatMap
from depthstudio.gui.colormaps import value_range
from depthstudio.gui.pages.live.readout import Readout, read_at
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, field, row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.image_view import ImageView, Overlay

if TYPE_CHECKING:
    from depthstudio.inference.live import LiveResult

Limits = tuple[float, float]
VIEWS = {"left": "Left picture", "network": "Network", "camera": "Camera's own depth", "sgbm": "SGBM"}
UNITS = {"disparity": "px", "depth": "m"}
_FOLLOW_S = 0.5
_RANGE_ORDER = ("camera", "network", "sgbm")
_MISSING = {
    "network": "No depth in metres without a calibration",
    "camera": "This source measures no depth",
    "sgbm": "No depth in metres without a calibration",
}


class _TimedView(ImageView):
    """painted(ms) after every paint."""

    painted = Signal(float)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint and say how long it took."""
        started = time.perf_counter()
        super().paintEvent(event)
        self.painted.emit((time.perf_counter() - started) * 1000.0)


class ViewPane(QWidget):
    """One picture under the list that says which."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__()
        self.chooser = field(QComboBox(), name, "What this side shows.")
        for key, words in VIEWS.items():
            self.chooser.addItem(words, key)
        self.chooser.setCurrentIndex(list(VIEWS).index(kind))
        self.chooser.setFixedWidth(200)
        self.view = _TimedView()
        self.view.setAccessibleName(name)
        layout = column(row(self.chooser, 1), self.view)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def kind(self) -> str:
        """left, network, camera or sgbm."""
        return str(self.chooser.currentData())


class LiveViews(QWidget):
    """Shows results. wanted_changed() when other comparisons are needed; displayed(result, ms) when one is painted."""

    wanted_changed = Signal()
    displayed = Signal(object, float)
    limits_changed = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = ViewPane("Left side", "left"), ViewPane("Right side", "network")
        self.panes = (self.left, self.right)
        self.color_bar = ColorBar("px", 1.0, 1)
        self.readout = Readout()
        self.result: LiveResult | None = None
        self._unit = "disparity"
        self._fixed: dict[str, Limits | None] = {"disparity": None, "depth": None}
        self._auto: Limits | None = None
        self._followed_s = 0.0
        self._cursor: tuple[int, int] | None = None
        self._unpainted: set[ViewPane] = set()
        self._spent_ms = 0.0
        self._timed: LiveResult | None = None
        pictures = row(self.left, self.right, self.color_bar)
        pictures.setStretch(0, 1)
        pictures.setStretch(1, 1)
        layout = column(pictures, self.readout)
        layout.setStretch(0, 1)
        layout.setSpacing(GRID_PX)
        self.setLayout(layout)
        for pane in self.panes:
            pane.chooser.currentIndexChanged.connect(self._on_kind)
            pane.view.hovered.connect(self._on_hover)
            pane.view.painted.connect(lambda ms, pane=pane: self._on_painted(pane, ms))
            pane.view.double_clicked.connect(lambda pane=pane: self.enlarge(pane))
        self._arrange()

    @property
    def wanted(self) -> frozenset[str]:
        """The comparisons that somebody looks at."""
        return frozenset(pane.kind for pane in self.panes) & {"camera", "sgbm"}

    @property
    def unit(self) -> str:
        """disparity or depth."""
        return self._unit

    @property
    def limits(self) -> Limits | None:
        """The range of the colours in force."""
        return self._fixed[self._unit] or self._auto

    def show_result(self, result: LiveResult | None) -> None:
        """Show a new result; None clears the pictures."""
        started = time.perf_counter()
        self.result = result
        self._timed = result
        if result is None:
            self._auto = None  # another network or source begins with a range of its own
        self._show()
        self._unpainted = {pane for pane in self.panes if pane.isVisible()}
        self._spent_ms = (time.perf_counter() - started) * 1000.0

    def set_placeholder(self, text: str) -> None:
        """What is said while there is no result."""
        if self.result is None:
            for pane in self.panes:
                pane.view.set_placeholder(text)

    def set_unit(self, unit: str) -> None:
        """Disparity (px) or depth (m)."""
        self._unit = unit
        self._auto = None
        self.color_bar.set_unit(UNITS[unit], 1.0, 1 if unit == "disparity" else 2)
        self._show()

    def set_fixed_limits(self, limits: Limits | None) -> None:
        """Colours over a fixed range, in the unit shown; None follows the picture."""
        self._fixed[self._unit] = limits
        self._show()

    def set_colormap(self, name: str) -> None:
        """turbo, viridis or grey."""
        self.color_bar.set_colormap(name)
        for pane in self.panes:
            pane.view.set_colormap(name)

    def enlarge(self, pane: ViewPane | None) -> None:
        """One picture alone; again, or None, for both."""
        alone = pane if pane is not None and all(other.isVisible() for other in self.panes) else None
        for other in self.panes:
            other.setVisible(alone is None or other is alone)
        self._arrange()
        self._show()

    # ---- showing

    def _maps(self) -> dict[str, FloatMap]:
        if self.result is None:
            return {}
        return dict(self.result.disparity_px if self._unit == "disparity" else self.result.depth_m)

    def _show(self) -> None:
        maps = self._maps()
        self._follow(maps)
        for pane in self.panes:
            if not pane.isVisibleTo(self):
                continue
            if self.result is None:
                pane.view.set_image(None)
            elif pane.kind == "left":
                pane.view.set_image(self.result.prediction.left_rectified)
            else:
                self._show_map(pane, maps.get(pane.kind))
        self._show_cursor()

    def _show_map(self, pane: ViewPane, values: FloatMap | None) -> None:
        assert self.result is not None
        if values is None:
            computing = pane.kind in self.wanted - self.result.wanted
            pane.view.set_placeholder("Computing…" if computing else _MISSING[pane.kind])
        pane.view.set_map(values, self.limits)

    def _follow(self, maps: dict[str, FloatMap]) -> None:
        """One range for both sides, so that equal colours mean equal values.

        What the camera measured sets it when it is shown: a network far off would push it out of sight.
        """
        shown = {pane.kind for pane in self.panes} & maps.keys()
        reference = next((kind for kind in _RANGE_ORDER if kind in shown), "network")
        found = value_range(maps[reference]) if reference in maps else None
        if found is not None:
            old = self._auto or found
            now_s = time.monotonic()
            share = 1.0 - math.exp((self._followed_s - now_s) / _FOLLOW_S)
            self._followed_s = now_s
            self._auto = old[0] + share * (found[0] - old[0]), old[1] + share * (found[1] - old[1])
        limits = self.limits
        if limits is not None:
            self.color_bar.set_range(*limits)
            self.limits_changed.emit(*limits)

    def _arrange(self) -> None:
        self.color_bar.setVisible(any(pane.kind != "left" and pane.isVisibleTo(self) for pane in self.panes))
        self.readout.set_compared("camera" in self.wanted, "sgbm" in self.wanted)

    def _on_kind(self) -> None:
        self._arrange()
        self._show()
        self.wanted_changed.emit()

    # ---- cursor

    def _on_hover(self, x: int, y: int, _: object) -> None:
        self._cursor = (x, y) if x >= 0 else None
        self._show_cursor()

    def _show_cursor(self) -> None:
        result, cursor = self.result, self._cursor
        if result is not None and cursor is not None:
            height, width = result.prediction.disparity_px.shape
            if cursor[0] >= width or cursor[1] >= height:
                cursor = None
        overlays = (
            [] if cursor is None or result is None else _reticle(*cursor, result.prediction.disparity_px.shape[1])
        )
        for pane in self.panes:
            pane.view.set_overlays(overlays)
        if result is None or cursor is None:
            self.readout.set_words({})
            self.color_bar.set_mark(None)
            return
        self.readout.set_words(read_at(result, *cursor))
        values = self._maps().get("network")
        value = float(values[cursor[1], cursor[0]]) if values is not None else float("nan")
        self.color_bar.set_mark(value if value > 0 else None)

    def _on_painted(self, pane: ViewPane, ms: float) -> None:
        if pane not in self._unpainted or self._timed is None:
            return
        self._unpainted.discard(pane)
        self._spent_ms += ms
        if not self._unpainted:
            self.displayed.emit(self._timed, self._spent_ms)
            self._timed = None


def _reticle(x: int, y: int, width: int) -> list[Overlay]:
    """Two colours, so that it is seen on any picture."""
    near, far = width / 64, width / 26
    arms = [
        np.array([(x + near * dx, y + near * dy), (x + far * dx, y + far * dy)], np.float32)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    return [Overlay(np.array([(x, y)], np.float32)), Overlay(lines=arms, token="text")]
