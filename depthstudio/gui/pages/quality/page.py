"""Quality: point the camera at a flat wall and read how good its depth is, the network's and SGBM's beside it."""

from __future__ import annotations

from datetime import datetime
from math import nan

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QSlider, QSpinBox

from depthstudio.evaluation.depth_quality import Region
from depthstudio.evaluation.quality_loop import QualityReading, QualityWish
from depthstudio.evaluation.quality_report import Station
from depthstudio.gui.loop_engine import EngineState
from depthstudio.gui.network_chooser import NetworkChooser, NetworkItem, network_used_last
from depthstudio.gui.pages.loop_page import LoopPage
from depthstudio.gui.pages.quality.distance_section import DistanceSection
from depthstudio.gui.pages.quality.empty import Missing, empty_states, missing_from
from depthstudio.gui.pages.quality.engine import QualityEngine, QualitySetup
from depthstudio.gui.pages.quality.facing import FacingSection
from depthstudio.gui.pages.quality.pictures import QualityPictures
from depthstudio.gui.pages.quality.saving import SaveButtons
from depthstudio.gui.pages.quality.stations import StationCurves, StationsSection
from depthstudio.gui.pages.quality.table import QualityTable
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section, button, column, field, label, row

_POLL_MS = 30
_STATE_WORDS = {
    EngineState.LOADING: "Loading the network…",
    EngineState.FAILED: "This network cannot be used here; the message above says why.",
}


class QualityPage(LoopPage):
    """Region on the image, table of numbers, curves against distance."""

    name, title, icon = "quality", "Quality", "ruler"

    def __init__(self, studio: Studio) -> None:
        self.engine = QualityEngine(studio.tasks)
        super().__init__(studio, self.engine, _POLL_MS)
        self.stations: list[Station] = []
        self.reading: QualityReading | None = None
        self._centre = (0.5, 0.5)
        self._waiting_for_station = False
        self._build_stage()
        self._build_panel()
        self._empty = empty_states(studio, self.networks.ask_file)
        self.missing: Missing | None = None
        studio.sources.state_changed.connect(self._on_source)
        studio.calibration_changed.connect(self.refresh)
        self.engine.changed.connect(self._show_state)
        self.engine.failed.connect(lambda error: studio.report(error, self.name))

    # ---- building

    def _build_stage(self) -> None:
        self.pictures = QualityPictures()
        self.pictures.clicked.connect(self.move_region)
        self.table = QualityTable()
        self.curves = StationCurves()
        numbers = row(self.table, self.curves)
        numbers.setStretch(0, 1)
        numbers.setStretch(1, 1)
        self.stage.addWidget(self.pictures, 3)
        self.stage.addLayout(numbers, 4)

    def _build_panel(self) -> None:
        self.facing = FacingSection()
        self.panel.add(self.facing)
        self.networks = NetworkChooser("Network", "Which network is measured.")
        self.networks.chosen.connect(lambda _: self._on_network())
        self.state = label("", "small", wrap=True)
        network = Section("Network")
        network.add(self.networks)
        network.add(self.state)
        self.panel.add(network)
        self.distance = DistanceSection(self.studio)
        self.distance.changed.connect(self._measure_again)
        self.panel.add(self.distance)
        share_tip = "Share of the image's sides."
        self.region_share = field(QSlider(Qt.Orientation.Horizontal), "Size of the region", share_tip)
        self.region_share.setRange(10, 95)
        self.region_share.setValue(40)
        self.region_share.valueChanged.connect(lambda _: self._measure_again())
        self.frame_count = field(QSpinBox(), "Frames", "How many frames are averaged; temporal noise needs many.")
        self.frame_count.setRange(2, 200)
        self.frame_count.setValue(30)
        self.frame_count.valueChanged.connect(lambda _: self._measure_again())
        measuring = Section("Region and frames")
        measuring.add(row(label("Size"), self.region_share))
        measuring.add(row(label("Frames"), 1, self.frame_count))
        self.panel.add(measuring)
        self.list = StationsSection()
        self.list.removed.connect(self.remove_station)
        self.panel.add(self.list)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.measure_button = button("Measure here", self.measure_station, "target", "primary")
        self.measure_button.setToolTip("Average over the next frames and keep the numbers as a station (M)")
        self.saving = SaveButtons(self.studio)
        self.panel.add_footer(column(self.progress, self.measure_button, self.saving))
        self.shortcut("M", self.measure_station)

    # ---- life

    def on_hidden(self) -> None:
        """Nobody looks: the network computes nothing."""
        super().on_hidden()
        self.refresh()

    def show_networks(self, items: list[NetworkItem]) -> None:
        """The first time, the network used last is chosen, else the newest."""
        self.networks.set_items(items)
        if self.networks.current is None:
            self.networks.set_current(network_used_last(self.studio.settings, items))

    def refresh(self) -> None:
        """Work out what is missing and what has to run."""
        if not self.isVisible():
            self.engine.use(None)
            return
        has_network = not self.networks_listed or self.networks.current is not None
        self.missing = missing_from(self.studio, has_network)
        self.show_empty(self._empty[self.missing] if self.missing is not None else None)
        sources = self.studio.sources
        frame, capture, active = sources.last_frame, sources.capture, self.studio.calibration
        path = self.networks.current
        if self.missing is None and frame is not None and capture is not None and active is not None and path:
            self.engine.use(QualitySetup(path, capture, active.calibration, frame.size, self._wish(frame.size)))
        elif sources.state is not SourceState.OPENING:
            self.engine.use(None)
        self._show_state()

    def _on_network(self) -> None:
        """The same one chosen again after a failure is another attempt."""
        if self.engine.state is EngineState.FAILED:
            self.engine.use(None)
        self.refresh()

    def _on_source(self) -> None:
        if self.studio.sources.state is SourceState.OPENING:
            self.reading = None
            self.pictures.clear()
            self.table.show_quality({})
            self.progress.reset()
        self.refresh()

    # ---- what is measured

    def _wish(self, size: tuple[int, int]) -> QualityWish:
        share = self.region_share.value() / 100
        width, height = max(8, round(size[0] * share)), max(8, round(size[1] * share))
        x, y = round(self._centre[0] * size[0] - width / 2), round(self._centre[1] * size[1] - height / 2)
        x, y = max(0, min(x, size[0] - width)), max(0, min(y, size[1] - height))
        return QualityWish(Region(x, y, width, height), self.frame_count.value(), self.distance.distance_m)

    def _measure_again(self) -> None:
        setup, loop = self.engine.setup, self.engine.loop
        if setup is not None and loop is not None:
            loop.measure(self._wish(setup.size))

    def move_region(self, x: float, y: float) -> None:
        """Put the region's middle at an image position, px."""
        setup = self.engine.setup
        if setup is not None:
            self._centre = (x / setup.size[0], y / setup.size[1])
            self._measure_again()

    def measure_station(self) -> None:
        """Average over the next frames, then keep the numbers; pressed again, it gives up."""
        if self.engine.loop is None:
            return
        self._waiting_for_station = not self._waiting_for_station
        if self._waiting_for_station:
            self._measure_again()
        self._show_state()

    def add_station(self, reading: QualityReading) -> None:
        """Keep a reading's numbers."""
        known = reading.wish.known_distance_m
        self.stations.append(
            Station(
                dict(reading.quality),
                nan if known is None else known,
                self.studio.sources.url,
                self.engine.loop.predictor.name if self.engine.loop is not None else "",
                datetime.now().isoformat(" ", "seconds"),
            )
        )
        self._show_stations()

    def remove_station(self, number: int) -> None:
        """Drop one."""
        del self.stations[number]
        self._show_stations()

    # ---- showing

    def show_result(self, result: QualityReading) -> None:
        """Show the newest numbers and pictures."""
        self.reading = result
        self.distance.set_simulated(result.exact_distance_m)
        self.pictures.show_reading(result)
        self.table.show_quality(result.quality)
        self.facing.show_quality(result.quality)
        self.progress.setRange(0, result.wish.frames)
        self.progress.setValue(result.frames)
        if self._waiting_for_station and result.number >= result.wish.frames:
            self._waiting_for_station = False
            self.add_station(result)
        self._show_state()

    def _show_stations(self) -> None:
        self.list.set_stations(self.stations)
        self.curves.set_stations(self.stations)
        self.saving.set_stations(self.stations)

    def _show_state(self) -> None:
        loop = self.engine.loop
        if loop is not None:
            loop.held = self.studio.sources.state is SourceState.PAUSED
        words = _STATE_WORDS.get(self.engine.state, loop.predictor.name if loop is not None else "")
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self.pictures.set_placeholder(words or "Waiting for the source")
        self.measure_button.setEnabled(loop is not None)
        self.measure_button.setText("Measuring…" if self._waiting_for_station else "Measure here")
        if loop is None:
            self._waiting_for_station = False
