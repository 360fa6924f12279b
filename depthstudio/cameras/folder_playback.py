"""folder:///dir: a folder of image pairs played as if it were a camera."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.urls import SourceUrl
from depthstudio.errors import CalibrationError, SourceError
from depthstudio.frames import DepthMm, Image, StereoFrame
from depthstudio.geometry import StereoCalibration

_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".webp"}
# How the two images of a pair are called apart from what they share, e.g. left03.jpg, 0001_left.png, im0.png.
_LEFT_WORDS, _RIGHT_WORDS = ("left", "im0", "l"), ("right", "im1", "r")
_DEPTH_WORDS = ("depth_mm", "depth")
_DEFAULT_FPS = 10.0


@dataclass(frozen=True)
class ImagePair:
    """Files of one pair; depth is a 16-bit PNG in millimetres in the left image's pixels."""

    left: Path
    right: Path
    depth: Path | None = None


def find_pairs(folder: Path) -> list[ImagePair]:
    """Pairs in `folder`, in natural order of their names (2 before 10). Empty when no naming pattern fits.

    Patterns: ``left``/``right`` folders with equal names or equal counts; ``left*``/``right*``, ``*_left``/``*_right``,
    ``im0``/``im1`` side by side, or one such pair in each subfolder.
    """
    for left_name, right_name in (("left", "right"), ("image_2", "image_3"), ("image_0", "image_1")):
        if (folder / left_name).is_dir() and (folder / right_name).is_dir():
            return _pairs_of_two_folders(folder / left_name, folder / right_name, folder)
    pairs = _pairs_side_by_side(_images(folder))
    if not pairs:
        for child in sorted((path for path in folder.iterdir() if path.is_dir()), key=_natural):
            pairs += _pairs_side_by_side(_images(child))
    return pairs


def _pairs_of_two_folders(left_folder: Path, right_folder: Path, parent: Path) -> list[ImagePair]:
    left, right = _images(left_folder), _images(right_folder)
    by_stem = {path.stem: path for path in right}
    matched = [(path, by_stem[path.stem]) for path in left if path.stem in by_stem]
    if not matched and len(left) == len(right):
        matched = list(zip(left, right, strict=True))
    depth = {path.stem: path for word in reversed(_DEPTH_WORDS) for path in _images(parent / word)}
    return [ImagePair(a, b, depth.get(a.stem)) for a, b in matched]


def _pairs_side_by_side(images: list[Path]) -> list[ImagePair]:
    keyed = {kind: _by_key(images, words) for kind, words in _KINDS.items()}
    return [
        ImagePair(path, keyed["right"][key], keyed["depth"].get(key))
        for key, path in keyed["left"].items()
        if key in keyed["right"]
    ]


_KINDS = {"left": _LEFT_WORDS, "right": _RIGHT_WORDS, "depth": _DEPTH_WORDS}


def _by_key(images: list[Path], words: tuple[str, ...]) -> dict[str, Path]:
    """Images whose name begins or ends with one of `words`, by what remains of the name."""
    found: dict[str, Path] = {}
    for word in words:
        whole = re.compile(rf"{word}(?![a-z])(?P<after>.*)|(?P<before>.*)(?<![a-z]){word}", re.IGNORECASE)
        for path in images:
            match = whole.fullmatch(path.stem)
            if match:
                key = (match["after"] or match["before"] or "").strip("_-. ").lower()
                found.setdefault(key, path)
    return found


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower()) if part]


class FolderSource(RecordedSource):
    """Image pairs of a folder, at ``fps`` (10) pictures per second. A ``calibration.npz`` beside them is used."""

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(RECORDED_OPTIONS | {"fps"})
        if not url.path.is_dir():
            raise SourceError(f"There is no folder {url.path}.", "It was moved or deleted.")
        super().__init__(url, url.path.name)
        self._folder = url.path
        self._interval_s = 1.0 / url.number("fps", _DEFAULT_FPS, 0.1, 1000)
        self._pairs: list[ImagePair] = []
        self._calibration: StereoCalibration | None = None
        self._next = 0

    def open(self) -> None:
        """List the pairs. SourceError when there are none."""
        self._pairs = find_pairs(self._folder)
        self._next = 0
        if not self._pairs:
            raise SourceError(
                f"There are no image pairs in {self._folder}.",
                "No two names match as left and right.",
                "Name them left01.png and right01.png, 01_left.png and 01_right.png, or use folders left/ and right/.",
            )
        self.frame_count = len(self._pairs)
        calibration_file = self._folder / "calibration.npz"
        try:
            self._calibration = StereoCalibration.load(calibration_file) if calibration_file.exists() else None
        except CalibrationError as error:
            raise SourceError(error.what, error.why, "Repair or remove that file.") from error

    def close(self) -> None:
        """Nothing is kept open between frames."""
        self._pairs = []

    @property
    def calibration(self) -> StereoCalibration | None:
        """What ``calibration.npz`` in the folder says; None without that file."""
        return self._calibration

    def next_frame(self, timeout_s: float) -> StereoFrame:
        """The next pair from disk."""
        if self._next >= len(self._pairs):
            raise EndOfStream
        pair, number = self._pairs[self._next], self._next
        self._next += 1
        left, right = _read_image(pair.left), _read_image(pair.right)
        if left.shape[:2] != right.shape[:2]:
            raise SourceError(f"{pair.left.name} and {pair.right.name} differ in size.", "A pair has one size.")
        depth_mm = _read_depth(pair.depth, left) if pair.depth is not None else None
        names = {"left_file": pair.left.name, "right_file": pair.right.name}
        return StereoFrame(number, number * self._interval_s, left, right, depth_mm, metadata=names)

    def rewind(self) -> None:
        """Begin again at the first pair."""
        self._next = 0


def _read_image(path: Path) -> Image:
    pixels = _decode(path)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return pixels


def _read_depth(path: Path, left: Image) -> DepthMm:
    depth_mm = _decode(path)
    if depth_mm.dtype != np.uint16 or depth_mm.shape != left.shape[:2]:
        raise SourceError(f"{path.name} is no depth image.", "Depth is 16-bit grey in millimetres, of the left size.")
    return depth_mm


def _decode(path: Path) -> np.ndarray:
    try:
        raw = np.fromfile(path, np.uint8)  # imread cannot open every file name on every system
    except OSError as error:
        raise SourceError(f"{path} cannot be read.", f"{error.strerror}.") from error
    pixels = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if raw.size else None
    if pixels is None:
        raise SourceError(f"{path} cannot be read.", "It is no image, or damaged.", "Remove it from the folder.")
    return pixels
