"""The infrared dot projector of the depth module."""

from __future__ import annotations

import numpy as np

from depthstudio.frames import FloatMap, Image
from depthstudio.synthetic.dots import dot_pattern, dots_on_surface

# Where the projector sits between the two imagers: 0 = at the left one, 1 = at the right one.
POSITION = 0.55
_SEED = 435
_PITCH_PX = 6.2
_SPOT_PX = 0.75
_FULL_UNTIL_M = 1.2
_BRIGHTNESS = 105.0


def dots(at: tuple[FloatMap, FloatMap], disparity_px: FloatMap, depth_m: FloatMap, grey: Image, side: float) -> Image:
    """Light that the dots add to an infrared image: (H, W) uint8.

    at: x and y, (H, W) px from the module's axis. disparity_px: (H, W), the module's.
    depth_m: (H, W) distance of what is seen; the light fades with it.
    grey: (H, W) uint8, the image without dots, standing for the surface's reflectance.
    side: the imager's place on the baseline, 0 = left, 1 = right.
    """
    pattern = dot_pattern(_SEED, _PITCH_PX, _SPOT_PX)
    light = dots_on_surface(pattern, *at, disparity_px, side - POSITION)
    falloff = np.minimum(1.0, _FULL_UNTIL_M / np.maximum(depth_m, 0.05)).astype(np.float32)
    reflectance = np.float32(0.35) + np.float32(0.65 / 160.0) * grey
    return np.clip(light * falloff * reflectance * np.float32(_BRIGHTNESS), 0, 255).astype(np.uint8)
