"""The live checks under the pictures, and what the recorder did with the frames."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QWidget

from depthstudio.cameras.frame_checks import FrameCheck, check_disk, check_frame, check_novelty, check_queue
from depthstudio.cameras.recorder import QUEUE_CAPACITY
from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.capture.recording import Recording
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import ElidedLabel, column, number_label, row
from depthstudio.gui.widgets.status import StatChip

_INTERVAL_S = 0.3
_DISK_INTERVAL_S = 3.0
# Name -> (word before the value, tooltip).
_CHIPS = {
    "fill": ("fill", "Share of pixels whose depth is measured."),
    "range": ("", "Where most of the depth lies, from near to far."),
    "sharp": ("", "How sharp the left picture is."),
    "exposure": ("", "How well the left picture is exposed."),
    "novelty": ("view", "Whether this view is recorded already."),
    "skew": ("skew", "Time between the left and the right picture."),
    "dropped": ("dropped", "Frames that the recorder lost because the disk was too slow."),
    "disk": ("disk", "Free space for recordings."),
}


class CheckRow(QWidget):
    """One chip per check, each with one sentence; below them what was refused, and the rates."""

    def __init__(self, studio: Studio, recording: Recording) -> None:
        super().__init__()
        self._studio = studio
        self._recording = recording
        self._checked_s = self._disk_checked_s = 0.0
        self.chips = {name: StatChip(word, tip) for name, (word, tip) in _CHIPS.items()}
        self.refused = ElidedLabel("", "small")
        self.rates = number_label("", "small")
        of_disk = ("dropped", "disk")
        of_frame = [chip for name, chip in self.chips.items() if name not in of_disk]
        words = row(*(self.chips[name] for name in of_disk), self.refused, self.rates, spacing=6)
        words.setStretch(len(of_disk), 1)
        self.setLayout(column(row(*of_frame, 1, spacing=6), words, spacing=6))
        self.chips["novelty"].hide()
        recording.changed.connect(self.show_recording)
        studio.sources.rates_changed.connect(lambda _: self.show_recording())

    def show_frame(self, frame: StereoFrame) -> None:
        """Judge a frame, three times a second at most."""
        now_s = time.monotonic()
        if now_s - self._checked_s < _INTERVAL_S:
            return
        self._checked_s = now_s
        found = {check.name: check for check in check_frame(frame)}
        views = self._recording.views
        if views is not None:
            found["novelty"] = check_novelty(frame, views)
        for name in ("fill", "range", "sharp", "exposure", "novelty", "skew"):
            self.chips[name].setVisible(name in found)
            if name in found:
                self._show(found[name])
        if now_s - self._disk_checked_s >= _DISK_INTERVAL_S:
            self._disk_checked_s = now_s
            self._show(check_disk(self._studio.workspace.sessions, self._recording.bytes_per_s))

    def show_recording(self) -> None:
        """Follow the recorder."""
        recording = self._recording
        self._show(check_queue(recording.waiting, QUEUE_CAPACITY, recording.dropped))
        refused = ", ".join(f"{count} {reason}" for reason, count in recording.refused.items())
        self.refused.set_full_text(f"Left out: {refused}" if refused else "")
        # The rates of camera and display stand in the status strip below, on every page.
        self.rates.setText(f"recorder {recording.rate_hz:.1f}/s" if recording.is_recording else "")

    def _show(self, check: FrameCheck) -> None:
        self.chips[check.name].set_value(check.value, check.tone, check.sentence)
