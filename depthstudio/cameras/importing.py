"""Whatever others recorded becomes sessions: .db3 and .bag files, .npy runs, folders of image pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from depthstudio.cameras.db3_export import calibration_beside
from depthstudio.cameras.opening import open_source
from depthstudio.cameras.source import frames_of
from depthstudio.cancel import CancelToken
from depthstudio.datasets.importing import ImportPart, plan_import, write_session
from depthstudio.datasets.samples import RECORDING_FILES
from depthstudio.datasets.session import Session
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.workspace import new_folder_name

# Called with the name of the session, the frames done and how many there are, None while that is unknown.
OnProgress = Callable[[str, int, int | None], None]


def import_path(
    path: Path,
    parent: Path,
    *,
    folder: Path | None = None,
    calibration: StereoCalibration | None = None,
    name: str = "",
    role: str = "",
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Iterator[Session]:
    """Import a recording, or everything in a folder; one session after the other, as they are complete.

    parent: where sessions go, each under a new name; folder: the session itself, used when there is only one.
    calibration: used instead of what lies with the data. name: instead of the run's or file's, numbered when there are
    several. A cancelled import keeps what it wrote. DatasetError or SourceError when there is nothing to import; the
    session that failed leaves nothing behind.
    """
    parts = _parts(path)
    for number, part in enumerate(parts, 1):
        if cancel is not None and cancel.is_cancelled:
            return
        title = name or (part.stem if isinstance(part, Path) else part.name)
        if name and len(parts) > 1:
            title = f"{name} {number}"
        target = folder if folder is not None and len(parts) == 1 else None
        if target is None:
            target = (folder or parent) / new_folder_name(folder or parent, title)
        yield _import_part(part, target, calibration, on_progress, name=title, role=role, cancel=cancel)


def _parts(path: Path) -> list[Path | ImportPart]:
    if path.suffix.lower() in RECORDING_FILES and not path.is_dir():
        return [path]
    return [*plan_import(path)]


def _import_part(
    part: Path | ImportPart,
    folder: Path,
    calibration: StereoCalibration | None,
    on_progress: OnProgress | None,
    **how: Any,
) -> Session:
    def counted(frames: Iterable[StereoFrame], total: int | None) -> Iterator[StereoFrame]:
        if on_progress is not None:
            on_progress(how["name"], 0, total)
        for done, frame in enumerate(frames, 1):
            yield frame
            if on_progress is not None:
                on_progress(how["name"], done, total)

    if isinstance(part, ImportPart):
        frames = counted(part, len(part))
        return write_session(frames, folder, part.origin, calibration or part.calibration, **how)
    beside = calibration_beside(part)
    if calibration is None and beside.exists():
        calibration = StereoCalibration.load(beside)
    with open_source(f"{part.absolute().as_uri()}?realtime=0") as source:
        frames = counted(frames_of(source), None)
        return write_session(frames, folder, source.url, calibration or source.calibration, **how)
