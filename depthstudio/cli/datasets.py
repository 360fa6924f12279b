"""`depthstudio import`: other layouts and camera recordings become recording sessions."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.cameras import FrameSource
    from depthstudio.datasets import Session
    from depthstudio.datasets.importing import ImportPart
    from depthstudio.frames import StereoFrame
    from depthstudio.geometry import StereoCalibration


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register `import`."""
    parser = verbs.add_parser(
        "import",
        help="turn .npy runs, image pairs, .db3 and .bag recordings into sessions",
        description="Every run, folder of pairs or recording becomes one session, so that training can split by them.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="folder or .db3/.bag file")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=Path,
        help="where to: the session itself when there is one, else the folder of several (default: the workspace)",
    )
    parser.add_argument("--calibration", metavar="FILE", type=Path, help=".npz used instead of one found with the data")
    parser.add_argument("--name", default="", help="name of the session (default: that of the run or folder)")
    parser.add_argument("--role", default="", choices=("train", "validation", "ignored"), help="what it is used for")
    parser.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace) -> int:
    """Import all paths; the first that fails ends it, what was imported before stays."""
    from rich.console import Console

    from depthstudio.geometry import StereoCalibration
    from depthstudio.workspace import Workspace, new_folder_name

    given = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    parts = [part for path in arguments.paths for part in _parts(path)]
    parent = arguments.output or Workspace.find(arguments.workspace).sessions
    console = Console(highlight=False, soft_wrap=True)
    for number, part in enumerate(parts, 1):
        name = arguments.name or (part.stem if isinstance(part, Path) else part.name)
        if arguments.name and len(parts) > 1:
            name = f"{name} {number}"
        itself = arguments.output is not None and len(parts) == 1
        folder = parent if itself else parent / new_folder_name(parent, name)
        session = _import_part(part, folder, given, name=name, role=arguments.role, console=console)
        _report(session, console)
    return 0


def _parts(path: Path) -> list[Path | ImportPart]:
    """What becomes a session each: a recording file, or a run or folder of pairs below `path`."""
    from depthstudio.datasets.importing import plan_import
    from depthstudio.datasets.samples import RECORDING_FILES

    if path.suffix.lower() in RECORDING_FILES and not path.is_dir():
        return [path]
    return list(plan_import(path))


def _import_part(
    part: Path | ImportPart, folder: Path, given: StereoCalibration | None, *, name: str, role: str, console: Console
) -> Session:
    from rich.progress import track

    from depthstudio.datasets.importing import write_session

    def shown(frames: Iterable[StereoFrame], total: int | None) -> Iterable[StereoFrame]:
        return track(
            frames, f"Importing {name}", total, console=console, transient=True, disable=not console.is_terminal
        )

    if isinstance(part, Path):
        from depthstudio.cameras import open_source

        with open_source(f"{part.absolute().as_uri()}?realtime=0") as source:
            frames = shown(_frames_of(source), None)
            return write_session(frames, folder, source.url, given or source.calibration, name=name, role=role)
    frames = shown(part, len(part))
    return write_session(frames, folder, part.origin, given or part.calibration, name=name, role=role)


def _frames_of(source: FrameSource) -> Iterator[StereoFrame]:
    from depthstudio.cameras import EndOfStream

    while True:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame


def _report(session: Session, console: Console) -> None:
    fill = [record["checks"]["fill_rate"] for record in session.records if "fill_rate" in record["checks"]]
    facts = [
        f"{len(session)} {'frame' if len(session) == 1 else 'frames'}",
        "x".join(str(side) for side in session.image_size or ()),
        f"depth {sum(fill) / len(fill):.0%} filled" if fill else "no depth",
        "with calibration" if session.calibration is not None else "no calibration: training will need one",
    ]
    console.print(f"{session.name}: {', '.join(facts)} -> {session.folder}", markup=False)
