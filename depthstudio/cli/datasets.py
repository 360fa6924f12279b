"""`depthstudio import` and `depthstudio export-session`: recordings from and for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.datasets import Session


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register `import` and `export-session`."""
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

    export = verbs.add_parser(
        "export-session",
        help="write a recording as .npy runs, as images with an index, or as .db3",
        description="npy: DIR/<date_time>/<000001..>/{color,right,depth}.npy. images: left, right, depth and color "
        "folders with index.csv. db3: a file that RealSense Viewer plays. Frames marked out are left out. 'import' "
        "reads all three back without changing a pixel.",
    )
    export.add_argument(
        "session", type=Path, metavar="SESSION", help="folder of the recording, or its name in the workspace"
    )
    export.add_argument("--format", required=True, choices=("npy", "images", "db3"), help="what to write")
    export.add_argument("-o", "--output", required=True, type=Path, metavar="PATH", help="new folder, or .db3 file")
    export.set_defaults(run=run_export)


def run_import(arguments: argparse.Namespace) -> int:
    """Import all paths; the first that fails ends it, what was imported before stays."""
    from rich.console import Console

    from depthstudio.cameras.importing import import_path
    from depthstudio.geometry import StereoCalibration
    from depthstudio.workspace import Workspace

    given = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    several = len(arguments.paths) > 1
    parent = arguments.output or Workspace.find(arguments.workspace).sessions
    console = Console(highlight=False, soft_wrap=True)
    for number, path in enumerate(arguments.paths, 1):
        name = f"{arguments.name} {number}" if arguments.name and several else arguments.name
        with _progress(console, "Importing") as show:
            sessions = import_path(
                path,
                parent,
                folder=None if several else arguments.output,
                calibration=given,
                name=name,
                role=arguments.role,
                on_progress=show,
            )
            for session in sessions:
                _report(session, console)
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Export one recording."""
    from rich.console import Console

    from depthstudio.cameras.exporting import export_session
    from depthstudio.workspace import Workspace

    session = _session(arguments.session, Workspace.find(arguments.workspace).sessions)
    console = Console(highlight=False, soft_wrap=True)
    with _progress(console, "Exporting") as show:
        report = export_session(
            session,
            arguments.output,
            arguments.format,
            lambda done, total: show(session.name, done, total),
        )
    for line in report.lines():
        console.print(line, markup=False)
    return 0


def _session(given: Path, parent: Path) -> Session:
    """The recording in the folder given, else the newest of that name in the workspace."""
    from depthstudio.datasets import Session, list_sessions

    if not given.exists():
        for session in reversed(list_sessions(parent)):
            if str(given) in (session.folder.name, session.name):
                return session
    return Session.open(given)


@contextmanager
def _progress(console: Console, verb: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar, where there is a terminal: call with a recording's name, how far it is, and how much there is."""
    from rich.progress import Progress

    def show(name: str, done: int, total: int | None) -> None:
        bar.update(task, description=f"{verb} {name}", completed=done, total=total)

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield show


def _report(session: Session, console: Console) -> None:
    fill = [record["checks"]["fill_rate"] for record in session.records if "fill_rate" in record["checks"]]
    facts = [
        f"{len(session)} {'frame' if len(session) == 1 else 'frames'}",
        "x".join(str(side) for side in session.image_size or ()),
        f"depth {sum(fill) / len(fill):.0%} filled" if fill else "no depth",
        "with calibration" if session.calibration is not None else "no calibration: training will need one",
    ]
    console.print(f"{session.name}: {', '.join(facts)} -> {session.folder}", markup=False)
