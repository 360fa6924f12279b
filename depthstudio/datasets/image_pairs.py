"""Folders of image pairs, with depth where a 16-bit PNG lies beside them; or of left images with depth."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.datasets.natural_order import natural_key
from depthstudio.datasets.rectified_samples import RawPair, RectifiedSamples, read_depth
from depthstudio.datasets.session_format import read_pixels
from depthstudio.datasets.stereo_sample import as_rgb
from depthstudio.errors import DatasetError
from depthstudio.geometry import StereoCalibration

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".webp"}
# How the files of a pair are called apart from what they share, e.g. left03.jpg, 0001_left.png, im0.png.
_WORDS = {
    "left": ("left", "im0", "l"),
    "right": ("right", "im1", "r"),
    "depth": ("depth_mm", "depth"),
    "color": ("color", "rgb"),
}
_FOLDER_NAMES = (("left", "right"), ("image_2", "image_3"), ("image_0", "image_1"))
_FRAME_INTERVAL_S = 0.1
_D400_BASELINE_M = 0.05
INDEX_FILE = "index.csv"
# What our own exports add: part of a frame -> column of index.csv.
_INDEXED_PARTS = {"exact_depth_m": "exact", "label_confidence": "confidence"}


@dataclass(frozen=True)
class PairFiles:
    """Files of one pair. home: the folder they lie in.

    right: None for a picture of one camera, see `find_pairs`.
    depth: 16-bit PNG in millimetres, in the left image's pixels. color: a third camera's image.
    about: the line of index.csv, in folders that have one.
    """

    left: Path
    right: Path | None
    home: Path
    depth: Path | None = None
    color: Path | None = None
    about: dict[str, str] = field(default_factory=dict)

    @property
    def can_be_sample(self) -> bool:
        """True when a network can learn from it, or be judged by it."""
        return self.right is not None and self.depth is not None


def find_pairs(folder: Path) -> list[PairFiles]:
    """Pairs in `folder`, in natural order. Empty when no naming pattern fits.

    Patterns: ``left/`` and ``right/`` (``depth/``) with equal names, or equal counts; ``left01``/``right01``,
    ``01_left``/``01_right``, ``im0``/``im1`` side by side; or such files in each subfolder. Without a ``right/``,
    pictures of one camera: ``left/`` and ``depth/`` with equal names. An export's ``index.csv`` says itself which
    frames have no right image.
    """
    for left_name, right_name in _FOLDER_NAMES:
        if (folder / left_name).is_dir() and (folder / right_name).is_dir():
            return _pairs_of_two_folders(folder, left_name, right_name)
    pairs = _pairs_of_two_folders(folder, "left", "right") or _pairs_side_by_side(folder)
    if not pairs:
        children = sorted((path for path in folder.iterdir() if path.is_dir()), key=natural_key)
        pairs = [pair for child in children for pair in _pairs_side_by_side(child)]
    return pairs


def _pairs_of_two_folders(folder: Path, left_name: str, right_name: str) -> list[PairFiles]:
    left, right = _images(folder / left_name), _images(folder / right_name)
    depth, color = (
        {path.stem: path for word in reversed(_WORDS[kind]) for path in _images(folder / word)}
        for kind in ("depth", "color")
    )
    index = _index(folder)
    about = {path: index.get(f"{left_name}/{path.name}", {}) for path in left}
    by_stem = {path.stem: path for path in right}
    matched = [
        (path, by_stem.get(path.stem))
        for path in left
        if path.stem in by_stem or about[path].get("right") == "" or (not right and path.stem in depth)
    ]
    if not matched and len(left) == len(right):
        matched = list(zip(left, right, strict=True))
    return [PairFiles(a, b, folder, depth.get(a.stem), color.get(a.stem), about[a]) for a, b in matched]


def _index(folder: Path) -> dict[str, dict[str, str]]:
    """The lines of index.csv by their left file; none when there is no such file, or it is no index of ours."""
    try:
        with (folder / INDEX_FILE).open(encoding="utf-8", newline="") as stream:
            return {line["left"]: line for line in csv.DictReader(stream) if line.get("left")}
    except (OSError, ValueError, csv.Error):
        return {}


def _pairs_side_by_side(folder: Path) -> list[PairFiles]:
    images = _images(folder)
    keyed = {kind: _by_key(images, words) for kind, words in _WORDS.items()}
    return [
        PairFiles(path, keyed["right"][key], folder, keyed["depth"].get(key), keyed["color"].get(key))
        for key, path in keyed["left"].items()
        if key in keyed["right"]
    ]


def _by_key(images: list[Path], words: tuple[str, ...]) -> dict[str, Path]:
    """Images whose name begins or ends with one of `words`, by what remains of the name."""
    found: dict[str, Path] = {}
    for word in words:
        whole = re.compile(rf"{word}(?![a-z])(?P<after>.*)|(?P<before>.*)(?<![a-z]){word}", re.IGNORECASE)
        for path in images:
            if match := whole.fullmatch(path.stem):
                key = (match["after"] or match["before"] or "").strip("_-. ").lower()
                found.setdefault(key, path)
    return found


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)


class PairFolder:
    """Raw pairs of a folder. Every folder that holds pairs is one group and may hold its own calibration:
    ``calibration.npz``, or a ``meta.json`` that gives focal length and baseline of an already rectified pair.
    """

    def __init__(self, folder: Path, *, for_samples: bool = False) -> None:
        self.pairs = [pair for pair in find_pairs(folder) if pair.can_be_sample or not for_samples]
        if not self.pairs:
            raise DatasetError(
                f"There are no image pairs {'with depth ' if for_samples else ''}in {folder}.",
                "No names match as left and right" + (" and depth." if for_samples else "."),
                "Name them 01_left.png, 01_right.png and 01_depth.png, or use folders left/, right/ and depth/.",
            )
        homes = {pair.home for pair in self.pairs}
        self._calibrations = {home: _calibration_in(home) or _calibration_in(folder) for home in homes}
        self.groups = [pair.home.absolute().name for pair in self.pairs]
        self.roles: dict[str, str] = {}
        what = "image pair" if all(pair.right is not None for pair in self.pairs) else "frame"
        self.title = f"{len(self.pairs)} {what}{'' if len(self.pairs) == 1 else 's'} in {folder.absolute().name}"

    def pair(self, index: int) -> RawPair:
        """Read one pair."""
        files = self.pairs[index]
        left = _as_bytes(read_pixels(files.left))
        right = _as_bytes(read_pixels(files.right)) if files.right is not None else None
        names = {"left_file": files.left, "right_file": files.right}
        known = _indexed(files) or {
            "number": index,
            "timestamp_s": index * _FRAME_INTERVAL_S,
            "metadata": {key: file.name for key, file in names.items() if file is not None},
        }
        if files.color is not None:
            color = _as_bytes(read_pixels(files.color))
            known["color"] = color if files.about else as_rgb(color)
        return RawPair(left, right, read_depth(files.depth, left.shape) if files.depth is not None else None, **known)

    def name(self, index: int) -> str:
        """Folder and left file."""
        return f"{self.groups[index]}/{self.pairs[index].left.name}"

    def calibration_of(self, index: int) -> StereoCalibration | None:
        """What lies beside the pair."""
        return self._calibrations[self.pairs[index].home]


class PairFolderSamples(RectifiedSamples):
    """Pairs that have depth, as samples."""

    def __init__(
        self,
        folder: Path | str,
        calibration: StereoCalibration | None = None,
        mask: LabelMaskSettings | None = None,
    ) -> None:
        super().__init__(PairFolder(Path(folder), for_samples=True), calibration, mask)


def _indexed(files: PairFiles) -> dict[str, Any]:
    """What index.csv says about a pair, and the images that only our exports have. Empty when it says nothing."""
    about = files.about
    try:
        right_s = about["right_timestamp_s"]
        known: dict[str, Any] = {
            "number": int(about["number"]),
            "timestamp_s": float(about["timestamp_s"]),
            "right_timestamp_s": float(right_s) if right_s else None,
            "metadata": dict(json.loads(about["metadata"])),
        }
    except (KeyError, TypeError, ValueError):
        return {}
    for part, column in _INDEXED_PARTS.items():
        if about.get(column):
            known[part] = read_pixels(files.home / about[column])
    return known


def _as_bytes(image: np.ndarray) -> np.ndarray:
    return (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image


def _calibration_in(folder: Path) -> StereoCalibration | None:
    if (folder / "calibration.npz").exists():
        return StereoCalibration.load(folder / "calibration.npz")
    try:
        about = json.loads((folder / "meta.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return _calibration_from(about) if isinstance(about, dict) else None


def _calibration_from(about: dict[str, Any]) -> StereoCalibration | None:
    """A rectified pair's calibration from its description: ``resolution`` and ``focal_px`` with ``baseline_m``, or the
    measured product of both (``stats.fB_mm_px_median``), which is all that depth and disparity need: then the baseline
    is taken as the 50 mm of a D435 and the focal length follows.
    """
    try:
        width, height = (int(value) for value in about["resolution"])
        centre = ((width - 1) / 2, (height - 1) / 2)
        extra = {"from": "meta.json"}
        if "focal_px" in about and "baseline_m" in about:
            focal_px, baseline_m = float(about["focal_px"]), float(about["baseline_m"])
            centre = (float(about.get("cx", centre[0])), float(about.get("cy", centre[1])))
        else:
            baseline_m = _D400_BASELINE_M
            focal_px = float(about["stats"]["fB_mm_px_median"]) / (baseline_m * 1000)
            extra["note"] = "f * B is measured, B is nominal, the principal point is the image centre"
        return StereoCalibration.rectified_pair(focal_px, baseline_m, *centre, (width, height), extra=extra)
    except (KeyError, TypeError, ValueError):
        return None
