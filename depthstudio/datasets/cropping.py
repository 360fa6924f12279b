"""Cutting a window out of a sample, resized on the way; sizes are (width, height) throughout."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.stereo_sample import StereoSample

Size = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A rectangle of the sample, px, and the size it is resized to."""

    x: int
    y: int
    width: int
    height: int
    out_size: Size


def choose_window(
    image_size: Size, crop: Size, scales: tuple[float, float] = (1.0, 1.0), at: tuple[float, float] = (0.5, 0.5)
) -> Window:
    """The window that gives a crop of `crop` px at these (horizontal, vertical) magnifications.

    at: where it lies, 0 = left or top end, 1 = right or bottom end. An image too small for it is taken whole, and the
    result is then smaller than the crop (see `padded`).
    """
    width, out_width, x = _interval(image_size[0], crop[0], scales[0], at[0])
    height, out_height, y = _interval(image_size[1], crop[1], scales[1], at[1])
    return Window(x, y, width, height, (out_width, out_height))


def _interval(length: int, wanted: int, scale: float, at: float) -> tuple[int, int, int]:
    source = max(1, round(wanted / scale))
    out = wanted
    if source > length:
        source = length
        out = min(wanted, max(1, round(length * scale)))
    return source, out, min(int(at * (length - source + 1)), length - source)


def cut(sample: StereoSample, window: Window) -> StereoSample:
    """The window of the sample at its output size. Disparity is multiplied by the HORIZONTAL ratio of the resize.

    Images are interpolated; labels take the nearest pixel, so no value mixes over an edge. The geometry of the whole
    image no longer fits and is left out.
    """
    ratio = window.out_size[0] / window.width
    resized = (window.width, window.height) != window.out_size

    def part(image: NDArray[Any]) -> NDArray[Any]:
        return image[window.y : window.y + window.height, window.x : window.x + window.width]

    def picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if not resized:
            return part(image)
        shrinks = window.out_size[0] < window.width
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part(image), window.out_size, interpolation=method), np.uint8)

    def nearest(values: NDArray[np.float32]) -> NDArray[np.float32]:
        if not resized:
            return part(values)
        return np.asarray(cv2.resize(part(values), window.out_size, interpolation=cv2.INTER_NEAREST_EXACT), np.float32)

    def label(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return nearest(values) * np.float32(ratio) if resized else part(values)

    def flags(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if not resized:
            return part(values)
        kept = cv2.resize(part(values).astype(np.uint8), window.out_size, interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(kept, np.uint8) > 0

    exact_px, right_px, nonoccluded = sample.exact_disparity_px, sample.right_disparity_px, sample.nonoccluded
    return dataclasses.replace(
        sample,
        left=picture(sample.left),
        right=picture(sample.right),
        disparity_px=label(sample.disparity_px),
        valid=flags(sample.valid),
        exact_disparity_px=None if exact_px is None else label(exact_px),
        right_disparity_px=None if right_px is None else label(right_px),
        nonoccluded=None if nonoccluded is None else flags(nonoccluded),
        confidence=None if sample.confidence is None else nearest(sample.confidence),
        geometry=None,
    )


def padded(sample: StereoSample, size: Size) -> StereoSample:
    """At least `size`: images continued by their last column and row at the right and bottom, without labels there."""
    right = max(0, size[0] - sample.left.shape[1])
    bottom = max(0, size[1] - sample.left.shape[0])
    if not right and not bottom:
        return sample

    def continued(image: NDArray[Any]) -> NDArray[Any]:
        return np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="edge")

    def filled(values: NDArray[Any] | None, value: Any) -> Any:
        return None if values is None else np.pad(values, ((0, bottom), (0, right)), constant_values=value)

    return dataclasses.replace(
        sample,
        left=continued(sample.left),
        right=continued(sample.right),
        disparity_px=filled(sample.disparity_px, np.nan),
        valid=filled(sample.valid, False),
        exact_disparity_px=filled(sample.exact_disparity_px, np.nan),
        right_disparity_px=filled(sample.right_disparity_px, np.nan),
        nonoccluded=filled(sample.nonoccluded, False),
        confidence=filled(sample.confidence, 0),
        geometry=None,
    )
