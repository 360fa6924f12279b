"""The views of the Live page: one, two or four pictures, a wipe, or the point cloud; one cursor and one colour bar."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QWidget

from depthstudio.gui.pages.live.cloud import CloudPane
from depthstudio.gui.pages.live.coloring import Coloring
from depthstudio.gui.pages.live.kinds import COMPARED, METHODS, UNITS, methods_of, values_of
from depthstudio.gui.pages.live.panes import PicturePane, ViewPane, WipePane
from depthstudio.gui.pages.live.readout import Readout, read_at
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.overlays import Overlay

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

LAYOUTS = {"one": "1", "two": "2", "four": "4", "wipe": "Wipe", "cloud": "3-D"}
_FIRST_KINDS = ("left", "network", "camera", "difference")


class LiveViews(QWidget):
    """Shows results.

    wanted_changed() when other comparisons are needed; displayed(result, ms) when one is painted; clicked(x, y) and
    selected(x0, y0, x1, y1) in pixels of the rectified left view; shown_changed() when other kinds or another layout
    are shown.
    """

    wanted_changed = Signal()
    shown_changed = Signal()
    displayed = Signal(object, float)
    limits_changed = Signal(float, float)
    clicked = Signal(float, float)
    selected = Signal(float, float, float, float)

    def __init__(self) -> None:
        super().__init__()
        self.coloring = Coloring()
        self.panes = tuple(ViewPane(f"View {i + 1}", kind) for i, kind in enumerate(_FIRST_KINDS))
        self.left, self.right = self.panes[:2]
        self.wipe = WipePane("left", "network")
        self._pictures: tuple[ViewPane | WipePane, ...] = (*self.panes, self.wipe)
        self.cloud = CloudPane()
        self.color_bar = ColorBar("px", 1.0, 1)
        self.readout = Readout()
        self.result: LiveResult | None = None
        self.layout_name = "two"
        self._alone = self.right
        self._before_alone = "two"
        self._marks: Sequence[Overlay] = ()
        self._cursor: tuple[int, int] | None = None
        self._unpainted: set[QWidget] = set()
        self._spent_ms = 0.0
        self._timed: LiveResult | None = None
        several = QWidget()
        self._grid = QGridLayout(several)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID_PX)
        for i, pane in enumerate(self.panes):
            self._grid.addWidget(pane, i // 2, i % 2)
        self._stack = QStackedWidget()
        for widget in (several, self.wipe, self.cloud):
            self._stack.addWidget(widget)
        pictures = row(self._stack, self.color_bar)
        pictures.setStretch(0, 1)
        layout = column(pictures, self.readout)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._connect()
        self.set_layout("two")

    def _connect(self) -> None:
        for pane in self._pictures:
            pane.kind_changed.connect(self._on_shown)
            pane.view.hovered.connect(self._on_hover)
            pane.view.painted.connect(lambda ms, pane=pane: self._on_painted(pane, ms))
            pane.view.clicked.connect(self.clicked)
            pane.view.selected.connect(self.selected)
            pane.view.view_changed.connect(lambda *view, pane=pane: self._look_alike(pane, *view))
        for pane in self.panes:
            pane.view.double_clicked.connect(lambda pane=pane: self.enlarge(pane))
        self.cloud.painted.connect(lambda ms: self._on_painted(self.cloud, ms))
        self.cloud.options_changed.connect(self._on_shown)

    # ---- what is shown

    @property
    def kinds(self) -> frozenset[str]:
        """Everything that is in sight."""
        if self.layout_name == "cloud":
            return frozenset({self.cloud.method})
        return frozenset().union(*(pane.kinds for pane in self._shown_panes()))

    @property
    def wanted(self) -> frozenset[str]:
        """The comparisons that somebody looks at."""
        methods = (methods_of(kind, self.coloring.pair) for kind in self.kinds)
        return frozenset().union(*methods) & COMPARED

    def set_layout(self, name: str) -> None:
        """One of LAYOUTS."""
        self.layout_name = name
        shown = self._shown_panes()
        self._stack.setCurrentIndex({"wipe": 1, "cloud": 2}.get(name, 0))
        for pane in self.panes:
            pane.setVisible(pane in shown)
        for i in range(2):
            self._grid.setRowStretch(i, int(i == 0 or name == "four"))
            self._grid.setColumnStretch(i, int(any(pane in shown for pane in self.panes[i::2])))
        self._on_shown()

    def enlarge(self, pane: ViewPane | None) -> None:
        """One picture alone; again, or None, for all that were there before."""
        if pane is not None and self.layout_name != "one":
            self._alone, self._before_alone = pane, self.layout_name
            self.set_layout("one")
        elif self.layout_name == "one":
            self.set_layout(self._before_alone if self._before_alone != "one" else "two")

    def replace(self, old: str, new: str) -> None:
        """Let the views of one kind show another one."""
        for pane in self.panes:
            if pane.kind == old:
                pane.choose(new)

    def show_result(self, result: LiveResult | None) -> None:
        """Show a new result; None clears the pictures."""
        started = time.perf_counter()
        self.result = self._timed = result
        if result is None:
            self.coloring.forget()
            for pane in self._pictures:
                pane.view.show_picture(None)
        self.redraw()
        shown: tuple[QWidget, ...] = (self.cloud,) if self.layout_name == "cloud" else self._shown_panes()
        self._unpainted = {pane for pane in shown if pane.isVisible()}
        self._spent_ms = (time.perf_counter() - started) * 1000.0

    def set_placeholder(self, text: str) -> None:
        """What is said while there is no result."""
        if self.result is None:
            self.cloud.say(text)  # points of another scene or network are no longer true
            for pane in self._pictures:
                pane.view.set_placeholder(text)

    def set_unit(self, unit: str) -> None:
        """Disparity (px) or depth (m)."""
        self.coloring.unit = unit
        self.coloring.forget()
        self.color_bar.set_unit(UNITS[unit], 1.0, 1 if unit == "disparity" else 2)
        self.redraw()

    def set_marks(self, marks: Sequence[Overlay]) -> None:
        """What is measured, drawn over every picture."""
        self._marks = marks
        self._show_cursor()

    def set_selecting(self, selecting: bool) -> None:
        """Whether a drag draws a rectangle."""
        for pane in self._pictures:
            pane.view.set_selecting(selecting)

    def redraw(self) -> None:
        """Show the same result again, because the way of showing has changed."""
        result, coloring = self.result, self.coloring
        self.color_bar.set_colormap(coloring.colormap, coloring.log)
        if result is not None:
            if self.layout_name == "cloud":
                self.cloud.show_result(result, coloring)
            elif coloring.follow(result, self.kinds) or coloring.limits is not None:
                self._tell_limits()
            for pane in self._shown_panes():
                pane.show_result(result, coloring)
        self._show_cursor()

    def _shown_panes(self) -> tuple[ViewPane | WipePane, ...]:
        if self.layout_name == "cloud":
            return ()
        if self.layout_name == "wipe":
            return (self.wipe,)
        return {"one": (self._alone,), "two": self.panes[:2], "four": self.panes}[self.layout_name]

    def _on_shown(self) -> None:
        kinds = self.kinds
        self.color_bar.setVisible(self.layout_name != "cloud" and bool(kinds & METHODS.keys()))
        self.readout.setVisible(self.layout_name != "cloud")
        self.readout.set_shown(kinds)
        self.coloring.look_again()
        self.redraw()
        self.shown_changed.emit()
        self.wanted_changed.emit()

    def _tell_limits(self) -> None:
        if self.coloring.limits is not None:
            self.color_bar.set_range(*self.coloring.limits)
            self.limits_changed.emit(*self.coloring.limits)

    # ---- cursor

    def _on_hover(self, x: int, y: int, _: object) -> None:
        self._cursor = (x, y) if x >= 0 else None
        self._show_cursor()

    def _cursor_in(self, result: LiveResult) -> tuple[int, int] | None:
        height, width = result.prediction.disparity_px.shape
        inside = self._cursor is not None and self._cursor[0] < width and self._cursor[1] < height
        return self._cursor if inside else None

    def _show_cursor(self) -> None:
        result = self.result
        cursor = self._cursor_in(result) if result is not None else None
        reticle = [] if cursor is None or result is None else _reticle(*cursor, result.prediction.disparity_px.shape[1])
        for pane in self._shown_panes():
            pane.view.set_overlays([*self._marks, *reticle])
            pane.set_cursor(cursor)
        if result is None or cursor is None:
            self.readout.set_words({})
            self.color_bar.set_mark(None)
            return
        self.readout.set_words(read_at(result, *cursor, self.coloring.pair, self.coloring.unit))
        values = values_of(result, "network", self.coloring.unit, self.coloring.pair)
        value = float(values[cursor[1], cursor[0]]) if values is not None else float("nan")
        self.color_bar.set_mark(value if value > 0 else None)

    def _look_alike(self, source: PicturePane, zoom: float, x: float, y: float) -> None:
        """Every picture shows the same part."""
        for pane in self._pictures:
            if pane is not source:
                pane.view.set_view(zoom, x, y)

    def _on_painted(self, pane: QWidget, ms: float) -> None:
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
