"""Textures with mip levels, placed on the image by a homography of the left coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.synthetic.disparity import FloatMap

Matrix = NDArray[np.float64]

Box = tuple[float, float, float, float]

POINTS_PER_ROW = 256
SMALLEST_LEVEL_PX = 8
SINGLE_LEVEL_SPREAD = 0.8
# Levels are taken a little coarser than one texel per px, since a level's own low-pass leaves some aliasing.
SMOOTHER_LEVELS = 0.3


@dataclass(frozen=True)
class Texture:
    """A picture and its halved copies, each low-passed before halving. Repeats by reflection beyond its border.

    levels: (H, W, 3) uint8 RGB, (H/2, W/2, 3), ...
    """

    levels: tuple[NDArray[np.uint8], ...]

    @staticmethod
    def from_image(image: NDArray[np.uint8], blur_sigma_px: float = 0.7) -> Texture:
        """Build the mip levels of an RGB or grey uint8 picture; the blur band-limits the finest level."""
        rgb = np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image
        level = cv2.GaussianBlur(rgb, (0, 0), blur_sigma_px) if blur_sigma_px > 0 else np.ascontiguousarray(rgb)
        levels = [level.astype(np.uint8, copy=False)]
        while min(levels[-1].shape[:2]) >= 2 * SMALLEST_LEVEL_PX:
            levels.append(cv2.pyrDown(levels[-1]).astype(np.uint8, copy=False))
        return Texture(tuple(levels))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the finest level."""
        height, width = self.levels[0].shape[:2]
        return width, height

    def sample_level(self, index: int, u: FloatMap, v: FloatMap) -> FloatMap:
        """Bilinear samples (N, 3) float32 0..255 of one level; u, v: (N,) in texels of the finest level."""
        level = self.levels[index]
        # Texel centres lie on integers; pyrDown keeps the centres of even texels.
        scale = np.float32(0.5**index)
        u, v = u * scale, v * scale
        height, width = level.shape[:2]
        x0, x1, y0, y1 = (int(value) for value in (u.min() // 1, u.max() // 1 + 2, v.min() // 1, v.max() // 1 + 2))
        if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
            # Only the part in use is worth converting to float.
            level = level[y0:y1, x0:x1]
            u, v = u - np.float32(x0), v - np.float32(y0)
        return sample_points(level.astype(np.float32), u, v, cv2.BORDER_REFLECT_101)


@dataclass(frozen=True)
class Placement:
    """Where a texture lies: (u, v, 1) ~ from_left @ (x, y, 1), texels from rectified left px.

    The mip level depends on the left position alone, so both views see the same surface colour.
    """

    from_left: Matrix

    def __post_init__(self) -> None:
        matrix = np.asarray(self.from_left, np.float64)
        scale = float(np.linalg.norm(matrix[2])) * (-1.0 if matrix[2, 2] < 0 else 1.0)
        object.__setattr__(self, "from_left", matrix / scale)

    def coordinates(self, x: FloatMap, y: FloatMap) -> tuple[FloatMap, FloatMap]:
        """Texel positions of left positions."""
        return apply_homography(self.from_left, x, y)

    def level(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """log2 of the texels per px, from the area scale |det H| / |w|^3 of a homography."""
        h = self.from_left
        w = x * np.float32(h[2, 0]) + y * np.float32(h[2, 1]) + np.float32(h[2, 2])
        area = np.float32(abs(np.linalg.det(h)) + 1e-12) / np.maximum(np.abs(w), np.float32(1e-6)) ** 3
        return np.float32(0.5) * np.log2(area)


# Of a homography's third row scaled to unit length; nearer to the plane's horizon positions would overflow.
NEAREST_HORIZON = np.float32(1e-5)


def apply_homography(matrix: Matrix, x: FloatMap, y: FloatMap) -> tuple[FloatMap, FloatMap]:
    """Map positions by a 3x3 homography; the division is skipped for affine maps."""
    h = matrix.astype(np.float32)
    u = x * h[0, 0] + y * h[0, 1] + h[0, 2]
    v = x * h[1, 0] + y * h[1, 1] + h[1, 2]
    if h[2, 0] != 0 or h[2, 1] != 0 or h[2, 2] != 1:
        w = x * h[2, 0] + y * h[2, 1] + h[2, 2]
        on_horizon = np.abs(w) < NEAREST_HORIZON
        if on_horizon.any():  # a plane seen exactly edge-on
            w[on_horizon] = np.copysign(NEAREST_HORIZON, w[on_horizon])
        u /= w
        v /= w
    return u, v


def sample_points(image: FloatMap, u: FloatMap, v: FloatMap, border: int, outside: float = 0.0) -> FloatMap:
    """Bilinear samples of (h, w) or (h, w, 3) float32 at positions (N,) or (H, W), exact in float32."""
    if u.ndim == 2:
        return np.asarray(
            cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=border, borderValue=(outside,)), np.float32
        )
    samples = cv2.remap(image, in_rows(u), in_rows(v), cv2.INTER_LINEAR, borderMode=border, borderValue=(outside,))
    return np.asarray(samples.reshape(-1, *image.shape[2:])[: u.size], np.float32)


def in_rows(values: FloatMap) -> FloatMap:
    """(N,) as (rows, 256), the last row padded with zeros: OpenCV takes no longer side than 32767."""
    rows = np.zeros((-(-values.size // POINTS_PER_ROW), POINTS_PER_ROW), np.float32)
    rows.ravel()[: values.size] = values
    return rows


def sample_placed(
    texture: Texture, placement: Placement, x: FloatMap, y: FloatMap, *, box: Box, sample_spacing_px: float = 1.0
) -> FloatMap:
    """Colours (N, 3) float32 0..255 of a placed texture at left positions (N,).

    box: the layer's extent, which decides between one mip level and a blend of two (perspective).
    sample_spacing_px: distance between neighbouring samples in rectified px, for cameras coarser than the left view.
    """
    u, v = placement.coordinates(x, y)
    x0, y0, x1, y1 = box
    corners = placement.level(np.array([x0, x1, x0, x1], np.float32), np.array([y0, y0, y1, y1], np.float32))
    bias = np.float32(np.log2(sample_spacing_px) + SMOOTHER_LEVELS)
    last = len(texture.levels) - 1
    low, high = (float(np.clip(value + bias, 0, last)) for value in (corners.min(), corners.max()))
    if high - low < SINGLE_LEVEL_SPREAD:
        return texture.sample_level(round((low + high) / 2), u, v)
    wanted = np.clip(placement.level(x, y) + bias, 0, np.float32(last))
    whole = np.minimum(wanted.astype(np.int8), last - 1)
    upper_share = (wanted - whole)[:, None]
    colour = np.empty((u.size, 3), np.float32)
    for index in range(int(whole.min()), int(whole.max()) + 1):
        chosen = np.flatnonzero(whole == index)
        if chosen.size:
            fine = texture.sample_level(index, u[chosen], v[chosen])
            coarse = texture.sample_level(index + 1, u[chosen], v[chosen])
            colour[chosen] = fine + (coarse - fine) * upper_share[chosen]
    return colour
