"""Depth and disparity as colours: 256-entry tables whose first entry is reserved for invalid pixels."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint32]

COLORMAP_NAMES = ("turbo", "viridis", "grey")
_OPENCV_MAPS = {"turbo": cv2.COLORMAP_TURBO, "viridis": cv2.COLORMAP_VIRIDIS}


@lru_cache(maxsize=32)
def color_table(name: str, invalid_rgb: tuple[int, int, int] = (45, 49, 54)) -> Table:
    """(256,) uint32 0xffRRGGBB: entry 0 is the invalid colour, 1..255 run over the map. KeyError: unknown name."""
    ramp = np.arange(256, dtype=np.uint8)
    if name == "grey":
        bgr = np.repeat(ramp[:, None], 3, axis=1).astype(np.uint8)
    else:
        bgr = np.asarray(cv2.applyColorMap(ramp.reshape(-1, 1), _OPENCV_MAPS[name]), np.uint8).reshape(256, 3)
    bgr = np.concatenate([np.array([invalid_rgb[::-1]], np.uint8), bgr[np.linspace(0, 255, 255).round().astype(int)]])
    packed = np.dstack([bgr[None], np.full((1, 256, 1), 255, np.uint8)])
    return np.ascontiguousarray(packed).view(np.uint32).ravel()


def value_range(
    values: NDArray[np.generic], low_percent: float = 2.0, high_percent: float = 98.0
) -> tuple[float, float] | None:
    """Percentile range of the valid values (finite and > 0) of a depth or disparity map; None when there are none.

    A subsample of about 20,000 pixels is enough for a display range.
    """
    step = max(1, int((values.size / 20_000) ** 0.5))
    sample = np.asarray(values[::step, ::step], np.float32)
    valid = sample[sample > 0]
    valid = valid[np.isfinite(valid)]
    if valid.size == 0:
        return None
    low, high = np.percentile(valid, [low_percent, high_percent])
    return float(low), float(max(high, low + 1e-6))


def colorize(values: NDArray[np.generic], low: float, high: float, table: Table) -> NDArray[np.uint8]:
    """(H, W) uint16 or float32 to (H, W, 4) uint8 BGRA. Invalid: 0, negative, NaN or infinite."""
    span = max(high - low, 1e-9)
    if values.dtype == np.uint16:
        ramp = (np.arange(65536, dtype=np.float32) - low) * (254.0 / span) + 1.0
        index_of = np.clip(ramp, 1, 255).astype(np.uint8)
        index_of[0] = 0
        colours = table[index_of][values]
    else:
        floats = np.asarray(values, np.float32)
        with np.errstate(invalid="ignore"):
            scaled = np.clip((floats - np.float32(low)) * np.float32(254.0 / span) + np.float32(1.0), 1, 255)
            scaled[~(floats > 0) | ~np.isfinite(floats)] = 0
        colours = table[scaled.astype(np.uint8)]
    return np.ascontiguousarray(colours).view(np.uint8).reshape(*values.shape, 4)
