"""Capture: see what the source delivers, record it, and watch the recordings grow."""

from __future__ import annotations

import time
from concurrent.futures import Future

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.capture.frame_grid import FrameGrid
from depthstudio.gui.pages.capture.live_checks import check_frame
from depthstudio.gui.pages.capture.recent_section import RecentSection
from depthstudio.gui.pages.capture.record_section import RecordSection
from depthstudio.gui.pages.capture.recording import Recording
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section, row
from depthstudio.gui.widgets.controls_form import ControlsForm
from depthstudio.gui.widgets.status import EmptyState, StatChip

_CHECK_INTERVAL_S = 0.3
_RIG_URL = "sim://ir?scene=desk"


class CapturePage(Page):
    """The pictures of a frame, the record button, live checks, the camera's settings and the recordings made."""

    name, title, icon = "capture", "Capture", "camera"
    control_answered = Signal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.recording = Recording(studio, self)
        self._checked_s = 0.0
        self._build_stage()
        self._build_panel()
        self._build_empty()
        studio.sources.state_changed.connect(self._show_state)
        studio.sources.opened.connect(self._show_controls)
        self.control_answered.connect(self._on_control_answered)
        self.shortcut("Space", self._on_space)
        self.shortcut("S", self.record.snapshot)
        self._show_controls()
        self._show_state()

    def _build_stage(self) -> None:
        self.pictures = FrameGrid()
        self.chips = {
            "fill": StatChip("fill", "Share of pixels whose depth is measured."),
            "sharp": StatChip("", "How sharp the left picture is."),
            "exposure": StatChip("", "How well the left picture is exposed."),
            "skew": StatChip("skew", "Time between the left and the right picture."),
            "dropped": StatChip("dropped", "Frames that the recorder lost because the disk was too slow."),
        }
        self.stage.addWidget(self.pictures, 1)
        self.checks = QWidget()
        self.checks.setLayout(row(*self.chips.values(), 1))
        self.stage.addWidget(self.checks)

    def _build_panel(self) -> None:
        self.record = RecordSection(self.recording, self.studio.sources)
        self.controls_section = Section("Camera", foldable=True, folded=True)
        self.controls = ControlsForm()
        self.controls.changed.connect(self._set_control)
        self.controls_section.add(self.controls)
        self.recent = RecentSection(self.studio)
        for section in (self.record, self.controls_section, self.recent):
            self.panel.add(section)

    def _build_empty(self) -> None:
        sources = self.studio.sources
        self.welcome = EmptyState(
            "video",
            "No source is open",
            "1. Open a camera, a recording or the simulated rig.\n"
            "2. Record a few scenes and fine-tune a network on them.\n"
            "3. Watch its depth live beside the camera's.",
            [
                ("Open a camera", self.studio.camera_requested.emit, "camera"),
                ("Try the simulated rig", lambda: sources.open(_RIG_URL), "box"),
                ("Open a recording", self.studio.recording_requested.emit, "folder-open"),
            ],
        )
        self.failed = EmptyState(
            "video-off",
            "The source did not open",
            "The message above says why.",
            [
                ("Try again", sources.reopen, "refresh-cw"),
                ("Try the simulated rig", lambda: sources.open(_RIG_URL), "box"),
            ],
        )

    def on_frame(self, frame: StereoFrame) -> None:
        """Show the newest frame."""
        self.pictures.show_frame(frame)
        now_s = time.monotonic()
        if now_s - self._checked_s >= _CHECK_INTERVAL_S:
            self._checked_s = now_s
            self._show_checks(frame)

    def on_escape(self) -> None:
        """Back to all pictures."""
        self.pictures.enlarge("")

    def shut_down(self) -> None:
        """Close a running recording properly."""
        self.recording.stop_now()

    def _on_space(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QPushButton):
            focused.click()  # whoever moves by keyboard means the button
        else:
            self.record.toggle()

    def _show_checks(self, frame: StereoFrame) -> None:
        checks = {check.name: check for check in check_frame(frame)}
        for name in ("fill", "sharp", "exposure", "skew"):
            self.chips[name].setVisible(name in checks)
            if name in checks:
                self.chips[name].set_value(checks[name].value, checks[name].tone, checks[name].sentence)
        dropped = self.recording.dropped
        self.chips["dropped"].set_value(str(dropped), "bad" if dropped else "good")

    def _show_state(self) -> None:
        state, frame = self.studio.sources.state, self.studio.sources.last_frame
        if state is SourceState.NONE:
            self.show_empty(self.welcome)
        elif state is SourceState.FAILED and frame is None:
            self.show_empty(self.failed)
        else:
            self.show_empty(None)
        self.checks.setVisible(frame is not None)
        if frame is None:
            self.pictures.clear("Opening…" if state is SourceState.OPENING else "Waiting for the first frame…")

    def _show_controls(self) -> None:
        controls = self.studio.sources.controls
        self.controls.set_controls(controls)
        self.controls_section.setVisible(bool(controls))

    def _set_control(self, name: str, value: float) -> None:
        capture = self.studio.sources.capture
        if capture is None:
            return

        def answered(future: Future[None]) -> None:  # on the capture thread; the signal brings it here
            self.control_answered.emit(future.exception())

        capture.set_control(name, value).add_done_callback(answered)

    def _on_control_answered(self, refusal: BaseException | None) -> None:
        if refusal is not None:
            self.studio.report(refusal)
            self._show_controls()
