"""``depthstudio export``: a network as a file for other runtimes, or as a folder that runs without DepthStudio."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthstudio.geometry import StereoCalibration


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser(
        "export",
        help="write a network as ONNX, OpenVINO IR or TorchScript",
        description="Images go in as float32 RGB 0..1, 1x3xHxW, rectified; normalisation and padding are inside. The "
        "file is checked against torch before it is written: on the real pairs of DEPTHSTUDIO_DATA when that is set, "
        "else on synthetic ones.",
    )
    verb.add_argument("--model", required=True, metavar="NAME|FILE|RUN", help="the network")
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=".onnx, .xml (OpenVINO IR) or .pt (TorchScript)"
    )
    verb.add_argument(
        "--elsewhere",
        type=Path,
        metavar="DIR",
        help="a folder with the network, rectification maps and a short script that needs numpy, OpenCV and ONNX "
        "Runtime only",
    )
    sizes = verb.add_mutually_exclusive_group()
    sizes.add_argument("--size", metavar="WxH", help="images of this size (default: the calibration's, else 640x480)")
    sizes.add_argument("--dynamic", action="store_true", help="images of any size; somewhat slower in most runtimes")
    verb.add_argument("--half-resolution", action="store_true", help="compute at half the size: faster, less detail")
    verb.add_argument("--max-disparity", type=int, metavar="PX", help="largest disparity searched, at most 320")
    verb.add_argument(
        "--calibration", type=Path, metavar="C.npz", help="the rig's calibration, instead of that of the run"
    )
    verb.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from depthstudio.errors import SettingsError
    from depthstudio.evaluation.benchmark_pairs import check_pairs
    from depthstudio.geometry import Rectifier
    from depthstudio.inference.elsewhere import write_elsewhere
    from depthstudio.inference.export import check_format, export_network
    from depthstudio.inference.image_size import parse_size
    from depthstudio.inference.reach import set_max_disparity
    from depthstudio.models import load_network, resolve_network
    from depthstudio.workspace import Workspace

    if arguments.output is None and arguments.elsewhere is None:
        raise SettingsError("There is nothing to write.", next_step="Give -o FILE.onnx, --elsewhere DIR, or both.")
    if arguments.output is not None:
        check_format(arguments.output)
    size = parse_size(arguments.size) if arguments.size else None
    file = resolve_network(arguments.model, Workspace.find(arguments.workspace))
    loaded = load_network(file)
    half = arguments.half_resolution
    if arguments.max_disparity is not None:
        set_max_disparity(loaded.network, -(-arguments.max_disparity // (2 if half else 1)))
    facts = {name: str(value) for name, value in loaded.metadata.items() if isinstance(value, str | int | float)}
    facts["source"] = f"{file.parent.name}/{file.name}"
    calibration = _calibration(arguments.calibration, file.parent)
    if calibration is not None:
        facts["calibration_id"] = calibration.id
    known = calibration.image_size if calibration is not None else None
    wanted = None if arguments.dynamic else size or known or (640, 480)
    if arguments.output is not None:
        report = export_network(loaded.network, arguments.output, wanted, check_pairs(), facts, half_resolution=half)
        print("\n".join(report.lines()))
    if arguments.elsewhere is not None:
        rectifier = Rectifier(calibration, size or known or (640, 480)) if calibration is not None else None
        folder = write_elsewhere(
            arguments.elsewhere,
            loaded.network,
            rectifier,
            None if rectifier else wanted,
            check_pairs(),
            metadata=facts,
            half_resolution=half,
        )
        print("\n".join(folder.lines()))
    return 0


def _calibration(given: Path | None, folder: Path) -> StereoCalibration | None:
    """The file given, else what the run in this folder was trained with; None when nobody knows."""
    from depthstudio.errors import UserError
    from depthstudio.geometry import StereoCalibration

    if given is not None:
        return StereoCalibration.load(given)
    if not (folder / "run.json").is_file():
        return None
    from depthstudio.datasets.session import Session
    from depthstudio.training.run import Run

    try:
        about = Run.open(folder).about
        if about.calibration:
            return StereoCalibration.load(Path(about.calibration))
        stored = [Session.open(Path(path)).calibration for path in about.data]
    except UserError:  # moved away since, or no recordings
        return None
    known = {calibration.id: calibration for calibration in stored if calibration is not None}
    return known.popitem()[1] if len(known) == 1 else None
