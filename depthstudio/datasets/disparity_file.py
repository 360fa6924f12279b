"""Writing a disparity map as the file that others read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.pfm import write_pfm
from depthstudio.errors import DatasetError
from depthstudio.storage import atomic_path

SUFFIXES = (".npy", ".pfm", ".png")
PNG_SCALE = 256
_PNG_LARGEST = np.iinfo(np.uint16).max


def check_suffix(path: Path) -> None:
    """DatasetError when `write_disparity` does not know this kind of file."""
    if path.suffix.lower() not in SUFFIXES:
        raise DatasetError(
            f"A disparity map cannot be written as '{path.name}'.", next_step=f"Use one of {', '.join(SUFFIXES)}."
        )


def write_disparity(path: Path, disparity_px: NDArray[np.float32]) -> str:
    """Write (H, W) float32 px, NaN = none, in the format that the suffix names. Returns what was lost, mostly "".

    .npy: float32 as it is. .pfm: float32, none = infinity. .png: 16 bit, disparity * 256, 0 = none (KITTI's
    convention), so at most 255.996 px in steps of 1/256 px.
    """
    check_suffix(path)
    if path.suffix.lower() == ".pfm":
        write_pfm(path, disparity_px)
        return ""
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".npy":
            with temporary.open("wb") as stream:
                np.save(stream, disparity_px.astype(np.float32))
            return ""
        scaled = np.nan_to_num(disparity_px, nan=0.0) * PNG_SCALE
        # Not imwrite, which reports a full disk by a return value only, and leaves half a file.
        encoded = cv2.imencode(".png", np.clip(scaled.round(), 0, _PNG_LARGEST).astype(np.uint16))[1]
        temporary.write_bytes(encoded.tobytes())
    lost = float(np.mean(scaled > _PNG_LARGEST))
    return f"{lost:.1%} of the pixels exceed the 255.996 px a PNG can hold and were cut." if lost else ""
