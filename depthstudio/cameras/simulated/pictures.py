"""Surfaces of the simulated room, drawn by code: (h, w, 3) uint8 RGB."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]
Rng = np.random.Generator


def noise(rng: Rng, shape: tuple[int, int], cell: float | tuple[float, float], octaves: int = 3) -> NDArray[np.float32]:
    """Smooth noise of about zero mean and unit spread; cell is its coarsest grain in px, (x, y) when stretched."""
    height, width = shape
    cell_x, cell_y = cell if isinstance(cell, tuple) else (cell, cell)
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        grid = (
            max(2, int(height / max(cell_y / 2**octave, 1)) + 2),
            max(2, int(width / max(cell_x / 2**octave, 1)) + 2),
        )
        total += cv2.resize(
            rng.standard_normal(grid).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        ) * np.float32(0.6**octave)
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def plain(colour: Colour, size: tuple[int, int] = (48, 48)) -> Picture:
    """One colour, (width, height) px."""
    planes = [np.full((size[1], size[0]), value, np.uint8) for value in colour]
    return np.asarray(cv2.merge(planes), np.uint8)


def shaded(picture: Picture, factor: NDArray[np.float32]) -> Picture:
    """The picture times a brightness map (h, w)."""
    wide = np.broadcast_to(np.asarray(factor, np.float32), picture.shape[:2])
    return np.asarray(cv2.multiply(picture, cv2.merge([wide, wide, wide]), dtype=cv2.CV_8U), np.uint8)


def rough(rng: Rng, colour: Colour, size: tuple[int, int], strength: float, cell: float = 40.0) -> Picture:
    """A painted or plastered surface: slow stains and a fine grain."""
    shape = (size[1], size[0])
    factor = 1 + strength * (0.6 * noise(rng, shape, cell) + 0.4 * noise(rng, shape, 3.0, 1))
    return shaded(plain(colour, size), factor.astype(np.float32))


def wood(rng: Rng, colour: Colour, size: tuple[int, int], planks: int = 4) -> Picture:
    """Planks along x, with growth rings and grain."""
    width, height = size
    factor = np.ones((height, width), np.float32)
    edges = np.linspace(0, height, planks + 1).astype(int)
    for top, bottom in pairwise(edges):
        shape = (bottom - top, width)
        rings = np.sin(2.4 * noise(rng, shape, (width / 3, shape[0] / 2), 2) + np.linspace(0, 9, shape[0])[:, None])
        grain = noise(rng, shape, (60, 2.5), 2)
        plank = rng.uniform(0.88, 1.1) * (1 + 0.07 * rings + 0.06 * grain)
        plank[: max(1, height // 300)] *= 0.55
        factor[top:bottom] = plank
    return shaded(plain(colour, size), factor)


def tiles(rng: Rng, colour: Colour, size: tuple[int, int], count: tuple[int, int]) -> Picture:
    """Square floor tiles of slightly different brightness with joints."""
    width, height = size
    picture = rough(rng, colour, size, 0.05, 12)
    tone = 1 + 0.05 * rng.standard_normal((count[1], count[0])).astype(np.float32)
    factor = cv2.resize(tone, size, interpolation=cv2.INTER_NEAREST)
    joint = max(1, width // (count[0] * 40))
    lines = np.ones((height, width), np.float32)
    for i in range(count[0] + 1):
        lines[:, max(0, i * width // count[0] - joint) : i * width // count[0] + joint] = 0.6
    for j in range(count[1] + 1):
        lines[max(0, j * height // count[1] - joint) : j * height // count[1] + joint] = 0.6
    return shaded(picture, np.asarray(factor * lines, np.float32))


def leaf(rng: Rng, size: tuple[int, int] = (32, 96)) -> Picture:
    """The green of a leaf, with veins."""
    width, height = size
    v = (np.arange(height, dtype=np.float32) + 0.5) / height
    u = np.abs((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)
    green = (int(rng.integers(40, 90)), int(rng.integers(105, 150)), int(rng.integers(40, 70)))
    veins = 1 + 0.14 * np.sin(v[:, None] * 26 + u[None, :] * 22) + 0.35 * (u[None, :] < 0.04)
    return shaded(plain(green, size), np.asarray(veins, np.float32))


def terrazzo(rng: Rng, size: tuple[int, int], chips: int) -> Picture:
    """Stone chips of several colours and sizes in a pale ground: contrast everywhere."""
    width, height = size
    picture = rough(rng, (206, 201, 192), size, 0.02, 60)
    stones: tuple[Colour, ...] = (
        (112, 108, 104),
        (172, 132, 92),
        (148, 84, 66),
        (70, 92, 88),
        (232, 228, 220),
        (60, 62, 68),
        (188, 168, 140),
    )
    for _ in range(chips):
        middle = rng.uniform((0, 0), (width, height))
        radius = float(np.exp(rng.uniform(np.log(2.5), np.log(19.0))))
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 9))))
        reach = radius * rng.uniform(0.7, 1.2, angles.size)
        corners = middle + np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
        stone = np.array(stones[int(rng.integers(0, len(stones)))]) * rng.uniform(0.85, 1.12)
        ink = (float(min(stone[0], 250)), float(min(stone[1], 250)), float(min(stone[2], 250)))
        cv2.fillPoly(picture, [np.round(corners * 8).astype(np.int32)], ink, cv2.LINE_AA, shift=3)
    return shaded(picture, 1 + 0.025 * noise(rng, (height, width), 2.5, 1))
