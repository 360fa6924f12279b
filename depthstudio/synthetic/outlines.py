"""Shapes of cards, leaves, fences and branches, as rasters of signed distance to their outline."""

from __future__ import annotations

import string
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap

Mask = NDArray[np.uint8]

RASTER_PX = 192
MARGIN_PX = 6


def signed_distance(mask: Mask) -> FloatMap:
    """(h, w) float32 distance to the border of mask > 0, positive inside; the raster's own border is kept outside."""
    mask = (mask > 0).astype(np.uint8)
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    # Pixel centres next to the border are half a px away from it.
    distance = np.where(mask > 0, inside - 0.5, 0.5 - outside)
    return cv2.GaussianBlur(distance.astype(np.float32), (0, 0), 0.7).astype(np.float32)


def _radial(radii: NDArray, angles: NDArray) -> Mask:
    middle, reach = RASTER_PX / 2, RASTER_PX / 2 - MARGIN_PX
    radii = radii / radii.max() * reach
    points = np.stack([middle + radii * np.cos(angles), middle + radii * np.sin(angles)], axis=1)
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)
    return mask


def ellipse(rng: np.random.Generator) -> Mask:
    """A disc; its placement makes it an ellipse."""
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    return _radial(np.ones(120) + rng.uniform(0, 1e-9), angles)


def blob(rng: np.random.Generator) -> Mask:
    """A smooth closed curve."""
    angles = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    radii = np.ones(160)
    for order in range(1, 6):
        radii += rng.uniform(0, 0.5 / order) * np.cos(order * angles + rng.uniform(0, 2 * np.pi))
    return _radial(np.maximum(radii, 0.15), angles)


def star(rng: np.random.Generator) -> Mask:
    """A star or gear with 4 to 12 points."""
    points = int(rng.integers(4, 13))
    radii = np.tile([1.0, rng.uniform(0.3, 0.75)], points)
    return _radial(radii, np.linspace(0, 2 * np.pi, 2 * points, endpoint=False))


def jagged(rng: np.random.Generator) -> Mask:
    """A ragged polygon, not convex."""
    corners = int(rng.integers(5, 14))
    return _radial(rng.uniform(0.3, 1, corners), np.sort(rng.uniform(0, 2 * np.pi, corners)))


def ring(rng: np.random.Generator) -> Mask:
    """A shape with a hole."""
    outer = blob(rng) if rng.random() < 0.4 else ellipse(rng)
    middle, radius = (RASTER_PX // 2, RASTER_PX // 2), int(RASTER_PX * rng.uniform(0.12, 0.36))
    cv2.circle(outer, middle, radius, 0, -1)
    return outer


def glyph(rng: np.random.Generator) -> Mask:
    """A fat letter."""
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    letter = string.ascii_uppercase[int(rng.integers(26))]
    cv2.putText(mask, letter, (28, 160), cv2.FONT_HERSHEY_DUPLEX, 6, 1, int(rng.integers(14, 30)))
    return mask


def plant(rng: np.random.Generator) -> Mask:
    """Leaves on a stem."""
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    foot = np.array([RASTER_PX / 2, RASTER_PX - MARGIN_PX])
    for _ in range(int(rng.integers(4, 11))):
        angle = rng.uniform(-2.8, -0.35)
        tip = foot + RASTER_PX * rng.uniform(0.4, 0.85) * np.array([0.6 * np.cos(angle), np.sin(angle)])
        middle, length = (foot + tip) / 2, float(np.hypot(*(tip - foot)))
        direction = float(np.degrees(np.arctan2(*(tip - foot)[::-1])))
        axes = (int(length / 2), int(rng.uniform(3, 14)))
        cv2.ellipse(mask, np.rint(middle).astype(int).tolist(), axes, direction, 0, 360, 1, -1)
    return mask


def grid(rng: np.random.Generator) -> Mask:
    """A fence: bars in one or two directions."""
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    pitch, bar = int(rng.integers(14, 48)), int(rng.integers(2, 6))
    for start in range(MARGIN_PX, RASTER_PX - MARGIN_PX, pitch):
        mask[:, start : start + bar] = 1
    if rng.random() < 0.6:
        second = int(pitch * rng.uniform(0.7, 3))
        for start in range(MARGIN_PX, RASTER_PX - MARGIN_PX, second):
            mask[start : start + bar] = 1
    return mask


def branches(rng: np.random.Generator) -> Mask:
    """A bare tree: lines that fork and thin out."""
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    tips = [(np.array([RASTER_PX / 2, RASTER_PX - MARGIN_PX]), -np.pi / 2, RASTER_PX * 0.24, 9.0)]
    while tips:
        start, angle, length, width = tips.pop()
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(mask, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), 1, max(2, int(width)))
        if length > 14:
            for _ in range(int(rng.integers(2, 4))):
                tips.append((end, angle + rng.normal(0, 0.55), length * rng.uniform(0.6, 0.85), width * 0.65))
    return mask


def cables(rng: np.random.Generator) -> Mask:
    """A few hanging or crossing curves."""
    mask = np.zeros((RASTER_PX, RASTER_PX), np.uint8)
    x = np.linspace(0, RASTER_PX - 1, 60)
    for _ in range(int(rng.integers(1, 5))):
        y = rng.uniform(0.1, 0.9) * RASTER_PX + rng.uniform(-30, 30) * np.sin(x / RASTER_PX * rng.uniform(2, 12))
        y += (x - RASTER_PX / 2) * rng.uniform(-0.6, 0.6)
        points = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.polylines(mask, [points], False, 1, int(rng.integers(2, 5)))
    return mask


SOLID: dict[str, Callable[[np.random.Generator], Mask]] = {
    "ellipse": ellipse,
    "blob": blob,
    "star": star,
    "jagged": jagged,
    "ring": ring,
    "glyph": glyph,
    "plant": plant,
}
THIN: dict[str, Callable[[np.random.Generator], Mask]] = {"grid": grid, "branches": branches, "cables": cables}
OUTLINES = SOLID | THIN
