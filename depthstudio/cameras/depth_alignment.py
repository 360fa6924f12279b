"""Depth of one camera moved into the pixels of another that stands beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import DepthMm

_NONE = int(np.iinfo(np.uint16).max)
_LARGEST_FOOTPRINT_PX = 6


class DepthAligner:
    """Both cameras without distortion: K (3, 3) px and size (width, height); x_target = R @ x_depth + T, T in metres.

    Unlike the SDK's align, which copies the number, the depth along the target's own axis is given.
    """

    def __init__(
        self,
        K_depth: NDArray[np.float64],
        depth_size: tuple[int, int],
        K_target: NDArray[np.float64],
        target_size: tuple[int, int],
        *,
        R: NDArray[np.float64],
        T: NDArray[np.float64],
    ) -> None:
        self._target_size = target_size
        width, height = depth_size
        # Rays through the corners of the pixels, so that each covers its whole footprint in the target.
        u, v = np.meshgrid(np.arange(width + 1) - 0.5, np.arange(height + 1) - 0.5)
        corners = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(K_depth).T @ R.T
        centre_z = np.stack([u[:-1, :-1] + 0.5, v[:-1, :-1] + 0.5, np.ones((height, width))], axis=-1)
        self._centre_z = (centre_z @ np.linalg.inv(K_depth).T @ R[2]).astype(np.float32)
        self._corners = (corners @ K_target.T).astype(np.float32)
        self._offset = (K_target @ T).astype(np.float32)
        self._z_offset = np.float32(T[2])

    def align(self, depth_mm: DepthMm) -> DepthMm:
        """(H', W') uint16 mm in the target's pixels, 0 = none. The nearest surface wins where several meet."""
        v, u = np.nonzero(depth_mm)
        depth_m = depth_mm[v, u].astype(np.float32) * np.float32(0.001)
        z_mm = np.rint((depth_m * self._centre_z[v, u] + self._z_offset) * 1000).clip(1, _NONE).astype(np.uint16)
        # Far ones first: where pixels meet, numpy keeps what is written last. Equal numbers sort fast, by radix.
        order = np.argsort(z_mm, kind="stable")[::-1]
        v, u, depth_m, z_mm = v[order], u[order], depth_m[order], z_mm[order]
        # A pixel of the target belongs to the footprint that holds its centre.
        x0, y0 = self._first_pixel(self._corners[v, u], depth_m)
        x1, y1 = self._first_pixel(self._corners[v + 1, u + 1], depth_m)
        width, height = self._target_size
        aligned = np.full(height * width, _NONE, np.uint16)
        for dy in range(min(_LARGEST_FOOTPRINT_PX, int((y1 - y0).max(initial=0)))):
            for dx in range(min(_LARGEST_FOOTPRINT_PX, int((x1 - x0).max(initial=0)))):
                x, y = x0 + dx, y0 + dy
                inside = (x < x1) & (y < y1) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
                layer = np.full(height * width, _NONE, np.uint16)
                layer[y[inside] * width + x[inside]] = z_mm[inside]
                np.minimum(aligned, layer, out=aligned)
        aligned[aligned == _NONE] = 0
        return aligned.reshape(height, width)

    def _first_pixel(self, rays: NDArray[np.float32], depth_m: NDArray[np.float32]) -> NDArray[np.int32]:
        """(2, N) x and y of the first pixel right of and below where rays (N, 3), times K_target, meet the image."""
        points = rays * depth_m[:, None] + self._offset
        return np.ceil((points[:, :2] / np.maximum(points[:, 2:], 1e-6)).clip(-1e6, 1e6)).astype(np.int32).T
