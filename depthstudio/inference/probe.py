"""A textured stereo pair out of nothing, for measuring speed and comparing backends."""

from __future__ import annotations

import cv2
import numpy as np

from depthstudio.frames import Image


def probe_pair(size: tuple[int, int], largest_disparity_px: float, seed: int = 0) -> tuple[Image, Image]:
    """left, right (H, W, 3) uint8 of (width, height): a slanted, undulating surface without occlusions.

    Its disparity lies within 0.05 .. 0.8 of largest_disparity_px and is at most an eighth of the width.
    """
    width, height = size
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    waves = 0.1 * np.sin(x / 37) + 0.1 * np.cos(y / 29)
    disparity = (largest_disparity_px * (0.25 + 0.35 * y / height + waves)).astype(np.float32)
    disparity = np.minimum(disparity, width / 8)
    left = np.zeros((height, width, 3), np.float32)
    for sigma in (1.0, 3.0, 9.0):
        noise = cv2.GaussianBlur(rng.standard_normal((height, width, 3)).astype(np.float32), (0, 0), sigma)
        left += noise / noise.std()
    left = np.clip(127 + 30 * left, 0, 255)
    right = cv2.remap(left, x + disparity, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return left.astype(np.uint8), right.astype(np.uint8)
