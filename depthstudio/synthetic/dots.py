"""The infrared projector's dot pattern, fixed in space: both cameras see a dot on the same point of a surface.

The projector sits between the cameras, a share `anchor` of the baseline from the left one. A point at left x with
disparity d is lit by the pattern's column u = x - anchor * d; from the right view u = x_R + (1 - anchor) * d_R, which
is the same number.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from depthstudio.synthetic.disparity import FloatMap

PATTERN_PX = 512
PATTERNS = 16


@lru_cache(maxsize=PATTERNS)
def dot_pattern(seed: int, pitch_px: float = 7.0, sigma_px: float = 0.9) -> FloatMap:
    """(512, 512) float32 in 0..1: soft dots at random places, about one per pitch_px squared. Tiles without a seam."""
    rng = np.random.default_rng([seed, 7])
    count = int((PATTERN_PX / pitch_px) ** 2)
    x, y = rng.uniform(0, PATTERN_PX, (2, count))
    strength = rng.uniform(0.4, 1.0, count).astype(np.float32)
    pattern = np.zeros((PATTERN_PX, PATTERN_PX), np.float32)
    # Spread each dot's centre over four pixels, so that dots lie between pixels, too.
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
            np.add.at(pattern, ((top + dy) % PATTERN_PX, (left + dx) % PATTERN_PX), strength * share)
    margin = 8
    wrapped = cv2.copyMakeBorder(pattern, margin, margin, margin, margin, cv2.BORDER_WRAP)
    soft = cv2.GaussianBlur(wrapped, (0, 0), sigma_px)[margin:-margin, margin:-margin]
    return np.clip(soft / np.percentile(soft, 99.5), 0, 1).astype(np.float32)


def dots_on_surface(pattern: FloatMap, x: FloatMap, y: FloatMap, disparity_px: FloatMap, shift: float) -> FloatMap:
    """(H, W) float32 in 0..1: how much projector light falls on what is seen at (x, y).

    x, y: (H, W) px of one side, disparity_px: (H, W) of that side.
    shift: px of pattern per px of disparity: -anchor for the left view, 1 - anchor for the right one.
    """
    column = np.nan_to_num(x + np.float32(shift) * disparity_px)
    lit = cv2.remap(pattern, column, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(lit, np.float32)


def lit_by_dots(image: FloatMap, dots: FloatMap, strength: float) -> FloatMap:
    """Add projector light to a float32 image 0..255, (H, W) or (H, W, 3); bright surfaces return more of it."""
    light = dots if image.ndim == 2 else dots[..., None]
    return image + light * np.float32(strength) * (np.float32(0.25) * 255 + np.float32(0.75) * image)
