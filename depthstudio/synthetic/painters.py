"""What textures are made of: every painter draws one (size, size, 3) uint8 RGB picture from a random generator."""

from __future__ import annotations

import string
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Painter = Callable[[np.random.Generator, int], Image]

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def palette(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """(count, 3) colours: a common hue with outliers, brightness spread over the range."""
    brightness = rng.permutation(np.linspace(rng.uniform(10, 80), rng.uniform(150, 250), count))
    tint = rng.uniform(0.5, 1.5, 3) * 0.6 + rng.uniform(0.3, 1.7, (count, 3)) * 0.4
    return np.clip(brightness[:, None] * tint, 0, 255).astype(np.float32)


def field(rng: np.random.Generator, size: int, cells: tuple[int, int], octaves: int, persistence: float) -> NDArray:
    """Value noise in 0..1: random grids of growing resolution, smoothly enlarged and summed. cells: (x, y)."""
    total = np.zeros((size, size), np.float32)
    weight = 1.0
    for octave in range(octaves):
        columns, rows = (min(size, cell * 2**octave) for cell in cells)
        grid = rng.random((rows, columns), dtype=np.float32) * np.float32(weight)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        weight *= persistence
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def colourise(rng: np.random.Generator, values: NDArray, count: int) -> Image:
    """Map 0..1 values through a random palette, smoothly."""
    colours = palette(rng, count)
    ramp = cv2.resize(colours[None], (256, 1), interpolation=cv2.INTER_LINEAR)[0]
    return np.clip(ramp, 0, 255).astype(np.uint8)[(np.clip(values, 0, 1) * 255).astype(np.uint8)]


def value_noise(rng: np.random.Generator, size: int) -> Image:
    """Clouds, plaster, stone."""
    cells = int(rng.integers(3, 12))
    values = field(rng, size, (cells, cells), int(rng.integers(4, 7)), rng.uniform(0.45, 0.9))
    return colourise(rng, values, int(rng.integers(2, 7)))


def grain(rng: np.random.Generator, size: int) -> Image:
    """Fine grain: carpet, asphalt, fabric."""
    cells = int(rng.integers(64, 256))
    values = field(rng, size, (cells, cells), 2, 0.7)
    slow = field(rng, size, (4, 4), 3, 0.5)
    return colourise(rng, 0.7 * values + 0.3 * slow, 3)


def wood(rng: np.random.Generator, size: int) -> Image:
    """Noise stretched along one direction."""
    values = field(rng, size, (int(rng.integers(2, 5)), int(rng.integers(20, 80))), 4, 0.7)
    if rng.random() < 0.4:
        values = 0.5 + 0.5 * np.sin(values * rng.uniform(10, 60))
    return colourise(rng, values, int(rng.integers(2, 5)))


def dead_leaves(rng: np.random.Generator, size: int) -> Image:
    """Overlapping discs, boxes and polygons with a power law of sizes: the statistics of natural images."""
    colours = palette(rng, 24)
    image = np.empty((size, size, 3), np.uint8)
    image[:] = colours[0]
    count = int(rng.integers(300, 900))
    radii = size * 0.25 / (1 + rng.pareto(1.3, count) * rng.uniform(2, 5))
    radii = np.sort(size * 0.008 + radii)[::-1] if rng.random() < 0.3 else size * 0.008 + radii
    for radius in radii:
        x, y = rng.integers(0, size, 2).tolist()
        shade = (colours[rng.integers(24)] * rng.uniform(0.7, 1.2)).clip(0, 255).tolist()
        kind = rng.random()
        if kind < 0.5:
            axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.3, 1))))
            cv2.ellipse(image, (x, y), axes, rng.uniform(0, 180), 0, 360, shade, -1, cv2.LINE_AA)
        else:
            corners = 4 if kind < 0.75 else int(rng.integers(3, 7))
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
            cv2.fillPoly(image, [points.astype(np.int32)], shade, cv2.LINE_AA)
    return image


def stripes(rng: np.random.Generator, size: int) -> Image:
    """Bent stripes, soft or hard, of one or two periods."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    along += field(rng, size, (3, 3), 3, 0.5) * np.float32(rng.uniform(0, 60))
    wave = np.sin(along * np.float32(2 * np.pi / rng.uniform(8, 90)))
    if rng.random() < 0.5:
        wave += np.float32(0.6) * np.sin(along * np.float32(2 * np.pi / rng.uniform(20, 200)))
    hardness = rng.choice([1.0, 2.0, 8.0])
    return colourise(rng, 0.5 + 0.5 * np.tanh(wave * np.float32(hardness)), int(rng.integers(2, 5)))


def text(rng: np.random.Generator, size: int) -> Image:
    """A page or a poster: lines of random words in several fonts and sizes."""
    image = colourise(rng, field(rng, size, (2, 2), 2, 0.5) * rng.uniform(0.1, 1), 2)
    dark = image.mean() > 128
    letters = np.array(list(string.ascii_letters + string.digits + "   .,;-&"))
    y = 0
    while y < size:
        scale = float(rng.choice([0.4, 0.5, 0.7, 1.0, 1.6, 2.8]))
        y += int(36 * scale) + int(rng.integers(0, 10))
        ink = (rng.uniform(0, 70, 3) if dark else rng.uniform(170, 255, 3)).tolist()
        line = "".join(rng.choice(letters, int(size / (15 * scale)) + 2))
        place = int(rng.integers(-30, 30)), y
        font = FONTS[int(rng.integers(len(FONTS)))]
        cv2.putText(image, line, place, font, scale, ink, max(1, int(2 * scale)), cv2.LINE_AA)
    return image


def line_drawing(rng: np.random.Generator, size: int) -> Image:
    """Curves, circles and hatching on paper."""
    image = colourise(rng, field(rng, size, (3, 3), 4, 0.6), 2)
    colours = palette(rng, 6)
    for _ in range(int(rng.integers(25, 90))):
        ink, width = colours[rng.integers(6)].tolist(), int(rng.integers(1, 6))
        centre = rng.integers(0, size, 2)
        kind = rng.random()
        if kind < 0.4:
            points = centre + np.cumsum(rng.normal(0, size * 0.06, (int(rng.integers(3, 12)), 2)), axis=0)
            cv2.polylines(image, [points.astype(np.int32)], rng.random() < 0.3, ink, width, cv2.LINE_AA)
        elif kind < 0.75:
            axes = rng.integers(4, size // 4, 2).tolist()
            cv2.ellipse(image, centre.tolist(), axes, rng.uniform(0, 180), 0, 360, ink, width, cv2.LINE_AA)
        else:
            step, length = rng.uniform(4, 14), rng.uniform(20, 100)
            for i in range(int(rng.integers(4, 16))):
                start = centre + np.array([i * step, 0])
                end = start + np.array([length * 0.3, length])
                cv2.line(image, start.astype(int).tolist(), end.astype(int).tolist(), ink, width, cv2.LINE_AA)
    return image


def ramps(rng: np.random.Generator, size: int) -> Image:
    """Smooth colour ramps: painted walls, plastic, light falling off."""
    values = field(rng, size, (2, 2), int(rng.integers(1, 3)), 0.4)
    faint = field(rng, size, (24, 24), 4, 0.7) - 0.5
    return colourise(rng, values * 0.9 + faint * rng.uniform(0, 0.1), int(rng.integers(2, 4)))


def bricks(rng: np.random.Generator, size: int) -> Image:
    """A wall of bricks or tiles, each its own shade."""
    columns = int(rng.choice([4, 8, 16, 32]))
    rows = int(columns * rng.choice([1, 2, 3]))
    mortar, colours = palette(rng, 2)[0], palette(rng, 2)[1]
    image = np.empty((size, size, 3), np.float32)
    image[:] = mortar
    shifted, gap = rng.random() < 0.6, max(1, int(size / rows * rng.uniform(0.04, 0.15)))
    spread = rng.uniform(0, 0.25)
    for row in range(rows):
        offset = 0.5 if shifted and row % 2 else 0.0
        y0, y1 = size * row // rows, size * (row + 1) // rows - gap
        for column in range(-1, columns + 1):
            x0, x1 = (int(size * (column + offset + side) / columns) for side in (0, 1))
            image[y0:y1, max(0, x0) : max(0, x1 - gap)] = colours * rng.uniform(1 - spread, 1 + spread)
    image *= 0.85 + 0.3 * field(rng, size, (32, 32), 3, 0.8)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def lattice(rng: np.random.Generator, size: int) -> Image:
    """Checks, dots or crosses on a regular lattice, all alike."""
    cells = int(rng.choice([8, 16, 32, 64]))
    pitch = size // cells
    colours = palette(rng, 2)
    tile = np.empty((2 * pitch, 2 * pitch, 3), np.uint8)
    tile[:] = colours[0]
    ink = colours[1].tolist()
    kind = rng.random()
    for x, y in ((0, 0), (1, 1)) if kind < 0.5 else ((0, 0), (0, 1), (1, 0), (1, 1)):
        corner = (x * pitch, y * pitch)
        if kind < 0.5:
            cv2.rectangle(tile, corner, (corner[0] + pitch - 1, corner[1] + pitch - 1), ink, -1)
        else:
            middle = (corner[0] + pitch // 2, corner[1] + pitch // 2)
            cv2.circle(tile, middle, max(1, int(pitch * rng.uniform(0.2, 0.4))), ink, -1, cv2.LINE_AA)
    return np.tile(tile, (cells // 2, cells // 2, 1))[:size, :size]


def collage(rng: np.random.Generator, size: int) -> Image:
    """Patches of other textures side by side, like shelves and notice boards."""
    painters = (value_noise, dead_leaves, stripes, text, line_drawing, bricks)
    image = grain(rng, size)
    for _ in range(int(rng.integers(6, 14))):
        patch = painters[int(rng.integers(len(painters)))](rng, 256)
        height, width = rng.integers(90, 256, 2)
        y, x = int(rng.integers(0, size - height)), int(rng.integers(0, size - width))
        image[y : y + height, x : x + width] = patch[:height, :width]
    return image


PAINTERS: dict[str, Painter] = {
    "value_noise": value_noise,
    "grain": grain,
    "wood": wood,
    "dead_leaves": dead_leaves,
    "stripes": stripes,
    "text": text,
    "line_drawing": line_drawing,
    "ramps": ramps,
    "bricks": bricks,
    "lattice": lattice,
    "collage": collage,
}
