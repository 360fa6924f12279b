"""CalibrationSolution: a solved pair with everything that says how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.camera import LensTrial
from depthstudio.calibration.lens_kinds import LensKind, lens_folds
from depthstudio.calibration.uncertainty import Uncertainty
from depthstudio.geometry import StereoCalibration


@dataclass(frozen=True)
class ViewResult:
    """One view in the solution: RMS reprojection error in each image, px. used: False when it was dropped.

    reason: why it was dropped.
    """

    name: str
    left_error_px: float
    right_error_px: float
    vertical_error_px: float
    used: bool = True
    reason: str = ""

    @property
    def error_px(self) -> float:
        """The worse of the two images."""
        return max(self.left_error_px, self.right_error_px)


@dataclass(frozen=True)
class VerticalError:
    """Distance between rows of the same corner after rectification, px: what disparity search suffers from."""

    mean_px: float
    percentile95_px: float


@dataclass(frozen=True, eq=False)
class CameraReport:
    """One camera of the pair, for the report.

    corners, residuals: (P, 2) px of all corners of the views kept, and how far from there they were predicted.
    counts: views per cell of a grid over the image. trials: what the choice of the lens rests on.
    """

    lens: LensKind
    was_given: bool
    trials: tuple[LensTrial, ...]
    corners: NDArray[np.float64]
    residuals: NDArray[np.float64]
    counts: NDArray[np.int32]
    image_size: tuple[int, int]

    @property
    def coverage(self) -> float:
        """Share of the grid that held a corner."""
        return float((self.counts > 0).mean())


@dataclass(frozen=True)
class CalibrationSolution:
    """calibration: ready to save and use. left_rms_px, right_rms_px: each camera alone.

    rms_all_px: stereo RMS over all views, before outliers were dropped; rms_px: over the views kept.
    vertical: over the views kept; held_out: over views while the solver did not see them (None with few views).
    warnings: whole sentences. refined: intrinsics were refined together with the pose.
    """

    calibration: StereoCalibration
    rms_px: float
    rms_all_px: float
    left_rms_px: float
    right_rms_px: float
    views: tuple[ViewResult, ...]
    vertical: VerticalError
    held_out: VerticalError | None
    warnings: tuple[str, ...]
    refined: bool
    seconds: float
    cameras: tuple[CameraReport, CameraReport]
    uncertainty: Uncertainty

    @property
    def outliers(self) -> tuple[str, ...]:
        """Names of the views that were dropped."""
        return tuple(view.name for view in self.views if not view.used)

    @property
    def per_view_errors_px(self) -> dict[str, float]:
        """RMS reprojection error of each view by name, the worse of its two images."""
        return {view.name: view.error_px for view in self.views}

    @property
    def vertical_error_px(self) -> float:
        """Mean vertical error over the views kept."""
        return self.vertical.mean_px

    @property
    def quality(self) -> str:
        """ "good", "usable" or "poor"."""
        mean_px = (self.held_out or self.vertical).mean_px
        if self.rms_px >= 1.0 or mean_px >= 0.7 or self._a_lens_folds:
            return "poor"
        return "usable" if self.rms_px >= 0.5 or mean_px >= 0.35 or self.warnings else "good"

    @property
    def _a_lens_folds(self) -> bool:
        c = self.calibration
        left_size = c.image_size or (0, 0)
        return lens_folds(c.left, left_size) or lens_folds(c.right, c.right_image_size or left_size)

    @property
    def verdict(self) -> str:
        """One sentence: may this calibration be used?"""
        numbers = f"corners fit to {self.rms_px:.2f} px and rows match to {self.vertical.mean_px:.2f} px"
        if self.quality == "good":
            return f"Good: {numbers}."
        if self.quality == "usable":
            return f"Usable: {numbers}; see the warnings." if self.warnings else f"Usable: {numbers}."
        return f"Poor: {numbers}. Do not train with it; collect sharper views of a flat board and solve again."
