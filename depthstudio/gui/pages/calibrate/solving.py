"""Solving and saving in the background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from depthstudio.calibration import SolveOptions, ViewCollector, solve_stereo
from depthstudio.errors import CalibrationError
from depthstudio.gui.pages.calibrate.report import SolvedCalibration
from depthstudio.gui.studio import ActiveCalibration
from depthstudio.gui.tasks import TaskContext


def solving(collector: ViewCollector, options: SolveOptions) -> Callable[[TaskContext], SolvedCalibration] | None:
    """The work of solving the views that are there now; None without views."""
    views, left_size, right_size = collector.views, collector.left_size, collector.right_size
    if left_size is None:
        return None

    def work(context: TaskContext) -> SolvedCalibration:
        return SolvedCalibration.of(
            solve_stereo(
                views,
                collector.board,
                left_size,
                right_size,
                options=options,
                progress=context.progress,
                cancel=context.cancel,
            )
        )

    return work


def saving(
    folder: Path, name: str, solved: SolvedCalibration, collector: ViewCollector
) -> Callable[[TaskContext], ActiveCalibration]:
    """The work of writing a new calibration with the pictures it was made from. CalibrationError when it exists."""
    path = folder / f"{name}.npz"
    calibration = solved.solution.calibration

    def write(_: TaskContext) -> ActiveCalibration:
        if path.exists():
            raise CalibrationError(f"There is a calibration {path.stem} already.", "", "Choose another name.")
        calibration.save(path)
        collector.save_images(folder / name / "views")
        return ActiveCalibration(calibration, path.stem, path)

    return write
