"""The record button, how the recording goes, its name, and the snapshot."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from depthstudio.gui.pages.capture.recording import Recording
from depthstudio.gui.sources import SourceController, SourceState
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import Section, button, column, label, number_label, row
from depthstudio.gui.widgets.record_button import RecordButton


class RecordSection(Section):
    """State is read from the recording and the source, never kept here."""

    def __init__(self, recording: Recording, sources: SourceController) -> None:
        super().__init__("Record")
        self._recording = recording
        self._sources = sources
        self.button = RecordButton()
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the recording")
        self.name.setAccessibleName("Name of the recording")
        self.snapshot_button = button("Snapshot", self.snapshot, "aperture", tip="Save the newest frame alone (S)")
        self._state = label("", "section")
        self._numbers = number_label("", "muted")
        texts = column(1, self._state, self._numbers, 1, spacing=2)
        self.add(row(self.button, texts, 1, spacing=2 * GRID_PX))
        self.add(self.name)
        self.add(self.snapshot_button)
        self.button.clicked.connect(self.toggle)
        recording.changed.connect(self.show_state)
        sources.state_changed.connect(self.show_state)
        self.show_state()

    def toggle(self) -> None:
        """Start or stop recording."""
        self._recording.toggle(self.name.text())

    def snapshot(self) -> None:
        """Save the newest frame alone."""
        frame = self._sources.last_frame
        if frame is not None:
            self._recording.snapshot(frame)

    def show_state(self) -> None:
        """Follow the recording and the source."""
        recording = self._recording
        ready = self._sources.is_streaming and self._sources.last_frame is not None and not recording.is_busy
        self.button.set_recording(recording.is_recording)
        self.button.setEnabled(ready or recording.is_recording)
        self.snapshot_button.setEnabled(ready)
        self.name.setEnabled(not recording.is_recording)
        mark(self._state, tone="bad" if recording.is_recording else "")
        if recording.is_recording:
            self._state.setText("Recording")
            self._numbers.setText(f"{recording.recorded} frames\n{recording.megabytes:.0f} MB")
        else:
            self._state.setText("Saving…" if recording.is_busy else "Ready" if ready else self._why_not())
            self._numbers.setText("Space starts and stops" if ready else "")

    def _why_not(self) -> str:
        ended = self._sources.state in (SourceState.ENDED, SourceState.FAILED)
        return "The source has ended" if ended else "Waiting for frames"
