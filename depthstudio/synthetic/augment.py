"""Making a perfect pair look like two real cameras, with the truth kept true."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.dots import PATTERNS, dot_pattern, dots_on_surface, lit_by_dots
from depthstudio.synthetic.generate import INFRARED
from depthstudio.synthetic.render import SyntheticPair, pixel_grid
from depthstudio.synthetic.sensor import Sensor

Image = NDArray[np.uint8]

GREY_SHARE = 0.4
DOTS_SHARE = 0.25
LARGEST_ROW_ERROR_PX = 1.5


def augment(
    pair: SyntheticPair, rng: np.random.Generator, *, misalign: bool = True, erase: bool = True
) -> SyntheticPair:
    """Photometry and sensor of both cameras, unlike each other; optionally a misaligned, partly erased right image.

    Grey in 40 % of the calls, a quarter of these under infrared dots; "infrared" scenes: always grey, half with dots.
    The disparity stays as it is: nothing here moves the left image or shifts the right one sideways.
    """
    infrared = pair.kind == INFRARED
    grey = infrared or rng.random() < GREY_SHARE
    left, right = as_light(pair.left, grey), as_light(pair.right, grey)
    if grey and pair.right_disparity_px is not None and rng.random() < (0.5 if infrared else DOTS_SHARE):
        left, right = under_dots(left, right, pair.disparity_px, pair.right_disparity_px, rng)
    if misalign and rng.random() < 0.6:
        right = misaligned(right, rng)
    sensor = Sensor.random(rng)
    views = [sensor.develop(left, rng), sensor.twin(rng).develop(right, rng)]
    if erase and rng.random() < 0.4:
        views[1] = with_patches(views[1], rng)
    left_rgb, right_rgb = (cv2.cvtColor(view, cv2.COLOR_GRAY2RGB) if grey else view for view in views)
    return replace(pair, left=np.asarray(left_rgb, np.uint8), right=np.asarray(right_rgb, np.uint8))


def as_light(image: Image, grey: bool) -> FloatMap:
    """float32 0..255, (H, W) when grey."""
    return (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if grey else image).astype(np.float32)


def under_dots(
    left: FloatMap, right: FloatMap, left_disparity_px: FloatMap, right_disparity_px: FloatMap, rng: np.random.Generator
) -> tuple[FloatMap, FloatMap]:
    """Both views lit by the same random dot pattern; ambient light is dimmed, as auto-exposure does."""
    height, width = left.shape[:2]
    x, y = pixel_grid((width, height))
    pattern, anchor = dot_pattern(int(rng.integers(PATTERNS))), float(rng.uniform(0.2, 0.8))
    strength, ambient = float(rng.uniform(0.3, 1.3)), np.float32(rng.uniform(0.4, 1.0))
    dots_left = dots_on_surface(pattern, x, y, left_disparity_px, -anchor)
    dots_right = dots_on_surface(pattern, x, y, right_disparity_px, 1 - anchor)
    return lit_by_dots(left * ambient, dots_left, strength), lit_by_dots(right * ambient, dots_right, strength)


def misaligned(right: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Rows moved by up to 1.5 px: an offset and a tiny tilt, as imperfect calibration leaves them.

    Only rows move: the sideways part of a rotation would make the true disparity wrong.
    """
    height, width = right.shape[:2]
    tilt = rng.uniform(-0.5, 0.5) / width
    offset = float(np.clip(rng.normal(0, 0.6), -LARGEST_ROW_ERROR_PX + 0.25, LARGEST_ROW_ERROR_PX - 0.25))
    matrix = np.array([[1, 0, 0], [tilt, 1, offset - tilt * width / 2]], np.float64)
    moved = cv2.warpAffine(right, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def with_patches(right: Image, rng: np.random.Generator) -> Image:
    """One to three rectangles painted over with the mean colour: only context helps there (Yang et al., HSM, 2019)."""
    erased = right.copy()
    height, width = right.shape[:2]
    mean = right.reshape(height * width, -1).mean(axis=0).astype(np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        h, w = int(rng.uniform(0.1, 0.4) * height), int(rng.uniform(0.05, 0.2) * width)
        y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
        erased[y : y + h, x : x + w] = mean if right.ndim == 3 else mean[0]
    return erased
