"""The validation error by distance: near and far fail for different reasons, and one mean hides both."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.evaluation.bands import DEPTH_EDGES_M, DISPARITY_EDGES_PX
from depthstudio.training.events import ErrorBand
from depthstudio.training.processes import Processes


@dataclass
class BandSums:
    """Sums per band over the frames added. Metres when the first frame's geometry is known, else px of disparity."""

    unit: str = ""
    error_px: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(DEPTH_EDGES_M)))
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(DEPTH_EDGES_M), np.int64))

    def add(self, sample: StereoSample, error_px: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        """One frame: (H, W) absolute error and where it counts. Without geometry it is left out of bands in metres."""
        if not self.unit:
            self.unit = "px" if sample.geometry is None else "m"
        labels = sample.disparity_px[mask]
        if self.unit == "m":
            if sample.geometry is None:
                return
            shifted_px = np.maximum(labels + sample.geometry.disparity_shift_px, 1e-6)
            labels = (sample.geometry.focal_baseline / shifted_px).astype(np.float32)
        which = np.digitize(labels, self._edges[1:])
        self.error_px += np.bincount(which, error_px[mask], minlength=len(self._edges))
        self.pixels += np.bincount(which, minlength=len(self._edges))

    def over(self, processes: Processes) -> BandSums:
        """The sums of all processes together; their unit is that of the first process with a frame."""
        unit = next((unit for unit in processes.gathered([self.unit]) if unit), "")
        mine = unit == self.unit
        error_px = processes.total(self.error_px.tolist() if mine else [0.0] * len(self.error_px))
        pixels = processes.total(self.pixels.tolist() if mine else [0] * len(self.pixels))
        return BandSums(unit, np.array(error_px), np.array(pixels, np.int64))

    def bands(self) -> tuple[ErrorBand, ...]:
        """From near to far in metres, from small to large in px; empty bands at both ends are left out."""
        filled = np.flatnonzero(self.pixels)
        if not len(filled):
            return ()
        highs = (*self._edges[1:], None)
        return tuple(
            ErrorBand(
                self._edges[i],
                highs[i],
                self.unit,
                float(self.error_px[i] / self.pixels[i]) if self.pixels[i] else nan,
                int(self.pixels[i]),
            )
            for i in range(filled[0], filled[-1] + 1)
        )

    @property
    def _edges(self) -> tuple[float, ...]:
        return DEPTH_EDGES_M if self.unit == "m" else DISPARITY_EDGES_PX
