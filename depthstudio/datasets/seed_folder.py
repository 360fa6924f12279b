"""The seed's layout: ``dataset/<run timestamp>/<000001..>/{color,right,depth}.npy``, raw images with measured depth."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.datasets.natural_order import natural_key
from depthstudio.datasets.rectified_samples import RawPair, RectifiedSamples
from depthstudio.datasets.session_format import read_pixels
from depthstudio.errors import DatasetError
from depthstudio.geometry import StereoCalibration

REQUIRED_FILES = ("color.npy", "right.npy", "depth.npy")
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
        left, right, depth = (read_pixels(folder / name) for name in REQUIRED_FILES)
        for name, image in (("color.npy", left), ("right.npy", right)):
            if image.dtype != np.uint8 or image.ndim not in (2, 3):
                raise DatasetError(f"{folder / name} is no image.", f"It holds {image.dtype} {image.shape}, not uint8.")
        if depth.dtype != np.uint16 and depth.dtype.kind != "f":
            raise DatasetError(f"{folder / 'depth.npy'} is no depth.", "Depth is uint16 millimetres or float metres.")
        if depth.dtype.kind == "f":
            depth = depth.astype(np.float32)
        if depth.shape != left.shape[:2]:
            raise DatasetError(f"{folder / 'depth.npy'} is {depth.shape}, the left image {left.shape[:2]}.")
        number = int(folder.name) if folder.name.isdigit() else index
        metadata = _metadata(folder / "meta.txt")
        return RawPair(left, right, depth, None, number, index * _FRAME_INTERVAL_S, metadata)

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


def _metadata(path: Path) -> dict[str, Any]:
    """The ``key: value`` lines of meta.txt as text; nothing when there are none."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {match[1]: match[2] for line in lines if (match := _META_LINE.match(line))}
