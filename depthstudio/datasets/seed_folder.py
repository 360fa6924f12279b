"""The seed's layout: ``dataset/<run timestamp>/<000001..>/{color,right,depth}.npy``, raw images with measured depth."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.datasets.natural_order import natural_key
from depthstudio.datasets.rectified_samples import RawPair, RectifiedSamples, read_depth
from depthstudio.datasets.session_format import read_pixels
from depthstudio.errors import DatasetError
from depthstudio.geometry import StereoCalibration

REQUIRED_FILES = ("color.npy", "right.npy", "depth.npy")
# What our own exports add: part of a frame -> file, and the line of meta.txt that holds what the layout does not keep.
OPTIONAL_FILES = {"exact_depth_m": "exact.npy", "label_confidence": "confidence.npy"}
FRAME_LINE = "depthstudio_frame"
_FRAME_INTERVAL_S = 1 / 30  # the layout does not keep capture times
_META_LINE = re.compile(r"\s*([\w .-]+?)\s*[:=]\s*(.+?)\s*$")


def seed_frames(folder: Path) -> Iterator[Path]:
    """Every folder at or below `folder` that holds color.npy, right.npy and depth.npy, in any order."""
    return (Path(here) for here, _, files in os.walk(folder) if set(REQUIRED_FILES) <= set(files))


class SeedFolder:
    """Raw pairs of the seed's layout. The left image is color.npy; left.npy belongs to a third camera."""

    def __init__(self, folder: Path) -> None:
        self.folders = sorted(seed_frames(folder), key=natural_key)
        if not self.folders:
            raise DatasetError(
                f"There is no frame below {folder}.",
                f"No folder holds {', '.join(REQUIRED_FILES)}.",
                "Choose the folder that holds the run folders.",
            )
        self.groups = [_run_of(frame, folder) for frame in self.folders]
        self.roles: dict[str, str] = {}
        runs = len(set(self.groups))
        self.title = f"{len(self.folders)} .npy frames of {runs} {'run' if runs == 1 else 'runs'} in {folder.name}"
        self._calibration = _calibration_in(folder)

    def pair(self, index: int) -> RawPair:
        """Read one frame folder."""
        folder = self.folders[index]
        metadata = _metadata(folder / "meta.txt")
        about = _own_frame(metadata)
        grey = about.get("grey", ()) if about is not None else ()
        left, right = (_image(folder / f"{name}.npy", name in grey) for name in ("color", "right"))
        depth = read_depth(folder / "depth.npy", left.shape)
        if about is None:
            number = int(folder.name) if folder.name.isdigit() else index
            return RawPair(left, right, depth, None, number, index * _FRAME_INTERVAL_S, metadata)
        third = folder / "left.npy"
        optional = {part: folder / name for part, name in OPTIONAL_FILES.items()}
        return RawPair(
            left,
            right,
            depth,
            number=about["number"],
            timestamp_s=about["timestamp_s"],
            right_timestamp_s=about["right_timestamp_s"],
            metadata=about["metadata"],
            color=_image(third, "left" in grey) if third.exists() else None,
            **{part: read_pixels(path) for part, path in optional.items() if path.exists()},
        )

    def name(self, index: int) -> str:
        """Run and frame folder."""
        return f"{self.groups[index]}/{self.folders[index].name}"

    def calibration_of(self, index: int) -> StereoCalibration | None:
        """``calibration.npz`` beside the runs, when it is there."""
        return self._calibration


class SeedFolderSamples(RectifiedSamples):
    """The seed's layout as samples; one group per run folder."""

    def __init__(
        self,
        folder: Path | str,
        calibration: StereoCalibration | None = None,
        mask: LabelMaskSettings | None = None,
    ) -> None:
        super().__init__(SeedFolder(Path(folder)), calibration, mask)


def _run_of(frame: Path, root: Path) -> str:
    """The run folder a frame belongs to, relative to the data set; the data set's own name when it is the run."""
    if root in (frame, frame.parent):
        return root.absolute().name
    return frame.parent.relative_to(root).as_posix()


def _calibration_in(folder: Path) -> StereoCalibration | None:
    path = folder / "calibration.npz"
    return StereoCalibration.load(path) if path.exists() else None


def _image(path: Path, is_grey: bool) -> np.ndarray:
    image = read_pixels(path)
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise DatasetError(f"{path} is no image.", f"It holds {image.dtype} {image.shape}, not uint8.")
    return np.ascontiguousarray(image[:, :, 0]) if is_grey and image.ndim == 3 else image


def _own_frame(metadata: dict[str, Any]) -> dict[str, Any] | None:
    """What our export wrote about a frame; None for a frame of somebody else, or when it was edited to no sense."""
    try:
        about = json.loads(metadata[FRAME_LINE])
        right_s = about["right_timestamp_s"]
        return {
            "number": int(about["number"]),
            "timestamp_s": float(about["timestamp_s"]),
            "right_timestamp_s": None if right_s is None else float(right_s),
            "grey": tuple(about["grey"]),
            "metadata": dict(about["metadata"]),
        }
    except (KeyError, TypeError, ValueError):
        return None


def _metadata(path: Path) -> dict[str, Any]:
    """The ``key: value`` lines of meta.txt as text; nothing when there are none."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {match[1]: match[2] for line in lines if (match := _META_LINE.match(line))}
