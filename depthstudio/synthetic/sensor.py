"""What a camera adds to a perfect picture: exposure, optics, noise, tone curve and compression.

Every part is a function of its own, so that the simulated cameras use the same noise as the training data.
Images are float32 0..255, (H, W) or (H, W, 3), until `develop` rounds them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap

Image = NDArray[np.uint8]


def sensor_noise(image: FloatMap, rng: np.random.Generator, shot: float, read: float) -> FloatMap:
    """Add Poisson-Gaussian noise: variance = shot * value + read^2, in grey levels of 0..255 (Foi et al., 2008)."""
    variance = np.maximum(image, 0)
    variance *= np.float32(shot)
    variance += np.float32(read * read)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.sqrt(variance, out=variance)
    noise += image
    return noise


def vignette(height: int, width: int, strength: float, centre: tuple[float, float] = (0.0, 0.0)) -> FloatMap:
    """(H, W) float32 gain: 1 at the centre, 1 - strength in the corners; centre as a share of the half size."""
    x = np.linspace(-1, 1, width, dtype=np.float32) - np.float32(centre[0])
    y = np.linspace(-1, 1, height, dtype=np.float32) - np.float32(centre[1])
    return 1 - np.float32(strength / 2) * (x[None, :] ** 2 + y[:, None] ** 2)


def tone_curve(gamma: float, black: float = 0.0) -> Image:
    """(256,) uint8 table: black level subtracted, then value^gamma."""
    values = np.clip((np.arange(256) - black) / (255 - black), 0, 1)
    return np.rint(255 * values**gamma).astype(np.uint8)


def through_jpeg(image: Image, quality: int) -> Image:
    """Compress and decompress."""
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    flag = cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(encoded, flag), np.uint8)


@dataclass(frozen=True)
class Sensor:
    """One camera's settings.

    gain: exposure. colour: gain per channel. vignetting: share lost in the corners. blur_sigma_px: optics.
    shot, read: see sensor_noise. gamma, black: see tone_curve. jpeg_quality: None = not compressed.
    """

    gain: float = 1.0
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignetting: float = 0.0
    vignette_centre: tuple[float, float] = (0.0, 0.0)
    blur_sigma_px: float = 0.0
    shot: float = 0.0
    read: float = 0.0
    gamma: float = 1.0
    black: float = 0.0
    jpeg_quality: int | None = None

    @staticmethod
    def random(rng: np.random.Generator) -> Sensor:
        """A camera of ordinary to poor quality; one in sixteen overexposes."""
        gain = rng.uniform(1.3, 1.8) if rng.random() < 0.06 else np.exp(rng.normal(-0.1, 0.25))
        noise = np.exp(rng.uniform(np.log(0.05), np.log(1.0)))
        noisy = rng.random() < 0.75
        return Sensor(
            gain=float(np.clip(gain, 0.35, 2.2)),
            colour=_three(rng.uniform(0.85, 1.15, 3)),
            vignetting=float(rng.uniform(0, 0.45)) if rng.random() < 0.5 else 0.0,
            vignette_centre=(float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2))),
            blur_sigma_px=float(rng.uniform(0.4, 1.3)) if rng.random() < 0.35 else 0.0,
            shot=float(0.5 * noise) if noisy else 0.0,
            read=float(5 * noise * rng.uniform(0.3, 1)) if noisy else 0.0,
            gamma=float(np.exp(rng.normal(0, 0.2))),
            black=float(rng.uniform(0, 12)) if rng.random() < 0.3 else 0.0,
            jpeg_quality=int(rng.integers(45, 97)) if rng.random() < 0.25 else None,
        )

    def twin(self, rng: np.random.Generator, unlike: float = 1.0) -> Sensor:
        """The other camera of the pair: nearly the same, `unlike` scales the differences."""
        blur = self.blur_sigma_px
        if rng.random() < 0.2 * unlike:
            blur = float(np.hypot(blur, rng.uniform(0.3, 0.9)))
        return replace(
            self,
            gain=self.gain * float(np.exp(rng.normal(0, 0.12 * unlike))),
            colour=_three(np.array(self.colour) * np.exp(rng.normal(0, 0.05 * unlike, 3))),
            vignette_centre=(float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2))),
            blur_sigma_px=blur,
            gamma=self.gamma * float(np.exp(rng.normal(0, 0.06 * unlike))),
        )

    def develop(self, image: FloatMap, rng: np.random.Generator) -> Image:
        """The picture this camera delivers of a perfect one; float32 0..255 in, uint8 of the same shape out."""
        grey = image.ndim == 2
        gain = np.float32(self.gain)
        seen = image * (gain if grey else gain * np.array(self.colour, np.float32))
        if self.vignetting > 0:
            falloff = vignette(image.shape[0], image.shape[1], self.vignetting, self.vignette_centre)
            seen *= falloff if grey else falloff[..., None]
        if self.blur_sigma_px > 0:
            seen = cv2.GaussianBlur(seen, (0, 0), self.blur_sigma_px)
        if self.shot > 0 or self.read > 0:
            seen = sensor_noise(seen, rng, self.shot, self.read)
        pixels = np.rint(np.clip(seen, 0, 255, out=seen), out=seen).astype(np.uint8)
        if self.gamma != 1 or self.black > 0:
            pixels = np.asarray(cv2.LUT(pixels, tone_curve(self.gamma, self.black)), np.uint8)
        if self.jpeg_quality is not None:
            pixels = through_jpeg(pixels, self.jpeg_quality)
        return pixels


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
