"""``depthstudio export``: a network as an ONNX file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthstudio.frames import Image

_PAIRS = 3
_SYNTHETIC_SIZE = (320, 240)


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser(
        "export",
        help="write a network as an ONNX file",
        description="Images go in as float32 RGB 0..1, 1x3xHxW, rectified; normalisation and padding are inside. The "
        "file is checked against torch before it is written: on the real pairs of DEPTHSTUDIO_DATA when that is set, "
        "else on synthetic ones.",
    )
    verb.add_argument("--model", required=True, metavar="NAME|FILE|RUN", help="the network")
    verb.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.onnx")
    sizes = verb.add_mutually_exclusive_group()
    sizes.add_argument("--size", default="640x480", metavar="WxH", help="images of this size (default: 640x480)")
    sizes.add_argument("--dynamic", action="store_true", help="images of any size; somewhat slower in most runtimes")
    verb.add_argument("--max-disparity", type=int, metavar="PX", help="largest disparity searched, at most 320")
    verb.add_argument("--calibration", type=Path, metavar="C.npz", help="note its id instead of the one of the run")
    verb.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from depthstudio.inference.export import export_network
    from depthstudio.inference.image_size import parse_size
    from depthstudio.inference.reach import set_max_disparity
    from depthstudio.models import load_network, resolve_network
    from depthstudio.workspace import Workspace

    size = None if arguments.dynamic else parse_size(arguments.size)
    file = resolve_network(arguments.model, Workspace.find(arguments.workspace))
    loaded = load_network(file)
    if arguments.max_disparity is not None:
        set_max_disparity(loaded.network, arguments.max_disparity)
    facts = {name: str(value) for name, value in loaded.metadata.items() if isinstance(value, str | int | float)}
    facts["source"] = f"{file.parent.name}/{file.name}"
    calibration_id = _calibration_id(arguments.calibration, file.parent)
    if calibration_id:
        facts["calibration_id"] = calibration_id
    report = export_network(loaded.network, arguments.output, size, _pairs(), facts)
    print("\n".join(report.lines()))
    return 0


def _calibration_id(given: Path | None, folder: Path) -> str:
    """Of the file given, else of what the run in this folder was trained with; empty when nobody knows."""
    from depthstudio.errors import UserError
    from depthstudio.geometry import StereoCalibration

    if given is not None:
        return StereoCalibration.load(given).id
    if not (folder / "run.json").is_file():
        return ""
    from depthstudio.datasets.session import Session
    from depthstudio.training.run import Run

    try:
        about = Run.open(folder).about
        if about.calibration:
            return StereoCalibration.load(Path(about.calibration)).id
        stored = [Session.open(Path(path)).calibration for path in about.data]
    except UserError:  # moved away since, or no recordings
        return ""
    known = {calibration.id for calibration in stored if calibration is not None}
    return known.pop() if len(known) == 1 else ""


def _pairs() -> Iterator[tuple[Image, Image]]:
    """Pairs for the check: real ones where there are any, else synthetic scenes."""
    data = os.environ.get("DEPTHSTUDIO_DATA")
    if data and (Path(data) / "stereo").is_dir():
        from depthstudio.evaluation.benchmark_pairs import read_benchmark_pairs

        yield from ((pair.left, pair.right) for pair in read_benchmark_pairs(Path(data) / "stereo")[:_PAIRS])
        return
    from depthstudio.synthetic import generate_scene, render_pair

    for seed in range(_PAIRS):
        pair = render_pair(generate_scene(seed, size=_SYNTHETIC_SIZE, max_disparity=64))
        yield pair.left, pair.right
