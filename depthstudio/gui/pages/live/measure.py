"""Measuring on the picture: the distance between two points, the statistics of a rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel

from depthstudio.geometry.measuring import Distance, Pixel, RegionStatistics, distance_between, region_statistics
from depthstudio.gui.pages.live.kinds import METHODS, SHORT_NAMES
from depthstudio.gui.pages.live.readout import spoken_distance
from depthstudio.gui.widgets.basics import Section, Segments, icon_button, label, number_label
from depthstudio.gui.widgets.overlays import Overlay

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

LOOK, DISTANCE, REGION = "look", "distance", "region"
_HINTS = {
    LOOK: "",
    DISTANCE: "Click two points on a picture.",
    REGION: "Drag a rectangle over a picture.",
}
_NO_GEOMETRY = "Distances need a calibration."
_COLUMNS = ("fill", "median", "± 1σ")
# What the steps after the network make of its answer is not measured.
_MEASURED = tuple(name for name in METHODS if name != "processed")


class MeasureSection(Section):
    """Tool, hint and results. changed() when other marks have to be drawn or another tool is in hand.

    Numbers come from the network's own answer, before any step after it, and from the methods that are shown.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Measure")
        self.tools = Segments({LOOK: "Look", DISTANCE: "Distance", REGION: "Region"})
        self.tools.setToolTip("Look: read the point under the cursor; drag moves the picture, the wheel zooms.")
        self.tools.chosen.connect(self._on_tool)
        self.heading_row.addWidget(icon_button("x", "Forget what is measured", self.clear, size_px=14))
        self._hint = label(_HINTS[LOOK], "small", wrap=True)
        self.distance = number_label("", "number")
        self.distance_detail = label("", "small", wrap=True)
        self.add(self.tools)
        self.add(self._hint)
        self.add(self.distance)
        self.add(self.distance_detail)
        self._cells: dict[tuple[str, str], QLabel] = {}
        self._rows: dict[str, list[QLabel]] = {}
        self._headings: list[QLabel] = []
        self.add(self._table())
        self._points: list[Pixel] = []
        self._region: tuple[Pixel, Pixel] | None = None
        self._text = ""
        self.update_numbers(None)

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for j, name in enumerate(_COLUMNS, start=1):
            heading = label(name, "small")
            self._headings.append(heading)
            grid.addWidget(heading, 0, j)
        for i, name in enumerate(_MEASURED, start=1):
            line = [label(SHORT_NAMES[name], "muted")]
            grid.addWidget(line[0], i, 0)
            for j, column in enumerate(_COLUMNS, start=1):
                cell = self._cells[name, column] = number_label("–")
                line.append(cell)
                grid.addWidget(cell, i, j)
            self._rows[name] = line
        return grid

    @property
    def tool(self) -> str:
        """look, distance or region."""
        return self.tools.current

    def click(self, x: float, y: float) -> None:
        """A click on a picture: the next point, or the first of a new pair."""
        if self.tool == DISTANCE:
            self._points = [*self._points, (round(x), round(y))] if len(self._points) == 1 else [(round(x), round(y))]
            self.changed.emit()

    def select(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A rectangle was drawn on a picture."""
        self._region = (round(x0), round(y0)), (round(x1), round(y1))
        self.changed.emit()

    def clear(self) -> None:
        """Forget points and rectangle."""
        self._points, self._region = [], None
        self.changed.emit()

    def put_away(self) -> bool:
        """Back to looking; False when nothing was in hand."""
        busy = self.tool != LOOK or bool(self._points) or self._region is not None
        self.tools.set_current(LOOK)
        self._on_tool(LOOK)
        return busy

    def marks(self) -> list[Overlay]:
        """What is drawn over the pictures."""
        marks = []
        if self._points:
            ends = np.array(self._points, np.float32)
            lines = [ends] if len(ends) == 2 else []
            middle = ends.mean(axis=0)
            text = self._text if len(ends) == 2 else ""
            at = (float(middle[0]), float(middle[1]))
            marks.append(Overlay(ends, lines, "warning", text, at, boxed=True))
        if self._region is not None:
            (x0, y0), (x1, y1) = self._region
            corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], np.float32)
            marks.append(Overlay(lines=[corners], token="warning"))
        return marks

    def update_numbers(self, result: LiveResult | None) -> None:
        """Measure again, in this result."""
        self._measure_distance(result)
        self._measure_region(result)
        lacking = result is not None and result.geometry is None and self.tool != LOOK
        self._hint.setText(_NO_GEOMETRY if lacking else _HINTS[self.tool])
        self._hint.setVisible(self.tool != LOOK)

    def _measure_distance(self, result: LiveResult | None) -> None:
        found: Distance | None = None
        complete = len(self._points) == 2
        if complete and result is not None and result.geometry is not None:
            found = distance_between(result.prediction.disparity_px, result.geometry, self._points[0], self._points[1])
        self._text = _spoken(found) if complete else ""
        self.distance.setText(self._text)
        self.distance.setVisible(complete)
        self.distance_detail.setVisible(found is not None)
        if found is not None:
            ends = " to ".join(f"{end[2]:.3f} m" for end in found.ends_m)
            self.distance_detail.setText(f"± {spoken_distance(found.error_m)} expected; from {ends} away")

    def _measure_region(self, result: LiveResult | None) -> None:
        region, maps = self._region, result.depth_m if result is not None else {}
        for name, line in self._rows.items():
            shown = region is not None and name in maps
            for cell in line:
                cell.setVisible(shown)
            if region is not None and shown:
                self._show_region(name, region_statistics(maps[name], *region))
        for heading in self._headings:
            heading.setVisible(region is not None and bool(maps))

    def _show_region(self, name: str, found: RegionStatistics) -> None:
        known = found.fill > 0
        self._cells[name, "fill"].setText(f"{found.fill * 100:.0f}%")
        self._cells[name, "median"].setText(f"{found.median_m:.3f} m" if known else "–")
        self._cells[name, "± 1σ"].setText(spoken_distance(found.spread_m) if known else "–")
        words = (
            f"{found.pixels} pixels; mean {found.mean_m:.4f} m; 5% to 95%: {found.low_m:.3f} to {found.high_m:.3f} m"
        )
        for cell in self._rows[name]:
            cell.setToolTip(words if known else "No depth here")

    def text(self, method: str, column: str) -> str:
        """What the table of the rectangle says: fill, median or ± 1σ."""
        return self._cells[method, column].text()

    def _on_tool(self, tool: str) -> None:
        if tool != DISTANCE:
            self._points = []
        if tool != REGION:
            self._region = None
        self.changed.emit()


def _spoken(found: Distance | None) -> str:
    if found is None:
        return "no depth there"
    return f"{found.metres * 1000:.1f} mm" if found.metres < 1 else f"{found.metres:.3f} m"
