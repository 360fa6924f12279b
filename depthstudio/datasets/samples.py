"""One data set type for every layout on disk: `open_samples` recognises which one a folder is."""

from __future__ import annotations

from pathlib import Path

from depthstudio.datasets.benchmarks import benchmark_samples
from depthstudio.datasets.ground_truth import (
    FlyingThingsSamples,
    GroundTruthSamples,
    MiddleburySamples,
    flyingthings_splits,
    middlebury_scenes,
)
from depthstudio.datasets.image_pairs import PairFolder, PairFolderSamples, find_pairs
from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.datasets.rectified_samples import RawFrames, RawPair, RectifiedSamples, SessionSamples
from depthstudio.datasets.remote import is_url, mirror
from depthstudio.datasets.sample_cache import CachedSamples
from depthstudio.datasets.seed_folder import SeedFolder, SeedFolderSamples, seed_frames
from depthstudio.datasets.session import Session, list_sessions
from depthstudio.datasets.session_format import SESSION_FILE
from depthstudio.datasets.stereo_sample import CombinedSamples, SampleSource, SampleSubset, StereoSample
from depthstudio.errors import CalibrationError, DatasetError, UserError
from depthstudio.geometry import StereoCalibration

__all__ = [
    "CachedSamples",
    "CombinedSamples",
    "FlyingThingsSamples",
    "GroundTruthSamples",
    "MiddleburySamples",
    "PairFolder",
    "PairFolderSamples",
    "RawFrames",
    "RawPair",
    "RectifiedSamples",
    "SampleSource",
    "SampleSubset",
    "SeedFolder",
    "SeedFolderSamples",
    "SessionSamples",
    "StereoSample",
    "open_samples",
]

RECORDING_FILES = {".db3", ".bag"}


def open_samples(
    path: Path | str, calibration: StereoCalibration | None = None, mask: LabelMaskSettings | None = None
) -> SampleSource:
    """The samples in a folder, whichever layout it has; its `title` says what was found.

    Recognised, in this order: a recording session; a folder of sessions (or a workspace), those marked as ignored left
    out; FlyingThings3D; the seed's .npy runs; scenes with ground truth (Middlebury); other benchmarks as they are
    downloaded (KITTI, ETH3D, SceneFlow, Middlebury before 2014); image pairs with depth.
    calibration: used instead of the one stored with the data. mask: label rules for measured depth; ground truth is
    taken as it is. A URL of a remote file system is mirrored into the local cache, see datasets.remote.
    DatasetError says what was looked for.
    """
    folder = mirror(str(path)) if is_url(path) else Path(path).expanduser()
    _check_folder(folder)
    if (folder / SESSION_FILE).is_file():
        return SessionSamples(Session.open(folder), calibration, mask)
    for sessions in (list_sessions(folder), list_sessions(folder / "sessions")):
        if sessions:
            return _open_sessions(sessions, folder, calibration, mask)
    if flyingthings_splits(folder):
        return FlyingThingsSamples(folder)
    if any(seed_frames(folder)):
        return SeedFolderSamples(folder, calibration, mask)
    if middlebury_scenes(folder):
        return MiddleburySamples(folder)
    benchmark = benchmark_samples(folder)
    if benchmark is not None:
        return benchmark
    if any(pair.can_be_sample for pair in find_pairs(folder)):
        return PairFolderSamples(folder, calibration, mask)
    raise DatasetError(
        f"There is nothing to learn from in {folder}.",
        "Looked for recording sessions (session.json), FlyingThings3D (image_clean/left and disparity/left), "
        "Middlebury scenes (im0.png, im1.png, disp0.pfm), KITTI (image_2, image_3, disp_occ_0), "
        ".npy runs (color.npy, right.npy, depth.npy) "
        "and image pairs with depth.",
        "Choose another folder, or record a session.",
    )


def _check_folder(folder: Path) -> None:
    if folder.suffix.lower() in RECORDING_FILES and folder.is_file():
        raise DatasetError(
            f"{folder.name} is a camera recording, not a data set.",
            next_step=f"Import it first: depthstudio import {folder}",
        )
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}.", next_step="Check the spelling of its path.")


def _open_sessions(
    sessions: list[Session], folder: Path, calibration: StereoCalibration | None, mask: LabelMaskSettings | None
) -> SampleSource:
    sources: list[SampleSource] = []
    problems: list[UserError] = []
    for session in sessions:
        if session.role == "ignored":
            continue
        try:
            sources.append(SessionSamples(session, calibration, mask))
        except (CalibrationError, DatasetError) as error:
            problems.append(error)
    if not sources:
        raise (
            problems[0]
            if problems
            else DatasetError(
                f"All recordings in {folder} are marked as ignored.", next_step="Mark some for training and validation."
            )
        )
    frames = sum(len(source) for source in sources)
    kind = "recording session" if len(sources) == 1 else "recording sessions"
    title = f"{len(sources)} {kind} with {frames} frames in {folder.absolute().name}"
    left_out = len(sessions) - len(sources)
    return CombinedSamples(sources, f"{title}, {left_out} left out" if left_out else title)
