"""What an export is asked for, and the work itself, off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.tasks import TaskContext

FOLDER = "folder"


@dataclass(frozen=True)
class ExportWish:
    """What the sheet asks for. size: (width, height), None for any. target: a file, or the folder."""

    network: Path
    kind: str
    target: Path
    size: tuple[int, int] | None
    half_resolution: bool
    calibration: StereoCalibration | Path | None


def run_export(wish: ExportWish, context: TaskContext) -> list[str]:
    """Do what the sheet asks for, on a worker's thread; returns sentences about what was written."""
    from depthstudio.evaluation.benchmark_pairs import check_pairs
    from depthstudio.inference.elsewhere import write_elsewhere
    from depthstudio.inference.export import export_network
    from depthstudio.models import load_network

    context.progress(-1.0, "exporting")
    loaded = load_network(wish.network)
    facts = {name: str(value) for name, value in loaded.metadata.items() if isinstance(value, str | int | float)}
    if wish.kind != FOLDER:
        half = wish.half_resolution
        report = export_network(loaded.network, wish.target, wish.size, check_pairs(), facts, half_resolution=half)
        return report.lines()
    calibration = wish.calibration
    if isinstance(calibration, Path):
        calibration = StereoCalibration.load(calibration)
    rectifier = None
    if calibration is not None:
        facts["calibration_id"] = calibration.id
        rectifier = Rectifier(calibration, calibration.image_size or wish.size)
    size = None if rectifier is not None else wish.size
    half = wish.half_resolution
    folder = write_elsewhere(
        wish.target, loaded.network, rectifier, size, check_pairs(), metadata=facts, half_resolution=half
    )
    return folder.lines()
