"""The page header: title, source with its state and rate, calibration. Chosen once, valid on every page."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout

from depthstudio.cameras import SourceStatus
from depthstudio.gui.calibration_chooser import CalibrationChooser
from depthstudio.gui.errors import Notice
from depthstudio.gui.source_chooser import SourceChooser
from depthstudio.gui.sources import Rates, SourceState
from depthstudio.gui.studio import SOURCE_TOPIC, Studio
from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import icon_button, label, number_label
from depthstudio.gui.widgets.chooser import Dot

_STATE_DOTS = {
    SourceState.NONE: "text_faint",
    SourceState.OPENING: "warning",
    SourceState.STREAMING: "good",
    SourceState.PAUSED: "warning",
    SourceState.ENDED: "text_faint",
    SourceState.FAILED: "bad",
}


class Header(QFrame):
    """Title at the left; source, state and calibration at the right."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._sources = studio.sources
        mark(self, surface="header")
        self.setFixedHeight(56)
        self.title = label("", "title")
        self.source = SourceChooser(studio)
        self.dot = Dot()
        self.state = number_label("", "muted")
        self.state.setMinimumWidth(128)
        self.warning = icon_button("triangle-alert", "Warnings of the source", self._tell_warnings)
        theme().set_icon(self.warning, "triangle-alert", "warning", 16)
        self.again = icon_button("refresh-cw", "Open the source again", studio.sources.reopen)
        self.pause = icon_button("pause", "Hold the picture (P)", studio.sources.toggle_pause)
        self.calibration = CalibrationChooser(studio)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID_PX, 0, 2 * GRID_PX, 0)
        layout.setSpacing(GRID_PX)
        layout.addWidget(self.title)
        layout.addStretch(1)
        for item in (self.source, self.dot, self.state, self.warning, self.pause, self.again):
            layout.addWidget(item)
        layout.addSpacing(GRID_PX)
        layout.addWidget(self.calibration)
        studio.sources.state_changed.connect(self._show_state)
        studio.sources.rates_changed.connect(self._show_rate)
        studio.sources.opened.connect(self._tell_warnings)
        self._show_state()

    def set_title(self, text: str) -> None:
        """Name the page shown."""
        self.title.setText(text)

    def _show_state(self) -> None:
        state = self._sources.state
        self.dot.set_token(_STATE_DOTS[state])
        self.pause.setVisible(self._sources.is_streaming)
        theme().set_icon(self.pause, "play" if state is SourceState.PAUSED else "pause", "text_muted", 16)
        self.again.setVisible(state in (SourceState.ENDED, SourceState.FAILED))
        self._show_rate(self._sources.rates)

    def _show_rate(self, rates: Rates) -> None:
        state = self._sources.state
        words = state.value
        if state is SourceState.STREAMING and self._sources.last_frame is None:
            words = "waiting for frames"
        elif state is SourceState.STREAMING and rates.camera_hz > 0:
            words = f"{words} {rates.camera_hz:.1f}/s"
        if self._sources.is_awaiting_return:
            words = "awaiting its return"
        self.state.setText(words)
        self._show_status(self._sources.status)

    def _show_status(self, status: SourceStatus) -> None:
        self.warning.setVisible(bool(status.warnings) and self._sources.is_streaming)
        self.warning.setToolTip("\n".join(status.warnings))
        sync = status.sync
        self.state.setToolTip(
            f"{sync.tight} pairs tight (5 ms), {sync.normal} normal (17 ms), {sync.loose} loose, "
            f"{sync.left_unpaired} without a partner"
            if sync is not None
            else ""
        )

    def _tell_warnings(self) -> None:
        for warning in self._sources.status.warnings:
            what, stop, rest = warning.partition(". ")
            self._studio.notify(Notice(f"{what}." if stop else what, rest, tone="warning", topic=SOURCE_TOPIC))
