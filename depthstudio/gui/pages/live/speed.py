"""Rates and times of the live chain as a small table."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from depthstudio.gui.sources import Rates
from depthstudio.gui.widgets.basics import label, number_label

if TYPE_CHECKING:
    from depthstudio.inference.live import LiveStatistics
    from depthstudio.inference.timing import TimeSummary

_ROWS = {
    "camera": ("Camera", "Frames that arrive."),
    "inference": ("Inference", "Rectification, network and nothing else."),
    "display": ("Display", "Colours and painting."),
    "shown": ("In all", "From the arrival of a frame to its depth on the screen."),
}
_COLUMNS = ("per s", "p50", "p95")
_CELL_WIDTH_PX = 60


class SpeedTable(QWidget):
    """Rate, median and 95th percentile of each step."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        self._cells: dict[tuple[str, str], QLabel] = {}
        for i, name in enumerate(_COLUMNS, start=1):
            grid.addWidget(label(name, "small"), 0, i, Qt.AlignmentFlag.AlignRight)
        for i, (key, (name, tip)) in enumerate(_ROWS.items(), start=1):
            heading = label(name, "muted")
            heading.setToolTip(tip)
            grid.addWidget(heading, i, 0)
            for j, kind in enumerate(_COLUMNS, start=1):
                cell = number_label("–")
                cell.setAccessibleName(f"{name} {kind}")
                cell.setFixedWidth(_CELL_WIDTH_PX)  # numbers come and go, the table stays
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                self._cells[key, kind] = cell
                grid.addWidget(cell, i, j)

        for kind in ("p50", "p95"):
            self._cells["camera", kind].clear()  # how long a camera takes is its own secret

    def set_camera(self, rates: Rates) -> None:
        """The source's own rate."""
        self._cells["camera", "per s"].setText(f"{rates.camera_hz:.1f}" if rates.camera_hz else "–")

    def set_statistics(self, statistics: LiveStatistics | None) -> None:
        """The rest; None shows dashes."""
        for key in ("inference", "display", "shown"):
            self._set_row(key, getattr(statistics, key) if statistics is not None else None)

    def text(self, key: str, kind: str) -> str:
        """What a cell shows: camera, inference, display or shown; per s, p50 or p95."""
        return self._cells[key, kind].text()

    def _set_row(self, key: str, summary: TimeSummary | None) -> None:
        rate = summary.rate_hz if summary is not None else 0.0
        self._cells[key, "per s"].setText(f"{rate:.1f}" if rate else "–")
        times = (nan, nan) if summary is None else (summary.p50_ms, summary.p95_ms)
        for kind, ms in zip(("p50", "p95"), times, strict=True):
            self._cells[key, kind].setText(_words(ms))


def _words(ms: float) -> str:
    if not isfinite(ms):
        return "–"
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
