"""Other layouts and camera recordings become sessions of the workspace. Runs in a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from depthstudio.cameras import EndOfStream, FrameSource, open_source
from depthstudio.datasets.importing import plan_import, write_session
from depthstudio.datasets.samples import RECORDING_FILES
from depthstudio.datasets.session import Session
from depthstudio.frames import StereoFrame
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name


def import_path(path: Path, parent: Path, context: TaskContext) -> list[Session]:
    """Import a folder or a .db3/.bag file into `parent`; what was imported before a stop is kept.

    Says how far it is. DatasetError or SourceError when there is nothing to import.
    """
    if path.suffix.lower() in RECORDING_FILES and not path.is_dir():
        return [_import_recording(path, parent, context)]
    sessions = []
    parts = plan_import(path)
    total, done = sum(len(part) for part in parts), 0
    for part in parts:
        if context.cancel.is_cancelled:
            break
        folder = parent / new_folder_name(parent, part.name)
        frames = _counted(part, context, done, total)
        sessions.append(
            write_session(frames, folder, part.origin, part.calibration, name=part.name, cancel=context.cancel)
        )
        done += len(part)
    return sessions


def _import_recording(path: Path, parent: Path, context: TaskContext) -> Session:
    context.progress(-1.0, "opening")
    with open_source(f"{path.absolute().as_uri()}?realtime=0") as source:
        frames = _counted(_frames_of(source), context, 0, None)
        folder = parent / new_folder_name(parent, path.stem)
        return write_session(frames, folder, source.url, source.calibration, name=path.stem, cancel=context.cancel)


def _frames_of(source: FrameSource) -> Iterator[StereoFrame]:
    while True:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame


def _counted(
    frames: Iterable[StereoFrame], context: TaskContext, before: int, total: int | None
) -> Iterator[StereoFrame]:
    for number, frame in enumerate(frames, start=before + 1):
        yield frame
        share = number / total if total else -1.0
        context.progress(share, f"{number} of {total} frames" if total else f"{number} frames")
