"""Asking where a report or a calibration is to be written, and writing it in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.frames import Image
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.calibrate.report import SolvedCalibration
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext

_CALIBRATIONS = {
    "DepthStudio and NumPy (*.npz)": ".npz",
    "OpenCV YAML (*.yml)": ".yml",
    "ROS camera_info pair (*.yaml)": ".yaml",
}
_REPORTS = {"Web page (*.html)": ".html", "PDF (*.pdf)": ".pdf"}


def ask_report_file(
    window: QWidget, studio: Studio, solved: SolvedCalibration, name: str, images: tuple[Image, Image] | None
) -> None:
    """Ask for a file name ending in .html or .pdf and write the report there."""
    dialog = QFileDialog(window, "Save report", str(studio.workspace.root))
    _ask(dialog, name, _REPORTS, lambda path: write_report(studio, solved, path, name, images))


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
    dialog = QFileDialog(window, "Export calibration", str(studio.workspace.root))
    _ask(
        dialog,
        name,
        _CALIBRATIONS,
        lambda path: write_calibration(studio, calibration, path, ros=path.suffix == ".yaml"),
    )


def write_calibration(studio: Studio, calibration: StereoCalibration, path: Path, ros: bool = False) -> None:
    """Write it in the background and say where it is. ros: as NAME_left.yaml and NAME_right.yaml."""

    def work(_: TaskContext) -> Path:
        from depthstudio.geometry.calibration_yaml import save_ros

        if ros:
            return save_ros(calibration, path)[0]
        calibration.save(path)
        return path

    studio.tasks.run(work, "Export calibration", _told(studio, "The calibration is exported."))


def _ask(dialog: QFileDialog, name: str, formats: dict[str, str], then: Callable[[Path], None]) -> None:
    """formats: filter -> suffix. `then` gets a path that ends with one of them."""
    first = next(iter(formats.values()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(formats))
    # The dialog appends the suffix itself, so that it asks before an older file is replaced.
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(formats[chosen]))
    dialog.setDefaultSuffix(first)
    dialog.selectFile(f"{name}{first}")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(
        lambda chosen: then(complete_path(Path(chosen), formats.values(), formats[dialog.selectedNameFilter()]))
    )
    dialog.open()


def complete_path(typed: Path, suffixes: Iterable[str], chosen: str) -> Path:
    """What was typed, ending with one of the suffixes: a name such as "rig 0.5 m" has none of its own."""
    return typed if typed.suffix in suffixes else typed.with_name(typed.name + chosen)


def _told(studio: Studio, what: str) -> Callable[[Path], None]:
    return lambda path: studio.notify(Notice(what, str(path), tone="good"))
