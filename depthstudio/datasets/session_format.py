"""What a recording session looks like on disk: names of files, image encoding, and the lines of frames.jsonl.

``session.json`` (what, how, by which camera), ``frames.jsonl`` (a line per frame), ``calibration.npz`` when known, and
``frames/000001_left.png`` ... A frame exists when its line does: files are complete before their line is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.mirrored_file import fetch
from depthstudio.datasets.png import encode_png
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame

FORMAT_VERSION = 1
SESSION_FILE = "session.json"
FRAMES_FILE = "frames.jsonl"
CALIBRATION_FILE = "calibration.npz"
THUMBNAIL_FILE = "thumbnail.jpg"
FRAMES_FOLDER = "frames"
ROLES = ("", "train", "validation", "ignored")

Record = dict[str, Any]

# What a person may have edited by hand: a value of another kind is as good as absent.
_EDITABLE_TYPES: dict[str, type] = {"tags": list, "excluded": list, "camera_settings": dict, "role": str}

# Field of StereoFrame -> how its file is called; the order is that of the files in a record.
_PARTS = {
    "left": "left.png",
    "right": "right.png",
    "depth_mm": "depth.png",
    "color": "color.png",
    "exact_depth_m": "exact.npy",
    "label_confidence": "confidence.png",
}


def frame_parts(frame: StereoFrame, index: int) -> dict[str, tuple[str, NDArray]]:
    """Which files frame `index` (from 1) needs: part -> (path relative to the session folder, pixels)."""
    return {
        part: (f"{FRAMES_FOLDER}/{index:06d}_{ending}", pixels)
        for part, ending in _PARTS.items()
        if (pixels := getattr(frame, part)) is not None
    }


def check_frame(frame: StereoFrame) -> None:
    """ValueError when the frame cannot be stored without loss."""
    for part in ("left", "right", "color"):
        image = getattr(frame, part)
        if image is not None and (image.dtype != np.uint8 or image.shape[2:] not in ((), (3,))):
            raise ValueError(f"{part} is {image.dtype} {image.shape}, expected uint8 (H, W) or (H, W, 3)")
    for part, dtype in (("depth_mm", np.uint16), ("exact_depth_m", np.float32), ("label_confidence", np.uint8)):
        values = getattr(frame, part)
        if values is not None and (values.dtype != dtype or values.shape != frame.left.shape[:2]):
            raise ValueError(f"{part} is {values.dtype} {values.shape}, expected {np.dtype(dtype)} of the left size")


def write_pixels(path: Path, pixels: NDArray) -> None:
    """Write one image (PNG: uint8 grey or RGB, uint16) or one array (.npy); OSError when the disk refuses."""
    if path.suffix == ".npy":
        with path.open("wb") as stream:
            np.save(stream, pixels)
        return
    path.write_bytes(encode_png(pixels))


def read_pixels(path: Path) -> NDArray:
    """Read one image as RGB or grey in its own depth, or one .npy array. DatasetError when it is missing or damaged.

    What is missing in the local folder of a remote data set is fetched.
    """
    if not path.exists():
        fetch(path)
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        raw = np.fromfile(path, np.uint8)  # imread cannot open every file name on every system
    except FileNotFoundError as error:
        raise DatasetError(f"The file {path} is missing.", "It was moved or deleted.") from error
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"The file {path} cannot be read.", f"{reason}.") from error
    pixels = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if raw.size else None
    if pixels is None:
        raise DatasetError(f"{path} is damaged, or it is no image.", next_step="Remove it or record it again.")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGB)
    return pixels


def fill_rate(depth_mm: NDArray[np.uint16]) -> float:
    """Share of pixels that have a depth measurement."""
    return cv2.countNonZero(depth_mm) / depth_mm.size


def record_of(frame: StereoFrame, index: int, files: dict[str, str]) -> Record:
    """The line of one frame, as a dictionary."""
    record: Record = {
        "index": index,
        "number": frame.number,
        "timestamp_s": frame.timestamp_s,
        "size": list(frame.size),
        "files": files,
        "metadata": dict(frame.metadata),
        "checks": {},
    }
    if frame.right_timestamp_s is not None:
        record["right_timestamp_s"] = frame.right_timestamp_s
        record["checks"]["skew_ms"] = round(frame.skew_ms, 3)
    if frame.depth_mm is not None:
        record["checks"]["fill_rate"] = round(fill_rate(frame.depth_mm), 4)
    return record


def line_of(record: Record) -> bytes:
    """One line of frames.jsonl, newline included. Numpy numbers become plain ones, what JSON lacks becomes text."""
    return json.dumps(record, default=_plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)


def complete_lines(content: bytes) -> Iterator[tuple[Record | None, int]]:
    """Every finished line of frames.jsonl and the byte where it ends; None for one that is no frame.

    A last line without newline is torn: its frame was never acknowledged, so it is left out.
    """
    end = 0
    while (newline := content.find(b"\n", end)) >= 0:
        line, end = content[end:newline], newline + 1
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        yield (record if _is_record(record) else None), end


def _is_record(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    files, size = record.get("files"), record.get("size")
    return (
        isinstance(record.get("index"), int)
        and isinstance(files, dict)
        and "left" in files
        and all(isinstance(name, str) for name in files.values())
        and isinstance(size, list)
        and [type(side) for side in size] == [int, int]
        and isinstance(record.get("number"), int | None)
        and isinstance(record.get("timestamp_s", 0.0), int | float)
        and isinstance(record.get("right_timestamp_s"), int | float | None)
        and isinstance(record.get("metadata", {}), dict)
        and isinstance(record.setdefault("checks", {}), dict)
    )


def read_session_file(folder: Path) -> dict[str, Any]:
    """The contents of session.json; DatasetError when the folder is no session or the file is damaged."""
    path = folder / SESSION_FILE
    try:
        about = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetError(
            f"{folder} is not a recording session.", f"It has no {SESSION_FILE}.", "Choose a folder that was recorded."
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"The session {folder.name} cannot be read.", f"{SESSION_FILE}: {error}.") from error
    if not isinstance(about, dict) or not isinstance(about.get("format"), int):
        raise DatasetError(f"The session {folder.name} cannot be read.", f"{SESSION_FILE} does not name its format.")
    if about["format"] > FORMAT_VERSION:
        raise DatasetError(
            f"The session {folder.name} was written by a newer version.", next_step="Update DepthStudio to open it."
        )
    return {key: value for key, value in about.items() if isinstance(value, _EDITABLE_TYPES.get(key, object))}
