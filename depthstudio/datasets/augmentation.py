"""Augmentation that keeps a stereo label true: what changes geometry changes the label with it, the rest is photometry.

A plain horizontal flip is not among them: it turns disparities negative. Only with the views swapped, and a label of
the other view, is the mirrored pair a stereo pair again.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from depthstudio.datasets.stereo_sample import Rgb, StereoSample
from depthstudio.setting_fields import setting


def _setting(default: float, title: str, description: str, unit: str = "", *, le: float) -> Any:
    return setting(default, title, description, "Augmentation", unit=unit, expert=True, ge=0.0, le=le)


class AugmentationSettings(BaseModel):
    """How strongly training pairs are varied. 0 switches a kind off."""

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True, allow_inf_nan=False)

    scale: float = _setting(0.25, "Scale", "Zooms by up to this factor in or out, the disparity with it.", le=0.9)
    stretch: float = _setting(
        0.1, "Stretch", "Widens or narrows the pair by up to this share, the disparity with it.", le=0.5
    )
    brightness: float = _setting(0.2, "Brightness", "Largest change of gain, gamma and colour of both views.", le=0.9)
    asymmetry: float = _setting(0.1, "View difference", "Largest such change between the two views.", le=0.9)
    noise: float = _setting(0.02, "Noise", "Strongest sensor noise added, as a share of white.", le=0.5)
    blur_px: float = _setting(0.8, "Blur", "Widest blur of one view.", "px", le=5.0)
    vertical_px: float = _setting(
        1.0, "Vertical shift", "The right view moves up or down by up to this, as after a knock.", "px", le=5.0
    )
    eraser: float = _setting(
        0.3, "Eraser", "How often patches of the right view are wiped out, as if occluded.", le=1.0
    )
    swap_flip: float = _setting(
        0.5, "Swap and mirror", "How often views are swapped and mirrored, where the right view has a label.", le=1.0
    )


def swap_flip(sample: StereoSample) -> StereoSample:
    """Mirror both images and swap them: the mirrored right image is the new left one, with the right view's own label.

    ValueError without such a label: the left view's label does not belong to the new left image.
    """
    if sample.right_disparity_px is None:
        raise ValueError("a pair can be swapped and mirrored only with a label of its right view")
    disparity_px = _mirrored(sample.right_disparity_px)
    return dataclasses.replace(
        sample,
        left=_mirrored(sample.right),
        right=_mirrored(sample.left),
        disparity_px=disparity_px,
        valid=np.isfinite(disparity_px),
        right_disparity_px=_mirrored(np.where(sample.valid, sample.disparity_px, np.nan).astype(np.float32)),
        exact_disparity_px=None,
        nonoccluded=None,
        confidence=None,
        geometry=None,
    )


def _mirrored(image: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(image[:, ::-1])


def draw_scales(settings: AugmentationSettings, rng: np.random.Generator) -> tuple[float, float]:
    """Random (horizontal, vertical) magnification, spread evenly in the logarithm."""
    zoom = rng.uniform(-1, 1) * np.log1p(settings.scale)
    stretch = rng.uniform(-1, 1) * np.log1p(settings.stretch)
    return float(np.exp(zoom + stretch)), float(np.exp(zoom))


def vary_photometry(left: Rgb, right: Rgb, settings: AugmentationSettings, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Both views with a common and a smaller separate change of light, noise, blur, shift and erased patches."""
    grey = all(np.array_equal(image[:, :, 0], image[:, :, channel]) for image in (left, right) for channel in (1, 2))
    common = rng.uniform(-1, 1, 5) * settings.brightness
    views = []
    for image in (left, right):
        tables = _light_tables(common + rng.uniform(-1, 1, 5) * settings.asymmetry, grey)
        views.append(np.asarray(cv2.LUT(image, tables), np.uint8))
    left, right = (_blurred(view, settings, rng) for view in views)
    right = _shifted(right, settings, rng)
    right = _erased(right, settings, rng)
    strength = rng.uniform(0, settings.noise)
    return _noisy(left, strength, grey, rng), _noisy(right, strength, grey, rng)


def _light_tables(change: NDArray[np.float64], grey: bool) -> NDArray[np.uint8]:
    """Grey value -> grey value, (256, 1, 3). change: gain, gamma and three colour gains, each around 0."""
    gain, gamma, colour = 1 + change[0], np.exp(change[1]), 1 + 0.5 * change[2:]
    if grey:
        colour = np.ones(3)
    light = np.linspace(0, 1, 256)[:, None] ** gamma * gain * colour
    return (np.clip(light, 0, 1) * 255).round().astype(np.uint8)[:, None, :]


def _blurred(image: Rgb, settings: AugmentationSettings, rng: np.random.Generator) -> Rgb:
    sigma = rng.uniform(-settings.blur_px, settings.blur_px)  # half of the views stay sharp
    return image if sigma < 0.2 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _shifted(image: Rgb, settings: AugmentationSettings, rng: np.random.Generator) -> Rgb:
    shift = rng.uniform(-settings.vertical_px, settings.vertical_px)
    if rng.random() < 0.5 or settings.vertical_px == 0:
        return image
    matrix = np.array([[1, 0, 0], [0, 1, shift]], np.float64)
    moved = cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _erased(image: Rgb, settings: AugmentationSettings, rng: np.random.Generator) -> Rgb:
    if rng.random() >= settings.eraser:
        return image
    image = image.copy()
    height, width = image.shape[:2]
    mean = image.mean(axis=(0, 1)).astype(np.uint8)
    for _ in range(rng.integers(1, 4)):
        h, w = (max(1, int(side * rng.uniform(0.05, 0.2))) for side in (height, width))
        y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        image[y : y + h, x : x + w] = mean
    return image


def _noisy(image: Rgb, strength: float, grey: bool, rng: np.random.Generator) -> Rgb:
    if strength * 255 < 0.5:
        return image
    shape = (*image.shape[:2], 1) if grey else image.shape
    noise = rng.standard_normal(shape, np.float32) * np.float32(strength * 255)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)
