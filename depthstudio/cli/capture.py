"""``depthstudio sources`` and ``depthstudio record``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.numbers import positive
from depthstudio.errors import SettingsError
from depthstudio.workspace import Workspace, new_folder_name

if TYPE_CHECKING:
    from depthstudio.cameras.recording_modes import RecordingMode


# The ways to record, as recording_modes.Mode has them; that module is too heavy for building a parser.
MODES = ("every", "automatic", "burst", "emitter", "emitter-alternating")


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
    which = record.add_mutually_exclusive_group()
    which.add_argument("--every", type=positive(float), metavar="S", help="one frame every S seconds")
    which.add_argument(
        "--mode",
        choices=MODES,
        help="which frames: every one (default), automatic = new sharp views, burst = still views with fused labels, "
        "emitter = pictures without dots with labels measured with dots",
    )
    record.add_argument(
        "--burst-frames", type=positive(int), metavar="N", help="depth pictures per label of burst and emitter"
    )
    record.add_argument("--notes", default="", help="kept with the session")
    record.add_argument("--tag", action="append", default=[], metavar="TAG", help="kept with the session; repeatable")
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

    from depthstudio.cameras import CameraMemory
    from depthstudio.cameras.recording import RecordingProgress, record
    from depthstudio.cli.interrupt import stop_on_interrupt
    from depthstudio.geometry import StereoCalibration

    calibration = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    workspace = Workspace.find(arguments.workspace)
    sessions = workspace.sessions
    folder = arguments.output or sessions / new_folder_name(sessions, arguments.name)
    last: RecordingProgress | None = None
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with stop_on_interrupt() as cancel, Progress(*columns, transient=True) as bar:
        task = bar.add_task("opening", total=arguments.seconds)

        def show(progress: RecordingProgress) -> None:
            nonlocal last
            done = progress.seconds if arguments.seconds else progress.recorded
            last = progress
            text = f"{progress.recorded} frames, {progress.rate_hz:.1f}/s, {progress.dropped} dropped"
            text = f"{text}. {progress.hint}" if progress.hint else text
            bar.update(task, completed=done, total=arguments.seconds or progress.expected, description=text)

        session = record(
            arguments.url,
            folder,
            mode=_mode(arguments),
            frames=arguments.frames,
            seconds=arguments.seconds,
            name=arguments.name,
            role=arguments.role,
            notes=arguments.notes,
            tags=arguments.tag,
            calibration=calibration,
            memory=CameraMemory(workspace.cameras),
            on_progress=show,
            cancel=cancel,
        )
    print(f"{session.frame_count} frames in {session.folder}")
    if last is not None and last.dropped:
        print(f"{last.dropped} dropped: the disk was too slow")
    for reason, count in (last.refused if last is not None else {}).items():
        print(f"{count} left out: {reason}")
    return 0


def _mode(arguments: argparse.Namespace) -> RecordingMode:
    from depthstudio.cameras.label_burst import BURST_FRAMES
    from depthstudio.cameras.recording_modes import Mode, RecordingMode

    if arguments.burst_frames and arguments.mode not in ("burst", "emitter"):
        raise SettingsError(
            "--burst-frames has nothing to count.", "Only burst and emitter make a label of several pictures."
        )
    frames = arguments.burst_frames or BURST_FRAMES
    if arguments.every:
        return RecordingMode(Mode.INTERVAL, interval_s=arguments.every)
    return RecordingMode(Mode(arguments.mode or "every"), burst_frames=frames)
