"""Cutting many different training pairs out of one rendered pair: window, scale, stretch, flips."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.render import BoolMap, SyntheticPair

# Reduced scenes have the fine, sharp detail of real images; networks that saw only enlarged ones miss what is thin.
SMALLEST_SCALE, LARGEST_SCALE = 0.45, 1.2
SMOOTH_STEP_PX = 0.5
# Of the Gaussian before a reduction, against the square root of (step^2 - 1), step in source px.
BLUR_PX_PER_STEP = 0.35


def vary(
    pair: SyntheticPair, rng: np.random.Generator, size: tuple[int, int], max_disparity: float | None = None
) -> SyntheticPair:
    """A random window, flipped at random. size: (width, height) of the result.

    Mirroring also exchanges the two views, which keeps disparities positive; it needs the right view's truth.
    """
    if pair.right_disparity_px is not None and rng.random() < 0.5:
        pair = mirrored(pair)
    if rng.random() < 0.3:
        pair = upside_down(pair)
    return random_window(pair, rng, size, max_disparity)


def mirrored(pair: SyntheticPair) -> SyntheticPair:
    """The pair seen in a mirror: views exchanged and reversed. Needs right_disparity_px and right_occluded."""
    if pair.right_disparity_px is None or pair.right_occluded is None:
        raise ValueError("a mirrored pair needs the right view's disparity and occlusion")
    return SyntheticPair(
        pair.right[:, ::-1],
        pair.left[:, ::-1],
        pair.right_disparity_px[:, ::-1],
        pair.right_occluded[:, ::-1],
        pair.kind,
        pair.disparity_px[:, ::-1],
        pair.occluded[:, ::-1],
    )


def upside_down(pair: SyntheticPair) -> SyntheticPair:
    """All rows reversed."""
    right_disparity, right_occluded = pair.right_disparity_px, pair.right_occluded
    return replace(
        pair,
        left=pair.left[::-1],
        right=pair.right[::-1],
        disparity_px=pair.disparity_px[::-1],
        occluded=pair.occluded[::-1],
        right_disparity_px=None if right_disparity is None else right_disparity[::-1],
        right_occluded=None if right_occluded is None else right_occluded[::-1],
    )


def random_window(
    pair: SyntheticPair, rng: np.random.Generator, size: tuple[int, int], max_disparity: float | None = None
) -> SyntheticPair:
    """A window of the given (width, height), scaled by 0.45 to 1.2 and stretched sideways by some 10 %.

    The source must be at least as large as `size`; it is reduced no further than to that size.
    max_disparity: keep the scaled disparity below it where the source allows.
    """
    width, height = size
    source_height, source_width = pair.disparity_px.shape
    least_x, least_y = width / source_width, height / source_height
    least = max(least_x, least_y, SMALLEST_SCALE)
    scale = float(np.exp(rng.uniform(np.log(least), np.log(max(LARGEST_SCALE, least)))))
    scale_x = scale * float(np.exp(rng.normal(0, 0.08)))
    if max_disparity is not None:
        largest = max_disparity / max(1.0, float(np.nanmax(pair.disparity_px)))
        scale, scale_x = min(scale, max(largest, least)), min(scale_x, largest)
    scale_x, scale_y = max(scale_x, least_x), max(scale, least_y)
    x0 = rng.uniform(0, source_width - width / scale_x)
    y0 = rng.uniform(0, source_height - height / scale_y)
    return window(pair, (x0, y0), (scale_x, scale_y), size)


def window(
    pair: SyntheticPair, origin: tuple[float, float], scale: tuple[float, float], size: tuple[int, int]
) -> SyntheticPair:
    """The part of both views from origin (x, y px) on, scaled by (x, y). size: (width, height), result."""
    x0, y0 = origin
    to_source = np.array(
        [[1 / scale[0], 0, x0 + 0.5 / scale[0] - 0.5], [0, 1 / scale[1], y0 + 0.5 / scale[1] - 0.5]], np.float64
    )
    disparity = _scaled_disparity(pair.disparity_px, to_source, size, scale[0])
    x = np.arange(size[0], dtype=np.float32)
    right_disparity, right_occluded = pair.right_disparity_px, pair.right_occluded
    if right_disparity is not None:
        right_disparity = _scaled_disparity(right_disparity, to_source, size, scale[0])
        if right_occluded is not None:
            right_occluded = _scaled_mask(right_occluded, to_source, size) | (x + right_disparity > size[0] - 1)
    return SyntheticPair(
        _scaled_image(pair.left, to_source, size),
        _scaled_image(pair.right, to_source, size),
        disparity,
        _scaled_mask(pair.occluded, to_source, size) | (x - disparity < 0),
        pair.kind,
        right_disparity,
        right_occluded,
    )


def _scaled_image(image: NDArray, to_source: NDArray, size: tuple[int, int]) -> NDArray:
    """Interpolated; blurred before a reduction, so that fine texture does not alias."""
    step_x, step_y = to_source[0, 0], to_source[1, 1]
    if max(step_x, step_y) > 1:
        x0, y0 = (max(0, int(origin) - 4) for origin in to_source[:, 2])
        x1, y1 = (int(x0 + 10 + step_x * size[0]), int(y0 + 10 + step_y * size[1]))
        blurred = BLUR_PX_PER_STEP * np.sqrt(np.maximum(np.square((step_x, step_y)) - 1, 1e-4))
        part = np.ascontiguousarray(image[y0:y1, x0:x1])
        image = cv2.GaussianBlur(part, (0, 0), float(blurred[0]), sigmaY=float(blurred[1]))
        to_source = to_source - np.array([[0, 0, x0], [0, 0, y0]])
    return _warped(image, to_source, size, cv2.INTER_LINEAR)


def _warped(image: NDArray, to_source: NDArray, size: tuple[int, int], interpolation: int) -> NDArray:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    source = np.ascontiguousarray(image)
    return cv2.warpAffine(source, to_source, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _scaled_mask(mask: BoolMap, to_source: NDArray, size: tuple[int, int]) -> BoolMap:
    return _warped(np.ascontiguousarray(mask).view(np.uint8), to_source, size, cv2.INTER_NEAREST) > 0


def _scaled_disparity(disparity: FloatMap, to_source: NDArray, size: tuple[int, int], scale_x: float) -> FloatMap:
    """Interpolated on surfaces, nearest at their outlines: a mean of two surfaces is the disparity of neither."""
    nearest = _warped(disparity, to_source, size, cv2.INTER_NEAREST)
    smooth = _warped(disparity, to_source, size, cv2.INTER_LINEAR)
    kept = np.where(np.abs(smooth - nearest) < SMOOTH_STEP_PX, smooth, nearest)
    return (kept * np.float32(scale_x)).astype(np.float32, copy=False)
