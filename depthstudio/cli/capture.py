"""``depthstudio sources`` and ``depthstudio record``."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from depthstudio.cli.numbers import positive
from depthstudio.workspace import Workspace, new_folder_name


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register ``sources`` and ``record``."""
    sources = verbs.add_parser("sources", help="list cameras, simulated rigs and recordings that can be opened")
    sources.set_defaults(run=_sources)

    record = verbs.add_parser("record", help="record a source into a session")
    record.add_argument("url", metavar="URL", help="a source such as sim://ir, or a path to a recording")
    limit = record.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=positive(float), metavar="S", help="stop after S seconds")
    limit.add_argument("--frames", type=positive(int), metavar="N", help="stop after N frames")
    record.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="new folder (default: in the workspace)")
    record.add_argument("--name", default="", help="what the session is called")
    record.add_argument(
        "--calibration", type=Path, metavar="C.npz", help="kept with the session: the cameras' calibration"
    )
    record.add_argument("--role", choices=("train", "validation"), default="", help="what the session is for")
    record.set_defaults(run=_record)


def _sources(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from depthstudio.cameras import list_sources
    from depthstudio.cameras.usb_report import realsense_usb_report

    console = Console(highlight=False, soft_wrap=True)  # a URL broken over two lines could not be copied
    found = list_sources(Workspace.find(arguments.workspace))
    for source in found:
        console.print(source.url, style="bold", markup=False)
        console.print(f"    {source.title}: {source.detail}", markup=False)
    if not any(source.kind == "camera" for source in found):
        console.print()
        for line in realsense_usb_report().lines():
            console.print(line, markup=False)
    return 0


def _record(arguments: argparse.Namespace) -> int:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from depthstudio.cameras.recording import RecordingProgress, record
    from depthstudio.cancel import CancelToken
    from depthstudio.geometry import StereoCalibration

    calibration = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    sessions = Workspace.find(arguments.workspace).sessions
    folder = arguments.output or sessions / new_folder_name(sessions, arguments.name)
    cancel = CancelToken()
    previous = signal.signal(signal.SIGINT, lambda *_: cancel.cancel())
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task("opening", total=arguments.seconds)

            def show(progress: RecordingProgress) -> None:
                done = progress.seconds if arguments.seconds else progress.recorded
                text = f"{progress.recorded} frames, {progress.rate_hz:.1f}/s, {progress.dropped} dropped"
                bar.update(task, completed=done, total=arguments.seconds or progress.expected, description=text)

            session = record(
                arguments.url,
                folder,
                frames=arguments.frames,
                seconds=arguments.seconds,
                name=arguments.name,
                role=arguments.role,
                calibration=calibration,
                on_progress=show,
                cancel=cancel,
            )
    finally:
        signal.signal(signal.SIGINT, previous)
    print(f"{session.frame_count} frames in {session.folder}")
    return 0
