"""The record button, what is recorded and how it goes, the recording's name and marks, and the snapshot."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from depthstudio.cameras.recording_modes import Mode, objection
from depthstudio.gui.pages.capture.cue import Cue
from depthstudio.gui.pages.capture.mode_form import ModeForm
from depthstudio.gui.pages.capture.recording import Recording
from depthstudio.gui.pages.capture.recording_plan import RecordingPlan
from depthstudio.gui.sources import SourceController, SourceState
from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import Section, Segments, button, column, label, number_label, row
from depthstudio.gui.widgets.record_button import RecordButton

_ROLES = {"": "Automatic", "train": "Training", "validation": "Validation"}


class RecordSection(Section):
    """State is read from the recording and the source, never kept here."""

    def __init__(self, recording: Recording, sources: SourceController, cue: Cue) -> None:
        super().__init__("Record")
        self._recording = recording
        self._sources = sources
        self._cue = cue
        self.button = RecordButton()
        self.form = ModeForm()
        self._build_fields()
        self.pause_button = button(
            "Pause", self.toggle_pause, "pause", tip="Leave frames out for a while (Shift+Space)"
        )
        self.snapshot_button = button("Snapshot", self.snapshot, "aperture", tip="Save the newest frame alone (S)")
        self._state = label("", "section")
        self._numbers = number_label("", "muted")
        self._hint = label("", "instruction", wrap=True)
        texts = column(1, self._state, self._numbers, 1, spacing=2)
        self.add(row(self.button, texts, 1, spacing=2 * GRID_PX))
        self.add(self._hint)
        self.add(self.form)
        self.add(self.form.help)
        self.add(row(self.pause_button, self.snapshot_button))
        self.add(self.name)
        self.add(self.about)
        self.button.clicked.connect(self.toggle)
        cue.counted_down.connect(self._start)
        self.form.sound.toggled.connect(lambda on: setattr(cue, "sounds", on))
        recording.changed.connect(self.show_state)
        sources.state_changed.connect(self.show_state)
        sources.opened.connect(self._show_objections)
        self.form.changed.connect(self.show_state)
        self.show_state()

    def _build_fields(self) -> None:
        self.name, self.tags, self.notes = QLineEdit(), QLineEdit(), QLineEdit()
        words = ("Name of the recording", "Tags, separated by commas", "Notes")
        for editor, text in zip((self.name, self.tags, self.notes), words, strict=True):
            editor.setPlaceholderText(text)
            editor.setAccessibleName(text)
        self.role = Segments(_ROLES)
        self.role.setToolTip("Automatic: trains, and the last recordings validate when none is marked for it.")
        self.about = Section("Tags, notes, use", foldable=True, folded=True)
        for item in (self.role, self.tags, self.notes):
            self.about.add(item)

    @property
    def plan(self) -> RecordingPlan:
        """What the fields say."""
        tags = tuple(tag.strip() for tag in self.tags.text().split(",") if tag.strip())
        return RecordingPlan(self.name.text(), self.notes.text(), tags, self.role.current, self.form.chosen)

    def set_plan(self, plan: RecordingPlan) -> None:
        """Fill the fields, for recording something again."""
        self.name.setText(plan.name)
        self.notes.setText(plan.notes)
        self.tags.setText(", ".join(plan.tags))
        self.role.set_current(plan.role if plan.role in _ROLES else "")

    def toggle(self) -> None:
        """Start, after the countdown, or stop."""
        if self._cue.seconds_left:
            self._cue.count_down(0)
            self.show_state()
        elif self._recording.is_recording:
            self._recording.stop()
        elif self._has_ended:
            self._recording.copy(self._sources.url, self.plan)
        elif self.form.countdown_s and self._sources.is_streaming and not self._recording.is_busy:
            self._cue.count_down(self.form.countdown_s)
            self.show_state()
        else:
            self._start()

    def toggle_pause(self) -> None:
        """Leave frames out, or go on."""
        self._recording.set_paused(not self._recording.is_paused)

    def snapshot(self) -> None:
        """Save the newest frame alone."""
        frame = self._sources.last_frame
        if frame is not None:
            self._recording.snapshot(frame)

    def cancel_countdown(self) -> None:
        """Do not record after all."""
        if self._cue.seconds_left:
            self._cue.count_down(0)
            self.show_state()

    def show_state(self) -> None:
        """Follow the recording and the source."""
        recording = self._recording
        streaming = self._sources.is_streaming and self._sources.last_frame is not None
        ready = streaming and not recording.is_busy
        again = self._has_ended and not recording.is_busy
        self.button.set_recording(recording.is_recording or self._cue.seconds_left > 0)
        self.button.setEnabled(ready or again or recording.is_recording)
        self.snapshot_button.setEnabled(ready)
        self.pause_button.setEnabled(recording.is_recording)
        self.pause_button.setText("Go on" if recording.is_paused else "Pause")
        theme().set_icon(self.pause_button, "play" if recording.is_paused else "pause", "text_muted", 16)
        for editor in (self.name, self.tags, self.notes, self.role, self.form):
            editor.setEnabled(not recording.is_recording)
        mark(self._state, tone="bad" if recording.is_recording and not recording.is_paused else "")
        self._show_words(ready, again)
        self._hint.setText(recording.hint)
        self._hint.setVisible(bool(recording.hint))

    def _show_words(self, ready: bool, again: bool) -> None:
        recording = self._recording
        if self._cue.seconds_left:
            self._state.setText("Get ready…")
            self._numbers.setText("Space stops the countdown")
        elif recording.is_recording:
            self._state.setText("Paused" if recording.is_paused else "Recording")
            frames = f"{recording.recorded} {'frame' if recording.recorded == 1 else 'frames'}"
            self._numbers.setText(f"{frames}\n{recording.megabytes:.0f} MB")
        elif recording.is_busy:
            self._state.setText("Saving…")
            self._numbers.setText("")
        elif again:
            self._state.setText("Played to its end")
            self._numbers.setText("Space records it from\nits first frame on")
        else:
            self._state.setText("Ready" if ready else self._why_not())
            self._numbers.setText("Space starts and stops" if ready else "")

    @property
    def _has_ended(self) -> bool:
        return self._sources.state is SourceState.ENDED

    def _start(self) -> None:
        self._recording.start(self.plan)

    def _show_objections(self) -> None:
        source, controls = self._sources.source, self._sources.controls
        if source is not None:
            self.form.set_objections({mode: objection(mode, source, controls) for mode in Mode})

    def _why_not(self) -> str:
        return "The source failed" if self._sources.state is SourceState.FAILED else "Waiting for frames"
