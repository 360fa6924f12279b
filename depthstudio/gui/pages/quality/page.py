"""Quality: point the camera at a flat wall and read how good its depth is, the network's and SGBM's beside it."""

from __future__ import annotations

from datetime import datetime
from math import isfinite, nan
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QProgressBar, QSlider, QSpinBox

from depthstudio.evaluation.depth_quality import Region, facing_advice
from depthstudio.evaluation.quality_loop import QualityReading, QualityWish
from depthstudio.evaluation.quality_report import METHODS, Station, write_quality_csv, write_quality_pdf
from depthstudio.frames import StereoFrame
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.live.networks import NetworkChooser, NetworkItem, list_networks
from depthstudio.gui.pages.quality.distance_section import DistanceSection
from depthstudio.gui.pages.quality.engine import QualityEngine, QualitySetup
from depthstudio.gui.pages.quality.stations import StationCurves, StationsSection
from depthstudio.gui.pages.quality.table import QualityTable
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section, Segments, button, column, field, label, row
from depthstudio.gui.widgets.image_view import ImageView, Overlay
from depthstudio.gui.widgets.status import EmptyState, VerdictLabel

_POLL_MS = 30
_GOOD_TILT_DEG = 1.0
_USABLE_TILT_DEG = 5.0


class QualityPage(Page):
    """Region on the image, table of numbers, curves against distance."""

    name, title, icon = "quality", "Quality", "ruler"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.engine = QualityEngine(studio.tasks, self)
        self.stations: list[Station] = []
        self.reading: QualityReading | None = None
        self._centre = (0.5, 0.5)
        self._waiting_for_station = False
        self._closed = False
        self._networks_listed = False
        self._frame_kind: tuple[object, ...] = ()
        self._build_stage()
        self._build_panel()
        self._build_empty()
        self._polling = QTimer(self, interval=_POLL_MS)
        self._polling.timeout.connect(self._poll)
        studio.sources.state_changed.connect(self.refresh)
        studio.calibration_changed.connect(self.refresh)
        studio.library_changed.connect(self.list_networks)
        self.engine.changed.connect(self._show_state)
        self.engine.failed.connect(studio.report)

    # ---- building

    def _build_stage(self) -> None:
        self.left_view = ImageView("Left, rectified", "Waiting for the source")
        self.depth_view = ImageView("Depth", "")
        self.left_view.clicked.connect(self.move_region)
        self.depth_view.clicked.connect(self.move_region)
        self.shown = Segments(METHODS)
        self.shown.chosen.connect(lambda _: self._show_depth())
        pictures = row(self.left_view, self.depth_view)
        pictures.setStretch(0, 1)
        pictures.setStretch(1, 1)
        self.table = QualityTable()
        self.curves = StationCurves()
        numbers = row(self.table, self.curves)
        numbers.setStretch(0, 1)
        numbers.setStretch(1, 1)
        hint = label("Click a picture to move the region", "small")
        self.stage.addLayout(row(hint, 1, self.shown))
        self.stage.addLayout(pictures, 3)
        self.stage.addLayout(numbers, 4)

    def _build_panel(self) -> None:
        self.verdict = VerdictLabel()
        facing = Section("Facing the wall")
        facing.add(self.verdict)
        self.panel.add(facing)
        self.networks = NetworkChooser("Network", "Which network is measured.")
        self.networks.chosen.connect(lambda _: self.refresh())
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
        self.csv_button = button("CSV", lambda: self.ask_save("csv"), "download", tip="Save the stations as a table")
        self.pdf_button = button("PDF", lambda: self.ask_save("pdf"), "file-text", tip="Save tables and curves")
        saving = row(self.csv_button, self.pdf_button)
        saving.setStretch(0, 1)
        saving.setStretch(1, 1)
        self.panel.add_footer(column(self.progress, self.measure_button, saving))
        self.shortcut("M", self.measure_station)

    def _build_empty(self) -> None:
        sources = self.studio.sources
        wall = ("Try the simulated wall", lambda: sources.open("sim://ir?scene=wall&distance_m=1"), "box")
        self._empty = {
            "source": EmptyState(
                "ruler",
                "No source is open",
                "Point a camera at a flat, textured wall. This page measures how flat, complete, steady and true the "
                "depth of your network, of the camera itself and of SGBM is.",
                [("Open a camera", self.studio.camera_requested.emit, "camera"), wall],
            ),
            "pair": EmptyState(
                "columns-2",
                "This source has one picture only",
                "A stereo network compares a left and a right one.",
                [wall],
            ),
            "calibration": EmptyState(
                "crosshair",
                "This source needs a calibration",
                "Millimetres need the focal length and the baseline of the rectified pair.",
                [("Calibrate", lambda: self.studio.show_page("calibrate"), "grid-3x3")],
            ),
            "network": EmptyState(
                "cpu",
                "No network yet",
                "Fine-tune one on your recordings, or open the file of one.",
                [
                    ("Train a network", lambda: self.studio.show_page("train"), "graduation-cap"),
                    ("Open a file", self.networks.ask_file, "folder-open"),
                ],
            ),
        }
        self.empty_shown = ""

    # ---- life

    def on_shown(self) -> None:
        """Go on measuring."""
        self._polling.start()
        if not self._networks_listed:
            self.list_networks()
        self.refresh()

    def on_hidden(self) -> None:
        """Nobody looks: the network computes nothing."""
        self._polling.stop()
        self.refresh()

    def on_frame(self, frame: StereoFrame) -> None:
        """The loop takes frames by itself; the first one says what it needs to know."""
        kind = (self.studio.sources.capture, frame.size, frame.right is None)
        if kind != self._frame_kind:
            self._frame_kind = kind
            self.refresh()

    def shut_down(self) -> None:
        """Stop the thread; the source that closes after it starts nothing again."""
        self._closed = True
        self._polling.stop()
        self.engine.stop_now()

    def list_networks(self) -> None:
        """Look for networks in the background."""
        workspace = self.studio.workspace
        self.studio.tasks.run(lambda _: list_networks(workspace), "List networks", self._on_networks)

    def _on_networks(self, items: list[NetworkItem]) -> None:
        self._networks_listed = True
        self.networks.set_items(items)
        if self.networks.current is None and items:
            last = Path(self.studio.settings.live_network)
            self.networks.set_current(last if last.is_file() else items[0].path)
        self.refresh()

    def refresh(self) -> None:
        """Work out what is missing and what has to run."""
        if self._closed:
            return
        if not self.isVisible():
            self.engine.use(None)
            return
        self.empty_shown = self._missing()
        self.show_empty(self._empty.get(self.empty_shown))
        sources = self.studio.sources
        frame, capture, active = sources.last_frame, sources.capture, self.studio.calibration
        path = self.networks.current
        if not self.empty_shown and frame is not None and capture is not None and active is not None and path:
            self.engine.use(QualitySetup(path, capture, active.calibration, frame.size), self._wish(frame.size))
        elif sources.state is not SourceState.OPENING:
            self.engine.use(None)
        self._show_state()

    def _missing(self) -> str:
        sources = self.studio.sources
        if sources.state in (SourceState.NONE, SourceState.FAILED):
            return "source"
        frame = sources.last_frame
        if frame is None:
            return ""
        if frame.right is None:
            return "pair"
        if self.studio.calibration is None:
            return "calibration"
        return "network" if self._networks_listed and self.networks.current is None else ""

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

    # ---- saving

    def ask_save(self, kind: str) -> None:
        """Ask where, then save the stations."""
        folder = self.studio.workspace.root
        dialog = QFileDialog(self.window(), "Save depth quality", str(folder / f"depth_quality.{kind}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(kind)
        dialog.setNameFilter(f"*.{kind}")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the stations as .csv or .pdf in the background."""
        stations = list(self.stations)
        write = write_quality_pdf if path.suffix == ".pdf" else write_quality_csv
        saved = lambda _: self.studio.notify(Notice("Depth quality saved.", f"{path}", tone="good"))  # noqa: E731
        self.studio.tasks.run(lambda _: write(path, stations), "Save depth quality", saved)

    # ---- showing

    def _poll(self) -> None:
        loop = self.engine.loop
        if loop is None:
            return
        if loop.error is not None:
            self.engine.fail(loop.error)
            return
        loop.paused = self.studio.sources.state is SourceState.PAUSED
        reading = loop.take()
        if reading is not None:
            self.show_reading(reading)

    def show_reading(self, reading: QualityReading) -> None:
        """Show the newest numbers and pictures."""
        self.reading = reading
        self.distance.set_simulated(reading.exact_distance_m)
        r = reading.wish.region.within(reading.geometry.size)
        x1, y1 = r.x + r.width, r.y + r.height
        corners = np.array([(r.x, r.y), (x1, r.y), (x1, y1), (r.x, y1), (r.x, r.y)], np.float32)
        self.left_view.set_image(reading.left)
        for view in (self.left_view, self.depth_view):
            view.set_overlays([Overlay(lines=[corners], token="accent")])
        self._show_depth()
        self.table.show_quality(reading.quality)
        self._show_facing(reading)
        self.progress.setRange(0, reading.wish.frames)
        self.progress.setValue(reading.frames)
        if self._waiting_for_station and reading.number >= reading.wish.frames:
            self._waiting_for_station = False
            self.add_station(reading)
        self._show_state()

    def _show_facing(self, reading: QualityReading) -> None:
        known = [one for one in reading.quality.values() if isfinite(one.tilt_deg) and one.fill_rate > 0]
        if not known:
            self.verdict.set_verdict("No plane seen", "Point the region at a flat, textured wall.", "warning")
            return
        best = max(known, key=lambda one: (one.fill_rate, -one.subpixel_rms_px))
        advice = facing_advice(best, _GOOD_TILT_DEG)
        if not advice:
            self.verdict.set_verdict("Facing it", f"Tilt {best.tilt_deg:.1f}°.", "good")
        else:
            tone = "warning" if best.tilt_deg < _USABLE_TILT_DEG else "bad"
            self.verdict.set_verdict(f"Tilted by {best.tilt_deg:.1f}°", advice, tone)

    def _show_depth(self) -> None:
        reading = self.reading
        if reading is None:
            return
        method = self.shown.current
        disparity_px = reading.disparity_px.get(method)
        self.depth_view.set_caption(f"{METHODS[method]}, depth in m")
        if disparity_px is None:
            self.depth_view.set_map(None)
            self.depth_view.set_placeholder("This source brings no depth of its own")
            return
        distances = [one.distance_m for one in reading.quality.values() if isfinite(one.distance_m)]
        middle = float(np.median(distances)) if distances else nan
        limits = (0.9 * middle, 1.1 * middle) if isfinite(middle) else None
        self.depth_view.set_map(disparity_to_depth(disparity_px, reading.geometry), limits)

    def _show_stations(self) -> None:
        self.list.set_stations(self.stations)
        self.curves.set_stations(self.stations)
        self._show_state()

    def _show_state(self) -> None:
        loop = self.engine.loop
        words = "Loading the network…" if self.engine.loading else loop.predictor.name if loop is not None else ""
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self.left_view.set_placeholder(words or "Waiting for the source")
        self.measure_button.setEnabled(loop is not None)
        self.measure_button.setText("Measuring…" if self._waiting_for_station else "Measure here")
        for saving in (self.csv_button, self.pdf_button):
            saving.setEnabled(bool(self.stations))
        if loop is None:
            self._waiting_for_station = False
