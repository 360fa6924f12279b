"""Capture: see what the source delivers, record it, and watch the recording grow."""

from __future__ import annotations

import time
from concurrent.futures import Future

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QLineEdit, QPushButton

from depthstudio.datasets.session import Session, list_sessions
from depthstudio.frames import StereoFrame
from depthstudio.gui.live_checks import check_frame
from depthstudio.gui.pages.base import Page
from depthstudio.gui.recording import Recording
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import Section, button, column, label, number_label, row
from depthstudio.gui.widgets.cards import CardList, MediaCard
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.controls_form import ControlsForm
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.record_button import RecordButton
from depthstudio.gui.widgets.status import EmptyState, StatChip

_CHECK_INTERVAL_S = 0.3
_RECENT_RECORDINGS = 12
_VIEW_NAMES = {"left": "Left", "right": "Right", "depth": "Depth", "color": "Colour"}


class CapturePage(Page):
    """The four pictures of a frame, the record button, live checks and the recordings made."""

    name, title, icon = "capture", "Capture", "camera"
    control_refused = Signal(object)
    control_done = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.recording = Recording(studio, self)
        self._large = ""
        self._present: tuple[str, ...] = ("left", "right", "depth")
        self._checked_s = 0.0
        self._recent: list[Session] = []
        self._build_stage()
        self._build_panel()
        self._build_empty()
        self._connect()
        self._arrange()
        self._show_state()
        self.reload_recordings()

    # ---- building

    def _build_stage(self) -> None:
        self.views = {key: ImageView(text) for key, text in _VIEW_NAMES.items()}
        self.color_bar = ColorBar("m", 0.001, 2)
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID_PX)
        pictures = row(self._grid, self.color_bar, spacing=GRID_PX)
        pictures.setStretch(0, 1)
        self.stage.addLayout(pictures, 1)
        self.chips = {
            "fill": StatChip("fill", "Share of pixels whose depth is measured."),
            "sharp": StatChip("", "How sharp the left picture is."),
            "exposure": StatChip("", "How well the left picture is exposed."),
            "skew": StatChip("skew", "Time between the left and the right picture."),
            "dropped": StatChip("dropped", "Frames that the recorder lost because the disk was too slow."),
        }
        self.stage.addLayout(row(*self.chips.values(), 1))
        for key, view in self.views.items():
            view.double_clicked.connect(lambda key=key: self._enlarge(key))
            view.hovered.connect(lambda x, y, value, key=key: self._show_hover(key, x, y, value))
        self.views["depth"].range_changed.connect(self.color_bar.set_range)

    def _build_panel(self) -> None:
        self.record_button = RecordButton()
        self.record_state = label("Record", "section")
        self.record_numbers = number_label("", "muted")
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText("Name of the recording")
        self.name_field.setAccessibleName("Name of the recording")
        self.snapshot_button: QPushButton = button(
            "Snapshot", self.snapshot, "aperture", tip="Save the newest frame alone (S)"
        )
        record = Section("Record")
        texts = column(1, self.record_state, self.record_numbers, 1, spacing=2)
        record.add(row(self.record_button, texts, 1, spacing=2 * GRID_PX))
        record.add(self.name_field)
        record.add(self.snapshot_button)
        self.panel.add(record)
        self.controls_section = Section("Camera", foldable=True, folded=True)
        self.controls = ControlsForm()
        self.controls_section.add(self.controls)
        self.panel.add(self.controls_section)
        self.list_section = Section("Recordings")
        self.list_section.heading_row.addWidget(
            button("All", lambda: self.studio.show_page("dataset"), kind="link", tip="Open the Dataset page")
        )
        self._no_recordings = label("What you record appears here.", "muted", wrap=True)
        self.list_section.add(self._no_recordings)
        self.cards = CardList()
        self.list_section.add(self.cards)
        self.panel.add(self.list_section)

    def _build_empty(self) -> None:
        sources = self.studio.sources
        self.welcome = EmptyState(
            "video",
            "No source is open",
            "1. Open a camera, a recording or the simulated rig.\n"
            "2. Record a few scenes, fine-tune a network on them.\n"
            "3. Watch its depth live beside the camera's.",
            [
                ("Open a camera", self._open_first_camera, "camera"),
                ("Try the simulated rig", lambda: sources.open("sim://ir?scene=desk"), "box"),
                ("Open a recording", self._ask_recording, "folder-open"),
            ],
        )
        self.failed = EmptyState(
            "video-off",
            "The source did not open",
            "The message above says why.",
            [
                ("Try again", sources.reopen, "refresh-cw"),
                ("Try the simulated rig", lambda: sources.open("sim://ir?scene=desk"), "box"),
            ],
        )

    def _connect(self) -> None:
        sources = self.studio.sources
        sources.state_changed.connect(self._show_state)
        sources.opened.connect(self._show_controls)
        self.studio.library_changed.connect(self.reload_recordings)
        self.recording.changed.connect(self._show_recording)
        self.record_button.clicked.connect(self.toggle_recording)
        self.controls.changed.connect(self._set_control)
        self.control_refused.connect(self.studio.report)
        self.control_refused.connect(self._show_controls)
        self.control_done.connect(self._show_controls)
        self.shortcut("Space", self._on_space)
        self.shortcut("S", self.snapshot)

    # ---- the pictures

    def on_frame(self, frame: StereoFrame) -> None:
        """Show the newest frame."""
        present = tuple(
            key
            for key, image in (
                ("left", frame.left),
                ("right", frame.right),
                ("depth", frame.depth_mm),
                ("color", frame.color),
            )
            if image is not None
        )
        if present != self._present:
            self._present = present
            self._arrange()
        for key, image in (("left", frame.left), ("right", frame.right), ("color", frame.color)):
            if image is not None and self.views[key].isVisible():
                self.views[key].set_image(image)
        if frame.depth_mm is not None and self.views["depth"].isVisible():
            self.views["depth"].set_map(frame.depth_mm)
        now_s = time.monotonic()
        if now_s - self._checked_s >= _CHECK_INTERVAL_S:
            self._checked_s = now_s
            self._show_checks(frame)

    def on_escape(self) -> None:
        """Back to all pictures."""
        self._enlarge("")

    def shut_down(self) -> None:
        """Close a running recording properly."""
        self.recording.stop_now()

    def _arrange(self) -> None:
        """Left and right on top, depth and colour below; or one alone."""
        for tile in self.views.values():
            self._grid.removeWidget(tile)
            tile.hide()
        shown = [self._large] if self._large in self._present else [key for key in _VIEW_NAMES if key in self._present]
        for row_index in range(2):
            line = shown[2 * row_index : 2 * row_index + 2]
            self._grid.setRowStretch(row_index, 1 if line else 0)
            for column_index, key in enumerate(line):
                span = 2 if len(line) == 1 else 1
                self._grid.addWidget(self.views[key], row_index, column_index, 1, span)
                self.views[key].show()
        self.color_bar.setVisible("depth" in shown)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1 if len(shown) > 1 else 0)

    def _enlarge(self, key: str) -> None:
        self._large = "" if self._large == key else key
        self._arrange()
        if self.studio.sources.last_frame is not None:
            self.on_frame(self.studio.sources.last_frame)

    def _show_hover(self, key: str, x: int, y: int, value: object) -> None:
        view = self.views[key]
        if value is None:
            view.set_readout("")
        elif key == "depth":
            assert isinstance(value, int)
            view.set_readout(f"x {x}  y {y}  " + (f"{value / 1000:.3f} m" if value else "no depth"))
        else:
            words = " ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
            view.set_readout(f"x {x}  y {y}  {words}")
        if key == "depth":
            self.color_bar.set_mark(float(value) if isinstance(value, int) and value else None)

    def _show_checks(self, frame: StereoFrame) -> None:
        checks = {check.name: check for check in check_frame(frame)}
        for name in ("fill", "sharp", "exposure", "skew"):
            self.chips[name].setVisible(name in checks)
            if name in checks:
                self.chips[name].set_value(checks[name].value, checks[name].tone, checks[name].sentence)
        dropped = self.recording.dropped
        self.chips["dropped"].set_value(str(dropped), "bad" if dropped else "good")

    # ---- state

    def _show_state(self) -> None:
        state = self.studio.sources.state
        if state is SourceState.NONE:
            self.show_empty(self.welcome)
        elif state is SourceState.FAILED and self.studio.sources.last_frame is None:
            self.show_empty(self.failed)
        else:
            self.show_empty(None)
        if self.studio.sources.last_frame is None:
            for view in self.views.values():
                view.set_placeholder("Opening…" if state is SourceState.OPENING else "Waiting for the first frame…")
                view.set_image(None)
        self._show_recording()

    def _show_recording(self) -> None:
        recording = self.recording
        can_record = self.studio.sources.is_streaming and not recording.is_busy
        self.record_button.set_recording(recording.is_recording)
        self.record_button.setEnabled(can_record or recording.is_recording)
        self.snapshot_button.setEnabled(can_record)
        self.name_field.setEnabled(not recording.is_recording)
        if recording.is_recording:
            mark(self.record_state, tone="bad")
            self.record_state.setText("Recording")
            self.record_numbers.setText(f"{recording.recorded} frames\n{recording.megabytes:.0f} MB")
        else:
            mark(self.record_state, tone="")
            ended = self.studio.sources.state in (SourceState.ENDED, SourceState.FAILED)
            waiting = "The source has ended" if ended else "Waiting for frames"
            self.record_state.setText("Saving…" if recording.is_busy else "Ready" if can_record else waiting)
            self.record_numbers.setText("Space starts and stops" if can_record else "")

    def _show_controls(self, *_: object) -> None:
        controls = self.studio.sources.controls
        self.controls.set_controls(controls)
        self.controls_section.setVisible(bool(controls))

    def _set_control(self, name: str, value: float) -> None:
        capture = self.studio.sources.capture
        if capture is None:
            return

        def answered(future: Future[None]) -> None:  # on the capture thread
            error = future.exception()
            if error is not None:
                self.control_refused.emit(error)

        capture.set_control(name, value).add_done_callback(answered)

    # ---- actions

    def toggle_recording(self) -> None:
        """Start or stop recording."""
        self.recording.toggle(self.name_field.text())

    def snapshot(self) -> None:
        """Save the newest frame alone."""
        frame = self.studio.sources.last_frame
        if frame is not None:
            self.recording.snapshot(frame)

    def _on_space(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QPushButton) and focused is not self.record_button:
            focused.click()
        else:
            self.toggle_recording()

    def _open_first_camera(self) -> None:
        self.studio.camera_requested.emit()

    def _ask_recording(self) -> None:
        self.studio.recording_requested.emit()

    # ---- recordings

    def reload_recordings(self) -> None:
        """Read the recordings of the workspace in the background."""
        folder = self.studio.workspace.sessions

        def read(_: TaskContext) -> list[tuple[Session, object]]:
            recent = sorted(list_sessions(folder), key=lambda session: session.created, reverse=True)
            return [(session, session.thumbnail()) for session in recent[:_RECENT_RECORDINGS]]

        self.studio.tasks.run(read, "List recordings", self._show_recordings)

    def _show_recordings(self, found: list) -> None:
        self._no_recordings.setVisible(not found)
        self.cards.set_cards([self._card(session, thumbnail) for session, thumbnail in found])

    def _card(self, session: Session, thumbnail: object) -> MediaCard:
        when = session.created[:16].replace("T", " ")
        card = MediaCard(session.name, (f"{session.frame_count} frames", when), thumbnail)  # type: ignore[arg-type]
        card.activated.connect(lambda: self.studio.sources.open(f"session://{session.folder}"))
        card.setToolTip("Double click plays it")
        card.setCursor(Qt.CursorShape.PointingHandCursor)
        card.set_menu(
            [
                ("Play", lambda: self.studio.sources.open(f"session://{session.folder}")),
                ("Show in Dataset", lambda: self.studio.show_page("dataset")),
            ]
        )
        return card
