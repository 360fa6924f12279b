"""Disparity fields: how far a surface moves between the two views, as a function of the left image position.

A point seen at (x_L, y) in the rectified left view is seen at x_R = x_L - d(x_L, y) in the right view, y unchanged.
A field must keep its horizontal slope below 1, so that x_L -> x_R is one to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]

FIXED_POINT_STEPS = 5
PRECISE_PX = 1e-3
STEEPEST_BUMP = 0.25


class DisparityField(Protocol):
    """A surface's disparity in left coordinates and the way back from the right view."""

    def at_left(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Disparity in px at left positions (x, y) in px."""
        ...

    def left_x(self, x_right: FloatMap, y: FloatMap) -> FloatMap:
        """The x_L that solves x_L - d(x_L, y) = x_right."""
        ...

    def limits(self, box: tuple[float, float, float, float]) -> tuple[float, float]:
        """Bounds of d over the box (x0, y0, x1, y1): they may be wider than the true extremes, never narrower."""
        ...


@dataclass(frozen=True)
class PlaneDisparity:
    """d = a x + b y + c: every plane in space, since 1/Z is linear in the image. a must not be 1."""

    a: float
    b: float
    c: float

    def at_left(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Disparity in px at left positions (x, y) in px."""
        d = x * np.float32(self.a)
        d += y * np.float32(self.b)
        d += np.float32(self.c)
        return d

    def left_x(self, x_right: FloatMap, y: FloatMap) -> FloatMap:
        """x_L = (x_R + b y + c) / (1 - a)."""
        x = y * np.float32(self.b)
        x += x_right
        x += np.float32(self.c)
        x *= np.float32(1.0 / (1.0 - self.a))
        return x

    def limits(self, box: tuple[float, float, float, float]) -> tuple[float, float]:
        """Smallest and largest d over the box."""
        x0, y0, x1, y1 = box
        corners = [self.a * x + self.b * y + self.c for x in (x0, x1) for y in (y0, y1)]
        return min(corners), max(corners)


@dataclass(frozen=True)
class Wave:
    """amplitude_px * sin(kx x + ky y + phase), with kx, ky in radians per px."""

    amplitude_px: float
    kx: float
    ky: float
    phase: float


@dataclass(frozen=True)
class BumpDisparity:
    """A plane plus low-frequency waves: curved surfaces.

    The waves' summed horizontal slope, divided by 1 - a, must not exceed STEEPEST_BUMP: then five fixed-point steps
    end within 0.1 % of the bump's height.
    """

    plane: PlaneDisparity
    waves: tuple[Wave, ...]

    def __post_init__(self) -> None:
        if self._slope > STEEPEST_BUMP + 1e-6:
            raise ValueError(f"the bump is too steep to be inverted: slope {self._slope:.2f} > {STEEPEST_BUMP}")

    @property
    def _slope(self) -> float:
        """The factor by which every step shrinks the error."""
        return sum(abs(wave.amplitude_px * wave.kx) for wave in self.waves) / abs(1.0 - self.plane.a)

    @property
    def _height_px(self) -> float:
        return sum(abs(wave.amplitude_px) for wave in self.waves)

    @cached_property
    def _steps(self) -> int:
        """Steps until the error is below PRECISE_PX, five at most."""
        error_px = self._height_px / abs(1.0 - self.plane.a)
        for step in range(FIXED_POINT_STEPS):
            if error_px < PRECISE_PX:
                return step
            error_px *= self._slope
        return FIXED_POINT_STEPS

    def _bump(self, x: FloatMap, y: FloatMap) -> FloatMap:
        total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
        for wave in self.waves:
            angle = x * np.float32(wave.kx)
            angle += y * np.float32(wave.ky)
            angle += np.float32(wave.phase)
            np.sin(angle, out=angle)
            angle *= np.float32(wave.amplitude_px)
            total += angle
        return total

    def at_left(self, x: FloatMap, y: FloatMap) -> FloatMap:
        """Disparity in px at left positions (x, y) in px."""
        return self.plane.at_left(x, y) + self._bump(x, y)

    def left_x(self, x_right: FloatMap, y: FloatMap) -> FloatMap:
        """Fixed-point solution: the plane is solved in closed form, the bump taken from the step before."""
        flat = self.plane.left_x(x_right, y)
        gain = np.float32(1.0 / (1.0 - self.plane.a))
        x = flat
        for _ in range(self._steps):
            x = flat + self._bump(x, y) * gain
        return x

    def limits(self, box: tuple[float, float, float, float]) -> tuple[float, float]:
        """Bounds of d over the box."""
        low, high = self.plane.limits(box)
        return low - self._height_px, high + self._height_px
