"""What each simulated camera makes of the light: lens, colour, vignetting, exposure, noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import FloatMap, Image
from depthstudio.synthetic.sensor import Sensor

Rng = np.random.Generator

EXPOSURE_MS = 8.5
GAIN = 16.0

_TILE = 1024


@dataclass(frozen=True)
class CameraSensor:
    """A camera's sensor: `optics` as for the training data, with blur for 640 px width; infrared sensors are grey."""

    optics: Sensor
    is_infrared: bool = False

    def develop(self, radiance: FloatMap) -> Image:
        """The noise-free picture: (H, W, 3) float RGB 0..255 to (H, W, 3) or, infrared, (H, W) uint8."""
        light = cv2.transform(radiance, _INFRARED_OF_RGB) if self.is_infrared else radiance
        blur_px = self.optics.blur_sigma_px * radiance.shape[1] / 640
        ideal = replace(self.optics, shot=0.0, read=0.0, blur_sigma_px=blur_px if blur_px > 0.2 else 0.0)
        return ideal.develop(np.asarray(light, np.float32), np.random.default_rng(0))


# How much of a surface's red, green and blue the infrared imager is taken to see.
_INFRARED_OF_RGB = np.array([[0.40, 0.38, 0.22]], np.float32)
INFRARED = CameraSensor(Sensor(gain=0.92, vignetting=0.22, blur_sigma_px=0.45, shot=0.035, read=1.6), is_infrared=True)
_COLOUR = CameraSensor(Sensor(colour=(1.04, 1.0, 0.95), vignetting=0.1, blur_sigma_px=0.4, shot=0.03, read=1.1))
_USB = CameraSensor(
    Sensor(
        gain=0.96,
        colour=(0.92, 0.97, 1.04),
        vignetting=0.3,
        blur_sigma_px=0.55,
        shot=0.06,
        read=2.2,
        gamma=1.12,
        black=2.0,
    )
)


def of_rig(kind: str) -> tuple[CameraSensor, CameraSensor]:
    """The left and the right sensor of "ir" or "hybrid"."""
    return (INFRARED, INFRARED) if kind == "ir" else (_COLOUR, _USB)


class SensorNoise:
    """Exposure, gain and noise of one camera, cheap enough for every frame.

    The noise is that of `synthetic.sensor.sensor_noise`, variance = shot * level + read^2, but from tables and a tile
    of random numbers drawn once.
    """

    def __init__(self, sensor: CameraSensor, seed: int, noise: bool = True) -> None:
        self._optics = sensor.optics
        self._noise = noise
        rng = np.random.default_rng((seed, 61))
        shape = (_TILE, _TILE) if sensor.is_infrared else (_TILE, _TILE, 3)
        self._tile = np.clip(rng.standard_normal(shape, np.float32) * 32, -127, 127).astype(np.int8)
        self._tiled: tuple[tuple[int, int], NDArray[np.int8]] | None = None
        self.set_exposure(EXPOSURE_MS, GAIN)

    def set_exposure(self, exposure_ms: float, gain: float) -> None:
        """Brightness follows exposure times gain; gain lifts the noise with the signal, longer exposure does not."""
        levels = np.arange(256, dtype=np.float64)
        amplification = gain / GAIN
        signal = levels * (exposure_ms / EXPOSURE_MS) * amplification
        variance = (self._optics.read * amplification) ** 2 + self._optics.shot * signal * amplification
        self._signal = np.clip(np.rint(signal), 0, 255).astype(np.uint8)
        self._unchanged = bool(np.array_equal(self._signal, np.arange(256)))
        self._sigma = np.clip(np.sqrt(variance) * 16, 0, 255).astype(np.uint8)

    def expose(self, image: Image, rng: Rng) -> Image:
        """One exposure of a noise-free uint8 picture: a new array of the same shape."""
        exposed = image.copy() if self._unchanged else cv2.LUT(image, self._signal)
        if not self._noise:
            return np.asarray(exposed, np.uint8)
        height, width = image.shape[:2]
        tile = self._large_enough(height, width)
        row, column = (int(rng.integers(0, tile.shape[k] - size + 1)) for k, size in enumerate((height, width)))
        grain = np.ascontiguousarray(tile[row : row + height, column : column + width])
        sigma = cv2.LUT(image, self._sigma)
        noise = cv2.multiply(sigma, grain, scale=1.0 / 512.0, dtype=cv2.CV_16S)
        return np.asarray(cv2.add(exposed, noise, dtype=cv2.CV_8U), np.uint8)

    def _large_enough(self, height: int, width: int) -> NDArray[np.int8]:
        """The tile, or several of it side by side for large pictures; put together once for each size."""
        if height <= _TILE // 2 and width <= _TILE // 2:
            return self._tile
        repeats = (-(-height // _TILE) + 1, -(-width // _TILE) + 1)
        if self._tiled is None or self._tiled[0] != repeats:
            self._tiled = repeats, np.tile(self._tile, repeats + (1,) * (self._tile.ndim - 2))
        return self._tiled[1]
