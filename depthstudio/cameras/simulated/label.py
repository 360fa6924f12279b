"""A depth label with RealSense depth's habits: holes, flying pixels, 1/32 px steps, noise growing with Z squared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import DepthMm, FloatMap

STEPS_PER_PX = 32
UNITS_PER_PX = 256
MAX_DISPARITY_PX = 126.0
MAX_DEPTH_M = 12.0
DISPARITY_NOISE_PX = 0.08

_TILE = 1024
_NOISE_BLUR_PX = 1.3
# Matching needs contrast: a window whose grey values spread less than this is guesswork.
_WINDOW_PX = 11
_WEAK_CONTRAST = 2.6
_MATCHED = 127
_UNSURE = 200
_UNITS_PER_STEP = UNITS_PER_PX // STEPS_PER_PX
_FLYING_SHARE = 0.10
_EDGE_PX = 0.6


def occluded_in_right(disparity: FloatMap) -> NDArray[np.bool_]:
    """Left pixels that the right imager cannot see: (H, W) bool.

    disparity: (H, W) px of a rectified left view, on its own grid. A pixel is hidden when another one further right in
    its row lands at the same place or left of it in the right image, or when it lands outside that image.
    """
    columns = np.arange(disparity.shape[1], dtype=np.float32)
    landing = columns[None, :] - disparity
    nearest = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(disparity.shape, bool)
    # Half a pixel of slack: neighbours of one slanted surface may land closer together than one pixel.
    hidden[:, :-1] = landing[:, :-1] > nearest[:, 1:] + 0.5
    return hidden | (landing < 0)


def matchability(image: NDArray[np.uint8], hidden: NDArray[np.bool_], zoom: float = 1.0) -> NDArray[np.uint8]:
    """How surely each left pixel can be matched: 0 = not at all, 255 = certainly. (H, W) uint8.

    image: (H, W) grey as the left imager sees it, dots included. hidden: pixels without a partner.
    zoom: focal length of the image over the module's: the matching window has a fixed size in the module's pixels.
    """
    grey = image.astype(np.float32)
    side = 2 * round((_WINDOW_PX * zoom - 1) / 2) + 1
    window = (side, side)
    mean = cv2.blur(grey, window)
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, window) - mean * mean, 0))
    # Saturated pixels carry no texture whatever their surroundings.
    contrast = spread / (1.0 + 0.004 * mean)
    quality = np.clip((_MATCHED + 1) * contrast / _WEAK_CONTRAST, 0, 255)
    quality[hidden] = 0
    return quality.astype(np.uint8)


def ideal_units(disparity: FloatMap, rng: np.random.Generator) -> NDArray[np.uint16]:
    """The module's disparity (H, W) in 1 / UNITS_PER_PX; some pixels at depth edges float between near and far."""
    disparity = np.nan_to_num(disparity, nan=0.0)
    kernel = np.ones((3, 3), np.uint8)
    near, far = cv2.dilate(disparity, kernel), cv2.erode(disparity, kernel)
    chosen = (near - far > _EDGE_PX) & (rng.random(disparity.shape) < _FLYING_SHARE)
    between = far + (near - far) * rng.random(disparity.shape, dtype=np.float32)
    return np.clip(np.rint(np.where(chosen, between, disparity) * UNITS_PER_PX), 0, 65535).astype(np.uint16)


class DepthLabeller:
    """Turns ideal disparity into one measurement after another. Integer work and one tile of noise: cheap."""

    def __init__(self, focal_baseline: float, seed: int = 0, noise: bool = True) -> None:
        """focal_baseline: the module's f * B in px * m at the label's size."""
        self._noise = noise
        rng = np.random.default_rng((seed, 83))
        white = rng.standard_normal((_TILE, _TILE)).astype(np.float32)
        smooth = cv2.GaussianBlur(white, (0, 0), _NOISE_BLUR_PX)
        scale = DISPARITY_NOISE_PX * UNITS_PER_PX / float(smooth.std())
        self._tile = np.rint(smooth * scale).astype(np.int16)
        self._depth_of_step = _depth_table(focal_baseline)

    def measure(self, units: NDArray[np.uint16], quality: NDArray[np.uint8], rng: np.random.Generator) -> DepthMm:
        """One depth image: (H, W) uint16 mm, 0 = none. units: from `ideal_units`. quality: from `matchability`."""
        disparity = units.astype(np.int32)
        if self._noise:
            noise = self._patch(units.shape, rng)
            # Weak texture is matched worse.
            disparity += np.where(quality < _UNSURE, noise + (noise >> 1), noise)
            # Holes flicker where matching is hardly possible.
            valid = quality.astype(np.int16) - (self._patch(units.shape, rng) >> 1) > _MATCHED
            valid &= quality > 0
        else:
            valid = quality > _MATCHED
        steps = np.clip((disparity + _UNITS_PER_STEP // 2) // _UNITS_PER_STEP, 0, self._depth_of_step.size - 1)
        return np.where(valid, self._depth_of_step[steps], np.uint16(0)).astype(np.uint16)

    def _patch(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.int16]:
        """Any part of the noise tile, mirrored for images larger than it."""
        row, column = (int(rng.integers(0, max(_TILE - size, 0) + 1)) for size in shape)
        patch = self._tile[row : row + shape[0], column : column + shape[1]]
        missing = [(0, size - have) for size, have in zip(shape, patch.shape, strict=True)]
        return np.pad(patch, missing, mode="reflect") if any(after for _, after in missing) else patch


def _depth_table(focal_baseline: float) -> NDArray[np.uint16]:
    """Millimetres for every disparity in 1/32 px; 0 outside the measuring range."""
    last = int(MAX_DISPARITY_PX * STEPS_PER_PX)
    depth_mm = np.zeros(last + 2)
    depth_mm[1 : last + 1] = 1000.0 * focal_baseline * STEPS_PER_PX / np.arange(1, last + 1)
    depth_mm[depth_mm > 1000.0 * MAX_DEPTH_M] = 0
    return np.rint(depth_mm).astype(np.uint16)
