"""The camera's own calibration: on-chip and tare, tried out first, written to flash only after a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QDoubleSpinBox

from depthstudio.cameras.realsense_self_calibration import (
    TARE_RANGE_MM,
    Kind,
    SelfCalibrated,
    SelfCalibration,
    why_unavailable_now,
)
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.widgets.basics import Section, button, field, label, row
from depthstudio.gui.widgets.sheet import QuestionSheet


class SelfCalibrationSection(Section):
    """Greyed with the reason where the source cannot. The camera is closed meanwhile and opened again after."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("Camera's own calibration")
        self._studio = studio
        self._calibration: SelfCalibration | None = None
        self._url = ""
        self._busy = False
        self._reopened_after = ""
        self.target = field(QDoubleSpinBox(), "Distance to the target", "Measured from the front glass to a flat wall.")
        self.target.setRange(*TARE_RANGE_MM)
        self.target.setDecimals(0)
        self.target.setSuffix(" mm")
        self.target.setValue(1000)
        self.on_chip = button("On-chip", lambda: self.run("on-chip"), tip="Flatter depth; point it at a textured wall")
        self.tare = button("Tare", lambda: self.run("tare"), tip="True distance; needs the measured distance to a wall")
        self.reason = label("", "small", wrap=True)
        self.result = label("", wrap=True)
        self.try_button = button("Try new", self.try_out, tip="Until the camera loses power")
        self.undo_button = button("Undo", self.undo, "undo-2", tip="Back to the calibration before")
        self.flash_button = button("Write to camera…", self.ask_to_write, "save", tip="Into its flash memory, for good")
        self.add(label("Distance to the target, for tare", "small"))
        self.add(self.target)
        self.add(row(self.on_chip, self.tare))
        self.add(self.reason)
        self.add(self.result)
        self.add(row(self.try_button, self.undo_button))
        self.add(self.flash_button)
        self._tips = {item: item.toolTip() for item in (self.on_chip, self.tare, self.target)}
        self._found: SelfCalibrated | None = None
        self._tried = False
        studio.sources.opened.connect(self.refresh)
        studio.sources.state_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Enable what can be done with the source that is open."""
        self._follow(self._studio.sources.url)
        reason = why_unavailable_now(self._url)
        able = not reason and not self._busy
        for item, tip in self._tips.items():
            item.setEnabled(able)
            item.setToolTip(reason or tip)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self.result.setVisible(bool(self.result.text()))
        found = self._found is not None and not self._busy
        self.try_button.setVisible(found and not self._tried)
        self.undo_button.setVisible(found and self._tried)
        self.flash_button.setVisible(found and self._tried)

    def _follow(self, url: str) -> None:
        """Another source has nothing to do with what was found; the camera itself is closed now and then."""
        if self._busy or url == self._url or (not url and self._found is not None):
            return
        self._url = url
        self._calibration, self._found, self._tried = None, None, False
        self.result.setText("")

    def run(self, kind: Kind) -> None:
        """Close the source, calibrate, open it again; nothing is changed in the camera yet."""
        serial = self._url.removeprefix("realsense://").partition("?")[0]
        target_mm = self.target.value()

        def work(context: TaskContext) -> tuple[SelfCalibration, SelfCalibrated]:
            calibration = self._calibration or SelfCalibration.of(serial)
            return calibration, calibration.run(kind, target_mm, context.progress)

        self._busy, self._reopened_after = True, self._url
        self.refresh()
        self._studio.sources.close(lambda: self._do(work, "Camera calibrates itself", self._on_found))

    def try_out(self) -> None:
        """Put the new table in force, in the camera's memory only."""
        calibration, found = self._calibration, self._found
        if calibration is not None and found is not None:
            self._do(lambda _: calibration.try_out(found), "Set calibration", lambda _: self._set_tried(True))

    def undo(self) -> None:
        """Put the table from before in force."""
        calibration = self._calibration
        if calibration is not None:
            self._do(lambda _: calibration.undo(), "Undo calibration", lambda _: self._set_tried(False))

    def ask_to_write(self) -> None:
        """Writing to flash lasts: ask."""
        QuestionSheet(
            self.window(),
            "Write the calibration into the camera?",
            "It replaces the one in the camera's flash memory, for every computer it is plugged into. "
            "Check depth with the new one first; the old one can be brought back only while this window is open.",
            [("Cancel", lambda: None, ""), ("Write to camera", self._write, "danger")],
        )

    def _write(self) -> None:
        calibration = self._calibration
        if calibration is not None:
            said = "The camera keeps its new calibration."
            self._do(lambda _: calibration.write_to_flash(), "Write calibration", lambda _: self.result.setText(said))

    def _on_found(self, both: tuple[SelfCalibration, SelfCalibrated]) -> None:
        self._calibration, self._found = both
        self._tried = False
        same = "" if self._found.changes_anything else " The table is the same as before."
        self.result.setText(self._found.verdict + same)

    def _set_tried(self, tried: bool) -> None:
        self._tried = tried
        self.result.setText("The new calibration is in force until the camera loses power." if tried else "Undone.")

    def _do(self, work: Callable[[TaskContext], Any], title: str, done: Callable[[Any], None]) -> None:
        self._busy = True
        task = self._studio.tasks.run(work, title, done, shown=True)
        task.ended.connect(self._on_ended)
        self.refresh()

    def _on_ended(self) -> None:
        self._busy = False
        url, self._reopened_after = self._reopened_after, ""
        if url and not self._studio.sources.url:
            self._studio.sources.open(url)
        self.refresh()
