"""Pairs of board images in a folder, and the views they give."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import Detection
from depthstudio.calibration.detection import detect_board
from depthstudio.calibration.views import BoardView, detect_view
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".webp"}
_SIDE = re.compile(r"(?<![a-z])(left|right|l|r)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class PairFiles:
    """Two image files of one moment."""

    name: str
    left: Path
    right: Path


@dataclass(frozen=True)
class SkippedPair:
    """A pair that gave no view, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class LoadedViews:
    """The views of a folder. Sizes are (width, height) px of the images."""

    views: list[BoardView]
    left_size: tuple[int, int]
    right_size: tuple[int, int]
    skipped: list[SkippedPair]


@dataclass(frozen=True)
class LoadedImages:
    """What one camera saw: names and detections, in the same order. size: (width, height) px."""

    names: list[str]
    detections: list[Detection]
    size: tuple[int, int]
    skipped: list[SkippedPair]


def find_pairs(folder: Path) -> list[PairFiles]:
    """Pairs in `folder`, in order of their numbers; CalibrationError when there are none.

    Known layouts: ``left01.jpg`` beside ``right01.jpg`` (also ``000001_left.png``, ``img_L_3.png``), and the folders
    ``left/`` and ``right/`` with files of the same name. A recording session's images lie in its ``frames/``.
    """
    if not folder.is_dir():
        raise CalibrationError(f"There is no folder {folder}.")
    for place in (folder, folder / "frames"):
        sides: dict[str, dict[str, Path]] = {"left": {}, "right": {}}
        for path in _images(place):
            key, side = _key_and_side(path.stem)
            if side:
                sides[side][key] = path
        for side, files in sides.items():
            for path in _images(place / side):
                files.setdefault(_SIDE.sub("", path.stem), path)
        common = sorted(sides["left"].keys() & sides["right"].keys(), key=_by_number)
        if common:
            return [PairFiles(_name(key), sides["left"][key], sides["right"][key]) for key in common]
    raise CalibrationError(
        f"{folder} holds no image pairs.",
        "",
        "Name the files left01.png and right01.png, or put them into the folders left/ and right/."
        + (" A single camera is calibrated with --mono." if _images(folder) else ""),
    )


def load_views(
    folder: Path,
    board: Board,
    progress: Callable[[float, str], None] | None = None,
    cancel: CancelToken | None = None,
) -> LoadedViews:
    """Find the board in every pair of a folder. Pairs without one, or of another size, are skipped by name.

    progress is called with the share done in 0..1 and the pair's name. CalibrationError when a folder has no pairs,
    or none shows the board.
    """
    pairs = find_pairs(folder)
    views: list[BoardView] = []
    skipped: list[SkippedPair] = []
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    for index, pair in enumerate(pairs):
        if cancel is not None and cancel.is_cancelled:
            raise CalibrationError("Calibration was stopped.")
        if progress is not None:
            progress(index / len(pairs), pair.name)
        try:
            left, right = read_grey(pair.left), read_grey(pair.right)
            found = (left.shape[1], left.shape[0]), (right.shape[1], right.shape[0])
            sizes = sizes or found
            if found != sizes:
                raise CalibrationError("The images are of another size than the first pair.")
            views.append(detect_view(left, right, board, pair.name))
        except CalibrationError as error:
            skipped.append(SkippedPair(pair.name, str(error)))
    if sizes is None:
        raise CalibrationError(f"No image of {folder} can be read.")
    if not views:
        raise CalibrationError(
            f"No pair in {folder} shows the board.",
            f"Looked for {board} in {len(pairs)} pairs; the first: {skipped[0].reason}",
            f"Count the {board.point_name} of the board that was used.",
        )
    return LoadedViews(views, sizes[0], sizes[1], skipped)


def load_images(
    folder: Path, board: Board, progress: Callable[[float, str], None] | None = None, cancel: CancelToken | None = None
) -> LoadedImages:
    """Find the board in every image of a folder, for calibrating one camera. Errors as in `load_views`."""
    paths = _images(folder)
    if not paths:
        raise CalibrationError(f"{folder} holds no images." if folder.is_dir() else f"There is no folder {folder}.")
    names: list[str] = []
    detections: list[Detection] = []
    skipped: list[SkippedPair] = []
    size: tuple[int, int] | None = None
    for index, path in enumerate(paths):
        if cancel is not None and cancel.is_cancelled:
            raise CalibrationError("Calibration was stopped.")
        if progress is not None:
            progress(index / len(paths), path.stem)
        try:
            image = read_grey(path)
            found = detect_board(image, board)
            if found is None:
                raise CalibrationError("No board in the image.")
            this = (image.shape[1], image.shape[0])
            size = size or this
            if this != size:
                raise CalibrationError("The image is of another size than the first with a board.")
        except CalibrationError as error:
            skipped.append(SkippedPair(path.stem, str(error)))
            continue
        names.append(path.stem)
        detections.append(found)
    if size is None:
        raise CalibrationError(
            f"No image in {folder} shows the board.",
            f"Looked for {board} in {len(paths)} images.",
            f"Count the {board.point_name} of the board that was used.",
        )
    return LoadedImages(names, detections, size, skipped)


def read_grey(path: Path) -> NDArray[np.uint8]:
    """An image file as (H, W) uint8; CalibrationError when it cannot be read."""
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)  # imread fails on some Windows paths
    except (OSError, cv2.error) as error:
        raise CalibrationError(f"{path.name} cannot be read.") from error
    if image is None:
        raise CalibrationError(f"{path.name} cannot be read.", "It is no image.")
    return np.asarray(image, np.uint8)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def _key_and_side(stem: str) -> tuple[str, str]:
    match = _SIDE.search(stem)
    if not match:
        return stem, ""
    return stem[: match.start()] + stem[match.end() :], "left" if match[1].lower().startswith("l") else "right"


def _name(key: str) -> str:
    return key.strip("_- .") or key


def _by_number(key: str) -> tuple[int, str]:
    digits = re.findall(r"\d+", key)
    return (int(digits[-1]) if digits else 0), key
