"""Asking where a report or a calibration is to be written, and writing it in the background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.frames import Image
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.calibrate.report import SolvedCalibration
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext

_FORMATS = {
    "DepthStudio and NumPy (*.npz)": ".npz",
    "OpenCV YAML (*.yml)": ".yml",
    "ROS camera_info pair (*.yaml)": ".yaml",
}


def ask_report_file(
    window: QWidget, studio: Studio, solved: SolvedCalibration, name: str, images: tuple[Image, Image] | None
) -> None:
    """Ask for a file name ending in .html or .pdf and write the report there."""
    dialog = _dialog(window, studio, "Save report", f"{name}.html", ["Web page (*.html)", "PDF (*.pdf)"])

    def save(path: Path) -> None:
        suffix = path.suffix or (".pdf" if "pdf" in dialog.selectedNameFilter() else ".html")
        write_report(studio, solved, path.with_suffix(suffix), name, images)

    dialog.fileSelected.connect(lambda chosen: save(Path(chosen)))
    dialog.open()


def write_report(
    studio: Studio, solved: SolvedCalibration, path: Path, name: str = "", images: tuple[Image, Image] | None = None
) -> None:
    """Write the report in the background and say where it is."""

    def work(_: TaskContext) -> Path:
        from depthstudio.calibration.report import save_report  # matplotlib takes a second to import

        save_report(solved.solution, path, name, images)
        return path

    studio.tasks.run(work, "Write report", _told(studio, "The report is saved."))


def ask_export_file(window: QWidget, studio: Studio, calibration: StereoCalibration, name: str) -> None:
    """Ask for a file name and a format, and write the calibration there."""
    dialog = _dialog(window, studio, "Export calibration", f"{name}.npz", list(_FORMATS))

    def save(path: Path) -> None:
        chosen = _FORMATS[dialog.selectedNameFilter()]
        write_calibration(studio, calibration, path.with_suffix(chosen), ros=chosen == ".yaml")

    dialog.fileSelected.connect(lambda chosen: save(Path(chosen)))
    dialog.open()


def write_calibration(studio: Studio, calibration: StereoCalibration, path: Path, ros: bool = False) -> None:
    """Write it in the background and say where it is. ros: as NAME_left.yaml and NAME_right.yaml."""

    def work(_: TaskContext) -> Path:
        from depthstudio.geometry.calibration_yaml import save_ros

        if ros:
            return save_ros(calibration, path)[0]
        calibration.save(path)
        return path

    studio.tasks.run(work, "Export calibration", _told(studio, "The calibration is exported."))


def _dialog(window: QWidget, studio: Studio, title: str, name: str, filters: list[str]) -> QFileDialog:
    dialog = QFileDialog(window, title, str(studio.workspace.root))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(filters)
    dialog.selectFile(name)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog


def _told(studio: Studio, what: str) -> Callable[[Path], None]:
    return lambda path: studio.notify(Notice(what, str(path), tone="good"))
