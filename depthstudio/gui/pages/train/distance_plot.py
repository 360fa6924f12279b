"""The validation error by distance: near and far fail for different reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QWidget

from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import column, label, number_label, row
from depthstudio.training.events import ErrorBand

_BAR_WIDTH = 0.38
_AXIS_WIDTH_PX = 44
_TITLE = "EPE by distance"
_TOKENS = {"before": "text_faint", "now": "validation"}


class DistancePlot(QWidget):
    """Two bars per band: the network as it came, and the run's best or newest epoch. Hovering reads the values."""

    def __init__(self) -> None:
        super().__init__()
        self.bands: dict[str, tuple[ErrorBand, ...]] = {"before": (), "now": ()}
        self._now_words = "now"
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMinimumHeight(72)
        self.plot.setAccessibleName(_TITLE)
        self.plot.getAxis("left").setWidth(_AXIS_WIDTH_PX)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self._title = label(_TITLE, "section")
        self._words = number_label("", "small")
        self._words.setTextFormat(Qt.TextFormat.RichText)
        self._words.setFixedHeight(26)  # as high as the other plots' headings, which have a button
        self.setLayout(column(row(self._title, self._words, 1), self.plot, spacing=4))
        self.plot.scene().sigMouseMoved.connect(self._on_mouse)
        theme().changed.connect(self._draw)
        self._draw()

    def set_bands(self, before: Sequence[ErrorBand], now: Sequence[ErrorBand], now_words: str) -> None:
        """Show both; bands are matched by their edges. now_words: e.g. "epoch 8"."""
        fresh = {"before": tuple(before), "now": tuple(now)}
        if fresh == self.bands and now_words == self._now_words:
            return
        self.bands, self._now_words = fresh, now_words
        self._draw()

    @property
    def edges(self) -> list[tuple[float, float | None, str]]:
        """Of every band that either side has, in order."""
        return sorted(
            {(band.low, band.high, band.unit) for bands in self.bands.values() for band in bands},
            key=lambda edge: edge[0],
        )

    def value(self, which: str, place: int) -> ErrorBand | None:
        """The band at a place of `edges`, if that side has it."""
        low = self.edges[place][0]
        return next((band for band in self.bands[which] if band.low == low), None)

    def _draw(self) -> None:
        self.plot.setBackground(theme().color("card"))
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme().color("border_strong"))
            axis.setTextPen(theme().color("text_muted"))
        self.plot.showGrid(x=False, y=True, alpha=0.15)
        self.plot.clear()
        edges = self.edges
        highest = 0.0
        for offset, which in ((-_BAR_WIDTH / 2, "before"), (_BAR_WIDTH / 2, "now")):
            found = [(place, band) for place in range(len(edges)) if (band := self.value(which, place))]
            heights = [0.0 if np.isnan(band.epe_px) else band.epe_px for _, band in found]
            highest = max([highest, *heights])
            bars = pg.BarGraphItem(
                x=[place + offset for place, _ in found],
                height=heights,
                width=_BAR_WIDTH,
                brush=theme().color(_TOKENS[which]),
                pen=pg.mkPen(None),
            )
            self.plot.addItem(bars)
        self.plot.setXRange(-0.6, max(len(edges), 1) - 0.4, padding=0)
        self.plot.getAxis("left").setStyle(showValues=bool(edges))
        self.plot.setYRange(0, 1.1 * highest or 1.0, padding=0)
        self.plot.getAxis("bottom").setTicks([[(i, band_words(*edge)) for i, edge in enumerate(edges)]])
        self._show_words(None)

    def _show_words(self, place: int | None) -> None:
        parts = []
        for which, name in (("before", "before"), ("now", self._now_words)):
            band = self.value(which, place) if place is not None else None
            value = f" <b>{band.epe_px:.3g}</b>" if band is not None and not np.isnan(band.epe_px) else ""
            parts.append(f'<span style="color:{theme().hex(_TOKENS[which])}">●</span> {name}{value}')
        self._words.setText("&nbsp; ".join(parts) if self.edges else "not measured yet")

    def _on_mouse(self, position: QPointF) -> None:
        if not self.edges:
            return
        inside = self.plot.sceneBoundingRect().contains(position)
        place = round(self.plot.getPlotItem().vb.mapSceneToView(position).x()) if inside else -1
        known = 0 <= place < len(self.edges)
        self._show_words(place if known else None)
        band = self.value("now", place) if known else None
        self.plot.setToolTip(f"{band.pixels:,} labelled pixels" if band is not None else "")


def band_words(low: float, high: float | None, unit: str) -> str:
    """ "1–2 m", "> 8 m"."""
    return f"> {low:g} {unit}" if high is None else f"{low:g}–{high:g}"
