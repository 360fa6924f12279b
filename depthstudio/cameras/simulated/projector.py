"""The infrared dot projector of the depth module."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from depthstudio.frames import FloatMap, Image

# Where the projector sits between the two imagers: 0 = at the left one, 1 = at the right one.
POSITION = 0.55
_SPACING_PX = 7.0
_FULL_UNTIL_M = 1.2
_BRIGHTNESS = 105.0
_WIDTH_PX = 900
_HEIGHT_PX = 720
_FINENESS = 2


@lru_cache(maxsize=1)
def _pattern() -> FloatMap:
    """Dots in the projector's own image, _FINENESS texels per px of the 640 px module, 0..1; its axis is in the middle."""
    rng = np.random.default_rng(435)
    x, y = np.meshgrid(np.arange(0, _WIDTH_PX, _SPACING_PX), np.arange(0, _HEIGHT_PX, _SPACING_PX))
    pattern = np.zeros((_HEIGHT_PX * _FINENESS, _WIDTH_PX * _FINENESS), np.float32)
    columns = ((x + rng.uniform(0, _SPACING_PX * 0.9, x.shape)) * _FINENESS).astype(int)
    rows = ((y + rng.uniform(0, _SPACING_PX * 0.9, y.shape)) * _FINENESS).astype(int)
    inside = (columns < pattern.shape[1]) & (rows < pattern.shape[0])
    pattern[rows[inside], columns[inside]] = rng.uniform(0.6, 1.0, int(inside.sum()))
    sigma = 0.72 * _FINENESS
    return np.asarray(cv2.GaussianBlur(pattern, (0, 0), sigma) * np.float32(2 * np.pi * sigma**2), np.float32)


def dots(x_projector: FloatMap, y: FloatMap, depth_m: FloatMap, grey: Image) -> Image:
    """Light that the dots add to an infrared image: (H, W) uint8.

    x_projector, y: where each pixel's surface lies in the projector's image, px from its axis at the module's full size:
    x_left - POSITION * disparity, or x_right + (1 - POSITION) * disparity. depth_m: its distance. grey: (H, W) uint8, its
    brightness, standing for its reflectance.
    """
    u = (x_projector + np.float32(_WIDTH_PX / 2)) * np.float32(_FINENESS)
    v = np.ascontiguousarray((y + np.float32(_HEIGHT_PX / 2)) * np.float32(_FINENESS))
    light = cv2.remap(_pattern(), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    falloff = np.minimum(1.0, _FULL_UNTIL_M / np.maximum(depth_m, 0.05)).astype(np.float32)
    reflectance = np.float32(0.35) + np.float32(0.65 / 160.0) * grey
    return np.clip(light * falloff * reflectance * np.float32(_BRIGHTNESS), 0, 255).astype(np.uint8)
