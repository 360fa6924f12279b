"""The stations measured so far: a list in the panel, and curves against distance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QWidget

from depthstudio.evaluation.quality_report import METHODS, TABLE, Station, station_curve
from depthstudio.gui.pages.quality.table import TOKENS
from depthstudio.gui.theme import mark, theme
from depthstudio.gui.widgets.basics import Section, clear_layout, column, field, icon_button, label, number_label, row
from depthstudio.gui.widgets.curve_plot import CurvePlot


class StationsSection(Section):
    """removed(int): the user drops a station."""

    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__("Stations")
        self._list = column(spacing=4)
        self.add(self._list)
        self.set_stations([])

    def set_stations(self, stations: Sequence[Station]) -> None:
        """Show these."""
        clear_layout(self._list)
        if not stations:
            self._list.addWidget(
                label("Measure at several distances, for example 0.5, 1, 2 and 4 m, for curves.", "muted", wrap=True)
            )
        for number, station in enumerate(stations):
            holder = QFrame()
            mark(holder, surface="card")
            drop = icon_button("x", "Remove this station", partial(self.removed.emit, number), size_px=14)
            texts = column(number_label(f"{station.distance_m:.2f} m", "section"), _rms_line(station), spacing=0)
            line = row(texts, 1, drop)
            line.setContentsMargins(8, 4, 4, 4)
            holder.setLayout(line)
            self._list.addWidget(holder)


def _rms_line(station: Station) -> QLabel:
    """Plane fit RMS of each method, in the order and the colours of the table."""
    known = {method: f"{quality.plane_rms_mm:.1f}" for method, quality in station.quality.items()}
    dots = (f'<span style="color:{theme().hex(TOKENS[method])}">●</span>&nbsp;{rms}' for method, rms in known.items())
    line = number_label("", "small")
    line.setTextFormat(Qt.TextFormat.RichText)
    line.setText(f"RMS&nbsp; {'&nbsp; '.join(dots)} mm")
    words = ", ".join(f"{METHODS[method].lower()} {rms}" for method, rms in known.items())
    line.setToolTip(f"Plane fit RMS in mm: {words}")
    line.setAccessibleName(f"Plane fit RMS in mm: {words}")
    return line


class StationCurves(QWidget):
    """One metric against distance, a curve per method."""

    def __init__(self) -> None:
        super().__init__()
        self._stations: Sequence[Station] = ()
        self.metric_choice = field(QComboBox(), "Metric of the curves")
        for index, metric in enumerate(TABLE):
            if metric.key != "distance_m":
                self.metric_choice.addItem(f"{metric.title}, {metric.unit}", index)
        self.metric_choice.setCurrentIndex(self.metric_choice.findText("Plane fit RMS, mm"))
        self.plot = CurvePlot("", {METHODS[method]: token for method, token in TOKENS.items()}, "distance, m")
        self.metric_choice.currentIndexChanged.connect(lambda _: self._show())
        card = QFrame()
        mark(card, surface="card")
        inside = column(row(label("Against distance", "section"), 1, self.metric_choice), self.plot, spacing=4)
        inside.setContentsMargins(12, 8, 12, 8)
        card.setLayout(inside)
        self.setLayout(column(card))

    def set_stations(self, stations: Sequence[Station]) -> None:
        """Draw these."""
        self._stations = list(stations)
        self._show()

    def _show(self) -> None:
        metric = TABLE[self.metric_choice.currentData()]
        for method, title in METHODS.items():
            self.plot.set_points(title, *station_curve(self._stations, method, metric))
