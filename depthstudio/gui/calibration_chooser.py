"""Choosing the calibration: the source's own, one of the workspace, or a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from depthstudio.gui.calibration_origin import calibration_conflict
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.chooser import Chooser

_NEWEST_SHOWN = 12
_WIDTH_PX = 208
_TOPIC = "calibration conflict"
_FILTER = "Calibrations (*.npz *.yml *.yaml);;All files (*)"


class CalibrationChooser(Chooser):
    """Shows the calibration in force; its tooltip has the numbers."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("crosshair", "Calibration", _WIDTH_PX)
        self._studio = studio
        self._warned = ""
        self.menu_shown.aboutToShow.connect(self._fill)
        studio.calibration_changed.connect(self._show)
        self._show()

    def open_file(self) -> None:
        """Ask for a calibration file."""
        folder = str(self._studio.workspace.calibrations)
        dialog = QFileDialog(self.window(), "Load calibration", folder, _FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._studio.load_calibration(Path(path)))
        dialog.open()

    def _fill(self) -> None:
        self.menu_shown.clear()
        chosen = self._studio.chosen_calibration
        own = self.add_item("From the source", lambda: self._studio.use_calibration(None))
        own.setCheckable(True)
        own.setChecked(chosen is None)
        files = self._studio.calibration_files()[:_NEWEST_SHOWN]
        if files:
            self.add_heading("Workspace")
        for path in files:
            item = self.add_item(path.stem, partial(self._studio.load_calibration, path))
            item.setCheckable(True)
            item.setChecked(chosen is not None and chosen.path == path)
        self.menu_shown.addSeparator()
        self.add_item("Load file…", self.open_file)
        self.add_item("Calibrate…", lambda: self._studio.show_page("calibrate"))

    def _show(self) -> None:
        active = self._studio.calibration
        conflict = calibration_conflict(self._studio)
        if conflict != self._warned:
            self._studio.resolved.emit(_TOPIC)
        if conflict and conflict != self._warned:
            advice = "Depth and labels will be off. Choose the right one, or label the recording again."
            self._studio.notify(Notice(conflict, next_step=advice, tone="warning", topic=_TOPIC))
        self._warned = conflict
        if active is None:
            self.set_choice("No calibration")
            self.set_icon("triangle-alert", "warning")
            return
        c = active.calibration
        rms = f", RMS {c.rms_px:.2f} px" if c.rms_px is not None else ""
        self.set_icon(*(("triangle-alert", "warning") if conflict else ("crosshair", "good")))
        numbers = f"baseline {c.baseline_m * 1000:.1f} mm, f {c.K1[0, 0]:.0f} px{rms}, id {c.id}."
        self.set_choice(
            "Source's own" if active.path is None and self._studio.chosen_calibration is None else active.name,
            f"{active.name}: {numbers} {conflict}".strip(),
        )
