"""What becomes of a solved calibration: put in force, saved, exported, reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from depthstudio.calibration import ViewCollector
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.calibrate.report import SolvedCalibration
from depthstudio.gui.pages.calibrate.result_footer import ResultFooter
from depthstudio.gui.pages.calibrate.saving import ask_export_file, ask_report_file
from depthstudio.gui.pages.calibrate.solving import saving
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name

Run = Callable[[Callable[[TaskContext], Any], str, Callable[[Any], None]], None]


class CalibrationExits:
    """run: does work in the background, one at a time; see CalibratePage."""

    def __init__(self, studio: Studio, footer: ResultFooter, run: Run) -> None:
        self._studio = studio
        self._footer = footer
        self._run = run

    @property
    def name(self) -> str:
        """What the user calls the calibration."""
        return self._footer.name_field.text().strip() or "calibration"

    def suggest_name(self) -> None:
        """A name that is free, unless there is one."""
        if not self._footer.name_field.text():
            self._footer.name_field.setText(new_folder_name(self._studio.workspace.calibrations, "stereo"))

    def report(self, solved: SolvedCalibration | None, collector: ViewCollector) -> None:
        """Ask where the report goes."""
        if solved is None:
            return
        collected = collector.collected
        images = (collected[0].left, collected[0].right) if collected else None
        ask_report_file(self._footer.window(), self._studio, solved, self.name, images)

    def export(self, solved: SolvedCalibration | None) -> None:
        """Ask where the calibration goes, and in which format."""
        if solved is not None:
            ask_export_file(self._footer.window(), self._studio, solved.solution.calibration, self.name)

    def use(self, solved: SolvedCalibration | None) -> None:
        """Put the calibration in force for every page."""
        if solved is not None:
            self._studio.use_calibration(ActiveCalibration(solved.solution.calibration, f"{self.name} (not saved)"))

    def save_and_use(self, solved: SolvedCalibration, collector: ViewCollector, then: Callable[[], None]) -> None:
        """Write the calibration and its views to the workspace and put it in force; `then` is called."""
        folder = self._studio.workspace.calibrations
        name = Path(self._footer.name_field.text().strip()).name or new_folder_name(folder, "stereo")

        def done(saved: ActiveCalibration) -> None:
            then()
            self._on_saved(saved)

        self._run(saving(folder, name, solved, collector), "Save the calibration", done)

    def _on_saved(self, saved: ActiveCalibration) -> None:
        self._studio.use_calibration(saved)
        self._studio.save_settings()
        self._studio.library_changed.emit()
        self._studio.notify(Notice(f"Calibration {saved.name} is saved and in use.", tone="good"))
