"""RectifiedGeometry: the numbers of a rectified pair that turn disparity into depth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RectifiedGeometry:
    """What turns disparity into depth: Z = focal_px * baseline_m / (disparity + disparity_shift_px).

    cx, cy: principal point of the rectified left view, px. disparity_shift_px is cx_right - cx_left, almost always 0.
    size: (width, height) px.
    """

    focal_px: float
    baseline_m: float
    cx: float
    cy: float
    size: tuple[int, int]
    disparity_shift_px: float = 0.0

    @property
    def focal_baseline(self) -> float:
        """f * B in px * m: the disparity at one metre."""
        return self.focal_px * self.baseline_m

    def scaled(self, factor: float) -> RectifiedGeometry:
        """The same cameras seen at another resolution; pixel centres lie at integers."""
        return RectifiedGeometry(
            self.focal_px * factor,
            self.baseline_m,
            (self.cx + 0.5) * factor - 0.5,
            (self.cy + 0.5) * factor - 0.5,
            (round(self.size[0] * factor), round(self.size[1] * factor)),
            self.disparity_shift_px * factor,
        )
