"""How much two pictures of a camera differ: the same view, a new one, or something that moved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.cancel import CancelToken

_SIGNATURE_SIZE = (32, 24)
_MOTION_WIDTH_PX = 160
_MOTION_BLUR_PX = 1.5
_TILES = (8, 6)
_LEAST_SPREAD = 4.0
_MEMORY = 2000

# Two frames of a camera on a tripod are about 0.01 apart, those of one that turned by a tenth of its view 0.3 or more.
SAME_VIEW = 0.05
NEW_VIEW = 0.25
# Grey levels. Sensor noise is 0.1 to 0.5 after averaging; an edge that moved by one pixel of 640 makes about 1.
STILL_LEVELS = 1.0

Signature = NDArray[np.float32]


def grey_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) of a (H, W) or (H, W, 3) RGB picture."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def view_signature(image: NDArray[np.uint8]) -> Signature:
    """(24, 32) float32 that tells views apart and does not depend on exposure: a tiny picture, mean 0, spread 1."""
    tiny = cv2.resize(grey_of(image), _SIGNATURE_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    return (tiny - tiny.mean()) / max(float(tiny.std()), _LEAST_SPREAD)


def view_distance(one: Signature, other: Signature) -> float:
    """Mean absolute difference: 0 for equal pictures, about 1.1 for unrelated ones."""
    return float(np.abs(one - other).mean())


def motion_picture(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A small blurred picture for `motion_levels`."""
    grey = grey_of(image)
    scale = _MOTION_WIDTH_PX / grey.shape[1]
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _MOTION_BLUR_PX), np.float32)


def motion_levels(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Difference of two motion pictures in grey levels, in that of 8 x 6 tiles where it is largest.

    A change of the whole picture's brightness counts as well: it comes with a change of the light.
    """
    return float(cv2.resize(cv2.absdiff(one, other), _TILES, interpolation=cv2.INTER_AREA).max())


class ViewMemory:
    """The views recorded so far; one thread adds, others ask. Of very long recordings the oldest are forgotten."""

    def __init__(self, capacity: int = _MEMORY) -> None:
        self._lock = threading.Lock()
        self._signatures = np.empty((capacity, _SIGNATURE_SIZE[1], _SIGNATURE_SIZE[0]), np.float32)
        self._added = 0

    def add(self, signature: Signature) -> None:
        """Remember a view."""
        with self._lock:
            self._signatures[self._added % len(self._signatures)] = signature
            self._added += 1

    def distance(self, signature: Signature) -> float:
        """To the nearest view remembered; infinite before the first."""
        with self._lock:
            known = self._signatures[: min(self._added, len(self._signatures))]
            return float(np.abs(known - signature).mean(axis=(1, 2)).min()) if len(known) else float("inf")


@dataclass(frozen=True)
class DuplicateReport:
    """kept: positions of one frame of every view. duplicates: position -> the kept position that it repeats."""

    kept: tuple[int, ...]
    duplicates: dict[int, int]


def find_duplicates(
    positions: Sequence[int],
    signature_of: Callable[[int], Signature],
    limit: float = SAME_VIEW,
    cancel: CancelToken | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> DuplicateReport:
    """Which frames show what an earlier one showed, closer than `limit`. A cancelled search reports what it saw."""
    kept: list[int] = []
    signatures = np.empty((len(positions), _SIGNATURE_SIZE[1], _SIGNATURE_SIZE[0]), np.float32)
    duplicates: dict[int, int] = {}
    for number, position in enumerate(positions):
        if cancel is not None and cancel.is_cancelled:
            break
        signature = signature_of(position)
        distances = np.abs(signatures[: len(kept)] - signature).mean(axis=(1, 2))
        if kept and distances.min() < limit:
            duplicates[position] = kept[int(distances.argmin())]
        else:
            signatures[len(kept)] = signature
            kept.append(position)
        if on_progress is not None:
            on_progress((number + 1) / len(positions))
    return DuplicateReport(tuple(kept), duplicates)
