"""Capture: see what the source delivers, record it, and watch the recordings grow."""

from __future__ import annotations

from depthstudio.datasets.session import Session
from depthstudio.frames import StereoFrame
from depthstudio.gui.camera_settings import CameraSettings
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.capture.check_row import CheckRow
from depthstudio.gui.pages.capture.frame_grid import FrameGrid
from depthstudio.gui.pages.capture.recent_section import RecentSection
from depthstudio.gui.pages.capture.record_section import RecordSection
from depthstudio.gui.pages.capture.recording import Recording
from depthstudio.gui.pages.capture.recording_plan import RecordingPlan
from depthstudio.gui.pages.capture.view_section import ViewSection
from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.status import EmptyState

_RIG_URL = "sim://ir?scene=desk"


class CapturePage(Page):
    """The pictures of a frame, the record button, live checks, the camera's settings and the recordings made."""

    name, title, icon = "capture", "Capture", "camera"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.recording = Recording(studio, self)
        self._build_stage()
        self._build_panel()
        self._build_empty()
        studio.sources.state_changed.connect(self._show_state)
        self.shortcut("Space", self.record.toggle)
        self.shortcut("Shift+Space", self.record.toggle_pause)
        self.shortcut("S", self.record.snapshot)
        self._show_state()

    def _build_stage(self) -> None:
        self.pictures = FrameGrid()
        self.stage.addWidget(self.pictures, 1)
        self.checks = CheckRow(self.studio, self.recording)
        self.stage.addWidget(self.checks)

    def _build_panel(self) -> None:
        self.record = RecordSection(self.recording, self.studio.sources, self.pictures.cue)
        self.recording.taken.connect(self.pictures.cue.flash)
        self.camera = CameraSettings(self.studio)
        self.view = ViewSection(self.studio, self.pictures)
        self.library = LibraryActions(self.studio, self)
        self.recent = RecentSection(self.studio)
        self.recent.again.connect(self.record_again)
        self.recent.deleted.connect(lambda session: self.library.throw_away(session.folder, session.name))
        self.recording.finished.connect(self.recent.set_newest)
        for section in (self.record, self.camera, self.view, self.recent):
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
        is_first = self.pictures.is_empty
        self.pictures.show_frame(frame)
        self.checks.show_frame(frame)
        self.view.show_frame(frame, is_first)

    def on_escape(self) -> None:
        """No countdown, and back to all pictures."""
        self.record.cancel_countdown()
        self.pictures.enlarge("")

    def shut_down(self) -> None:
        """Close a running recording properly."""
        self.recording.stop_now()

    def record_again(self, session: Session) -> None:
        """Throw a recording away and record it anew, under the same name and marks."""
        if not self.studio.sources.is_streaming or self.recording.is_recording:
            why = "A recording is running." if self.recording.is_recording else "No source is streaming."
            self.studio.notify(Notice("Nothing was recorded again.", why, tone="warning"))
            return
        self.record.set_plan(RecordingPlan(session.name, session.notes, session.tags, session.role))
        self.library.throw_away(session.folder, session.name)
        self.record.toggle()

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
