"""What each simulated camera makes of the light: lens, colour, vignetting, exposure, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import FloatMap, Image

Rng = np.random.Generator

EXPOSURE_MS = 8.5
GAIN = 16.0

_TILE = 1024


@dataclass(frozen=True)
class SensorModel:
    """One camera.

    colour: (3, 3) on RGB, or (1, 3) for a grey sensor. gamma, brightness: on 0..1. vignetting: loss in the corners.
    blur_px: of the lens, at 640 px width. read_noise, shot_noise: variance = read^2 + shot * level, in grey levels.
    """

    colour: NDArray[np.float32]
    brightness: float = 1.0
    gamma: float = 1.0
    vignetting: float = 0.2
    blur_px: float = 0.45
    read_noise: float = 1.2
    shot_noise: float = 0.03

    def develop(self, radiance: FloatMap) -> Image:
        """The noise-free picture: (H, W, 3) float RGB 0..255 to (H, W, 3) or (H, W) uint8."""
        height, width = radiance.shape[:2]
        image = cv2.transform(radiance, self.colour).reshape(height, width, -1) / np.float32(255.0)
        if self.gamma != 1.0:
            image = np.maximum(image, 0) ** np.float32(self.gamma)
        image = image * (self._falloff(width, height)[..., None] * np.float32(255.0 * self.brightness))
        blur_px = self.blur_px * width / 640
        if blur_px > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), blur_px)
        return np.clip(np.rint(image), 0, 255).astype(np.uint8).reshape((height, width, -1)).squeeze()

    def _falloff(self, width: int, height: int) -> FloatMap:
        x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
        r2 = 0.5 * (x[None, :] ** 2 + y[:, None] ** 2)
        return np.asarray(1 - self.vignetting * (0.4 * r2 + 0.6 * r2 * r2), np.float32)


INFRARED = SensorModel(
    np.array([[0.40, 0.38, 0.22]], np.float32), brightness=0.92, vignetting=0.22, read_noise=1.6, shot_noise=0.035
)
COLOUR = SensorModel(np.diag(np.array([1.04, 1.0, 0.95], np.float32)), vignetting=0.10, blur_px=0.4, read_noise=1.1)
USB = SensorModel(
    np.array([[0.90, 0.08, 0.02], [0.03, 0.94, 0.05], [0.02, 0.10, 0.98]], np.float32),
    brightness=0.88,
    gamma=1.12,
    vignetting=0.30,
    blur_px=0.55,
    read_noise=2.2,
    shot_noise=0.06,
)


class SensorNoise:
    """Exposure, gain and noise of one camera, cheap enough for every frame: tables and one tile of noise made before."""

    def __init__(self, model: SensorModel, seed: int, channels: int, noise: bool = True) -> None:
        self._model = model
        self._noise = noise
        rng = np.random.default_rng((seed, 61))
        tile = np.clip(rng.standard_normal((_TILE, _TILE, channels)) * 32, -127, 127).astype(np.int8)
        self._tile = tile.squeeze()
        self.set_exposure(EXPOSURE_MS, GAIN)

    def set_exposure(self, exposure_ms: float, gain: float) -> None:
        """Brightness follows exposure times gain; gain lifts the noise with the signal, longer exposure does not."""
        levels = np.arange(256, dtype=np.float64)
        amplification = gain / GAIN
        signal = levels * (exposure_ms / EXPOSURE_MS) * amplification
        variance = (self._model.read_noise * amplification) ** 2 + self._model.shot_noise * signal * amplification
        self._signal = np.clip(np.rint(signal), 0, 255).astype(np.uint8)
        self._unchanged = bool(np.array_equal(self._signal, np.arange(256)))
        self._sigma = np.clip(np.sqrt(variance) * 16, 0, 255).astype(np.uint8)

    def expose(self, image: Image, rng: Rng) -> Image:
        """One exposure of a noise-free uint8 picture: a new array of the same shape."""
        exposed = image.copy() if self._unchanged else cv2.LUT(image, self._signal)
        if not self._noise:
            return np.asarray(exposed, np.uint8)
        height, width = image.shape[:2]
        tall, wide = -(-height // _TILE) + 1, -(-width // _TILE) + 1
        tile = self._tile
        if tall > 2 or wide > 2 or height > _TILE // 2 or width > _TILE // 2:
            tile = np.tile(tile, (tall, wide) + (1,) * (tile.ndim - 2))
        row, column = (int(rng.integers(0, tile.shape[k] - size + 1)) for k, size in enumerate((height, width)))
        grain = np.ascontiguousarray(tile[row : row + height, column : column + width])
        sigma = cv2.LUT(image, self._sigma)
        noise = cv2.multiply(sigma, grain, scale=1.0 / 512.0, dtype=cv2.CV_16S)
        return np.asarray(cv2.add(exposed, noise, dtype=cv2.CV_8U), np.uint8)
