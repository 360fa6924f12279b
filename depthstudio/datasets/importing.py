"""Other people's recordings as sessions: .npy runs, folders of image pairs, and whatever delivers frames."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from depthstudio.cancel import CancelToken
from depthstudio.datasets.ground_truth import flyingthings_splits, middlebury_scenes
from depthstudio.datasets.image_pairs import PairFolder, find_pairs
from depthstudio.datasets.rectified_samples import RawFrames
from depthstudio.datasets.seed_folder import SeedFolder, seed_frames
from depthstudio.datasets.session import Session, SessionWriter
from depthstudio.datasets.session_format import SESSION_FILE
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_MAX_UNSETTLED = 16


@dataclass(frozen=True)
class ImportPart:
    """What becomes one session: the frames of one run or folder.

    calibration: the one stored beside them, if any.
    """

    name: str
    origin: str
    frames: RawFrames
    indices: tuple[int, ...]
    calibration: StereoCalibration | None

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[StereoFrame]:
        return (self.frames.pair(i).frame() for i in self.indices)


def plan_import(folder: Path) -> list[ImportPart]:
    """What a folder would become: a session per run or per folder of pairs, so that they can be split by recording.

    Reads no images. DatasetError when nothing can be imported, saying what was looked for.
    """
    frames = _raw_frames(folder)
    parts: dict[str, list[int]] = {}
    for i, group in enumerate(frames.groups):
        parts.setdefault(group, []).append(i)
    origin = folder.absolute().as_uri()
    return [
        ImportPart(Path(group).name, origin, frames, tuple(indices), frames.calibration_of(indices[0]))
        for group, indices in parts.items()
    ]


def _raw_frames(folder: Path) -> RawFrames:
    if not folder.is_dir():
        raise DatasetError(f"There is no folder or recording {folder}.", next_step="Check the spelling of its path.")
    if (folder / SESSION_FILE).is_file():
        raise DatasetError(f"{folder} is a recording session already.", next_step="Use it as it is.")
    if any(seed_frames(folder)):
        return SeedFolder(folder)
    if middlebury_scenes(folder) or flyingthings_splits(folder):
        raise DatasetError(
            f"{folder} holds pairs with ground truth, not a recording.",
            "A session stores measured depth in millimetres, which would round the truth.",
            "Train on it or evaluate with it directly: every verb that takes a session takes this folder too.",
        )
    if find_pairs(folder):
        return PairFolder(folder)
    raise DatasetError(
        f"There is nothing to import in {folder}.",
        "Looked for .npy runs (color.npy, right.npy, depth.npy) and images (left with right, depth or both).",
        "Choose the folder that holds the frames.",
    )


def write_session(
    frames: Iterable[StereoFrame],
    folder: Path,
    origin: str,
    calibration: StereoCalibration | None,
    *,
    name: str = "",
    role: str = "",
    cancel: CancelToken | None = None,
) -> Session:
    """Write all frames into a new session. When that fails, or there are none, nothing is left behind.

    origin: URL of where they come from. A cancelled import keeps what was written. DatasetError as SessionWriter's.
    """
    existed = folder.exists()
    try:
        with SessionWriter(folder, origin, calibration, {}, name=name) as writer:
            _write_all(frames, writer, cancel)
        session = Session.open(folder)
        if not session.frame_count:
            raise DatasetError(f"{name or origin} holds no frames.", next_step="Choose another recording.")
        if role:
            session.set_role(role)
    except BaseException:
        if not existed:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return session


def _write_all(frames: Iterable[StereoFrame], writer: SessionWriter, cancel: CancelToken | None) -> None:
    unsettled: deque[Future[int]] = deque()
    for frame in frames:
        if cancel is not None and cancel.is_cancelled:
            break
        try:
            unsettled.append(writer.submit(frame))
        except ValueError as error:
            raise DatasetError(
                f"Frame {frame.number} cannot be imported.",
                f"{error}.",
                "Images are 8-bit grey or RGB; depth and what belongs to it have the left image's size.",
            ) from error
        if len(unsettled) > _MAX_UNSETTLED:
            unsettled.popleft().result()
    for future in unsettled:
        future.result()
