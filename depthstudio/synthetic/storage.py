"""One rendered pair per file: lossless images, disparity in 1/64 px."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthstudio.storage import atomic_path
from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.render import BoolMap, SyntheticPair

STEPS_PER_PX = 64
OCCLUDED = np.uint16(0x8000)
LARGEST_DISPARITY_PX = 0x7FFF / STEPS_PER_PX

UNREADABLE = (OSError, zipfile.BadZipFile, ValueError, KeyError, EOFError)


def save_pair(path: Path, pair: SyntheticPair) -> None:
    """Write a pair atomically as .npz, 10 bytes per px. Disparities are clipped to 0..511.98 px.

    Raises ValueError when the right view's truth is missing.
    """
    if pair.right_disparity_px is None or pair.right_occluded is None:
        raise ValueError("only pairs with the truth of both views are stored")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            left=pair.left,
            right=pair.right,
            left_truth=_packed(pair.disparity_px, pair.occluded),
            right_truth=_packed(pair.right_disparity_px, pair.right_occluded),
            kind=np.array(pair.kind),
        )


def load_pair(path: Path) -> SyntheticPair:
    """Read a pair. Raises one of UNREADABLE for a missing or damaged file (contents carry a checksum)."""
    with np.load(path, allow_pickle=False) as file:
        left_disparity, left_occluded = _unpacked(file["left_truth"])
        right_disparity, right_occluded = _unpacked(file["right_truth"])
        return SyntheticPair(
            file["left"],
            file["right"],
            left_disparity,
            left_occluded,
            str(file["kind"]),
            right_disparity,
            right_occluded,
        )


def _packed(disparity: FloatMap, occluded: BoolMap) -> NDArray[np.uint16]:
    steps = np.rint(np.clip(np.nan_to_num(disparity), 0, LARGEST_DISPARITY_PX) * STEPS_PER_PX).astype(np.uint16)
    return steps | (occluded * OCCLUDED)


def _unpacked(packed: NDArray[np.uint16]) -> tuple[FloatMap, BoolMap]:
    disparity = (packed & ~OCCLUDED).astype(np.float32)
    disparity *= np.float32(1 / STEPS_PER_PX)
    return disparity, packed >= OCCLUDED
