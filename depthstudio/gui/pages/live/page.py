"""Live: what the camera sees and, beside it, the depth of a network in the same moment."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QTimer

from depthstudio.errors import CalibrationError
from depthstudio.gui.loop_engine import EngineState
from depthstudio.gui.network_chooser import NetworkItem
from depthstudio.gui.pages.live.display_form import DisplayForm
from depthstudio.gui.pages.live.empty import empty_states, missing_from
from depthstudio.gui.pages.live.engine import LiveEngine, NetworkUse, Setup
from depthstudio.gui.pages.live.measure import LOOK, REGION, MeasureSection
from depthstudio.gui.pages.live.network_section import NetworkSection
from depthstudio.gui.pages.live.options import ComputingForm, StepsForm
from depthstudio.gui.pages.live.saving import ResultSaver
from depthstudio.gui.pages.live.speed import SpeedTable
from depthstudio.gui.pages.live.views import LiveViews
from depthstudio.gui.pages.loop_page import LoopPage
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import Section, button, row

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

_POLL_MS = 10
_NUMBERS_MS = 500
_MEASURE_MS = 200


class LivePage(LoopPage):
    """Wires source, calibration and network into the engine, and its results into the views."""

    name, title, icon = "live", "Live", "eye"
    answers: ClassVar = {"preview_requested": "preview"}

    def __init__(self, studio: Studio) -> None:
        self.engine = LiveEngine(studio.tasks)
        super().__init__(studio, self.engine, _POLL_MS)
        self.views = LiveViews()
        self.stage.addWidget(self.views, 1)
        self.empty_shown = ""
        self._rectified_url = ""
        self._misfit = self._steps_on = False
        self._calibration_id = ""
        self._build_panel()
        self.empty = empty_states(studio, self.networks.first.ask_file, self.treat_as_rectified)
        self._counting = QTimer(self, interval=_NUMBERS_MS)
        self._counting.timeout.connect(self._show_numbers)
        self._measuring = QTimer(self, interval=_MEASURE_MS, singleShot=True)
        self._measuring.timeout.connect(self._measure)
        self._connect()

    # ---- building

    def _build_panel(self) -> None:
        self.networks = NetworkSection(self.studio)
        self.display_form = DisplayForm(self.views)
        self.measure = MeasureSection()
        self.steps = StepsForm()
        self.speed = SpeedTable()
        speed = Section("Speed")
        speed.add(self.speed)
        self.computing = ComputingForm(self.studio.settings)
        for part in (self.networks, self.display_form, self.measure, speed, self.steps, self.computing):
            self.panel.add(part)
        self.saver = ResultSaver(self.studio, self.engine, self.views, self._about)
        pause = self.studio.sources.toggle_pause
        self.pause_button = button("Pause", pause, "pause", tip="Hold this frame for a closer look (P)")
        self.snapshot_button = button(
            "Snapshot", self.saver.snapshot, "aperture", tip="Save picture, disparity, depth and settings as files (S)"
        )
        line = row(self.pause_button, self.snapshot_button)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        self.panel.add_footer(line)

    def _connect(self) -> None:
        studio = self.studio
        studio.sources.state_changed.connect(self._on_source)
        studio.sources.rates_changed.connect(self.speed.set_camera)
        studio.calibration_changed.connect(self._on_calibration)
        self.networks.chosen.connect(self.choose_network)
        self.networks.second_chosen.connect(self.choose_second)
        self.networks.reload_requested.connect(self.reload)
        self.networks.speed_hint.half_chosen.connect(self.computing.choose_half_resolution)
        self.computing.changed.connect(self.refresh)
        self.engine.changed.connect(self._show_state)
        self.engine.failed.connect(self._on_failed)
        self.views.wanted_changed.connect(self._tell_loop)
        self.views.clicked.connect(self.measure.click)
        self.views.selected.connect(self.measure.select)
        self.views.cloud.export_requested.connect(self.saver.cloud)
        self.measure.changed.connect(self._measure)
        self.steps.changed.connect(self._on_steps)
        self.views.displayed.connect(self._on_displayed)
        self.shortcut("S", self.saver.snapshot)

    # ---- life

    def on_shown(self) -> None:
        """Go on predicting."""
        self._counting.start()
        super().on_shown()

    def on_hidden(self) -> None:
        """A network that nobody looks at computes nothing."""
        super().on_hidden()
        self._counting.stop()
        self._tell_loop()

    def on_escape(self) -> None:
        """Put the tool away; then back to all pictures."""
        if not self.measure.put_away():
            self.views.enlarge(None)

    def shut_down(self) -> None:
        """See LoopPage."""
        self._counting.stop()
        super().shut_down()

    def refresh(self) -> None:
        """Work out from what there is whether something is missing and what the engine has to run."""
        if not self.isVisible():
            return
        sources = self.studio.sources
        rectified = self._rectified_url != "" and self._rectified_url == sources.url
        path = self.networks.current
        missing = missing_from(self.studio, rectified, path is not None or not self.networks_listed, self._misfit)
        self.empty_shown = missing.value if missing is not None else ""
        self.show_empty(self.empty[missing] if missing is not None else None)
        frame, capture = sources.last_frame, sources.capture
        if missing is None and path is not None and frame is not None and capture is not None:
            active = self.studio.calibration
            calibration = active.calibration if active else None
            second = None if self.networks.second.current is None else self._use(self.networks.second.current)
            self.engine.use(Setup(self._use(path), capture, calibration, frame.size, second, first=frame))
        elif not (missing is None and sources.state is SourceState.OPENING):
            self.engine.use(None)
        self._show_state()

    def _use(self, path: Path) -> NetworkUse:
        form = self.computing
        return NetworkUse(path, form.threads, form.max_disparity, form.backend, form.half_resolution)

    # ---- what the user does

    def choose_network(self, path: Path) -> None:
        """Use this network, and remember it."""
        self.networks.choose(path)
        self.engine.forget()
        self.refresh()

    def choose_second(self, path: Path | None) -> None:
        """Compare with this network, or with none."""
        self.networks.choose_second(path)
        shown = "second" in self.views.kinds
        if path is not None and not shown and self.views.layout_name in ("two", "four"):
            self.views.replace("left" if self.views.layout_name == "two" else "camera", "second")
        elif path is None and shown:
            self.views.replace("second", "left")
        self.refresh()

    def preview(self, what: object) -> None:
        """A run's folder, or a network's file, that somebody wants to see."""
        path = Path(str(what))
        self.choose_network(path / "best.safetensors" if path.is_dir() else path)
        self.list_networks()

    def reload(self) -> None:
        """Read the network's file again: a running training may have a better one."""
        self.engine.drop_network()
        self.refresh()

    def treat_as_rectified(self) -> None:
        """The user says that this source's pictures are rectified. Depth in metres stays unknown."""
        self._rectified_url = self.studio.sources.url
        self.refresh()

    def _about(self) -> dict[str, object]:
        return {
            "network_file": str(self.networks.current or ""),
            "second_network_file": str(self.networks.second.current or ""),
            "half_resolution": self.computing.half_resolution,
        }

    # ---- what happens

    def _on_source(self) -> None:
        if self.studio.sources.state is SourceState.OPENING:
            self._misfit = False
            self.views.show_result(None)
            self.views.cloud.forget()
        self._tell_loop()
        self.refresh()

    def _on_calibration(self) -> None:
        active = self.studio.calibration
        now = active.calibration.id if active is not None else ""
        if now == self._calibration_id:
            return  # said with every change of the source's state
        self._calibration_id = now
        if self.engine.state is EngineState.FAILED:
            self.engine.forget()
        self._misfit = False
        self.refresh()

    def _on_failed(self, error: BaseException) -> None:
        self._misfit = isinstance(error, CalibrationError)
        self.studio.report(error, self.name)
        self.refresh()

    def _on_steps(self) -> None:
        """Views of the network show what the steps make of it once there are any, and the network without.

        Only then: who has both beside each other compares them while the steps change.
        """
        on = self.steps.settings.any
        if on != self._steps_on:
            self._steps_on = on
            self.views.replace(*(("network", "processed") if on else ("processed", "network")))
        self._tell_loop()

    def _measure(self) -> None:
        self.views.set_selecting(self.measure.tool == REGION)
        self.measure.update_numbers(self.views.result.whole if self.views.result is not None else None)
        self.views.set_marks(self.measure.marks())

    def _tell_loop(self) -> None:
        loop = self.engine.loop
        if loop is not None:
            loop.wanted = self.views.wanted
            loop.steps = self.steps.settings
            loop.held = not self.isVisible() or self._holds_the_picture

    @property
    def _holds_the_picture(self) -> bool:
        """A live camera goes on while its picture is held. A paused recording sends only what it is stepped to."""
        sources = self.studio.sources
        return sources.state is SourceState.PAUSED and sources.playback is None

    def _on_displayed(self, result: LiveResult, ms: float) -> None:
        if self.engine.loop is not None:
            self.engine.loop.displayed(result, ms)

    # ---- showing

    def show_networks(self, items: list[NetworkItem]) -> None:
        """See LoopPage."""
        self.networks.set_items(items)

    def show_result(self, result: LiveResult) -> None:
        """Show it, and measure in it."""
        self.views.show_result(result)
        if self.measure.tool != LOOK and not self._measuring.isActive():
            self._measuring.start()

    def _show_state(self) -> None:
        state = self.engine.state
        self._tell_loop()
        sources = self.studio.sources
        loop = self.engine.loop
        words = self.networks.show_state(state, loop)
        if state is not EngineState.RUNNING:
            self.views.show_result(None)
        opening = sources.state is SourceState.OPENING
        self.views.set_placeholder("Opening…" if opening else "Predicting…" if loop is not None else words)
        paused = sources.state is SourceState.PAUSED
        self.pause_button.setText("Go on" if paused else "Pause")
        theme().set_icon(self.pause_button, "play" if paused else "pause", "text_muted", 16)
        self.pause_button.setEnabled(sources.is_streaming)
        self.snapshot_button.setEnabled(loop is not None)

    def _show_numbers(self) -> None:
        loop = self.engine.loop
        statistics = loop.statistics() if loop is not None else None
        self.speed.set_statistics(statistics)
        self.networks.speed_hint.show_rates(
            self.studio.sources.rates.camera_hz,
            statistics.inference.p50_ms if statistics is not None else nan,
            self.computing.half_resolution,
        )
        self.steps.show_done(self.views.result)
